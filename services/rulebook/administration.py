"""What a programme says beside its conditions: proof, windows, steps, instalments, places.

None of it decides who is entitled. An amount, a ceiling or a day that the text does not give is
left out here or stands as a `:parameter`, and is never made up.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator
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
Share = Annotated[StrictInt, Field(ge=1, le=BASIS_POINTS)]
MonthDay = Annotated[str, Field(strict=True, pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class Departments(Part):
    """Who leads and who supports, by code, where the programme differs from its measure."""

    lead: Named
    support: tuple[Named, ...] = ()


class Evidence(Part):
    """What proves conditions; `held` is what the state holds itself and asks of nobody."""

    id: Id
    title: Named
    english: Words = ""
    proves: tuple[Id, ...] = ()
    held: StrictBool = False


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
