from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from services.policy.cases.schemas import Applicant
from services.policy.panels.rules import (
    CASES_MAX,
    EXPERTS_MAX,
    HUNDREDTHS,
    NoScore,
    PanelEvent,
    PanelState,
    SheetState,
)
from services.rulebook.administration import PANEL_CRITERIA_MAX, PANEL_POINTS_MAX

PANEL_EXAMPLE: dict[str, JsonValue] = {
    "call": "01936b2c-0000-7000-8000-000000000001",
    "criteria": [
        {"id": "leadership", "says": "领导与战略", "max_points": 40},
        {"id": "results", "says": "经营结果", "max_points": 60},
    ],
    "total_points": 100,
    "experts": [
        {"subject": "expert-01", "name": "专家甲", "field": "质量管理"},
        {"subject": "expert-02", "name": "专家乙", "field": "智能制造"},
        {"subject": "expert-03", "name": "专家丙", "field": "财务"},
    ],
    "experts_min": 3,
    "drop_extremes_from": 5,
    "spread_flag_points": 20,
    "document": "慈溪市政府质量奖评审办法",
}
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
LongText = Annotated[str, Field(max_length=2000)]
Version = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[int, Field(strict=True, ge=1, le=CASES_MAX)]
Points = Annotated[int, Field(strict=True, ge=1, le=PANEL_POINTS_MAX)]
Hundredths = Annotated[int, Field(strict=True, ge=0, le=PANEL_POINTS_MAX * HUNDREDTHS)]
CriterionId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]


class CriterionBody(BaseModel):
    """What points are given for; weights, where used, are given to all and sum to 10000."""

    model_config = ConfigDict(extra="forbid")

    id: CriterionId
    says: ShortText
    max_points: Points
    weight_bp: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None


class ExpertBody(BaseModel):
    """A person who judges, by the subject he signs in as; the employer shows a conflict early."""

    model_config = ConfigDict(extra="forbid")

    subject: ShortText
    name: ShortText
    field: ShortText
    employer: Applicant | None = Field(None, description="Null: not known, or no applicant")


class NewPanel(BaseModel):
    """A panel for the cases of a call, or for one case; another person confirms it.

    What the programme itself states of its panel is left out here. A number that is null is not
    stated: no minimum beyond one sheet, no extremes dropped, no mark on a spread.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PANEL_EXAMPLE]})

    call: UUID | None = None
    case: UUID | None = None
    title: ShortText | None = None
    document: ShortText | None = Field(None, description="What the criteria stand in")
    criteria: Annotated[list[CriterionBody], Field(max_length=PANEL_CRITERIA_MAX)] = Field(
        default_factory=list[CriterionBody]
    )
    total_points: Points | None = None
    experts: Annotated[list[ExpertBody], Field(min_length=1, max_length=EXPERTS_MAX)]
    experts_min: Annotated[int, Field(strict=True, ge=1, le=EXPERTS_MAX)] | None = None
    drop_extremes_from: Annotated[int, Field(strict=True, ge=3, le=EXPERTS_MAX)] | None = Field(
        None, description="From how many sheets on one highest and one lowest are left out"
    )
    spread_flag_points: Points | None = Field(
        None, description="A spread of the sheets beyond this is marked"
    )

    @model_validator(mode="after")
    def _is_for_one_thing(self) -> "NewPanel":
        if (self.call is None) is (self.case is None):
            raise PydanticCustomError("bad-value", "one of `call` and `case`")
        return self


class PanelDeed(BaseModel):
    """An event of a panel. `version` is the version that the caller has seen.

    `data`: `{"number", "summary"}` to describe, `{"number", "seat"}` to recuse (the note says why),
    `{"without_outstanding": true}` to close although sheets are missing (the note says why).
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"event": "confirm", "version": 1}]}
    )

    event: PanelEvent
    version: Version
    note: LongText = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class DescribeData(BaseModel):
    """What experts may know of a case; null takes it away again."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    summary: Annotated[str, Field(min_length=1, max_length=4000)] | None


class RecuseData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Number
    seat: Annotated[int, Field(strict=True, ge=1, le=EXPERTS_MAX)]


class CloseData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    without_outstanding: Annotated[bool, Field(strict=True)] = False


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GivenPoints(BaseModel):
    """Points for one criterion, in hundredths of a point."""

    model_config = ConfigDict(extra="forbid")

    criterion: CriterionId
    points_hundredths: Hundredths


GivenList = Annotated[list[GivenPoints], Field(max_length=PANEL_CRITERIA_MAX)]


class CriterionView(BaseModel):
    id: str
    says: str
    max_points: int
    weight_bp: int | None


class ExpertView(BaseModel):
    """An expert, for those who run the panel; the seat stands for him in the table of scores."""

    seat: int
    subject: str
    name: str
    field: str
    employer: dict[str, str] | None


class PanelCaseView(BaseModel):
    """A case before the panel; how many sheets are in is told, and no points before the end."""

    number: int
    case: UUID
    applicant_name: str
    case_state: str
    summary: str | None
    submitted: int
    stood_aside: int
    outstanding: int


class PanelSummary(BaseModel):
    id: UUID
    programme: str
    department: str
    call: UUID | None
    case: UUID | None
    title: str
    state: PanelState
    version: int
    edition: int
    convened_at: datetime
    changed_at: datetime


class PanelView(PanelSummary):
    """A panel for those who run or audit it."""

    document: str | None
    criteria: list[CriterionView]
    total_points: int
    experts_min: int | None
    drop_extremes_from: int | None
    spread_flag_points: int | None
    rounding: str
    convened_by: str
    confirmed_by: str | None
    reopened_by: str | None
    reopened_for: str | None
    experts: list[ExpertView]
    cases: list[PanelCaseView]
    allowed_events: list[PanelEvent]


class PanelList(BaseModel):
    items: list[PanelSummary]
    next_cursor: str | None


class SheetLine(BaseModel):
    """A sheet that counted or did not, by the seat of who gave it."""

    seat: int
    state: SheetState
    version: int
    points: list[GivenPoints]
    total_thousandths: int | None
    dropped: bool
    comment: str


class ScoreLine(BaseModel):
    """What came of a case; a score that is null is unknown, with the reason."""

    number: int
    score_thousandths: int | None
    counted: int
    dropped: int
    spread_thousandths: int | None
    is_spread_flagged: bool | None = Field(description="Null where no limit is stated")
    reason: NoScore | None


class ScoredCase(ScoreLine):
    case: UUID
    applicant_name: str
    sheets: list[SheetLine]


class ScoreTable(BaseModel):
    """The score table of the latest edition, for the minutes."""

    panel: UUID
    edition: int
    state: PanelState
    title: str
    programme: str
    programme_title: str
    document: str | None
    criteria: list[CriterionView]
    total_points: int
    experts_min: int | None
    drop_extremes_from: int | None
    spread_flag_points: int | None
    rounding: str
    experts: list[ExpertView]
    closed_on: date
    closed_by: str
    note: str
    reopened_for: str | None
    sha256: str
    is_intact: bool = Field(description="The frozen text has this hash, and yields these scores")
    items: list[ScoredCase]
