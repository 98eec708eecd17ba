"""What the city's offices set for themselves: remedies, archives, limits of cases."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.yaml_text import parse_yaml
from services.policy.limits import Limits, limits_of

PACKAGED = Path(__file__).with_suffix(".yaml")
# Where a session carries the office settings that its process was told to use.
OFFICE = "office"
Words = Annotated[str, Field(min_length=1, max_length=200)]


class RetentionClass(StrEnum):
    PERMANENT = "permanent"
    YEARS_30 = "30-years"
    YEARS_10 = "10-years"


RETENTION_NAMES: dict[str, tuple[str, str]] = {
    RetentionClass.PERMANENT: ("永久", "Permanent"),
    RetentionClass.YEARS_30: ("30年", "30 years"),
    RetentionClass.YEARS_10: ("10年", "10 years"),
}
RETENTION_YEARS: dict[RetentionClass, int] = {
    RetentionClass.YEARS_30: 30,
    RetentionClass.YEARS_10: 10,
}


class OfficePart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reconsideration(OfficePart):
    """行政复议: to whom, within how many days; without an authority no decision is issued."""

    authority: Words | None
    days: Annotated[int, Field(ge=1)]
    source: Words


class Litigation(OfficePart):
    """行政诉讼: a court that is not known is named by its jurisdiction only."""

    court: Words | None
    months: Annotated[int, Field(ge=1)]
    source: Words


class Remedies(OfficePart):
    reconsideration: Reconsideration
    litigation: Litigation


class Retention(OfficePart):
    """How long a kind of case is kept, and which table says so; unset is None."""

    class_: RetentionClass | None = Field(alias="class")
    source: Words | None

    @model_validator(mode="after")
    def a_class_has_a_source(self) -> Self:
        if self.class_ is not None and self.source is None:
            raise ValueError("a retention class needs the source that sets it")
        return self


class ArchiveOffice(OfficePart):
    fonds: Words | None
    fonds_source: Words | None
    days_after_end: Annotated[int, Field(ge=0)] | None
    restriction_source: Words
    retention: dict[str, Retention]


class OfferDays(OfficePart):
    """Working days to confirm an offer, and how many before the end a firm is reminded."""

    confirm_days: Annotated[int, Field(ge=1, le=250)] | None = None
    remind_days: Annotated[int, Field(ge=1, le=250)] | None = None


class OfferOffice(OfferDays):
    """The days of 免申即享, unset where nobody has set them; the demonstration has its own."""

    source: Words | None = None
    demonstration: OfferDays = OfferDays()

    @model_validator(mode="after")
    def days_have_a_source(self) -> Self:
        if self.confirm_days is not None and self.source is None:
            raise ValueError("days to confirm need the source that sets them")
        return self


class Renewal(OfficePart):
    """In how many days a register promises to state a fact anew; unset where none does."""

    days: Annotated[int, Field(ge=1)] | None = None
    source: Words | None = None
    demonstration_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def days_have_a_source(self) -> Self:
        if self.days is not None and self.source is None:
            raise ValueError("a promise to renew needs the source that makes it")
        return self


class Office(OfficePart):
    """`departments` are the full names by which offices sign, under their codes in the plans."""

    departments: dict[str, Words]
    remedies: Remedies
    archive: ArchiveOffice
    # An office that says nothing of limits has set none.
    clocks: Limits = Limits()
    offers: OfferOffice = OfferOffice()
    # How the public reaches a department, by its code; unset where it is not known.
    contacts: dict[str, Words] = Field(default_factory=dict[str, Words])
    # By the name of the fact.
    renewals: dict[str, Renewal] = Field(default_factory=dict[str, Renewal])


def load_office(override: Path | None = None) -> Office:
    """Read the package's settings, or the city's own file in their place."""
    return Office.model_validate(parse_yaml((override or PACKAGED).read_text("utf-8")))


def office_of(session: AsyncSession) -> Office:
    """Give the office settings of the process that the session belongs to."""
    return cast("Office", session.info[OFFICE])


def renewal_days(session: AsyncSession) -> dict[str, int]:
    """Give the days within which facts are stated anew; samples hold in the demonstration alone."""
    is_demonstration = limits_of(session).demonstration
    return {
        fact: days
        for fact, each in office_of(session).renewals.items()
        if (days := each.days or (each.demonstration_days if is_demonstration else None))
    }
