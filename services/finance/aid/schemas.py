"""What is asked and answered about aid."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.finance.aid.rules import AidEvent, Level
from services.finance.money import PositiveFen
from services.finance.moves import NOTE_CHARS_MAX, NoData, Version
from services.finance.parties import MatterBody, MatterView, PartyBody, PartyView, ShortText
from services.kernel.days import Day


class AidBody(BaseModel):
    """Aid that some level granted for a matter, with the document that proves it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "beneficiary": {"kind": "firm", "id": "91330282MA00T35T2N"},
                    "matter": {"kind": "project", "id": "2025-330282-07-02-100001"},
                    "level": "ningbo",
                    "programme": "ningbo-digital-workshop",
                    "stacking_group": "digital-growth",
                    "amount_fen": 30_000_000,
                    "paid_on": "2026-05-01",
                    "document": "甬经信〔2026〕1号",
                }
            ]
        },
    )

    beneficiary: PartyBody
    matter: MatterBody
    level: Level
    programme: ShortText
    stacking_group: ShortText | None = Field(
        default=None, description="The programme where it is absent"
    )
    amount_fen: PositiveFen
    paid_on: Day
    document: ShortText


class AidEventBody(BaseModel):
    """What shall happen to declared aid: `withdraw`, with the reason as the note."""

    model_config = ConfigDict(extra="forbid")

    event: AidEvent
    version: Version
    note: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_CHARS_MAX)
    ]
    data: NoData = NoData()


class AidView(BaseModel):
    """Aid of any level for one matter; `award_id` stands on our own."""

    id: UUID
    award_id: UUID | None
    beneficiary: PartyView
    matter: MatterView
    level: str
    programme: str
    stacking_group: str
    relation: str
    amount_fen: int
    paid_on: date | None
    document: str | None
    state: str
    version: int
    department: str | None
    created_at: datetime
    allowed_events: list[str]


class AidPage(BaseModel):
    items: list[AidView]
    next_cursor: str | None
