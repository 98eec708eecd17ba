"""What the files of a plan consist of: every other key, type and spelling is refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from services.policy.plan.rules import PlanStatus, Sharing, Unit

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


class ClosingClause(Part):
    id: Id
    text: Text


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
    in_force: ForceFile
    closing_clauses: tuple[ClosingClause, ...]


class DepartmentsFile(Part):
    lead: Name
    support: tuple[Name, ...]
    provisional: StrictBool


class MeasureFile(Part):
    number: Annotated[StrictInt, Field(ge=1, le=99)] | None
    part: Text
    heading: Text
    clause: Text
    verbatim: StrictBool
    departments: DepartmentsFile
    programmes: tuple[dict[str, Any], ...]


class BoundsFile(Part):
    low: StrictInt
    high: StrictInt


class FactFile(Part):
    zh: Text
    en: Text
    period: Literal["year", "day"]
    type: Literal["int", "bool", "text", "date", "ids"]
    unit: Name | None = None
    owner: Name
    source: Id
    sharing: Sharing
    bounds: BoundsFile | None = None
    values: tuple[StrictStr, ...] = ()


class SourceFile(Part):
    zh: Text
    en: Text


class HoldingFile(Part):
    zh: Text
    owner: Name


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
