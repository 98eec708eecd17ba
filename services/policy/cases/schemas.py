from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from services.policy.aftermath.schemas import OpenMatter
from services.policy.cases.rules import FIRM, CaseEvent, CaseState, Outcome, ReservationState
from services.policy.clocks.schemas import DueView
from services.policy.contract.events import Matter, Party
from services.policy.evidence.rules import MarkKind
from services.policy.firms.rules import fold_uscc
from services.policy.legacy_cases.schemas import LegacyRecord
from services.policy.notices.rules import ItemState
from services.policy.offers.schemas import CaseOffer
from services.policy.overrides.schemas import Override, OverrideView
from services.policy.prefill.schemas import CaseFacts
from services.policy.titles.rules import TitleState

NOTE_CHARS_MAX = 2000
Version = Annotated[int, Field(strict=True, ge=1)]
ShortText = Annotated[str, Field(min_length=1, max_length=100)]
ExternalRef = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
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
    external_ref: ExternalRef | None = Field(
        None, description="What the caller's own system calls this case; once for each system"
    )


class ProposeData(BaseModel):
    """What the reviewer proposes: approval (the default) or refusal.

    `override` proposes approval against the rule's result, or with another amount than the rule's.
    """

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome = Outcome.APPROVE
    # The conditions that only a person can judge, as far as the reviewer has checked them.
    checked: Annotated[list[ShortText], Field(max_length=60)] = Field(
        default_factory=list[ShortText]
    )
    override: Override | None = None


class DecideData(BaseModel):
    """What the approver decides; `document` is the number under which a title was granted."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    document: ShortText | None = None


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
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = Field(
        "",
        description="The reason: required for revoke and object, and to refuse what the rule holds"
        " eligible unless finance said why; a return without one lists what is missing",
    )
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description='`{"outcome": "approve|refuse"}` for decide (required) and propose; without'
        " money, `checked` names in propose the conditions that a person checked, and `document`"
        " in decide the number of the decision;"
        ' `{"outcome": "approve", "override": {"reason": "…", "amount_fen": 1}}` for a proposal'
        " against the rule's result;"
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


class TitleView(BaseModel):
    """The title that a case yields; `record` is its id in the registry once that holds it."""

    recognition: str
    grade: str | None
    valid_from: date
    valid_to: date | None
    state: TitleState
    record: UUID | None


class Reassessed(BaseModel):
    """The title on record that a case assesses anew (复核)."""

    record: UUID
    recognition: str
    grade: str | None
    valid_from: date
    valid_to: date | None


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
    external_ref: str | None = None
    # Decided before this platform, and imported.
    legacy: bool = False
    # The latest proposal against the rule's result; it stays whatever comes after.
    override: OverrideView | None = None
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
    # Nothing is reserved for a programme without money; `title` is what it gives instead.
    without_money: bool
    title: TitleView | None
    reassesses: Reassessed | None
    # By which batch it was prepared unasked (免申即享), and until when the firm may confirm.
    offer: CaseOffer | None = None
    # What rests on the applicant's word alone, was stated otherwise since, or is objected to.
    facts: CaseFacts
    # What its evidence shares with other applicants'; None to whoever is not told.
    evidence_flags: list[MarkKind] | None
    legacy_record: LegacyRecord | None = None
    # Obligations, proposals to recover, appeals and checks that are not over yet.
    open_matters: list[OpenMatter]


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
