from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.policy.contract.events import Matter
from services.policy.offers.rules import (
    CONFIRM_DAYS_MAX,
    BatchEvent,
    BatchState,
    LeftOut,
    OfferState,
)

NOTE_CHARS_MAX = 2000
Days = Annotated[int, Field(strict=True, ge=1, le=CONFIRM_DAYS_MAX)]
BATCH_EXAMPLE: dict[str, JsonValue] = {"programme": "digital-growth", "year": 2025}


class ConfirmWindow(BaseModel):
    """Working days for the firm's word, where the office has set none; with what sets them."""

    model_config = ConfigDict(extra="forbid")

    days: Days
    remind_days: Days | None = None
    source: Annotated[str, Field(min_length=1, max_length=200)]


class BatchMatter(BaseModel):
    """The year that is offered for, in the words of a case's matter."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["year"]
    period: Annotated[str, Field(min_length=1, max_length=20)]


class NewBatch(BaseModel):
    """A programme to be offered to whoever is entitled for a year: `year`, or `matter`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [BATCH_EXAMPLE]})

    programme: Annotated[str, Field(min_length=1, max_length=100)]
    year: Annotated[int, Field(strict=True, ge=2000, le=2200)] | None = None
    matter: BatchMatter | None = None
    call: UUID | None = None
    window: ConfirmWindow | None = None


class BatchDeed(BaseModel):
    """An event of a batch. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"event": "approve", "version": 1, "note": ""}]},
    )

    event: BatchEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    data: Annotated[dict[str, Any], Field(max_length=0)] = Field(default_factory=dict[str, Any])


class WindowView(BaseModel):
    """How long firms have; `days` is null where nobody has set it: then an approver closes it."""

    days: int | None
    remind_days: int | None
    source: str | None
    last_day: date | None
    provisional: bool


class BatchCounts(BaseModel):
    """Firms by what came of them: `found` are entitled, `left_out` is by reason."""

    asked: int
    not_entitled: int
    found: int
    prepared: int
    waiting: int
    confirmed: int
    declined: int
    lapsed: int
    left_out: dict[LeftOut, int]


class Progress(BaseModel):
    operation: UUID
    state: str
    done: int
    total: int | None


class BatchView(BaseModel):
    """A batch of offers: what it is for, how far it has come, and what came of it."""

    id: UUID
    programme: str
    programme_title: str
    measure: int | None
    matter: Matter
    call: UUID | None
    state: BatchState
    version: int
    window: WindowView
    counts: BatchCounts
    progress: Progress | None
    plan_flags: list[str]
    note: str
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_at: datetime | None
    allowed_events: list[BatchEvent]


class BatchList(BaseModel):
    items: list[BatchView]
    next_cursor: str | None


class LackView(BaseModel):
    """What is in the way: a fact of a year, or a condition for a person, and whose it is."""

    fact: str | None
    year: int | None
    owner: str | None
    condition: str | None


class OfferView(BaseModel):
    """What became of one firm in a batch."""

    uscc: str
    name: str
    state: OfferState
    reason: LeftOut | None
    reason_says: str | None
    reason_says_en: str | None
    lacks: list[LackView]
    case: UUID | None
    amount_fen: int | None
    last_day: date | None
    provisional: bool
    reminded_at: datetime | None
    answered_at: datetime | None


class OfferList(BaseModel):
    items: list[OfferView]
    next_cursor: str | None


class CaseOffer(BaseModel):
    """The batch that prepared a case unasked, and the last day for the firm's word."""

    batch: UUID
    state: OfferState
    last_day: date | None
    provisional: bool
