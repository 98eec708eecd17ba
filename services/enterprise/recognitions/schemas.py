"""Bodies of recognitions."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StrictInt, model_validator

from services.enterprise.firms.schemas import Body, Raw, ShortText, Text
from services.enterprise.recognitions.rules import Move, State, check_recognition
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.days import Day

RecognitionId = Annotated[
    Raw, AfterValidator(check_recognition), Field(examples=["specialised-sme"])
]


class NewRecognition(Body):
    """A title as its issuer's document gives it; without `valid_to` it holds until revoked."""

    recognition: RecognitionId
    grade: ShortText | None = None
    issuer: Text
    document: Text
    valid_from: Day
    valid_to: Day | None = None

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise FieldFault(
                "validity-order",
                "valid_to不能早于valid_from。",
                "valid_to cannot lie before valid_from.",
            )
        return self


class RevocationData(Body):
    on: Day | None = Field(None, description="The first day it no longer holds; today by default")


class RecognitionEvent(Body):
    """What happens to a recognition, and for which version that was decided."""

    event: Move
    version: StrictInt = Field(ge=1)
    note: Text | None = None
    data: RevocationData = Field(default_factory=lambda: RevocationData(on=None))


class RecognitionSource(BaseModel):
    """The case or the recommendation that a title was recorded for."""

    kind: Literal["case", "recommendation"]
    id: UUID


class RecognitionView(BaseModel):
    """One title: `holds` tells whether it holds today."""

    id: UUID
    uscc: str
    recognition: str
    title: str
    title_en: str
    grade: str | None
    issuer: str
    document: str
    valid_from: date
    valid_to: date | None
    state: State
    revoked_on: date | None
    revocation_note: str | None
    holds: bool
    department: str | None
    source: RecognitionSource | None
    version: int
    allowed_events: list[Move]
    recorded_at: datetime
    statement_id: UUID


class RecognitionPage(BaseModel):
    items: list[RecognitionView]
    next_cursor: str | None
