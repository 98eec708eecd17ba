"""What a generated city consists of: plain records, each able to give its request body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

Fact = int | bool | str
Body = dict[str, object]
SOURCE = "示范数据（合成）"


@dataclass(frozen=True)
class Department:
    code: str
    short_zh: str
    zh: str
    en: str


@dataclass(frozen=True)
class Officer:
    """One of the staff; an officer of a town carries the town instead of a department."""

    id: str
    name: str
    roles: tuple[str, ...]
    department: str | None
    town_code: str | None


@dataclass(frozen=True)
class Firm:
    uscc: str
    name: str
    industry_code: str
    town_code: str
    established_on: date
    fiscal_jurisdiction: str | None

    def body(self) -> Body:
        return {
            "uscc": self.uscc,
            "name": self.name,
            "industry_code": self.industry_code,
            "town_code": self.town_code,
            "established_on": self.established_on.isoformat(),
            "fiscal_jurisdiction": self.fiscal_jurisdiction,
            "synthetic": True,
        }


@dataclass(frozen=True)
class Renaming:
    """A registered firm that takes another name on a day: first the old name, then the change."""

    uscc: str
    former_name: str
    name: str
    on: date


@dataclass(frozen=True)
class Group:
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class YearlyFacts:
    """One firm's facts of one year; a fact that is absent is not stated."""

    uscc: str
    year: int
    facts: Mapping[str, int]

    def body(self) -> Body:
        return {"facts": dict(self.facts), "source": SOURCE}


@dataclass(frozen=True)
class DayFacts:
    """One firm's facts as of a day, valid from then on."""

    uscc: str
    valid_from: date
    facts: Mapping[str, Fact]

    def body(self) -> Body:
        return {
            "facts": dict(self.facts),
            "valid_from": self.valid_from.isoformat(),
            "source": SOURCE,
        }


@dataclass(frozen=True)
class Recognition:
    uscc: str
    recognition: str
    grade: str | None
    issuer: str
    document: str
    valid_from: date
    valid_to: date | None

    def body(self) -> Body:
        return {
            "recognition": self.recognition,
            "grade": self.grade,
            "issuer": self.issuer,
            "document": self.document,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to and self.valid_to.isoformat(),
        }


@dataclass(frozen=True)
class ListVersion:
    list: str
    valid_from: date
    valid_to: date
    document: str
    members: tuple[str, ...]

    def body(self) -> Body:
        return {
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
            "complete": True,
            "document": self.document,
            "items": [{"uscc": uscc} for uscc in self.members],
            "synthetic": True,
        }


@dataclass(frozen=True)
class BudgetLine:
    """A line of a year's special fund, for a measure or a programme, and what is spent of it."""

    year: int
    measure: int | None
    programme: str | None
    name: str
    department: str
    amount_fen: int
    spent_fen: int = 0

    def body(self) -> Body:
        purpose: Body = (
            {"programme": self.programme} if self.measure is None else {"measure": self.measure}
        )
        return {
            "year": self.year,
            **purpose,
            "name": self.name,
            "department": self.department,
            "amount_fen": self.amount_fen,
        }


@dataclass(frozen=True)
class Aid:
    """What another level has paid to a firm for the matter of a year."""

    uscc: str
    period: str
    level: str
    programme: str
    stacking_group: str
    amount_fen: int
    paid_on: date
    document: str

    def body(self) -> Body:
        return {
            "beneficiary": {"kind": "firm", "id": self.uscc},
            "matter": {"kind": "year", "period": self.period},
            "level": self.level,
            "programme": self.programme,
            "stacking_group": self.stacking_group,
            "amount_fen": self.amount_fen,
            "paid_on": self.paid_on.isoformat(),
            "document": self.document,
        }


@dataclass(frozen=True)
class Step:
    """What a client does to a task."""

    client: str
    event: str
    note: str = ""
    data: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class BoardTask:
    """A task that the office gives to a department, and what is done to it."""

    title: str
    measure: int
    lead: str
    done_when: str
    working_days: int | None = None
    every: str | None = None
    steps: tuple[Step, ...] = ()

    def body(self) -> Body:
        return {
            "title": self.title,
            "measure": self.measure,
            "lead": self.lead,
            "done_when": self.done_when,
            "source": SOURCE,
            "working_days": self.working_days,
            "every": self.every,
            "synthetic": True,
        }


@dataclass(frozen=True)
class Meeting:
    """A joint meeting that was held on the day on which it is loaded."""

    title: str
    minutes: str
    attendees: tuple[str, ...]
    agenda: tuple[str, ...]
    decisions: tuple[Mapping[str, object], ...]

    def body(self, held_on: str) -> Body:
        return {
            "held_on": held_on,
            "title": self.title,
            "minutes": self.minutes,
            "attendees": list(self.attendees),
            "agenda": list(self.agenda),
            "decisions": list(self.decisions),
            "synthetic": True,
        }


@dataclass(frozen=True)
class City:
    """Everything; `unregistered` are the firms whose owners register them from outside."""

    seed: int
    through_year: int
    departments: tuple[Department, ...]
    staff: tuple[Officer, ...]
    firms: tuple[Firm, ...]
    unregistered: tuple[Firm, ...]
    renamings: tuple[Renaming, ...]
    groups: tuple[Group, ...]
    indicators: tuple[YearlyFacts, ...]
    facts: tuple[DayFacts, ...]
    recognitions: tuple[Recognition, ...]
    lists: tuple[ListVersion, ...]
    budgets: tuple[BudgetLine, ...]
    aid: tuple[Aid, ...]
    tasks: tuple[BoardTask, ...]
    meetings: tuple[Meeting, ...]
    cast: Mapping[str, str]
