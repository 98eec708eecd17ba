from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from services.kernel.days import Day
from services.kernel.errors import FieldFault
from services.policy.rationing.rules import Oversubscription

Name = Annotated[str, Field(min_length=1, max_length=160)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Fen = Annotated[int, Field(strict=True, ge=0, le=10**15)]
MeasureNumber = Annotated[int, Field(strict=True, ge=1, le=1000)]
CHANGES_MAX = 40
RUN_EXAMPLE: dict[str, JsonValue] = {
    "name": "研发配套比例50%",
    "on": "2026-11-23",
    "changes": [{"change": "parameter", "parameter": "rd-matching.ratio_bp", "value": 5000}],
    "budgets": [{"measure": 27, "amount_fen": 5000000000, "oversubscription": "pro-rata"}],
}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ParameterChange(Part):
    """A number as it might be; null is unset."""

    change: Literal["parameter"]
    parameter: Name
    value: (
        Annotated[int, Field(strict=True)]
        | Annotated[str, Field(strict=True, max_length=80)]
        | None
    )


class ConditionChange(Part):
    """A condition of a programme with another expression; null leaves it out."""

    change: Literal["condition"]
    programme: Name
    condition: Name
    when: Text | None
    says: Text | None = Field(
        None, description="The words that go with it; those of before if null"
    )


class AmountChange(Part):
    """Another amount for a programme."""

    change: Literal["amount"]
    programme: Name
    amount: Text


class ProgrammeChange(Part):
    """A draft in the plan's language, in the place of the programme of that id or beside all."""

    change: Literal["programme"]
    programme: dict[str, Any]


class MeasureChange(Part):
    """A measure with other programmes in the place of its own; none switch it off."""

    change: Literal["measure"]
    measure: MeasureNumber
    programmes: list[dict[str, Any]] = Field(max_length=CHANGES_MAX)


Change = Annotated[
    ParameterChange | ConditionChange | AmountChange | ProgrammeChange | MeasureChange,
    Field(discriminator="change"),
]


class Budget(Part):
    """What may be spent on a measure or on one programme, and how more demand would be met."""

    measure: MeasureNumber | None = None
    programme: Name | None = None
    amount_fen: Fen
    oversubscription: Oversubscription | None = Field(
        None, description="The programme's own by default, where its text has one"
    )

    @model_validator(mode="after")
    def names_one_purpose(self) -> Self:
        if (self.measure is None) == (self.programme is None):
            raise FieldFault(
                "budget-purpose",
                "measure与programme须且只须填一项。",
                "Exactly one of measure and programme is needed.",
            )
        return self


class NewRun(Part):
    """A changed plan to try over the whole city; nothing of it is published."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RUN_EXAMPLE]})

    name: Annotated[str, Field(max_length=200)] = ""
    on: Day | None = Field(None, description="The day of the question; today by default")
    changes: list[Change] = Field(min_length=1, max_length=CHANGES_MAX)
    budgets: list[Budget] = Field(
        default_factory=list[Budget],
        max_length=100,
        description="What may be spent; by default the budget lines approved for the year",
    )


class Standing(BaseModel):
    """How many receive it and what it costs, in one of the two versions.

    `cost_fen` is null while the amount of anyone entitled is not known; `known_fen` is the sum of
    those that are. `unknown` are firms of which facts are missing: no part of any cost.
    """

    entitled: int
    unknown: int
    open: int = Field(description="Entitled to an amount that is not known")
    cost_fen: int | None
    known_fen: int


class ProgrammeResult(BaseModel):
    programme: str
    title: str
    measure: int | None
    changed: bool
    before: Standing | None = Field(description="In force; null where it is not in that version")
    after: Standing | None
    parameters: dict[str, int | None]
    sampled: list[str] = Field(description="Parameters that hold sample values only")


class MeasureResult(BaseModel):
    measure: int
    before: Standing | None
    after: Standing | None


class Overdemand(BaseModel):
    """How a budget that is too small would be shared out; `rule` null where no text says how.

    By rank, who is tied at the limit and whose rank is unknown receives nothing yet. Of who comes
    first nothing is known here: `served` says how many it reaches at the least and at the most.
    """

    rule: Oversubscription | None
    served: tuple[int, int] | None
    paid_fen: int | None
    share_bp: int | None = None
    tied: int = 0
    unranked: int = 0


class BudgetResult(BaseModel):
    """A budget beside what the changed plan would pay from it.

    Where none was sent along it is that of the year's approved lines for the purpose: of
    `allotted_fen`, `amount_fen` is what no proposal has reserved yet.
    """

    measure: int | None
    programme: str | None
    amount_fen: int
    lines: list[UUID] = Field(default_factory=list[UUID])
    allotted_fen: int | None = None
    reserved_fen: int | None = None
    cost_fen: int | None
    left_fen: int | None
    is_enough: bool | None = Field(description="Null while the cost is not known")
    oversubscription: Overdemand | None


class Side(BaseModel):
    """Firms whose total is another one than under the version in force, and by how much.

    `from_pending` are those for whom something was pending a parameter, which pays nothing yet.
    """

    firms: int
    fen: int
    from_pending: int


class Reason(BaseModel):
    programme: str
    before: str
    before_fen: int | None
    after: str
    after_fen: int | None
    reason: str
    reason_en: str


class ShownFirm(BaseModel):
    uscc: str
    name: str
    difference_fen: int
    reasons: list[Reason]


class NotAsked(BaseModel):
    """A programme that was left out: it is confidential, or the register states no facts of it."""

    programme: str
    beneficiary: str
    confidential: bool
    subjects: list[str]


class RunResult(BaseModel):
    """What the changed plan would mean for the city, beside the version in force."""

    on: date
    demonstration: bool
    firms: int
    programmes: list[ProgrammeResult]
    measures: list[MeasureResult]
    before: Standing
    after: Standing
    budgets: list[BudgetResult]
    winners: Side
    losers: Side
    open: int = Field(description="Firms of which it is not known whether they win or lose")
    winners_shown: list[ShownFirm] = Field(description="Those who win most; at most fifty")
    losers_shown: list[ShownFirm] = Field(description="Those who lose most; at most fifty")
    not_asked: list[NotAsked]


class RunView(BaseModel):
    """A run of the sandbox: what was asked, how far it is, and what came out."""

    id: UUID
    name: str
    on: date
    demonstration: bool
    started_by: str
    started_at: datetime
    state: str
    done: int
    total: int | None
    request: dict[str, Any]
    result: RunResult | None


class RunSummary(BaseModel):
    id: UUID
    name: str
    on: date
    demonstration: bool
    started_by: str
    started_at: datetime
    state: str
    done: int
    total: int | None


class RunList(BaseModel):
    items: list[RunSummary]
    next_cursor: str | None = None
