"""What the files of a plan consist of: every other key, type and spelling is refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.policy.plan.rules import PlanStatus, Sharing, Unit
from services.policy.stacking.rules import Confidence
from services.rulebook import Restriction

Id = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ParameterId = Annotated[
    str, Field(strict=True, pattern=r"^([a-z0-9][a-z0-9-]*\.[a-z][a-z0-9_]*|[a-z][a-z0-9-]*)$")
]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=4000)]
Day = Annotated[date, Field(strict=True)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ForceFile(Part):
    from_: Day | None = Field(alias="from")
    days_after_publication: Annotated[StrictInt, Field(ge=0, le=400)] | None
    reading: Text
    to: Day | None


class PhraseFile(Part):
    text: Text
    programmes: tuple[Id, ...] = ()
    tasks: tuple[Id, ...] = ()
    parameters: tuple[ParameterId, ...] = ()
    why_not: Text | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "PhraseFile":
        if bool(self.programmes or self.tasks or self.parameters) is (self.why_not is not None):
            raise PydanticCustomError("bad-value", "either what serves it, or `why_not`")
        return self


class ClosingClauseFile(Part):
    id: Id
    text: Text
    phrases: tuple[PhraseFile, ...]


class CompetitionReviewFile(Part):
    """The record of the fair-competition review (公平竞争审查); null is not done or not known."""

    drafted_by: Text | None
    market_opinion: Text | None
    finding: Literal["no-restriction", "excepted"] | None
    article: Text | None
    expires: Day | None


class PlanFile(Part):
    id: Id
    title: Text
    english: Text
    status: PlanStatus
    document: Text | None
    unified_number: Text | None
    published_on: Day | None
    legality_review: Text | None
    collective_decision: Text | None
    competition_review: CompetitionReviewFile
    in_force: ForceFile
    closing_clauses: tuple[ClosingClauseFile, ...]


class DepartmentsFile(Part):
    lead: Name
    support: tuple[Name, ...]
    provisional: StrictBool


class TaskFile(Part):
    """A task; `due: null` and `every: null` where the clause names no day."""

    id: Id
    title: Text
    english: Text
    lead: Name | None = None
    support: tuple[Name, ...] = ()
    due: Day | None
    every: Literal["month", "quarter", "half-year", "year"] | None = None
    done_when: Text
    source: Text


class MeasureFile(Part):
    number: Annotated[StrictInt, Field(ge=1, le=99)] | None
    part: Text
    heading: Text
    clause: Text
    verbatim: StrictBool
    departments: DepartmentsFile
    phrases: tuple[PhraseFile, ...]
    tasks: tuple[TaskFile, ...] = ()
    programmes: tuple[dict[str, Any], ...] = ()


class BoundsFile(Part):
    low: StrictInt
    high: StrictInt


class FactFile(Part):
    zh: Text
    en: Text
    subject: Id = "firm"
    period: Literal["year", "day"]
    type: Literal["int", "bool", "text", "date", "ids"]
    unit: Name | None = None
    owner: Name
    source: Id
    sharing: Sharing
    # What a rule restricts that asks for it, in the terms of the fair-competition review.
    restricts: Restriction | None = None
    bounds: BoundsFile | None = None
    values: tuple[StrictStr, ...] = ()


class SourceFile(Part):
    """A lawful path to facts; what a `survey` yields serves statistics and grants nothing."""

    zh: Text
    en: Text
    survey: StrictBool = False


class HoldingFile(Part):
    zh: Text
    en: Text
    owner: Name
    criteria: Text | None = None


class FactsFile(Part):
    bureaus: dict[Name, Text]
    sources: dict[Id, SourceFile]
    facts: dict[Name, FactFile]
    recognitions: dict[Id, HoldingFile]
    lists: dict[Id, HoldingFile]


class ParameterValueFile(Part):
    value: StrictInt | StrictStr
    valid_from: Day
    source: Text
    reading: StrictBool = False


class ParameterFile(Part):
    zh: Text
    en: Text
    unit: Unit
    bounds: BoundsFile | None = None
    allowed: tuple[StrictStr, ...] = ()
    clause: Text
    values: Literal["unset"] | tuple[ParameterValueFile, ...]


class OverlayFile(Part):
    demonstration: dict[ParameterId, StrictInt]


class ParametersFile(Part):
    parameters: dict[ParameterId, ParameterFile]
    overlay: OverlayFile


class StackingGroupFile(Part):
    id: Id
    title: Text
    english: Text


class StackingRuleFile(Part):
    """A rule in the words of its text, and how surely they are its words."""

    id: Id
    says: Text
    english: Text
    source: Text
    confidence: Confidence
    reading: Text | None = None


class HighestRuleFile(StackingRuleFile):
    """从高、不重复; `mode` is the parameter that says whether the difference is paid."""

    mode: ParameterId


class OneClauseRuleFile(StackingRuleFile):
    """Of the programmes and groups named, at most so many; what is repeatable is not counted."""

    per: Literal["matter", "beneficiary-year", "beneficiary"]
    at_most: Annotated[StrictInt, Field(ge=1, le=99)] = 1
    programmes: tuple[Id, ...] = ()
    groups: tuple[Id, ...] = ()
    repeatable: tuple[Id, ...] = ()
    levels: tuple[Literal["national", "provincial", "ningbo", "cixi", "town"], ...] = ()


class StackingFile(Part):
    """What of a plan may be received together; `open` is what its text may say and nobody read."""

    groups: tuple[StackingGroupFile, ...] = ()
    highest: HighestRuleFile | None = None
    one_clause: tuple[OneClauseRuleFile, ...] = ()
    open: tuple[Text, ...] = ()
