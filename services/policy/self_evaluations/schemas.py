from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt, StrictStr

from services.kernel.days import Day
from services.policy.aftermath.schemas import MatterLine
from services.policy.contract.events import Party
from services.policy.self_evaluations.rules import (
    Grade,
    IndicatorType,
    RoundEvent,
    RoundState,
    SheetEvent,
    SheetState,
)

INDICATORS_MAX = 60
FILES_MAX = 50
Version = Annotated[int, Field(strict=True, ge=1)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[StrictInt, Field(ge=-(10**15), le=10**15)]
Words = Annotated[StrictStr, Field(min_length=1, max_length=4000)]
ROUND_EXAMPLE: dict[str, JsonValue] = {
    "due_on": "2027-03-31",
    "source": "申报通知第六条",
    "indicators": [
        {"id": "output", "says": "新增产值", "type": "number", "unit": "万元"},
        {"id": "effect", "says": "资金使用效果", "type": "text", "unit": None},
    ],
}


class IndicatorBody(BaseModel):
    """One question; a number is a whole number of its unit."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    says: Line
    type: IndicatorType
    unit: Line | None = None


class NewRound(BaseModel):
    """A self-evaluation asked of all who were awarded under a call, by a day."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ROUND_EXAMPLE]})

    due_on: Day
    source: Line = Field(description="Where the call or a document asks for it")
    indicators: Annotated[list[IndicatorBody], Field(min_length=1, max_length=INDICATORS_MAX)]


class RoundDeed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: RoundEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=0)


class RoundView(BaseModel):
    """A round with how many sheets it has, and how many were handed in and assessed."""

    id: UUID
    call: UUID
    due_on: date
    source: str
    indicators: list[IndicatorBody]
    state: RoundState
    version: int
    sheets: int
    submitted: int
    assessed: int
    allowed_events: list[RoundEvent]


class RoundList(BaseModel):
    items: list[RoundView]
    next_cursor: str | None = None


class SubmitData(BaseModel):
    """An answer to every indicator, and the files of the case that bear them out."""

    model_config = ConfigDict(extra="forbid")

    answers: dict[str, Number | Words]
    evidence: Annotated[list[UUID], Field(max_length=FILES_MAX)] = []


class AssessData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    grade: Grade


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SheetDeed(BaseModel):
    """An event of a sheet. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "submit", "version": 1, "note": "",
                    "data": {"answers": {"output": 1200, "effect": "两条产线已投用"}},
                }
            ]
        },
    )  # fmt: skip

    event: SheetEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="submit: `answers`, `evidence`; assess: `grade`",
    )


class SheetSummary(BaseModel):
    id: UUID
    round: UUID
    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    due_on: date
    state: SheetState
    overdue: bool
    grade: Grade | None
    version: int
    changed_at: datetime


class SheetView(SheetSummary):
    """One sheet with its questions and answers, and what the caller may do about it."""

    indicators: list[IndicatorBody]
    answers: dict[str, Number | Words]
    evidence: list[UUID]
    allowed_events: list[SheetEvent]
    history: list[MatterLine]


class SheetList(BaseModel):
    items: list[SheetSummary]
    next_cursor: str | None = None
