"""What is asked and answered about awards."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.finance.awards.rules import AwardEvent
from services.finance.money import PositiveFen
from services.finance.moves import Note, Version
from services.finance.parties import MatterView, PartyView, ShortText


class RecoveryData(BaseModel):
    """How much is asked back (all that is due or left, where it is absent), by which document."""

    model_config = ConfigDict(extra="forbid")

    amount_fen: PositiveFen | None = None
    document: ShortText | None = Field(default=None, description="Required by `recover`")


class AwardEventBody(BaseModel):
    """What shall happen to a paid award: `recover`, then another treasurer `confirm-recovery`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "recover",
                    "version": 4,
                    "note": "撤销资助决定",
                    "data": {"amount_fen": 20_000_000, "document": "慈财追〔2026〕3号"},
                }
            ]
        },
    )

    event: AwardEvent
    version: Version
    note: Note | None = None
    data: RecoveryData = RecoveryData()


class LineView(BaseModel):
    id: UUID
    name: str
    year: int


class CompetingView(BaseModel):
    """Aid that was counted against an award."""

    aid_id: UUID
    level: str
    programme: str
    amount_fen: int
    document: str | None = None


class ClauseView(BaseModel):
    """The words of 从高、不重复 that were in force, and where they stand."""

    id: str
    says: str
    source: str


class CeilingView(ClauseView):
    """What all aid together may reach: for the matter, in its group, or for one in a year."""

    of: Literal["matter", "group", "beneficiary-year"]
    limit_fen: int


class OneClauseView(ClauseView):
    """Of the programmes and groups named at most so many are received."""

    per: Literal["matter", "beneficiary-year", "beneficiary"]
    at_most: int
    programmes: list[str]
    groups: list[str]
    repeatable: list[str]
    levels: list[str]


class TermsView(BaseModel):
    """The stacking terms that were frozen with the proposal."""

    relation: str
    stacking_group: str
    stacking_mode: str
    stacking_source: str
    stacking_clause: ClauseView | None
    stacking_version: str | None
    ceilings: list[CeilingView]
    one_clause: list[OneClauseView]


class RecoveryView(BaseModel):
    """Money asked back."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    amount_fen: int
    document: str
    note: str | None
    state: str
    prepared_at: datetime
    closed_at: datetime | None


class AwardView(BaseModel):
    """An award; `amount_fen` is what was granted of `asked_fen`, `competing` what was set off."""

    id: UUID
    case_id: UUID
    attempt: int
    state: str
    version: int
    programme: str
    measure: int | None
    beneficiary: PartyView
    payee: PartyView
    matter: MatterView
    budget_year: int
    asked_fen: int
    amount_fen: int
    amount_kind: str
    paid_fen: int
    recovered_fen: int
    recovery_due_fen: int
    reason_code: str | None
    reason: str | None
    reason_en: str | None
    line: LineView | None
    terms: TermsView
    competing: list[CompetingView]
    clause: str
    department: str
    proposed_on: date
    decided_on: date | None
    paid_on: date | None
    document: str | None
    changed_at: datetime


class AwardDetail(AwardView):
    """One award with its recoveries; `competing_now` counts for its matter and changes nothing."""

    recoveries: list[RecoveryView]
    competing_now: list[CompetingView]
    allowed_events: list[str]


class AwardPage(BaseModel):
    items: list[AwardView]
    next_cursor: str | None
