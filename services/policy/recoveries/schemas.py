from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.aftermath.schemas import MatterLine
from services.policy.contract.events import Party
from services.policy.recoveries.rules import GroundKind, RecoveryEvent, RecoveryState

FILES_MAX = 50
RECOVERY_EXAMPLE: dict[str, JsonValue] = {
    "reason": "审计发现申报材料所列设备未购置",
    "source": "慈审报〔2027〕6号第三条",
    "respond_by": "2027-05-20",
}


class NewRecovery(BaseModel):
    """A proposal to revoke an award upon a finding, with the document that shows it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RECOVERY_EXAMPLE]})

    reason: Annotated[str, Field(min_length=2, max_length=1000)]
    source: Annotated[str, Field(min_length=1, max_length=200)]
    respond_by: Day | None = Field(None, description="The day by which the applicant is heard")


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HearData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    respond_by: Day


class RespondData(BaseModel):
    """Files of the case that bear the response out; the response itself stands in the note."""

    model_config = ConfigDict(extra="forbid")

    evidence: Annotated[list[UUID], Field(max_length=FILES_MAX)] = []


class RecoveryDeed(BaseModel):
    """An event of a proposal. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"event": "respond", "version": 2, "note": "设备已于三月到货", "data": {}}]
        },
    )

    event: RecoveryEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="hear: `respond_by`; respond: `evidence`, ids of files of the case",
    )


class GroundView(BaseModel):
    kind: GroundKind
    id: UUID | None = Field(description="The obligation or check that shows it")
    reason: str


class RecoverySummary(BaseModel):
    """A proposal in a list."""

    id: UUID
    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    grounds: list[GroundView]
    respond_by: date | None
    response: str | None
    response_evidence: list[UUID]
    responded_at: datetime | None
    state: RecoveryState
    version: int
    created_at: datetime
    changed_at: datetime


class RecoveryView(RecoverySummary):
    """One proposal with its history and what the caller may do about it."""

    allowed_events: list[RecoveryEvent]
    history: list[MatterLine]


class RecoveryList(BaseModel):
    items: list[RecoverySummary]
    next_cursor: str | None = None
