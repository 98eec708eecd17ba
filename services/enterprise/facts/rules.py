"""Which facts may be stated how, and which of several statements counts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Protocol, TypeVar

from services.enterprise.firms.rules import PROFILE_CHECKS
from services.enterprise.vocabulary.rules import (
    Fact,
    FactValue,
    FieldFault,
    Keeper,
    Period,
    checked_value,
    fact,
    facts,
    nearest,
)
from services.kernel.clock import CITY
from services.kernel.days import FIRST_DAY, LAST_DAY, parse_day
from services.kernel.errors import FieldError, Invalid, invalid_field
from services.kernel.problems import UNKNOWN_NAME

FIRST_YEAR = 2000
FACTS_AT_ONCE_MAX = 200
FAULTS_SHOWN_MAX = 100
Values = dict[str, FactValue | None]


class Stated(Protocol):
    """A statement as far as it matters for which one counts."""

    @property
    def value(self) -> Any: ...
    @property
    def valid_from(self) -> date | None: ...


S = TypeVar("S", bound=Stated)

ELSEWHERE = {
    Keeper.RECOGNITIONS: "/v1/enterprise/firms/{uscc}/recognitions",
    Keeper.LISTS: "/v1/enterprise/lists/{list}/versions",
}


def require_year(year: int, today: date) -> None:
    if not FIRST_YEAR <= year <= today.year:
        raise invalid_field(
            "path/year",
            "year-out-of-range",
            f"年度须为{FIRST_YEAR}至{today.year}。",
            f"The year must be {FIRST_YEAR} to {today.year}.",
        )


def checked_facts(period: Period, given: Mapping[str, object]) -> Values:
    """Check every fact of a statement, or refuse all of it and say what is wrong with each."""
    values: Values = {}
    faults: list[FieldError] = []
    for name, value in given.items():
        try:
            values[name] = checked_fact(period, name, value)
        except FieldFault as fault:
            if len(faults) < FAULTS_SHOWN_MAX:
                faults.append(
                    FieldError(f"/facts/{shown_name(name)}", fault.code, fault.zh, fault.en)
                )
    if faults:
        raise _refusal(faults)
    return values


def checked_fact(period: Period, name: str, value: object) -> FactValue | None:
    """Check one fact by name, period and value; null withdraws it."""
    known = known_fact(period, name)
    if value is None:
        if known.kept_in is Keeper.PROFILE:
            raise FieldFault(
                "not-null",
                "登记信息不能撤回，只能以新值更正。",
                "What stands in the profile cannot be withdrawn, only corrected.",
            )
        return None
    if name in PROFILE_CHECKS and isinstance(value, str):
        return PROFILE_CHECKS[name](value)
    return checked_value(known, value)


def known_fact(period: Period, name: str) -> Fact:
    """Find a fact that may be stated for this period, or say where it belongs."""
    known = fact(name)
    if known is None:
        raise unknown_fact(period, name)
    if known.period is not period:
        raise _wrong_period(known)
    if known.kept_in is not None and known.kept_in in ELSEWHERE:
        path = ELSEWHERE[known.kept_in]
        raise FieldFault(
            "fact-kept-elsewhere",
            f"此项由登记记录得出，请用{path}。",
            f"This follows from records; state it at {path}.",
        )
    return known


def shown_name(name: str) -> str:
    """Give a fact's name back if it is one of the vocabulary: nothing made up is repeated."""
    return name if fact(name) else UNKNOWN_NAME


def unknown_fact(period: Period, name: str) -> FieldFault:
    """Name the fact that was probably meant."""
    meant = nearest(name, [each.name for each in facts() if each.period is period])
    return FieldFault(
        "unknown-fact",
        f"没有这个事实。是否指{meant}？" if meant else "没有这个事实，见代码表facts。",
        f"There is no such fact. Is {meant} meant?"
        if meant
        else "There is no such fact; see the code list facts.",
    )


def instant_of(text: str) -> datetime:
    """Read `as_of`: an instant, or a day, which means its end."""
    # A plus sign that was not escaped in a query arrives as a space.
    raw = text.strip().replace(" ", "+")
    try:
        if len(raw) == len("2026-01-01"):
            return datetime.combine(parse_day(raw), time.max, tzinfo=CITY)
        instant = datetime.fromisoformat(raw)
    except ValueError:
        instant = None
    if (
        instant is None
        or instant.tzinfo is None
        or not FIRST_DAY.year <= instant.year <= LAST_DAY.year
    ):
        raise invalid_field(
            "query/as_of",
            "as-of-invalid",
            "as_of须为日期（YYYY-MM-DD）或带时区的RFC 3339时刻。",
            "as_of must be a day (YYYY-MM-DD) or an RFC 3339 instant with an offset.",
        )
    return instant


def in_force(owned: Sequence[S], declared: Sequence[S], on: date | None = None) -> S | None:
    """Find the statement that counts: the owner's, or the firm's own where the owner says nothing.

    Both lines are in order of their days; without a day the last of each is meant.
    """
    for line in (owned, declared):
        begun = [s for s in line if on is None or s.valid_from is None or s.valid_from <= on]
        if begun and begun[-1].value is not None:
            return begun[-1]
    return None


def _wrong_period(known: Fact) -> FieldFault:
    if known.period is Period.YEARLY:
        return FieldFault(
            "fact-is-yearly",
            "此项按年度陈述，请用PUT /v1/enterprise/firms/{uscc}/indicators/{year}。",
            "This fact is stated by the year: PUT /v1/enterprise/firms/{uscc}/indicators/{year}.",
        )
    return FieldFault(
        "fact-is-daily",
        "此项以某日为准，请用POST /v1/enterprise/firms/{uscc}/facts。",
        "This fact is stated as of a day: POST /v1/enterprise/firms/{uscc}/facts.",
    )


def _refusal(faults: list[FieldError]) -> Invalid:
    first = faults[0]
    if len({each.code for each in faults}) == 1:
        return Invalid(first.zh, first.en, code=first.code, errors=faults)
    return Invalid(
        f"有{len(faults)}处内容不符合要求，请按errors逐项更正。",
        f"{len(faults)} facts do not fit; see errors.",
        errors=faults,
    )
