"""Limits of the deeds of a case in working days; what neither plan nor law gives is unset."""

from dataclasses import dataclass
from typing import Annotated, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from services.rulebook.administration import StepKind

# Where a session carries the limits that hold in its process.
LIMITS = "limits"
LIMIT_DAYS_MAX = 250
Days = Annotated[int, Field(ge=1, le=LIMIT_DAYS_MAX)]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class LimitPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(LimitPart):
    """Working days with the source that sets them; a number of the demonstration stands apart."""

    days: Days | None = None
    source: Words | None = None
    demonstration_days: Days | None = None

    @model_validator(mode="after")
    def days_have_a_source(self) -> Self:
        if self.days is not None and self.source is None:
            raise ValueError("a limit needs the source that sets it")
        return self


class Limits(LimitPart):
    """Every limit of a case; `remind` and `escalate` count from the due day, back and on."""

    accept: Limit = Limit()
    completion: Limit = Limit()
    review: Limit = Limit()
    decide: Limit = Limit()
    decide_after_notice: Limit = Limit()
    objection: Limit = Limit()
    steps: dict[StepKind, Limit] = Field(default_factory=dict[StepKind, Limit])
    remind: Limit = Limit()
    escalate: Limit = Limit()


@dataclass(frozen=True)
class Allowed:
    """How many working days hold, and why; `days` is None where nobody has set any."""

    days: int | None = None
    source: str | None = None
    demonstration: bool = False


UNSET = Allowed()
DEMONSTRATION_SOURCE = "演示取值，并非规定"


@dataclass(frozen=True)
class HeldLimits:
    """The limits as they hold here: sample numbers fill gaps in the demonstration alone."""

    limits: Limits
    demonstration: bool

    def of(self, limit: Limit | None) -> Allowed:
        if limit is None:
            return UNSET
        if limit.days is not None:
            return Allowed(limit.days, limit.source)
        if self.demonstration and limit.demonstration_days is not None:
            return Allowed(limit.demonstration_days, DEMONSTRATION_SOURCE, demonstration=True)
        return UNSET


def limits_of(session: AsyncSession) -> HeldLimits:
    """Give the limits of the process that the session belongs to."""
    return cast("HeldLimits", session.info[LIMITS])
