"""The plan on plain values: what it consists of, and whether it is in force on a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.policy.stacking.rules import Stacking
from services.rulebook import CompiledProgramme, Restriction, Vocabulary

PLAN_NOT_IN_FORCE = "plan-not-in-force"
DEMONSTRATION = "demonstration"

ParameterValue = int | str


class PlanStatus(StrEnum):
    DRAFT = "draft-for-comment"
    ISSUED = "issued"
    EXPIRED = "expired"


class Sharing(StrEnum):
    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"


class Unit(StrEnum):
    FEN = "fen"
    BASIS_POINTS = "bp"
    COUNT = "count"
    POINTS = "points"
    YEARS = "years"
    DAYS = "days"
    MONTHS = "months"
    MODE = "mode"


KIND_NAMES: Mapping[str, tuple[str, str]] = {
    "recognition": ("认定", "Recognition"),
    "recommendation": ("推荐申报", "Recommendation to an upper level"),
    "reward": ("奖励", "Reward"),
    "subsidy": ("补助", "Subsidy"),
    "matching": ("配套", "Matching of other aid"),
    "quota-award": ("限额评选", "Award with places"),
    "appointment": ("聘任", "Appointment"),
    "project": ("项目立项", "Project"),
    "loan-support": ("信贷支持", "Support of loans"),
    "fund": ("基金投资", "Investment by a fund"),
    "service": ("服务", "Service"),
    "task": ("任务", "Task"),
}
BENEFICIARY_NAMES: Mapping[str, tuple[str, str]] = {
    "firm": ("企业", "Firm"),
    "person": ("个人", "Person"),
    "team": ("团队", "Team"),
    "facility": ("平台载体", "Facility"),
    "institution": ("高校院所", "Institution"),
    "association": ("协会", "Association"),
    "town": ("镇（街道）", "Town"),
    "bank": ("银行", "Bank"),
    "guarantor": ("融资担保机构", "Guarantor"),
    "fund": ("基金", "Fund"),
    "public-body": ("公共机构", "Public body"),
}

# The city's practice where a programme states no days of its own.
NOTICE_DAYS_DEFAULT = 5


@dataclass(frozen=True)
class Department:
    code: str
    name: str


@dataclass(frozen=True)
class Phrase:
    """A phrase of a clause and what became of it: rules, tasks, parameters, or why nothing."""

    text: str
    programmes: tuple[str, ...]
    tasks: tuple[str, ...]
    parameters: tuple[str, ...]
    why_not: str | None


@dataclass(frozen=True)
class ClosingClause:
    id: str
    text: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class Task:
    """Work that a clause asks of departments; what the clause does not say of it is None."""

    id: str
    title: str
    english: str
    lead: Department
    support: tuple[Department, ...]
    due: date | None
    every: str | None
    done_when: str
    source: str


@dataclass(frozen=True)
class CompetitionReview:
    """The record of the fair-competition review (公平竞争审查); None is not done or not known."""

    drafted_by: str | None
    market_opinion: str | None
    finding: str | None
    article: str | None
    expires: date | None


@dataclass(frozen=True)
class Plan:
    """A policy document; what is not yet known of it is None."""

    id: str
    version: str
    title: str
    english: str
    status: PlanStatus
    document: str | None
    unified_number: str | None
    published_on: date | None
    legality_review: str | None
    collective_decision: str | None
    competition_review: CompetitionReview
    in_force_from: date | None
    days_after_publication: int | None
    in_force_reading: str
    in_force_to: date | None
    closing_clauses: Mapping[str, ClosingClause]

    @property
    def is_draft(self) -> bool:
        return self.status is PlanStatus.DRAFT

    def first_day(self) -> date | None:
        """Give the first day of force; 30日后 does not count the day of publication."""
        if self.in_force_from is not None:
            return self.in_force_from
        if self.published_on is None or self.days_after_publication is None:
            return None
        return self.published_on + timedelta(days=self.days_after_publication)

    def is_in_force(self, on: date) -> bool:
        first = self.first_day()
        if self.status is not PlanStatus.ISSUED or first is None or on < first:
            return False
        return self.in_force_to is None or on <= self.in_force_to

    def flags(self, on: date) -> list[str]:
        return [] if self.is_in_force(on) else [PLAN_NOT_IN_FORCE]


@dataclass(frozen=True)
class Measure:
    """A clause word for word, or its gist where the full text was not at hand."""

    plan: Plan
    id: str
    number: int | None
    part: str
    heading: str
    clause: str
    verbatim: bool
    lead: Department
    support: tuple[Department, ...]
    departments_provisional: bool
    programmes: tuple[str, ...]
    tasks: tuple[Task, ...]
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class PlanProgramme:
    """A programme with the clause it stands under; `rule` is what a case freezes of it."""

    compiled: CompiledProgramme
    measure: Measure
    rule: str

    @property
    def id(self) -> str:
        return self.compiled.programme.id

    @property
    def plan(self) -> Plan:
        return self.measure.plan

    @property
    def version(self) -> str:
        return self.compiled.programme.version

    @property
    def is_for_firms(self) -> bool:
        return self.compiled.programme.beneficiary == "firm"

    @property
    def first_day(self) -> date | None:
        """Give the first day of force: the programme's own where it has one, else the plan's."""
        own = self.compiled.programme.in_force
        return own.from_ if own and own.from_ else self.plan.first_day()

    @property
    def last_day(self) -> date | None:
        own = self.compiled.programme.in_force
        return own.to if own and own.to else self.plan.in_force_to

    def is_in_force(self, on: date) -> bool:
        """Tell whether cases may be opened: a programme of a special policy has its own days."""
        if self.plan.status is not PlanStatus.ISSUED or self.first_day is None:
            return False
        return self.first_day <= on and (self.last_day is None or on <= self.last_day)

    def flags(self, on: date) -> list[str]:
        return [] if self.is_in_force(on) else [PLAN_NOT_IN_FORCE]

    def covers(self, on: date) -> bool:
        """Tell whether this edition's wording is the one of the day, in force or not."""
        starts, ends = self.edition_days
        return starts <= on <= ends

    @property
    def edition_days(self) -> tuple[date, date]:
        own = self.compiled.programme.edition
        return (own and own.from_) or date.min, (own and own.to) or date.max

    @property
    def stacking_group(self) -> str:
        return self.compiled.programme.stacking_group or self.id

    @property
    def notice_days(self) -> int:
        """Give the working days of notice: none where the programme says so or is confidential."""
        if self.compiled.programme.confidential:
            return 0
        stated = self.compiled.programme.notice_days
        return NOTICE_DAYS_DEFAULT if stated is None else stated

    @property
    def clause(self) -> str:
        return self.compiled.programme.source or self.measure.heading

    @property
    def lead_code(self) -> str:
        own = self.compiled.programme.departments
        return own.lead if own is not None else self.measure.lead.code

    @property
    def department_codes(self) -> frozenset[str]:
        own = self.compiled.programme.departments
        if own is not None:
            return frozenset({own.lead, *own.support})
        return frozenset({self.measure.lead.code, *(d.code for d in self.measure.support)})

    def parameter_id(self, name: str) -> str:
        return f"{self.id}.{name}"


@dataclass(frozen=True)
class FactEntry:
    """A fact of the vocabulary with its owner and the lawful path to it.

    `subject` is what it is a fact of: a firm, a person, a facility, a project …
    """

    name: str
    subject: str
    period: str
    type: str
    unit: str | None
    zh: str
    en: str
    owner: Department
    source: str
    source_zh: str
    source_en: str
    sharing: Sharing
    restricts: Restriction | None = None
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()
    is_survey: bool = False


@dataclass(frozen=True)
class HoldingEntry:
    """A recognition or list that rules may name; `criteria` is where its criteria are published."""

    id: str
    zh: str
    en: str
    owner: Department
    criteria: str | None


@dataclass(frozen=True)
class DatedParameter:
    """A value from a day on; `reading` marks what is our reading until the city decides."""

    value: ParameterValue
    valid_from: date
    source: str
    reading: bool = False


@dataclass(frozen=True)
class ParameterEntry:
    """A number that the clause leaves open, with what the plan itself says of it."""

    id: str
    programme: str | None
    zh: str
    en: str
    unit: Unit
    clause: str
    low: int | None
    high: int | None
    allowed: tuple[str, ...]
    values: tuple[DatedParameter, ...]
    sample: int | None


@dataclass(frozen=True)
class Library:
    """Everything the plans say, loaded once: the same for every request.

    `programmes` has the newest edition of each; `editions` all of them, the newest first.
    """

    plans: Mapping[str, Plan]
    measures: tuple[Measure, ...]
    programmes: Mapping[str, PlanProgramme]
    editions: Mapping[str, tuple[PlanProgramme, ...]]
    facts: Mapping[str, FactEntry]
    recognitions: Mapping[str, HoldingEntry]
    lists: Mapping[str, HoldingEntry]
    parameters: Mapping[str, ParameterEntry]
    vocabulary: Vocabulary
    main: Plan
    stacking: Stacking
    departments: Mapping[str, Department]
    by_department: Mapping[str, tuple[str, ...]]

    def programme_on(self, name: str, on: date) -> PlanProgramme | None:
        """Find the edition of the day; the newest where none covers it."""
        covering = (each for each in self.editions.get(name, ()) if each.covers(on))
        return next(covering, self.programmes.get(name))

    def programmes_on(self, on: date) -> dict[str, PlanProgramme]:
        found = {name: self.programme_on(name, on) for name in self.programmes}
        return {name: each for name, each in found.items() if each is not None}

    def programmes_of(self, department: str | None) -> tuple[str, ...]:
        """Name the programmes that a department leads or supports."""
        return self.by_department.get(department or "", ())


def uncovered(clause: str, phrases: Iterable[str]) -> list[str]:
    """List what the phrases, taken in their order, leave out of a clause but for punctuation.

    A phrase that is not in the clause after the one before it is listed, too.
    """
    left: list[str] = []
    rest = clause
    for phrase in phrases:
        before, found, after = rest.partition(phrase)
        if not found:
            left.append(phrase)
            continue
        left.append(before)
        rest = after
    return [text for each in (*left, rest) if (text := each.strip(_BETWEEN))]


# What may stand between phrases without being one.
_BETWEEN = " 　\n，、；。：（）()“”‘’…—"
