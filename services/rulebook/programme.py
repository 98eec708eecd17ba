"""A programme as people write it: conditions, amount, parameters, examples; nothing else loads."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from services.rulebook.errors import Issue, RuleError, nearest, pointer_to
from services.rulebook.lexicon import EXPRESSION_CHARS_MAX
from services.rulebook.situation import read_day

LANGUAGE_VERSION: Final = "1.0"
CONDITIONS_MAX: Final = 60
PARAMETERS_MAX: Final = 40
EXAMPLES_MAX: Final = 100

Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
ParameterName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Words = Annotated[str, StringConstraints(strict=True, max_length=4_000)]
Named = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]


def _expression(value: object) -> object:
    """Take a whole number for an expression; a bare true or false is a check that cannot fail."""
    if isinstance(value, bool):
        raise PydanticCustomError("constant-condition", "a condition that cannot fail")
    return str(value) if isinstance(value, int) else value


def _day(value: object) -> object:
    if isinstance(value, datetime):
        raise PydanticCustomError("bad-value", "a day has no hour")
    day = read_day(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        raise PydanticCustomError("bad-value", "a day is YYYY-MM-DD")
    return day


def _outcome(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


Expression = Annotated[
    str,
    BeforeValidator(_expression),
    StringConstraints(strict=True, min_length=1, max_length=EXPRESSION_CHARS_MAX),
]
Day = Annotated[date, BeforeValidator(_day)]
Truth = Annotated[Literal["true", "false", "unknown"], BeforeValidator(_outcome)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Part):
    """A requirement in the words of the text, with the expression that tests it.

    `manual` marks a requirement without a number: it raises `manual-check` and never decides.
    A `when` with a `flag` decides nothing either: where it is true, the flag is raised.
    """

    id: Id
    says: Named
    when: Expression | None = None
    manual: StrictBool = False
    flag: Id | None = None
    source: Words = ""
    english: Words = ""

    @property
    def decides(self) -> bool:
        return self.when is not None and self.flag is None

    @model_validator(mode="after")
    def _has_one_way(self) -> "Condition":
        if self.manual == (self.when is not None):
            raise PydanticCustomError("missing-key", "either `when` or `manual: true`")
        return self


class ParameterDeclaration(Part):
    """A number the text leaves to a later decision; a draft may bring its value along."""

    unit: Named
    value: StrictInt | None = None
    title: Words = ""
    english: Words = ""

    @model_validator(mode="before")
    @classmethod
    def _from_unit(cls, value: object) -> object:
        return {"unit": value} if isinstance(value, str) else value


class Departments(Part):
    lead: Named
    support: tuple[Named, ...] = ()


class Expectation(Part):
    """What an example must give; what is not named is not compared."""

    outcome: Literal["eligible", "ineligible", "unknown"] | None = None
    amount_fen: StrictInt | None = None
    amount_status: Literal["set", "pending-parameter", "unknown-fact"] | None = None
    conditions: dict[Id, Truth] = Field(default_factory=dict)
    missing: tuple[Named, ...] | None = None
    flags: tuple[Id, ...] | None = None
    near: tuple[Id, ...] | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> "Expectation":
        if not self.model_fields_set:
            raise PydanticCustomError("missing-key", "an expectation")
        return self


class Example(Part):
    """A case worked by hand: the facts of a day and what they must give."""

    name: Named
    day: Day
    year: StrictInt | None = None
    given: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[ParameterName, StrictInt | None] = Field(default_factory=dict)
    history: tuple[Id, ...] | None = None
    expect: Expectation


class Programme(Part):
    id: Id
    title: Named
    english: Words = ""
    measure: Annotated[StrictInt, Field(ge=1)] | None = None
    beneficiary: Id = "firm"
    kind: Id = "award"
    departments: Departments | None = None
    eligibility: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=CONDITIONS_MAX)]
    amount: Expression | None = None
    amount_kind: Literal["fixed", "ceiling"] = "fixed"
    parameters: Annotated[
        dict[ParameterName, ParameterDeclaration], Field(max_length=PARAMETERS_MAX)
    ] = Field(default_factory=dict)
    relation: Literal["matches", "tops-up", "competes"] = "competes"
    stacking_group: Id | None = None
    matter: Id = "year"
    notice_days: Annotated[StrictInt, Field(ge=0, le=60)] | None = None
    source: Words = ""
    version: Named = "draft"
    language: Named = LANGUAGE_VERSION
    examples: Annotated[tuple[Example, ...], Field(max_length=EXAMPLES_MAX)] = ()


def load_programme(data: Mapping[str, Any], *, where: str = "") -> Programme:
    """Read a programme and refuse every key, type and spelling that the language does not have."""
    try:
        programme = Programme.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise RuleError(_issue(detail, where) for detail in details) from None
    if issues := list(_inconsistencies(programme, where)):
        raise RuleError(issues)
    return programme


def _inconsistencies(programme: Programme, where: str) -> Iterator[Issue]:
    if programme.language != LANGUAGE_VERSION:
        yield Issue(
            "language-version", "/language", programme.language, LANGUAGE_VERSION, where=where
        )
    seen: set[str] = set()
    for index, condition in enumerate(programme.eligibility):
        if condition.id in seen:
            pointer = pointer_to("eligibility", index, "id")
            yield Issue("duplicate", pointer, condition.id, where=where)
        seen.add(condition.id)
    for index, example in enumerate(programme.examples):
        for name in example.expect.conditions.keys() - seen:
            pointer = pointer_to("examples", index, "expect", "conditions", name)
            yield Issue("unknown-id", pointer, name, nearest(name, seen), where=where)


def _issue(detail: ErrorDetails, where: str) -> Issue:
    location = detail["loc"]
    match detail["type"]:
        case "extra_forbidden":
            key = str(location[-1])
            known = _keys_at(location[:-1])
            allowed = f"{nearest(key, known)} Allowed: {' '.join(known)}"
            return Issue("unknown-key", pointer_to(*location), key, allowed, where=where)
        case "missing":
            return Issue("missing-key", pointer_to(*location), allowed="a value", where=where)
        case "constant-condition" | "missing-key" | "bad-value" as code:
            return Issue(code, pointer_to(*location), allowed=detail["msg"], where=where)
        case "too_long":
            return Issue("too-large", pointer_to(*location), allowed=detail["msg"], where=where)
        case _:
            return Issue("bad-value", pointer_to(*location), allowed=detail["msg"], where=where)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """List the keys of the part of a programme that a location leads to."""
    part: type[Part] = Programme
    for step in location:
        if isinstance(step, str) and step in part.model_fields:
            part = _part_within(part.model_fields[step].annotation) or part
    return list(part.model_fields)


def _part_within(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    found = (_part_within(argument) for argument in get_args(annotation))
    return next((part for part in found if part is not None), None)
