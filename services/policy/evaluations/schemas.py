from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day

FACTS_MAX = 200
EVALUATION_EXAMPLE: dict[str, JsonValue] = {
    "on": "2026-11-23",
    "facts": {
        "revenue_fen": {"2023": 8000000000, "2024": 10000000000, "2025": 12000000000},
        "is_above_scale": True,
        "is_digital_manufacturing": True,
    },
}


class EvaluationRequest(BaseModel):
    """Given facts, a day, and perhaps a draft to try or the programmes to ask."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EVALUATION_EXAMPLE]})

    on: Day | None = Field(None, description="The day of the question; today by default")
    year: Annotated[int, Field(strict=True, ge=1990, le=2100)] | None = Field(
        None, description="The reference year; the year before `on` by default"
    )
    facts: dict[str, Any] = Field(max_length=FACTS_MAX)
    programme: dict[str, Any] | None = Field(
        None, description="A draft in the plan's language, tried alone; nothing is published"
    )
    programmes: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None, max_length=100, description="Ask only these programmes"
    )


class ConditionView(BaseModel):
    id: str
    says: str
    outcome: Literal["true", "false", "unknown"]
    facts: dict[str, Any]
    source: str


class MissingFact(BaseModel):
    fact: str
    year: int | None
    owner: str | None


class NearMiss(BaseModel):
    """A condition that failed narrowly, and by how much."""

    condition: str
    fact: str
    needed: int | str
    actual: int | str
    lacking: int | str
    lacking_bp: int


class AssessmentView(BaseModel):
    """An answer with every condition's outcome, the facts used, and what is missing."""

    programme: str
    measure: int | None
    version: str
    on: date
    outcome: Literal["eligible", "ineligible", "unknown"]
    score: dict[str, Any] | None
    conditions: list[ConditionView]
    missing: list[MissingFact]
    flags: list[str]
    classes: dict[str, Any]
    near: list[NearMiss]
    amount_fen: int | None
    amount_status: Literal["set", "pending-parameter", "unknown-fact"]
    amount_kind: Literal["fixed", "ceiling"]
    reason: str
    reason_en: str


class PlanMark(BaseModel):
    """The plan behind an answer; `plan-not-in-force` while it is a draft or outside its days."""

    id: str
    version: str
    flags: list[str]


class NumberView(BaseModel):
    """A number that the answer used; null where none is set."""

    parameter: str
    value: int | None
    source: str | None
    valid_from: date | None
    sample: bool


class ProgrammeAnswerView(AssessmentView):
    title: str
    plan: PlanMark | None
    relation: Literal["matches", "tops-up", "competes"]
    stacking_group: str
    parameters: dict[str, NumberView]


class DroppedView(BaseModel):
    programme: str
    given_up_fen: int
    clause: str


class UndecidedView(BaseModel):
    """A programme of which nobody can say yet whether another one excludes it."""

    programme: str
    given_up_fen: None = Field(description="Always null: an amount is not known yet")
    clause: str


class CombinationView(BaseModel):
    """The best lawful set; amounts that wait for a parameter count as nothing yet.

    While an amount is unknown, its rivals for the same matter are not dropped but `undecided`.
    """

    chosen: list[str]
    dropped: list[DroppedView]
    undecided: list[UndecidedView]
    total_fen: int


class EvaluationView(BaseModel):
    on: date
    year: int
    plan: PlanMark
    facts_known_until: datetime | None
    demonstration: bool
    programmes: list[ProgrammeAnswerView]
    combination: CombinationView


class EntitlementsView(EvaluationView):
    """All programmes for one firm, from what its register says."""

    uscc: str
    name: str
    statement_id: UUID
    synthetic: bool
