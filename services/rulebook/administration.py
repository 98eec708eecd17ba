"""What a programme says beside its conditions: proof, windows, steps, instalments, places.

None of it decides who is entitled. An amount, a ceiling or a day that the text does not give is
left out here or stands as a `:parameter`, and is never made up.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.rulebook.parts import Day, Expression, Id, Named, ParameterName, Part, Words

Kind = Literal[
    "recognition",
    "recommendation",
    "reward",
    "subsidy",
    "matching",
    "quota-award",
    "appointment",
    "project",
    "loan-support",
    "fund",
    "service",
    "task",
    # The only word that rules frozen under version 1.0 have.
    "award",
]
Beneficiary = Literal[
    "firm",
    "person",
    "team",
    "facility",
    "institution",
    "association",
    "town",
    "bank",
    "guarantor",
    "fund",
    "public-body",
]
Restriction = Literal[
    "registration",
    "relocation",
    "local-purchase",
    "tax-tied-amount",
    "named-beneficiary",
    "list-without-criteria",
]
StepKind = Literal[
    "town-review",
    "department-review",
    "third-party-audit",
    "expert-review",
    "site-check",
    "collective-decision",
]
BASIS_POINTS: Final = 10_000
STEP_DAYS_MAX: Final = 250
PANEL_POINTS_MAX: Final = 1_000
PANEL_CRITERIA_MAX: Final = 30
Share = Annotated[StrictInt, Field(ge=1, le=BASIS_POINTS)]
MonthDay = Annotated[str, Field(strict=True, pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class Departments(Part):
    """Who leads and who supports, by code, where the programme differs from its measure."""

    lead: Named
    support: tuple[Named, ...] = ()


class Evidence(Part):
    """What proves conditions; `held` is what the state holds itself and asks of nobody.

    Without what is `required`, no case is submitted.
    """

    id: Id
    title: Named
    english: Words = ""
    proves: tuple[Id, ...] = ()
    held: StrictBool = False
    required: StrictBool = False

    @model_serializer(mode="wrap")
    def _as_it_was_written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not said, so that a wording keeps the hash that it always had."""
        written = write(self)
        return written if self.required else {k: v for k, v in written.items() if k != "required"}


class Window(Part):
    """When to apply: within a call, all the year round, or from day to day of each year."""

    by: Literal["call", "all-year", "days"] = "call"
    opens: MonthDay | None = None
    closes: MonthDay | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _days_stand_in_pairs(self) -> "Window":
        if (self.opens is None) is (self.by == "days") or (self.opens is None) is not (
            self.closes is None
        ):
            raise PydanticCustomError("bad-value", "`opens` and `closes` beside `by: days`")
        return self


class WithoutApplication(Part):
    """Whether the entitled receive it unasked (免申即享), and why or why not."""

    allowed: StrictBool
    because: Named


class Instalment(Part):
    """A part of the amount: a share of it, or an amount of its own, due once `when` holds."""

    id: Id
    says: Named
    english: Words = ""
    share_bp: Share | None = None
    amount: Expression | None = None
    when: Expression | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _has_one_size(self) -> "Instalment":
        if (self.share_bp is None) is (self.amount is None):
            raise PydanticCustomError("missing-key", "either `share_bp` or `amount`")
        return self


class Ceiling(Part):
    """What all aid together may reach: for the matter, in the group, or for one a year."""

    id: Id
    says: Named
    english: Words = ""
    of: Literal["matter", "group", "beneficiary-year"]
    limit: Expression
    source: Words = ""


class Places(Part):
    """How many may receive it: a number of the text, or a parameter that nobody may have set."""

    per: Literal["year", "call"]
    count: Annotated[StrictInt, Field(ge=1)] | None = None
    parameter: ParameterName | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _has_one_number(self) -> "Places":
        if (self.count is None) is (self.parameter is None):
            raise PydanticCustomError("missing-key", "either `count` or `parameter`")
        return self


class Applications(Part):
    """How many one applicant may file; `count: null` is no limit, by the text's own words."""

    per: Literal["year", "call", "life"]
    count: Annotated[StrictInt, Field(ge=1)] | None
    says: Named
    source: Words = ""


class PanelCriterion(Part):
    """What experts give points for, and how much it counts where criteria are weighted."""

    id: Id
    says: Named
    english: Words = ""
    max_points: Annotated[StrictInt, Field(ge=1, le=PANEL_POINTS_MAX)]
    weight_bp: Share | None = None


class Panel(Part):
    """How experts judge, as far as the text says so; what it does not say is left out.

    `points` is the fact that their score becomes for the case: whole points, rounded down.
    """

    points: Named | None = None
    criteria: Annotated[tuple[PanelCriterion, ...], Field(max_length=PANEL_CRITERIA_MAX)] = ()
    total_points: Annotated[StrictInt, Field(ge=1, le=PANEL_POINTS_MAX)] | None = None
    experts_min: Annotated[StrictInt, Field(ge=1)] | None = None
    # From how many sheets on one highest and one lowest are left out.
    drop_extremes_from: Annotated[StrictInt, Field(ge=3)] | None = None
    # By how many points sheets may differ before the result is marked for a second look.
    spread_flag_points: Annotated[StrictInt, Field(ge=1)] | None = None
    source: Words = ""

    @model_validator(mode="after")
    def _criteria_make_up_the_total(self) -> "Panel":
        if not self.criteria:
            return self
        if self.total_points is None:
            raise PydanticCustomError("missing-key", "`total_points` beside `criteria`")
        names = [each.id for each in self.criteria]
        if len(set(names)) < len(names):
            raise PydanticCustomError("duplicate", "a criterion of each id once")
        maxima = [each.max_points for each in self.criteria]
        weights = [each.weight_bp for each in self.criteria]
        if sums_fault(maxima, weights, self.total_points):
            raise PydanticCustomError(
                "bad-value", "points that sum to `total_points`, or weights of 10000 together"
            )
        return self


SumsFault = Literal["weights-mixed", "weights-sum", "points-sum"]


def sums_fault(
    maxima: Sequence[int], weights: Sequence[int | None], total_points: int
) -> SumsFault | None:
    """Tell why criteria do not make up the total: by their points, or all of them by weights."""
    given = [weight for weight in weights if weight is not None]
    if not given:
        return None if sum(maxima) == total_points else "points-sum"
    if len(given) < len(weights):
        return "weights-mixed"
    return None if sum(given) == BASIS_POINTS else "weights-sum"


class Force(Part):
    """From which day to which day, both included; None is open."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    source: Words = ""


class CompetitionException(Part):
    """A restriction of competition in the rule, and the article that excepts it, once named.

    The rules are those of 公平竞争审查条例; `article: null` keeps the programme from going live.
    """

    restricts: Restriction
    condition: Id | None = None
    article: Named | None = None
    reason: Named
    expires: Day | None = None


class ReviewStep(Part):
    """A step of the review: whose it is, within how many working days, before which deed.

    A town reviews its own firms; every other step is its departments', side by side, or the lead's.
    Only a collective decision may wait for the public notice (公示): it comes `before: decision`.
    """

    kind: StepKind
    departments: tuple[Named, ...] = ()
    days: Annotated[StrictInt, Field(ge=1, le=STEP_DAYS_MAX)] | None = None
    before: Literal["proposal", "decision"] = "proposal"
    source: Words = ""

    @model_validator(mode="after")
    def _belongs_to_somebody(self) -> "ReviewStep":
        if self.kind == "town-review" and self.departments:
            raise PydanticCustomError("bad-value", "no `departments`: the firm's town reviews")
        if self.kind == "collective-decision" and len(self.departments) > 1:
            raise PydanticCustomError("bad-value", "one department, which keeps the minutes")
        if len(set(self.departments)) != len(self.departments):
            raise PydanticCustomError("bad-value", "each department once")
        if self.before == "decision" and self.kind != "collective-decision":
            raise PydanticCustomError("bad-value", "`before: decision` for collective-decision")
        if self.before == "decision" and self.days is not None:
            raise PydanticCustomError("bad-value", "no `days`: the limit of the decision holds")
        if self.days is not None and not self.source:
            raise PydanticCustomError("missing-key", "the `source` of the days")
        return self
