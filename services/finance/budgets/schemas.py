"""What is asked and answered about budget lines."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.finance.budgets.rules import BudgetEvent
from services.finance.money import PositiveFen
from services.finance.moves import NoData, Note, Version
from services.finance.parties import FieldRefused, ShortText

YEAR_MIN = 2020
YEAR_MAX = 2099
MEASURE_MAX = 30

Year = Annotated[int, Field(strict=True, ge=YEAR_MIN, le=YEAR_MAX)]
Measure = Annotated[int, Field(strict=True, ge=1, le=MEASURE_MAX, description="Number in the plan")]


class BudgetBody(BaseModel):
    """A new budget line, for a measure of the plan or for one programme; exactly one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "year": 2026,
                    "measure": 13,
                    "name": "制造业单项冠军奖励",
                    "department": "经信局",
                    "amount_fen": 100_000_000,
                }
            ]
        },
    )

    year: Year
    measure: Measure | None = None
    programme: ShortText | None = None
    name: ShortText
    department: ShortText
    amount_fen: PositiveFen

    @model_validator(mode="after")
    def names_one_purpose(self) -> Self:
        if (self.measure is None) == (self.programme is None):
            raise FieldRefused(
                "budget-purpose",
                "measure与programme须且只须填一项。",
                "Exactly one of measure and programme is needed.",
            )
        return self


class BudgetEventBody(BaseModel):
    """What shall happen to a budget line: `approve`."""

    model_config = ConfigDict(extra="forbid")

    event: BudgetEvent
    version: Version
    note: Note | None = None
    data: NoData = NoData()


class BudgetView(BaseModel):
    """A budget line and what stands on it now."""

    id: UUID
    year: int
    measure: int | None
    programme: str | None
    name: str
    department: str
    amount_fen: int
    available_fen: int
    reserved_fen: int
    paid_fen: int
    state: str
    version: int
    created_at: datetime
    approved_at: datetime | None
    allowed_events: list[str]


class BudgetPage(BaseModel):
    items: list[BudgetView]
    next_cursor: str | None
