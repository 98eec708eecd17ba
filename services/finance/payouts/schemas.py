"""What is asked and answered about payment batches."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.finance.moves import Note, Version
from services.finance.parties import FieldRefused, ShortText
from services.finance.payouts.rules import PayoutEvent

LINES_MAX = 200

AwardIds = Annotated[list[UUID], Field(min_length=1, max_length=LINES_MAX)]


class PayoutBody(BaseModel):
    """A new batch: awards that one document (资金下达文件) orders to be paid."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "awards": ["01936b2c-0000-7000-8000-000000000001"],
                    "document": "慈财企〔2026〕12号",
                }
            ]
        },
    )

    awards: AwardIds
    document: ShortText

    @model_validator(mode="after")
    def names_each_once(self) -> Self:
        if len(set(self.awards)) != len(self.awards):
            raise FieldRefused(
                "award-repeated", "同一笔资助只能列一次。", "An award is listed only once."
            )
        return self


class LineAnswer(BaseModel):
    """What the treasury says of one line; a returned one with its reason."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["settled", "returned"]
    reason: ShortText | None = None

    @model_validator(mode="after")
    def returns_with_reason(self) -> Self:
        if self.state == "returned" and self.reason is None:
            raise FieldRefused(
                "reason-missing", "退回须注明原因。", "What is returned names its reason."
            )
        return self


LineAnswers = Annotated[dict[UUID, LineAnswer], Field(min_length=1, max_length=LINES_MAX)]


class PayoutData(BaseModel):
    """`lines` for `settle` (absent: the whole batch); `awards` and `reason` for `return`."""

    model_config = ConfigDict(extra="forbid")

    lines: LineAnswers | None = None
    awards: AwardIds | None = None
    reason: ShortText | None = None


class PayoutEventBody(BaseModel):
    """What shall happen to a batch: `check`, `send`, `settle`, `return`, `cancel`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"event": "check", "version": 1, "note": "核对无误", "data": {}},
                {
                    "event": "return",
                    "version": 4,
                    "data": {
                        "awards": ["01936b2c-0000-7000-8000-000000000001"],
                        "reason": "账号有误",
                    },
                },
            ]
        },
    )

    event: PayoutEvent
    version: Version
    note: Note | None = None
    data: PayoutData = PayoutData()

    @model_validator(mode="after")
    def has_its_own_data(self) -> Self:
        has_return = self.data.awards is not None and self.data.reason is not None
        if self.event is PayoutEvent.RETURN and not has_return:
            raise FieldRefused(
                "return-incomplete",
                "退回须列明awards和reason。",
                "A return names awards and reason.",
            )
        if self.event is not PayoutEvent.RETURN and (self.data.awards or self.data.reason):
            raise FieldRefused(
                "data-not-for-event", "awards与reason仅用于return。", "These belong to return."
            )
        if self.event is not PayoutEvent.SETTLE and self.data.lines is not None:
            raise FieldRefused(
                "data-not-for-event", "lines仅用于settle。", "lines belongs to settle."
            )
        return self


class PayoutLineView(BaseModel):
    award: UUID
    amount_fen: int
    state: str
    reason: str | None


class PayoutView(BaseModel):
    """A payment batch with what became of each line; `total_fen` leaves out what was cancelled."""

    id: UUID
    state: str
    version: int
    document: str
    total_fen: int
    lines: list[PayoutLineView]
    prepared_at: datetime
    checked_at: datetime | None
    sent_at: datetime | None
    closed_at: datetime | None
    allowed_events: list[str]


class PayoutPage(BaseModel):
    items: list[PayoutView]
    next_cursor: str | None
