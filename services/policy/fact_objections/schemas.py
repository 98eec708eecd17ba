from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictInt, StrictStr

from services.policy.fact_objections.rules import (
    REASON_CHARS_MAX,
    FactObjectionEvent,
    FactObjectionState,
)

OBJECTION_EXAMPLE: dict[str, JsonValue] = {
    "fact": "revenue_fen",
    "year": 2025,
    "says": 5000000000,
    "reason": "与年度审计报告不一致",
    "evidence": [],
}
Text = Annotated[StrictStr, Field(max_length=500)]


class NewFactObjection(BaseModel):
    """What the applicant holds right; `says: null` is that the value is not known at all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [OBJECTION_EXAMPLE]})

    fact: Annotated[str, Field(min_length=1, max_length=100)]
    year: Annotated[int, Field(strict=True, ge=1900, le=2200)] | None = None
    says: StrictBool | StrictInt | Text | None
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS_MAX)]
    evidence: Annotated[list[UUID], Field(max_length=20)] = Field(default_factory=list[UUID])


class AnswerData(BaseModel):
    """`statement_id` is needed to uphold: the statement by which the owner corrected the fact."""

    model_config = ConfigDict(extra="forbid")

    statement_id: UUID | None = None


class FactObjectionDeed(BaseModel):
    """An event of an objection. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"event": "dismiss", "version": 1, "note": "与登记一致", "data": {}}]
        },
    )

    event: FactObjectionEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=REASON_CHARS_MAX)] = ""
    data: AnswerData = AnswerData()


class FactObjectionView(BaseModel):
    """An objection to a fact: what is held, what the applicant says, and the owner's answer."""

    id: UUID
    case: UUID
    programme: str | None
    applicant_name: str
    fact: str
    title: str
    title_en: str
    year: int | None
    held: Any
    says: Any
    reason: str
    evidence: list[UUID]
    department: str
    state: FactObjectionState
    version: int
    lodged_at: datetime
    answered_at: datetime | None
    answer: str | None
    statement_id: UUID | None
    stated: Any
    allowed_events: list[FactObjectionEvent]


class FactObjectionList(BaseModel):
    items: list[FactObjectionView]
    next_cursor: str | None
