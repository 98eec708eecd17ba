"""Bodies of facts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.enterprise.facts.rules import FACTS_AT_ONCE_MAX
from services.enterprise.firms.schemas import Body, Text
from services.enterprise.vocabulary.rules import FactValue
from services.kernel.days import Day

# Each value is checked against its fact: the name says of which type it is.
GivenFacts = dict[str, Any]


class YearStated(Body):
    """Facts of a year: each named one is superseded, unnamed ones stay, null withdraws."""

    facts: GivenFacts = Field(
        min_length=1, max_length=FACTS_AT_ONCE_MAX, examples=[{"revenue_fen": 5000000000}]
    )
    source: Text | None = None


class DayStated(Body):
    """Facts from a day on (today where it is not given); null says unknown from that day on."""

    facts: GivenFacts = Field(
        min_length=1, max_length=FACTS_AT_ONCE_MAX, examples=[{"is_resident_enterprise": True}]
    )
    valid_from: Day | None = None
    source: Text | None = None


class StatementView(BaseModel):
    """One statement: `counts` where it is in force, `self_declared` where the firm said so."""

    fact: str
    value: FactValue | None
    year: int | None
    valid_from: date | None
    unit: str | None
    source: str | None
    lawful_source: str
    department: str | None
    self_declared: bool
    counts: bool
    recorded_at: datetime
    statement_id: UUID


class IndicatorsView(BaseModel):
    """A firm's facts of a year: `facts` are the values in force, `statements` who said what."""

    uscc: str
    year: int
    as_of: datetime | None
    statement_id: UUID
    facts: dict[str, FactValue]
    statements: list[StatementView]


class DayFactsView(BaseModel):
    """A firm's facts as of a day: `facts` are the values in force, `statements` who said what."""

    uscc: str
    on: date
    as_of: datetime | None
    statement_id: UUID
    facts: dict[str, FactValue]
    statements: list[StatementView]
