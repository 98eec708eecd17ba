from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from services.policy.panels.rules import PanelState, SheetEvent, SheetState
from services.policy.panels.schemas import (
    CriterionView,
    GivenList,
    GivenPoints,
    LongText,
    Number,
    ScoreLine,
    Version,
)

SHEET_EXAMPLE: dict[str, JsonValue] = {
    "number": 3,
    "declares_no_interest": True,
    "points": [
        {"criterion": "leadership", "points_hundredths": 3350},
        {"criterion": "results", "points_hundredths": 5200},
    ],
    "comment": "指标体系完整。",
}


def _each_once(points: list[GivenPoints]) -> None:
    if len({each.criterion for each in points}) < len(points):
        raise PydanticCustomError("bad-value", "points for each criterion once")


class StandingAside(BaseModel):
    """Why no points are given: for a tie to the matter (recused), or otherwise (abstained)."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["abstained", "recused"]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class NewSheet(BaseModel):
    """An expert's sheet for one case: points for every criterion, or why there are none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [SHEET_EXAMPLE]})

    number: Number = Field(description="The number under which the panel knows the case")
    declares_no_interest: Annotated[
        bool,
        Field(
            strict=True,
            description="That nothing ties the expert to the matter; required to give points",
        ),
    ] = False
    points: GivenList = Field(default_factory=list[GivenPoints])
    comment: LongText = ""
    stands_aside: StandingAside | None = None

    @model_validator(mode="after")
    def _gives_points_or_stands_aside(self) -> "NewSheet":
        _each_once(self.points)
        if self.stands_aside is not None and self.points:
            raise PydanticCustomError("bad-value", "either `points` or `stands_aside`")
        return self


class CorrectData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    points: GivenList
    comment: LongText = ""

    @model_validator(mode="after")
    def _each_criterion_once(self) -> "CorrectData":
        _each_once(self.points)
        return self


class SheetDeed(BaseModel):
    """An event of one's own sheet while the panel is open; the note says why.

    `data`: `{"points": [...], "comment"}` to correct, nothing to abstain or to recuse oneself.
    """

    model_config = ConfigDict(extra="forbid")

    event: SheetEvent
    version: Version
    note: Annotated[str, Field(min_length=1, max_length=2000)]
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class SeatSummary(BaseModel):
    """A panel as an expert knows it before he opens it."""

    id: UUID
    title: str
    programme: str
    state: PanelState
    edition: int
    papers: int
    outstanding: int = Field(description="Cases for which the caller's sheet is missing")


class SeatList(BaseModel):
    items: list[SeatSummary]
    next_cursor: str | None


class SheetVersionView(BaseModel):
    version: int
    state: SheetState
    points: list[GivenPoints]
    comment: str
    reason: str
    at: datetime


class SheetView(BaseModel):
    """One's own sheet, with all its versions."""

    id: UUID
    number: int
    state: SheetState
    version: int
    points: list[GivenPoints]
    total_thousandths: int | None
    comment: str
    changed_at: datetime
    allowed_events: list[SheetEvent]
    history: list[SheetVersionView]


class PaperView(BaseModel):
    """A case before an expert: a number, what the office wrote of it, and his own sheet."""

    number: int
    summary: str | None
    sheet: SheetView | None


class SeatView(BaseModel):
    """What an expert sees: never an applicant, and of other sheets nothing before the end."""

    id: UUID
    title: str
    programme: str
    programme_title: str
    state: PanelState
    edition: int
    criteria: list[CriterionView]
    total_points: int
    papers: list[PaperView]
    results: list[ScoreLine] | None = Field(description="Null until the panel is closed")
