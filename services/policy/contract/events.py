"""What policy announces: where a firm stands, how cases go, and how the task board stands."""

import re
import unicodedata
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from services.kernel.errors import FieldFault
from services.kernel.events import DeedEvent, StateEvent
from services.policy.contract.grants import Grant
from services.rulebook.stacking import Clause, Limit, OneClause

YEAR_KIND = "year"
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)


class Party(BaseModel):
    """Who benefits or is paid: its kind and its id (a firm's uscc)."""

    kind: str
    id: str


class Matter(BaseModel):
    """What the aid is for: a thing by id, or a period; however it was spelled, one form."""

    kind: str
    id: str | None = None
    period: str | None = None

    @field_validator("id", "period")
    @classmethod
    def in_one_form(cls, text: str | None) -> str | None:
        """Bring a spelling into its one form; what is blank names nothing."""
        return " ".join(unicodedata.normalize("NFKC", text or "").split()) or None

    def key(self) -> str:
        return f"{self.kind}:{self.id if self.id is not None else self.period}"

    def period_fault(self) -> FieldFault | None:
        """Say why the period does not fit: the matter of a year is named by its four digits."""
        if self.kind != YEAR_KIND or _YEAR.fullmatch(self.period or ""):
            return None
        return FieldFault(
            "matter-period", "须为四位数字的年份，如“2025”。", 'Must be a year such as "2025".'
        )


class AwardProposed(DeedEvent, type="liangxin.policy.award.proposed.v1"):
    """Asks finance to reserve, under stacking terms frozen with the case.

    A later attempt replaces an earlier one. `ceilings` and `one_clause` hold beside relation, group
    and mode; `stacking_clause` has the words of 从高、不重复, and `stacking_version` the plan's.
    """

    case_id: UUID
    attempt: int
    programme: str
    measure: int | None
    beneficiary: Party
    payee: Party
    matter: Matter
    budget_year: int
    amount_fen: int
    amount_kind: Literal["fixed", "ceiling"]
    relation: Literal["matches", "tops-up", "competes"]
    stacking_group: str
    stacking_mode: Literal["top-up", "highest-only"]
    stacking_source: str
    clause: str
    department: str
    proposed_by: str
    on: date
    ceilings: tuple[Limit, ...] = ()
    one_clause: tuple[OneClause, ...] = ()
    stacking_clause: Clause | None = None
    stacking_version: str | None = None

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class CaseDecided(DeedEvent, type="liangxin.policy.case.decided.v1"):
    """A second person approved: what finance reserved becomes an award, `grant` a recognition.

    `without_money` says that nothing was reserved, so that finance has nothing to award. Programme,
    department and beneficiary of a confidential programme are not told.
    """

    case_id: UUID
    attempt: int
    reviewed_by: str
    decided_by: str
    on: date
    programme: str | None = None
    department: str | None = None
    beneficiary: Party | None = None
    without_money: bool = False
    grant: Grant | None = None

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class CaseEnded(DeedEvent, type="liangxin.policy.case.ended.v1"):
    """A case was refused, withdrawn or revoked: finance lets go or recovers what it holds."""

    case_id: UUID
    outcome: Literal["refused", "withdrawn", "revoked"]
    reason: str
    on: date

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class PaymentLine(BaseModel):
    """A case that a payment document pays; a subject that is not known is None."""

    case_id: UUID
    attempt: int
    programme: str
    clause: str
    payee: Party
    amount_fen: int
    functional_subject: str | None = None
    economic_subject: str | None = None
    quota_document: str | None = None


class DocumentIssued(DeedEvent, type="liangxin.policy.document.issued.v1"):
    """A payment document (资金下达文件) was issued by a second person: who is to be paid how much.

    `pdf_sha256` is of the signed pages. Listening is optional: awards and payouts stand without it.
    """

    document_id: UUID
    number: str
    department: str
    minutes_number: str
    minutes_on: date
    issued_on: date
    issued_by: str
    replaces: UUID | None = None
    lines: tuple[PaymentLine, ...]
    total_fen: int
    pdf_sha256: str

    @property
    def aggregate(self) -> str:
        return f"document:{self.document_id}"


class DocumentWithdrawn(DeedEvent, type="liangxin.policy.document.withdrawn.v1"):
    """An issued payment document was withdrawn: nothing more is paid by it."""

    document_id: UUID
    number: str
    on: date

    @property
    def aggregate(self) -> str:
        return f"document:{self.document_id}"


class MissingFact(BaseModel):
    """A fact that the answer hangs on: which, of which year, and who states it."""

    fact: str
    year: int | None
    owner: str | None


class NearMiss(BaseModel):
    """A condition that failed narrowly, and by how much."""

    condition: str
    fact: str
    needed: int | str
    actual: int | str
    lacking: int | str
    lacking_bp: int


class MatchedProgramme(BaseModel):
    """Where a firm stands under a programme.

    `amount_fen` is what it is entitled to, or, where it is near, what it would be if it made up for
    what it lacks. `until_day` is the last day on which it may be had; null while that is not set.
    What is confidential is for the firm and the department of the programme alone.
    """

    programme: str
    measure: int | None
    confidential: bool = False
    kind: Literal["entitled", "near", "unknown"]
    amount_fen: int | None
    amount_status: Literal["set", "pending-parameter", "unknown-fact"]
    near: list[NearMiss]
    missing: list[MissingFact]
    until_day: date | None
    rule_version: str
    since: date
    flags: list[str] = Field(
        default_factory=list[str], description="`plan-not-in-force`: nothing is paid of it yet"
    )


class MatchChange(BaseModel):
    """What has changed under a programme since the version before."""

    programme: str
    change: Literal[
        "newly-entitled", "no-longer-entitled", "near-miss", "unknown", "ruled-out", "changed"
    ]


class FirmMatched(StateEvent, type="liangxin.policy.firm.matched.v1"):
    """Where a firm stands under every programme for firms, and what of it is new.

    A programme that is not named is one to which it is not entitled, by more than a little.
    """

    uscc: str
    on: date
    programmes: list[MatchedProgramme]
    changes: list[MatchChange] = Field(default_factory=list[MatchChange])

    @property
    def aggregate(self) -> str:
        return f"firm:{self.uscc}"


class TaskChanged(StateEvent, type="liangxin.policy.task.changed.v1"):
    """How a task stands: departments and days, never a person or a note."""

    task_id: str
    origin: Literal["plan", "meeting", "person"]
    measure: int | None
    title: str
    title_en: str | None
    lead: str
    support: list[str]
    begins_on: date
    due_on: date | None
    every: str | None
    series: str | None
    period: str | None
    meeting_id: UUID | None
    decision: int | None
    in_plan: bool
    state: str
    progress_bp: int
    reported_on: date | None
    evidence_count: int
    alert: str
    finished_on: date | None
    synthetic: bool

    @property
    def aggregate(self) -> str:
        return f"task:{self.task_id}"


class TaskReminded(DeedEvent, type="liangxin.policy.task.reminded.v1"):
    """Tells a department's staff or approvers that a task is nearly due or late."""

    task_id: str
    alert: Literal["due-soon", "overdue", "lead-approver", "office"]
    department: str
    role: Literal["staff", "approver"]
    due_on: date
    on: date

    @property
    def aggregate(self) -> str:
        return f"task:{self.task_id}"


class MeetingChanged(StateEvent, type="liangxin.policy.meeting.changed.v1"):
    """How a meeting stands, and which tasks its decisions have become."""

    meeting_id: UUID
    held_on: date
    title: str
    minutes: str | None
    attendees: list[str]
    state: str
    tasks: list[str]
    synthetic: bool

    @property
    def aggregate(self) -> str:
        return f"meeting:{self.meeting_id}"


class NoticePublished(DeedEvent, type="liangxin.policy.notice.published.v1"):
    """A list of cases stands in public notice; `sha256` is that of the list as it is shown."""

    notice_id: UUID
    programme: str
    department: str
    cases: tuple[UUID, ...]
    first_day: date
    last_day: date
    provisional: bool
    sha256: str

    @property
    def aggregate(self) -> str:
        return f"notice:{self.notice_id}"


class ObjectionReceived(DeedEvent, type="liangxin.policy.objection.received.v1"):
    """Somebody objects to a case in notice; what was said stays with the department."""

    objection_id: UUID
    notice_id: UUID
    case_id: UUID
    department: str | None
    is_in_time: bool
    suspends: bool

    @property
    def aggregate(self) -> str:
        return f"notice:{self.notice_id}"


class ObjectionHandled(DeedEvent, type="liangxin.policy.objection.handled.v1"):
    """An officer upheld or dismissed an objection; `case_state` is where the case went."""

    objection_id: UUID
    notice_id: UUID
    case_id: UUID
    department: str | None
    is_upheld: bool
    case_state: str

    @property
    def aggregate(self) -> str:
        return f"notice:{self.notice_id}"


class ResultReminded(DeedEvent, type="liangxin.policy.result.reminded.v1"):
    """What came of a case after its notice is to be published by a day, or is late."""

    notice_id: UUID
    case_id: UUID
    department: str | None
    due_on: date
    is_overdue: bool

    @property
    def aggregate(self) -> str:
        return f"notice:{self.notice_id}"
