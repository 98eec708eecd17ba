"""The title that a programme hands out: by the city's own decision, or by an upper level's.

A grade or a term that neither plan nor law gives is left out here or stands as a `:parameter`.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from services.rulebook.parts import Id, ParameterName, Part, Words

Level = Literal["national", "provincial", "ningbo"]
LEVELS: Final[tuple[Level, ...]] = ("national", "provincial", "ningbo")
MONTHS_MAX: Final = 600


class Validity(Part):
    """How long a title holds: months of the text, or a parameter that nobody may have set."""

    months: Annotated[StrictInt, Field(ge=1, le=MONTHS_MAX)] | None = None
    parameter: ParameterName | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _has_one_number(self) -> "Validity":
        if (self.months is None) is (self.parameter is None):
            raise PydanticCustomError("missing-key", "either `months` or `parameter`")
        return self


class Grants(Part):
    """The recognition that a case yields once it is decided in favour."""

    recognition: Id
    grade: Id | None = None
    validity: Validity
    source: Words = ""


class Recommends(Part):
    """Which levels decide on what the city recommends, and the recognition that may come of it.

    Without `recognition` the result is kept with the recommendation, and no title is recorded;
    without `grade` the result names it.
    """

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=len(LEVELS))]
    recognition: Id | None = None
    grade: Id | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _is_plain(self) -> "Recommends":
        if len(set(self.levels)) < len(self.levels):
            raise PydanticCustomError("bad-value", "each level once")
        if self.grade is not None and self.recognition is None:
            raise PydanticCustomError("missing-key", "`recognition` beside `grade`")
        return self
