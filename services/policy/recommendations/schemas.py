from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.contract.events import Party
from services.policy.documents.schemas import Number
from services.policy.firms.rules import fold_uscc
from services.policy.recommendations.rules import (
    FIRM,
    Origin,
    RecommendationEvent,
    RecommendationState,
    ReviewOutcome,
    UpperResult,
)
from services.policy.titles.rules import TitleState
from services.rulebook.titles import Level

NOTE_CHARS_MAX = 2000
Version = Annotated[int, Field(strict=True, ge=1)]
Year = Annotated[int, Field(strict=True, ge=2000, le=2199)]
ShortText = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
Prose = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Reference = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NEW_EXAMPLE: dict[str, JsonValue] = {
    "programme": "gazelle-star-recommendation",
    "applicant": {"kind": "firm", "id": "91330282MA00T35T2N"},
    "year": 2026,
}
RESULT_EXAMPLE: dict[str, JsonValue] = {
    "event": "result",
    "version": 4,
    "note": "",
    "data": {
        "outcome": "granted",
        "document": "甬科高〔2026〕66号",
        "issuer": "宁波市科学技术局",
        "decided_on": "2026-11-20",
        "valid_from": "2026-11-20",
        "valid_to": "2029-11-19",
    },
}


class Applicant(BaseModel):
    """Who is recommended: a firm by its uscc; of others the name is given, too."""

    model_config = ConfigDict(extra="forbid")

    kind: ShortText
    id: ShortText
    name: ShortText | None = None

    def party(self) -> Party:
        return Party(kind=self.kind, id=fold_uscc(self.id) if self.kind == FIRM else self.id)


class NewRecommendation(BaseModel):
    """A recommendation to begin: by the applicant itself, or by a reviewer who guides it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    programme: ShortText
    applicant: Applicant
    year: Year
    level: Level | None = Field(None, description="Needed where the programme has several")
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""


class RecommendationDeed(BaseModel):
    """An event of a recommendation. `version` is the version that the caller has seen."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RESULT_EXAMPLE]})

    event: RecommendationEvent
    version: Version
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description='file: `{"system", "number", "filed_on"}`; review: `{"outcome": "pass|fail",'
        ' "finding"}`; issue-letter: `{"number", "issued_on", "file", "sha256"}`; notice:'
        ' `{"reference", "published_on"}`; result: `{"outcome": "granted|not-granted",'
        ' "document", "issuer", "decided_on", "grade", "valid_from", "valid_to"}`',
    )


class FileData(BaseModel):
    """Where it was filed above, under which number."""

    model_config = ConfigDict(extra="forbid")

    system: ShortText
    number: ShortText
    filed_on: Day


class ReviewData(BaseModel):
    """What the local review (初审) found."""

    model_config = ConfigDict(extra="forbid")

    outcome: ReviewOutcome
    finding: Prose


class LetterData(BaseModel):
    """The letter of recommendation (推荐函): its number, and where the signed file lies."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    issued_on: Day
    file: Reference | None = None
    sha256: Sha256 | None = None


class NoticeData(BaseModel):
    """The upper level's public notice."""

    model_config = ConfigDict(extra="forbid")

    reference: Reference
    published_on: Day


class ResultData(BaseModel):
    """What the upper level decided, under which document."""

    model_config = ConfigDict(extra="forbid")

    outcome: UpperResult
    document: ShortText
    issuer: ShortText
    decided_on: Day
    grade: ShortText | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilingView(BaseModel):
    system: str
    number: str
    filed_on: date


class ReviewView(BaseModel):
    """The local review; the applicant learns what was found, and not by whom."""

    outcome: ReviewOutcome
    finding: str
    reviewed_on: date
    reviewed_by: str | None


class LetterView(BaseModel):
    number: str
    issued_on: date
    file: str | None
    sha256: str | None
    issued_by: str | None


class UpperNoticeView(BaseModel):
    reference: str
    published_on: date


class ResultView(BaseModel):
    """The upper level's decision."""

    outcome: UpperResult
    document: str
    issuer: str
    decided_on: date


class TitleView(BaseModel):
    """The recognition that came of it, and what the registry says; `record` is its id there."""

    recognition: str
    grade: str | None
    valid_from: date
    valid_to: date | None
    state: TitleState
    state_name: str
    state_name_en: str
    record: UUID | None


class RecommendationSummary(BaseModel):
    """A recommendation in a list."""

    id: UUID
    programme: str
    measure: int | None
    department: str
    level: Level
    recognition: str | None
    applicant: Party
    applicant_name: str
    year: int
    origin: Origin
    state: RecommendationState
    version: int
    upper_number: str | None
    letter_number: str | None
    result_document: str | None
    created_at: datetime
    changed_at: datetime


class RecommendationView(RecommendationSummary):
    """A recommendation whole; `assessment` is the rule's answer, null where nothing is known."""

    assessment: dict[str, Any] | None
    filing: FilingView | None
    review: ReviewView | None
    letter: LetterView | None
    upper_notice: UpperNoticeView | None
    result: ResultView | None
    title: TitleView | None
    allowed_events: list[RecommendationEvent]


class RecommendationList(BaseModel):
    items: list[RecommendationSummary]
    next_cursor: str | None


class RecommendationHistoryEntry(BaseModel):
    """What happened to a recommendation; an applicant sees the role and not the person."""

    number: int
    at: datetime
    event: str
    from_state: str | None
    to_state: str
    role: str
    actor: str | None
    note: str
    data: dict[str, Any]


class RecommendationHistoryList(BaseModel):
    items: list[RecommendationHistoryEntry]
    next_cursor: str | None = None
