from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from services.kernel.days import Day
from services.policy.parameters.rules import ParameterEvent, ParameterState
from services.policy.plan.rules import Unit

PARAMETER_EXAMPLE: dict[str, JsonValue] = {
    "parameter": "rd-matching.ratio_bp",
    "value": 5000,
    "valid_from": "2026-12-01",
    "source": "慈财〔2026〕1号",
}


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Backdating(BaseModel):
    """The permission to let a number begin on a day before today."""

    model_config = ConfigDict(extra="forbid")

    reason: Words
    document: Words = Field(description="The document that permits it")


class NewParameter(BaseModel):
    """A number proposed for a day; `source` is the document that sets it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PARAMETER_EXAMPLE]})

    parameter: Annotated[str, Field(min_length=1, max_length=160)]
    value: (
        Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True, max_length=80)]
    ) = Field(description="A whole number in the parameter's unit, or the name of a mode")
    valid_from: Day
    source: Words = Field(description="The document that sets the number")
    backdating: Backdating | None = Field(
        None,
        description="Needed for a day before today; what was decided since then stays as it was"
        " decided",
    )


class ParameterDeed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: ParameterEvent
    version: Annotated[int, Field(strict=True, ge=1)] | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=0)


class ParameterChangeView(BaseModel):
    id: UUID
    parameter: str
    value: int | str
    valid_from: date
    source: str
    backdating: Backdating | None
    state: ParameterState
    version: int
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    operation: UUID | None = Field(
        description="In the answer to an approval: the operation that matches firms anew"
    )
    allowed_events: list[ParameterEvent]


class ParameterView(BaseModel):
    """A number that a clause leaves open; `value` null with state `unset` where nobody set one."""

    parameter: str
    programme: str | None
    title: str
    title_en: str
    unit: Unit
    clause: str
    allowed: list[str]
    low: int | None
    high: int | None
    state: str = Field(examples=["in-force", "unset"])
    value: int | str | None
    valid_from: date | None
    source: str | None
    reading: bool = Field(description="Our reading until the city decides")
    changes: list[ParameterChangeView]


class ParameterList(BaseModel):
    on: date
    items: list[ParameterView]
    next_cursor: str | None = None
