from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.calls.rules import CallEvent, CallState, NoticeBy, RankBy, Ties

CALL_EXAMPLE: dict[str, JsonValue] = {
    "programme": "rd-matching",
    "year": 2026,
    "window": {"opens_on": "2026-11-02", "closes_on": "2026-11-30"},
    "budget_fen": 500000000,
    "quota": None,
    "materials": [],
    "contact": "科技局，电话见公告",
}
MATERIALS_MAX = 40
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
Fen = Annotated[int, Field(strict=True, ge=1, le=10**15)]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Window(BaseModel):
    """The first and the last day of application, both included."""

    model_config = ConfigDict(extra="forbid")

    opens_on: Day
    closes_on: Day


class Template(BaseModel):
    """A form to fill in: where it is published, and its hash."""

    model_config = ConfigDict(extra="forbid")

    title: ShortText
    url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,400}$")]
    sha256: Sha256 | None = None


class Material(BaseModel):
    """A proof that the call asks for: one of the programme's evidence list, or one of its own."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    title: ShortText
    required: bool = True
    template: Template | None = None


class NewCall(BaseModel):
    """A call to be published; what is left out of `materials` is the programme's evidence list."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [CALL_EXAMPLE]})

    programme: ShortText
    year: Annotated[int, Field(strict=True, ge=2000, le=2200)]
    window: Window
    title: ShortText | None = None
    document: ShortText | None = None
    budget_fen: Fen | None = None
    quota: Count | None = Field(None, description="Places; null: the programme's, or no limit")
    ties: Ties = Ties.UNDECIDED
    per_applicant: Count | None = Field(
        None,
        description="Applications of one applicant; only with a reason if the text has no limit",
    )
    per_applicant_reason: ShortText | None = None
    rank_by: RankBy | None = Field(
        None, description="Null: by a panel's score where the programme has one, else by its rule"
    )
    materials: Annotated[list[Material], Field(max_length=MATERIALS_MAX)] = Field(
        default_factory=list[Material]
    )
    materials_required: bool = Field(
        default=False,
        description="Whether a case without the materials that are `required` is not submitted",
    )
    notice: NoticeBy = Field(
        NoticeBy.EACH,
        description="`list`: proposed cases wait until an approver publishes them in one list",
    )
    templates: Annotated[list[Template], Field(max_length=MATERIALS_MAX)] = Field(
        default_factory=list[Template], description="Forms of the call as a whole"
    )
    contact: ShortText = "见公告"


class CallDeed(BaseModel):
    """An event of a call; `version` is the version that the caller has seen.

    `data`: `{"cases": [...]}` to settle a tie at the last place, `{"per_applicant": 2}` (or null)
    to limit applications, `{"without_returned": true}` to rank without what was returned and is
    not completed; for each the note says why. Other events take none.
    """

    model_config = ConfigDict(extra="forbid")

    event: CallEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=2)


class SettleData(BaseModel):
    """The cases that get the places which a tie left open."""

    model_config = ConfigDict(extra="forbid")

    cases: Annotated[list[UUID], Field(min_length=1, max_length=500)]


class LimitData(BaseModel):
    """How many applications one applicant may file in the call; null lifts a limit."""

    model_config = ConfigDict(extra="forbid")

    per_applicant: Count | None


class RankData(BaseModel):
    """Whether cases that were returned for completion are left out; they are ranked otherwise."""

    model_config = ConfigDict(extra="forbid")

    without_returned: bool = False


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MaterialView(BaseModel):
    """A proof; `held` ones are held by the state and asked of nobody."""

    id: str
    title: str
    required: bool
    held: bool
    proves: list[str]
    template: Template | None


class PlaceView(BaseModel):
    """Where a case stands; `within` is null where a tie at the last place is undecided."""

    case: UUID
    position: int
    rank_by: int | None
    within: bool | None
    held: bool = Field(
        description="It had its place before this ranking: proposed for approval, or further"
    )


class CallView(BaseModel):
    id: UUID
    programme: str
    programme_title: str
    measure: int | None
    year: int
    title: str
    department: str
    document: str | None
    window: Window
    budget_fen: int | None
    quota: int | None
    ties: Ties
    per_applicant: int | None
    per_applicant_reason: str | None
    rank_by: RankBy
    materials: list[MaterialView]
    materials_required: bool
    notice: NoticeBy
    materials_sha256: str = Field(description="The version of the evidence list")
    templates: list[Template]
    contact: str
    state: CallState
    version: int
    open_today: bool
    published_at: datetime | None
    allowed_events: list[CallEvent]
    plan_flags: list[str]


class CallList(BaseModel):
    items: list[CallView]
    next_cursor: str | None = None


class RankingView(BaseModel):
    """The latest ranking of a call."""

    call: UUID
    run: int
    ranked_by: RankBy = Field(description="By what: scores are in thousandths of a point")
    quota: int | None
    ranked_at: datetime
    items: list[PlaceView]


class CallPreview(BaseModel):
    """The notice as people will read it: headings and paragraphs, and the whole as text."""

    title: str
    sections: list["Section"]
    text: str
    as_of: date


class Section(BaseModel):
    heading: str
    paragraphs: list[str]
