"""The small parts that programmes are written with: ids, days, expressions, texts."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from services.rulebook.lexicon import EXPRESSION_CHARS_MAX
from services.rulebook.situation import read_day

Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
ParameterName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Words = Annotated[str, StringConstraints(strict=True, max_length=4_000)]
Named = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]


def _expression(value: object) -> object:
    """Take a whole number for an expression; a bare true or false is a check that cannot fail."""
    if isinstance(value, bool):
        raise PydanticCustomError("constant-condition", "an expression, not true or false alone")
    return str(value) if isinstance(value, int) else value


def _day(value: object) -> object:
    if isinstance(value, datetime):
        raise PydanticCustomError("bad-value", "a day has no hour")
    day = read_day(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        raise PydanticCustomError("bad-value", "a day is YYYY-MM-DD")
    return day


Expression = Annotated[
    str,
    BeforeValidator(_expression),
    StringConstraints(strict=True, min_length=1, max_length=EXPRESSION_CHARS_MAX),
]
Day = Annotated[date, BeforeValidator(_day)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)
