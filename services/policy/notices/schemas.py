from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints

from services.policy.notices.rules import (
    EditionReason,
    ItemResult,
    ItemState,
    NoticeState,
    ObjectionEvent,
    ObjectionState,
    UpheldOutcome,
)

TEXT_CHARS_MAX = 4000
NAME_CHARS_MAX = 100
EVIDENCE_MAX = 20
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_CHARS_MAX)]
Contact = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARS_MAX)
]
Receipt = Annotated[str, StringConstraints(pattern=r"^YY[0-9]{8}-[0-9A-F]{8}$")]
OBJECTION_EXAMPLE: dict[str, JsonValue] = {
    "item": "01936b2c-0000-7000-8000-000000000001",
    "name": "张三",
    "contact": "0574-00000000",
    "reason": "该企业2025年营业收入与公开年报不符。",
    "evidence": ["2025年度报告第12页"],
}


def _listed(value: Any) -> Any:
    """Take one piece of evidence for a list of one, and what is blank for none."""
    pieces: Any = [value] if isinstance(value, str) else value
    if not isinstance(pieces, list):
        return pieces
    given: list[Any] = pieces
    return [each for each in given if not isinstance(each, str) or each.strip()]


Evidence = Annotated[list[Words], BeforeValidator(_listed), Field(max_length=EVIDENCE_MAX)]


class PublicParty(BaseModel):
    """Who is listed; a person's id is not published."""

    kind: str
    id: str | None


class ObjectionDesk(BaseModel):
    """Where objections go, and until when they are in time."""

    department: str | None
    contact: str | None = Field(description="As the office file says; null where it says nothing")
    path: str
    until: datetime


class NoticeSummary(BaseModel):
    """A notice in a list; `case` and `applicant` are those of a notice of one item, else null."""

    id: UUID
    state: NoticeState
    case: UUID | None
    programme: str
    title: str
    clause: str | None
    department: str | None
    measure: int | None
    applicant: PublicParty | None
    applicant_name: str | None
    item_count: int
    amount_fen: int | None = Field(
        description="Of all items together, as finance reserved them; null where no money is given"
    )
    published_on: date
    from_: date = Field(alias="from")
    to: date
    days: int
    provisional: bool = Field(description="The days reach a year whose calendar is not published")
    objections: ObjectionDesk
    plan_flags: list[str]
    demonstration: bool = Field(description="Published in the demonstration: of no legal effect")


class ResultView(BaseModel):
    outcome: ItemResult
    outcome_name: str
    on: date


class NoticeItemView(BaseModel):
    """One item: what is proposed for whom, its own days, and what came of it.

    `days_left` are the working days that it has yet to run, while it is suspended.
    """

    id: UUID
    number: int
    case: UUID
    applicant: PublicParty
    applicant_name: str
    amount_fen: int | None
    state: ItemState
    from_: date = Field(alias="from")
    to: date
    provisional: bool
    days_left: int | None
    decision_from: date | None
    result_due_on: date | None
    result_due_provisional: bool = Field(
        description="`result_due_on` counts days of a year whose calendar is not published"
    )
    result: ResultView | None


class EditionView(BaseModel):
    """A list as it was published; `sha256` is that of the text's bytes."""

    number: int
    reason: EditionReason
    sha256: str
    published_at: datetime


class FrozenList(EditionView):
    text: str


class NoticeView(NoticeSummary):
    """A notice whole; `frozen` is its newest edition, which `items` are read from."""

    items: list[NoticeItemView]
    editions: list[EditionView]
    frozen: FrozenList


class NoticeList(BaseModel):
    items: list[NoticeSummary]
    next_cursor: str | None


class NewObjection(BaseModel):
    """An objection. Without a name or without evidence it is recorded and suspends nothing."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [OBJECTION_EXAMPLE]})

    item: UUID = Field(description="`id` or `case` of an item of this notice")
    name: Name = ""
    contact: Contact = ""
    reason: Words
    evidence: Evidence = Field(
        default_factory=list[str], description="Words, references or addresses; one or several"
    )


class ObjectionReceipt(BaseModel):
    """That an objection was received, and what it does."""

    id: UUID
    receipt: str
    notice: UUID
    item: UUID
    case: UUID
    state: ObjectionState
    suspends: bool
    received_at: datetime
    says: str
    says_en: str


class Handling(BaseModel):
    """The written reply; of an objection that is upheld, also where the case goes."""

    model_config = ConfigDict(extra="forbid")

    reply: Words
    outcome: UpheldOutcome = UpheldOutcome.REVIEW


class ObjectionDeed(BaseModel):
    """How an objection is handled: `note` has the reasons, `data.reply` answers the objector."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"event": "dismiss", "version": 1, "note": "经核查，年报数据与申报一致。",
                 "data": {"reply": "经核查，您反映的情况不属实，公示继续。"}}
            ]
        },
    )  # fmt: skip

    event: ObjectionEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Words
    data: Handling


class ObjectionView(BaseModel):
    """An objection: the objector in full for handling officers, masked for others.

    Whoever knows the id sees what became of it; what was said is for officers.
    """

    id: UUID
    receipt: str
    notice: UUID
    item: UUID
    case: UUID
    state: ObjectionState
    version: int
    received_at: datetime
    handled_at: datetime | None
    outcome: UpheldOutcome | None
    reply: str | None
    name: str | None = None
    contact: str | None = None
    reason: str | None = None
    evidence: list[str] | None = None
    allowed_events: list[ObjectionEvent] = Field(default_factory=list[ObjectionEvent])


class ObjectionList(BaseModel):
    items: list[ObjectionView]
    next_cursor: str | None


class FeedItem(BaseModel):
    id: str
    url: str
    title: str
    content_text: str
    date_published: datetime


class Feed(BaseModel):
    """The notices as JSON Feed 1.1."""

    version: str
    title: str
    home_page_url: str
    feed_url: str
    language: str
    items: list[FeedItem]
