"""A programme as people write it: conditions, amount, parameters, examples; nothing else loads."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from services.rulebook.administration import (
    BASIS_POINTS,
    Applications,
    Beneficiary,
    Ceiling,
    CompetitionException,
    Departments,
    Evidence,
    Force,
    Instalment,
    Kind,
    Panel,
    Places,
    ReviewStep,
    Window,
    WithoutApplication,
)
from services.rulebook.errors import Issue, RuleError, nearest, pointer_to
from services.rulebook.parts import Day, Expression, Id, Named, ParameterName, Part, Words
from services.rulebook.scoring import Score, Span, score_issues
from services.rulebook.shapes import issue_of
from services.rulebook.titles import Grants, Recommends

LANGUAGE_VERSION: Final = "1.1"
# Every version since the first only added words: what was frozen under one reads the same today.
LANGUAGE_VERSIONS: Final = ("1.0", LANGUAGE_VERSION)
# Rules of these were let in without asking whether their numbers fit the engines for columns.
LANGUAGES_UNBOUNDED: Final = ("1.0",)
CONDITIONS_MAX: Final = 60
PARAMETERS_MAX: Final = 40
EXAMPLES_MAX: Final = 100
PARTS_MAX: Final = 40
CLASSES_MAX: Final = 10


def _outcome(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


Truth = Annotated[Literal["true", "false", "unknown"], BeforeValidator(_outcome)]
PartT = TypeVar("PartT", bound=Part)
Several = Annotated[tuple[PartT, ...], Field(max_length=PARTS_MAX)]


# What a number that nobody has bounded may come to, so that products can be proved to fit.
BOUNDS_OF_UNIT: Final = {"fen": (0, 10**15), "bp": (0, 10**6)}
BOUNDS_OF_NUMBER: Final = (-(10**9), 10**9)


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
    low: StrictInt | None = None
    high: StrictInt | None = None
    title: Words = ""
    english: Words = ""

    @property
    def bounds(self) -> tuple[int, int]:
        """Give what the number cannot leave: as declared, else what its unit suggests."""
        low, high = BOUNDS_OF_UNIT.get(self.unit, BOUNDS_OF_NUMBER)
        if self.value is not None:
            low, high = min(low, self.value), max(high, self.value)
        return low if self.low is None else self.low, high if self.high is None else self.high

    @model_validator(mode="after")
    def _lies_within(self) -> "ParameterDeclaration":
        low, high = self.bounds
        if low > high or (self.value is not None and not low <= self.value <= high):
            raise PydanticCustomError("bad-value", "`low`, `value` and `high` in this order")
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_unit(cls, value: object) -> object:
        return {"unit": value} if isinstance(value, str) else value


class Expectation(Part):
    """What an example must give; what is not named is not compared."""

    outcome: Literal["eligible", "ineligible", "unknown"] | None = None
    amount_fen: StrictInt | None = None
    amount_status: Literal["set", "pending-parameter", "unknown-fact"] | None = None
    conditions: dict[Id, Truth] = Field(default_factory=dict)
    missing: tuple[Named, ...] | None = None
    flags: tuple[Id, ...] | None = None
    near: tuple[Id, ...] | None = None
    score: Span | None = None
    classes: dict[ParameterName, StrictInt | str | None] | None = None

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
    kind: Kind = "reward"
    beneficiary: Beneficiary = "firm"
    # Kinds of things beside beneficiary and matter whose facts the rule may ask for.
    subjects: tuple[Id, ...] = ()
    departments: Departments | None = None
    # The days of a special policy, which go before those of the plan.
    in_force: Force | None = None
    # The days that this wording answers for, where another one answers for others.
    edition: Force | None = None
    eligibility: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=CONDITIONS_MAX)]
    score: Score | None = None
    classes: Annotated[dict[ParameterName, Expression], Field(max_length=CLASSES_MAX)] = Field(
        default_factory=dict
    )
    amount: Expression | None = None
    amount_kind: Literal["fixed", "ceiling"] = "fixed"
    parameters: Annotated[
        dict[ParameterName, ParameterDeclaration], Field(max_length=PARAMETERS_MAX)
    ] = Field(default_factory=dict)
    instalments: Several[Instalment] = ()
    ceilings: Several[Ceiling] = ()
    relation: Literal["matches", "tops-up", "competes"] = "competes"
    # The aid that a match or a top-up rests on: a programme or a list of another level.
    base: Named | None = None
    stacking_group: Id | None = None
    matter: Id = "year"
    places: Places | None = None
    applications: Applications | None = None
    # How more demand than budget is met; None where the text does not say.
    oversubscription: Literal["pro-rata", "ranked", "first-come"] | None = None
    rank_by: Expression | None = None
    # How experts judge; None where the text has no experts in it.
    panel: Panel | None = None
    window: Window = Window()
    notice_days: Annotated[StrictInt, Field(ge=0, le=60)] | None = None
    confidential: StrictBool = False
    without_application: WithoutApplication | None = None
    evidence: Several[Evidence] = ()
    # The title that a decided case yields, or that an upper level may grant.
    grants: Grants | None = None
    recommends: Recommends | None = None
    records: tuple[Named, ...] = ()
    # How a case is reviewed, in this order; none is the desk of the lead alone.
    steps: Several[ReviewStep] = ()
    competition: Several[CompetitionException] = ()
    source: Words = ""
    version: Named = "draft"
    language: Named = LANGUAGE_VERSION
    examples: Annotated[tuple[Example, ...], Field(max_length=EXAMPLES_MAX)] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that is asked: the conditions in the order of the text, then the pass line."""
        line = self.score
        if line is None or line.pass_ is None:
            return self.eligibility
        asked = Condition(
            id=line.id, says=line.says, english=line.english, when=line.pass_, source=line.source
        )
        return (*self.eligibility, asked)


def load_programme(data: Mapping[str, Any], *, where: str = "") -> Programme:
    """Read a programme and refuse every key, type and spelling that the language does not have."""
    try:
        programme = Programme.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise RuleError(
            issue_of(detail, where, Programme) for detail in _own_faults(details)
        ) from None
    if issues := list(_inconsistencies(programme, where)):
        raise RuleError(issues)
    return programme


def _own_faults(details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is too short where that is so because an entry has a fault."""
    places = [detail["loc"] for detail in details]
    for detail in details:
        here = detail["loc"]
        is_only_short = detail["type"] == "too_short" and any(
            len(place) > len(here) and place[: len(here)] == here for place in places
        )
        if not is_only_short:
            yield detail


def _inconsistencies(programme: Programme, where: str) -> Iterator[Issue]:
    if programme.language not in LANGUAGE_VERSIONS:
        allowed = " ".join(LANGUAGE_VERSIONS)
        yield Issue("language-version", "/language", programme.language, allowed, where=where)
    conditions = {condition.id for condition in programme.conditions}
    if programme.score is not None:
        if programme.score.id in {condition.id for condition in programme.eligibility}:
            yield Issue("duplicate", "/score/id", programme.score.id, where=where)
        yield from score_issues(programme.score, where)
    for key in ("eligibility", "instalments", "ceilings", "evidence"):
        yield from _duplicates(key, (part.id for part in getattr(programme, key)), where)
    for pointer, name in _named_conditions(programme):
        if name not in conditions:
            yield Issue("unknown-id", pointer, name, nearest(name, conditions), where=where)
    named = programme.places.parameter if programme.places else None
    if named is not None and named not in programme.parameters:
        allowed = nearest(named, programme.parameters)
        yield Issue("unknown-parameter", "/places/parameter", named, allowed, where=where)
    term = programme.grants.validity.parameter if programme.grants else None
    if term is not None and term not in programme.parameters:
        allowed = nearest(term, programme.parameters)
        yield Issue("unknown-parameter", "/grants/validity/parameter", term, allowed, where=where)
    shares = [part.share_bp for part in programme.instalments]
    if shares and None not in shares and sum(filter(None, shares)) != BASIS_POINTS:
        found, allowed = f"{sum(filter(None, shares))} bp", f"shares of {BASIS_POINTS} bp together"
        yield Issue("bad-value", "/instalments", found, allowed, where=where)
    yield from _steps_out_of_order(programme, where)


def _steps_out_of_order(programme: Programme, where: str) -> Iterator[Issue]:
    """Find a kind of step that comes twice, and one that comes after what waits for the notice."""
    seen: set[str] = set()
    for index, step in enumerate(programme.steps):
        if step.kind in seen:
            yield Issue("duplicate", pointer_to("steps", index, "kind"), step.kind, where=where)
        seen.add(step.kind)
        if step.before == "decision" and index != len(programme.steps) - 1:
            allowed = "the last step"
            yield Issue("bad-value", pointer_to("steps", index), step.kind, allowed, where=where)


def _duplicates(key: str, ids: Iterable[str], where: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if name in seen:
            yield Issue("duplicate", pointer_to(key, index, "id"), name, where=where)
        seen.add(name)


def _named_conditions(programme: Programme) -> Iterator[tuple[str, str]]:
    """List every place that names a condition, with the name."""
    for index, example in enumerate(programme.examples):
        for name in sorted(example.expect.conditions):
            yield pointer_to("examples", index, "expect", "conditions", name), name
    for index, evidence in enumerate(programme.evidence):
        for place, name in enumerate(evidence.proves):
            yield pointer_to("evidence", index, "proves", place), name
    for index, exception in enumerate(programme.competition):
        if exception.condition is not None:
            yield pointer_to("competition", index, "condition"), exception.condition
