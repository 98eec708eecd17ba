from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.policy.plan.rules import PlanStatus, Sharing


class DepartmentView(BaseModel):
    code: str
    name: str


class DepartmentsView(BaseModel):
    """Who leads and who supports; provisional until the city assigns the work."""

    lead: DepartmentView
    support: list[DepartmentView]
    provisional: bool


class PlanView(BaseModel):
    """A policy document; what is not known of it yet is null."""

    id: str
    version: str
    title: str
    title_en: str
    status: PlanStatus
    document: str | None
    unified_number: str | None
    published_on: date | None
    legality_review: str | None
    collective_decision: str | None
    in_force_from: date | None
    in_force_to: date | None
    in_force_reading: str
    closing_clauses: dict[str, str]
    flags: list[str]


class PhraseView(BaseModel):
    """A phrase of the clause and what serves it, or why nothing does."""

    text: str
    programmes: list[str]
    tasks: list[str]
    parameters: list[str]
    why_not: str | None


class MeasureView(BaseModel):
    """A clause, word for word where `verbatim`, with its departments and programmes."""

    number: int | None
    id: str
    plan: PlanView
    part: str
    heading: str
    clause: str
    verbatim: bool
    departments: DepartmentsView
    programmes: list[str]
    tasks: list[str]
    phrases: list[PhraseView]


class MeasureList(BaseModel):
    items: list[MeasureView]
    next_cursor: str | None = None


class ConditionText(BaseModel):
    """A condition in words, and the expression that tests it; `manual` is for a person to check."""

    id: str
    says: str
    says_en: str
    when: str | None
    manual: bool
    flag: str | None
    source: str


class ProgrammeParameter(BaseModel):
    """A number of the programme as it stands today; `unset` where nobody has set one."""

    parameter: str
    title: str
    unit: str
    clause: str
    state: Literal["in-force", "unset"]
    value: int | str | None
    valid_from: date | None
    source: str | None


class ProgrammeView(BaseModel):
    """A programme: conditions in words and as expressions, amount, parameters, examples."""

    id: str
    version: str
    title: str
    title_en: str
    measure: int | None
    plan: PlanView
    clause: str
    beneficiary: str
    kind: str
    departments: DepartmentsView
    relation: Literal["matches", "tops-up", "competes"]
    base: str | None = Field(description="The aid that a match or a top-up rests on")
    stacking_group: str
    matter: str
    notice_days: int
    confidential: bool
    in_force_from: date | None
    in_force_to: date | None
    flags: list[str]
    instalments: list[dict[str, Any]]
    ceilings: list[dict[str, Any]]
    places: dict[str, Any] | None = Field(description="How many may receive it; null: no limit")
    applications: dict[str, Any] | None = Field(description="How many one applicant may file")
    panel: dict[str, Any] | None = Field(description="How experts judge; null: none in the text")
    oversubscription: Literal["pro-rata", "ranked", "first-come"] | None = Field(
        description="How more demand than budget is met; null where the text does not say"
    )
    window: dict[str, Any]
    without_application: dict[str, Any] | None = Field(description="免申即享, and why or why not")
    evidence: list[dict[str, Any]]
    steps: list[dict[str, Any]] = Field(description="How a case is reviewed, in this order")
    grants: dict[str, Any] | None = Field(description="The title that a decided case yields")
    recommends: dict[str, Any] | None = Field(
        description="The levels that decide on a recommendation, and the title that may come of it"
    )
    sources: dict[str, str] = Field(description="The lawful path to each fact")
    records: dict[str, str] = Field(description="The kinds of records that serve it")
    competition: list[dict[str, Any]] = Field(description="What restricts competition, and why")
    conditions: list[ConditionText]
    amount: str | None
    amount_kind: Literal["fixed", "ceiling"]
    facts: list[str]
    parameters: dict[str, ProgrammeParameter]
    examples: list[dict[str, Any]]


class ProgrammeList(BaseModel):
    items: list[ProgrammeView]
    next_cursor: str | None = None


class FactView(BaseModel):
    """A fact of the vocabulary: its meaning, its owner, and the lawful path to it."""

    fact: str
    title: str
    title_en: str
    subject: str = Field(description="What it is a fact of: firm, person, facility, project …")
    period: Literal["year", "day"]
    type: Literal["int", "bool", "text", "date", "ids"]
    unit: str | None
    owner: DepartmentView
    source: str
    source_says: str
    source_says_en: str
    sharing: Sharing
    low: int | None
    high: int | None
    values: list[str] = Field(description="The only values, where there are few")


class FactList(BaseModel):
    items: list[FactView]
    next_cursor: str | None = None
