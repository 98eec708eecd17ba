from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.kernel.days import Day
from services.policy.contract.events import Matter

FACTS_MAX = 200
AID_MAX = 100
FEN_MAX = 10**15
Name = Annotated[str, Field(min_length=1, max_length=200)]
EVALUATION_EXAMPLE: dict[str, JsonValue] = {
    "on": "2026-11-23",
    "facts": {
        "revenue_fen": {"2023": 8000000000, "2024": 10000000000, "2025": 12000000000},
        "is_above_scale": True,
        "is_digital_manufacturing": True,
    },
}


class GivenAid(BaseModel):
    """Aid that some level granted already; for the matter of the reference year by default.

    A matter that is no year is the one that is asked about, whatever its id.
    """

    model_config = ConfigDict(extra="forbid")

    programme: Name
    level: Literal["national", "provincial", "ningbo", "cixi", "town"]
    stacking_group: Name | None = Field(None, description="The programme where it is absent")
    matter: Matter | None = None
    relation: Literal["matches", "tops-up", "competes"] = "competes"
    amount_fen: Annotated[int, Field(strict=True, ge=1, le=FEN_MAX)]
    year: Annotated[int, Field(strict=True, ge=1990, le=2100)] | None = Field(
        None, description="The year it was paid in; that of `on` by default"
    )


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
    aid: list[GivenAid] | None = Field(
        None, max_length=AID_MAX, description="Aid that stands; not known where it is absent"
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


class AmountView(BaseModel):
    """What a chosen programme pays beside the others and beside aid that stands, and why less."""

    programme: str
    asked_fen: int | None
    amount_fen: int | None = Field(description="Null while it is not known")
    reason: str | None
    reason_en: str | None


class DroppedView(BaseModel):
    """A programme of which nothing is left, by the words of `clause`."""

    programme: str
    given_up_fen: int
    clause: str
    rule: str
    source: str
    reason: str
    reason_en: str


class UndecidedView(BaseModel):
    """A programme of which nobody can say yet whether another one excludes it."""

    programme: str
    given_up_fen: None = Field(description="Always null: an amount is not known yet")
    clause: str
    rule: str
    source: str


class CombinationView(BaseModel):
    """The best lawful set beside aid that stands; `complete` once no amount of it is open.

    While an amount is unknown, what rules join it to is not dropped but `undecided`.
    """

    chosen: list[str]
    dropped: list[DroppedView]
    undecided: list[UndecidedView]
    total_fen: int
    complete: bool
    amounts: list[AmountView]
    mode: Literal["top-up", "highest-only"]
    flags: list[str]


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
