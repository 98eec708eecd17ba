from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.aftermath.schemas import MatterLine
from services.policy.appeals.rules import (
    AppealAgainst,
    AppealEvent,
    AppealKind,
    AppealResult,
    AppealState,
)
from services.policy.contract.events import Party

Line = Annotated[str, Field(min_length=1, max_length=200)]
APPEAL_EXAMPLE: dict[str, JsonValue] = {
    "kind": "reconsideration",
    "body": "慈溪市人民政府",
    "number": "慈政复〔2027〕12号",
    "notified_on": "2027-01-08",
    "lodged_on": "2027-02-01",
    "grounds": "营业收入增量计算有误",
}


class NewAppeal(BaseModel):
    """What was lodged with whom against the decision that the case stands by.

    An officer names the reviewing body's number; an applicant may not have one yet.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [APPEAL_EXAMPLE]})

    kind: AppealKind
    body: Line = Field(description="The authority of reconsideration, or the court")
    number: Line | None = None
    notified_on: Day | None = Field(
        None, description="When the decision was known of; without it the last day is unknown"
    )
    lodged_on: Day
    grounds: Annotated[str, Field(min_length=2, max_length=2000)]
    follows: UUID | None = Field(
        None, description="The reconsideration after which it is litigated"
    )


class BodyData(BaseModel):
    """The reviewing body's document and its day."""

    model_config = ConfigDict(extra="forbid")

    number: Line
    on: Day


class ResultData(BodyData):
    result: AppealResult


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AppealDeed(BaseModel):
    """An event of an appeal. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "decide", "version": 2, "note": "",
                    "data": {
                        "result": "upheld", "number": "慈政复决〔2027〕12号", "on": "2027-04-02",
                    },
                }
            ]
        },
    )  # fmt: skip

    event: AppealEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="accept, reject: `number`, `on`; decide: also `result`; reopen: nothing",
    )


class AppealSummary(BaseModel):
    """An appeal in a list; `late` is null where the last day is not known."""

    id: UUID
    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    kind: AppealKind
    against: AppealAgainst
    follows: UUID | None
    body: str
    number: str | None
    grounds: str
    decided_on: date
    notified_on: date | None
    lodged_on: date
    deadline_on: date | None
    provisional: bool
    late: bool | None
    accepted_number: str | None
    accepted_on: date | None
    state: AppealState
    result: AppealResult | None
    result_number: str | None
    result_on: date | None
    successor: UUID | None = Field(description="The case in which it is decided anew")
    version: int
    created_at: datetime
    changed_at: datetime


class AppealView(AppealSummary):
    """One appeal with its history and what the caller may do about it."""

    allowed_events: list[AppealEvent]
    history: list[MatterLine]


class AppealList(BaseModel):
    items: list[AppealSummary]
    next_cursor: str | None = None
