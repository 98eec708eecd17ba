from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.policy.cases.rules import FIRM, CaseEvent, CaseState, Outcome, ReservationState
from services.policy.clocks.schemas import DueView
from services.policy.contract.events import Matter, Party
from services.policy.evidence.rules import MarkKind
from services.policy.firms.rules import fold_uscc
from services.policy.notices.rules import ItemState

NOTE_CHARS_MAX = 2000
Version = Annotated[int, Field(strict=True, ge=1)]
ShortText = Annotated[str, Field(min_length=1, max_length=100)]
CASE_EXAMPLE: dict[str, JsonValue] = {
    "programme": "digital-growth",
    "call": None,
    "applicant": {"kind": "firm", "id": "91330282MA00T35T2N"},
    "matter": {"kind": "year", "period": "2025"},
}


class Applicant(BaseModel):
    """Who applies: its kind and id (a firm's uscc)."""

    model_config = ConfigDict(extra="forbid")

    kind: ShortText
    id: ShortText

    def party(self) -> Party:
        return Party(kind=self.kind, id=fold_uscc(self.id) if self.kind == FIRM else self.id)


class MatterBody(BaseModel):
    """What the aid is for: a thing by id, or a period; the same words as in declared aid."""

    model_config = ConfigDict(extra="forbid")

    kind: ShortText
    id: ShortText | None = None
    period: ShortText | None = None

    def matter(self) -> Matter:
        return Matter(kind=self.kind, id=self.id, period=self.period)


class NewCase(BaseModel):
    """A new case, a draft until it is submitted."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [CASE_EXAMPLE]})

    programme: ShortText
    call: UUID | None = None
    applicant: Applicant
    matter: MatterBody


class ProposeData(BaseModel):
    """What the reviewer proposes: approval (the default) or refusal."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome = Outcome.APPROVE


class DecideData(BaseModel):
    """What the approver decides."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome


class ObjectData(BaseModel):
    """What the applicant shows for its objection; the reason stands in the note."""

    model_config = ConfigDict(extra="forbid")

    evidence: Annotated[list[ShortText], Field(max_length=20)] = Field(default_factory=list[str])


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseDeed(BaseModel):
    """An event of a case. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"event": "submit", "version": 1, "note": "", "data": {}}],
        },
    )

    event: CaseEvent
    version: Version
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description='`{"outcome": "approve|refuse"}` for decide (required) and propose;'
        ' `{"evidence": ["…"]}` for object, whose reason is the note',
    )


class ReservationLine(BaseModel):
    id: UUID
    name: str
    year: int


class ReservationView(BaseModel):
    """Finance's answer: how much is held, from which line, or why not."""

    state: ReservationState
    amount_fen: int | None
    reason: str | None
    line: ReservationLine | None
    reason_code: str | None = None
    reason_en: str | None = None


class PlanStand(BaseModel):
    """The plan that a programme belongs to, and whether it is in force."""

    id: str
    version: str
    flags: list[str]


class NoticeDays(BaseModel):
    """The public notice: counted from the working day after publication.

    While it is suspended, `days_left` are the working days that it has yet to run.
    """

    id: UUID
    state: ItemState
    published_on: date
    from_: date = Field(alias="from")
    to: date
    days: int
    provisional: bool
    days_left: int | None
    decision_from: date | None


class CaseSummary(BaseModel):
    """A case in a list."""

    id: UUID
    programme: str
    measure: int | None
    applicant: Party
    applicant_name: str
    matter: Matter
    state: CaseState
    version: int
    reservation: ReservationView
    due_on: date | None
    due: DueView | None
    created_at: datetime
    changed_at: datetime


class CaseView(CaseSummary):
    """A case whole: what is known of the applicant, what follows from it, and what may be done."""

    plan: PlanStand
    call: UUID | None
    situation: dict[str, Any]
    assessment: dict[str, Any]
    facts_known_until: datetime
    allowed_events: list[CaseEvent]
    notice: NoticeDays | None
    proposed_outcome: Outcome | None
    # What its evidence shares with other applicants'; None to whoever is not told.
    evidence_flags: list[MarkKind] | None


class CaseList(BaseModel):
    items: list[CaseSummary]
    next_cursor: str | None


class CaseHistoryEntry(BaseModel):
    """What happened to a case; an applicant sees the role and not the person."""

    number: int
    at: datetime
    event: str
    from_state: str | None
    to_state: str
    version: int
    role: str
    actor: str | None
    note: str
    data: dict[str, Any]


class CaseHistoryList(BaseModel):
    items: list[CaseHistoryEntry]
    next_cursor: str | None = None


class ReplayView(BaseModel):
    """A decision's grounds recomputed: `same` compares the canonical bytes."""

    case: UUID
    attempt: int
    same: bool
    reason: str | None
    rule_version: str
    language_version: str
    situation_sha256: str
    assessment_sha256: str
    recomputed_sha256: str | None
    situation: dict[str, Any]
    frozen: dict[str, Any]
    recomputed: dict[str, Any] | None
