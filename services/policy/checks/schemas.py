from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from services.kernel.days import Day
from services.policy.aftermath.schemas import MatterLine
from services.policy.checks.rules import (
    FULL_BP,
    INSPECTORS_EACH,
    CheckEvent,
    CheckOutcome,
    CheckState,
    DrawEvent,
    DrawState,
)
from services.policy.contract.events import Party

Version = Annotated[int, Field(strict=True, ge=1)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
DRAW_EXAMPLE: dict[str, JsonValue] = {
    "share_bp": 2000,
    "inspectors": ["kjj-zhang", "czj-li", "sjj-wang"],
    "seed_source": "中国福利彩票双色球2027年第40期红色球号码，按开奖顺序以逗号相连",
    "seed_on": "2027-04-08",
}


class NewDraw(BaseModel):
    """A plan to check some of a call's awarded cases: how many, by whom, and by which seed.

    The seed is a public value that does not exist yet, such as the numbers of a coming lottery.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [DRAW_EXAMPLE]})

    share_bp: Annotated[int, Field(strict=True, ge=1, le=FULL_BP)] | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    inspectors: Annotated[
        list[Line],
        Field(min_length=INSPECTORS_EACH, max_length=200, description="Subjects of officers"),
    ]
    seed_source: Line
    seed_on: Day

    @model_validator(mode="after")
    def _has_one_number(self) -> "NewDraw":
        if (self.share_bp is None) is (self.count is None):
            raise PydanticCustomError("bad-value", "either `share_bp` or `count`")
        return self


class SeedData(BaseModel):
    """The public value, as its source published it."""

    model_config = ConfigDict(extra="forbid")

    seed: Line


class DrawDeed(BaseModel):
    """Draws the lots: `data` holds the public value of the day that the plan names."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"event": "draw", "version": 1, "note": "", "data": {"seed": "03,11,17,20,28,33"}}
            ]
        },
    )

    event: DrawEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: SeedData


class DrawView(BaseModel):
    """A draw with everything that it takes to draw it again."""

    id: UUID
    call: UUID
    state: DrawState
    cases: list[UUID]
    list_sha256: str
    inspectors: list[str]
    share_bp: int | None
    count: int | None
    picks: int
    seed_source: str
    seed_on: date
    seed: str | None
    seed_sha256: str | None
    drawn_on: date | None
    version: int
    created_at: datetime
    allowed_events: list[DrawEvent]


class DrawList(BaseModel):
    items: list[DrawView]
    next_cursor: str | None = None


class DrawCheck(BaseModel):
    """Whether the frozen list and the seed give the same cases and inspectors again."""

    id: UUID
    same: bool
    list_sha256: str
    found_list_sha256: str
    drawn: list[UUID]
    found: list[UUID]


class ReportData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcome: CheckOutcome
    finding: Annotated[str, Field(min_length=2, max_length=2000)]
    checked_on: Day
    report_number: Line | None = None


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CheckDeed(BaseModel):
    """An event of a check. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "report", "version": 1, "note": "",
                    "data": {
                        "outcome": "passed", "finding": "设备在用，票据齐全",
                        "checked_on": "2027-04-20",
                    },
                }
            ]
        },
    )  # fmt: skip

    event: CheckEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="report: `outcome`, `finding`, `checked_on`, `report_number`",
    )


class CheckSummary(BaseModel):
    """A check in a list; applicants see concluded ones, without the inspectors."""

    id: UUID
    draw: UUID
    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    position: int
    inspectors: list[str] | None
    state: CheckState
    outcome: CheckOutcome | None
    finding: str | None
    checked_on: date | None
    report_number: str | None
    version: int
    changed_at: datetime


class CheckView(CheckSummary):
    """One check with its history and what the caller may do about it."""

    allowed_events: list[CheckEvent]
    history: list[MatterLine]


class CheckList(BaseModel):
    items: list[CheckSummary]
    next_cursor: str | None = None
