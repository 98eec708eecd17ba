from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.aftermath.schemas import MatterLine
from services.policy.contract.events import Party
from services.policy.obligations.rules import (
    ObligationAlert,
    ObligationEvent,
    ObligationKind,
    ObligationOrigin,
    ObligationState,
    OnFailure,
)

FILES_MAX = 50
Version = Annotated[int, Field(strict=True, ge=1)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
OBLIGATION_EXAMPLE: dict[str, JsonValue] = {
    "kind": "acceptance",
    "says": "项目于2027年12月31日前通过验收",
    "due_on": "2027-12-31",
    "source": "项目任务书慈科计〔2026〕18号第五条",
    "on_failure": "recover",
}


class NewObligation(BaseModel):
    """An obligation that a document or contract of the case names; it stands once confirmed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [OBLIGATION_EXAMPLE]})

    kind: ObligationKind
    says: Line
    english: Line | None = None
    source: Line = Field(description="The document and its article")
    on_failure: OnFailure
    due_on: Day | None = None


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubmitData(BaseModel):
    """The files of the case that prove it."""

    model_config = ConfigDict(extra="forbid")

    evidence: Annotated[list[UUID], Field(min_length=1, max_length=FILES_MAX)]


class ScheduleData(BaseModel):
    """The day that a document sets."""

    model_config = ConfigDict(extra="forbid")

    due_on: Day
    document: Line


class ExtendData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    due_on: Day


class ObligationDeed(BaseModel):
    """An event of an obligation. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "extend", "version": 1, "note": "设备到货延迟，附供货方说明",
                    "data": {"due_on": "2028-06-30"},
                }
            ]
        },
    )  # fmt: skip

    event: ObligationEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="submit: `evidence`, ids of files of the case; schedule: `due_on`, `document`;"
        " extend: `due_on`",
    )


class ObligationSummary(BaseModel):
    """An obligation in a list."""

    id: UUID
    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    name: str | None = Field(description="Its id in the programme; null for one of a document")
    kind: ObligationKind
    says: str
    english: str | None
    source: str
    origin: ObligationOrigin
    on_failure: OnFailure
    due_on: date | None = Field(description="Null: neither text nor document sets a day yet")
    provisional: bool = Field(description="Counted into a year whose holidays are not known")
    day_source: str | None
    state: ObligationState
    overdue: bool
    alert: ObligationAlert
    evidence: list[UUID]
    version: int
    created_at: datetime
    changed_at: datetime


class ObligationView(ObligationSummary):
    """One obligation with its history and what the caller may do about it."""

    allowed_events: list[ObligationEvent]
    history: list[MatterLine]


class ObligationList(BaseModel):
    items: list[ObligationSummary]
    next_cursor: str | None = None
