"""Facts by the year and as of a day, under their firm."""

from datetime import date
from typing import Annotated

from fastapi import Query, Response

from services.enterprise.facts.access import Stater
from services.enterprise.facts.actions import state_day, state_year
from services.enterprise.facts.queries import day_facts, indicators
from services.enterprise.facts.rules import instant_of, require_year
from services.enterprise.facts.schemas import DayFactsView, DayStated, IndicatorsView, YearStated
from services.enterprise.firms.access import FirmPath, Reader
from services.enterprise.firms.queries import find_firm
from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.etags import set_etag
from services.kernel.unit import Now, Session, noun_router

router = noun_router("enterprise", "facts", prefix="/v1/enterprise/firms/{uscc}")

AsOf = Annotated[
    str | None, Query(max_length=40, description="What was recorded by this instant or day")
]
On = Annotated[Day | None, Query(description="The day of the question; today by default")]


@router.put("/indicators/{year}")
async def put_indicators(
    uscc: FirmPath, year: int, stated: YearStated, actor: Stater, session: Session, now: Now
) -> IndicatorsView:
    """State facts of a year; each named fact is superseded, unnamed ones stay, null withdraws."""
    firm = await state_year(session, actor, uscc, year, stated.facts, stated.source, now=now)
    return await indicators(session, firm, year)


@router.get("/indicators/{year}")
async def get_indicators(  # noqa: PLR0917  FastAPI hands each of these over by name
    uscc: FirmPath,
    year: int,
    actor: Reader,
    session: Session,
    now: Now,
    response: Response,
    as_of: AsOf = None,
) -> IndicatorsView:
    """Read a firm's facts of a year, as they stand or as they were recorded by `as_of`."""
    firm = await find_firm(session, actor, uscc)
    require_year(year, city_day(now))
    set_etag(response, firm.version)
    return await indicators(session, firm, year, instant_of(as_of) if as_of else None)


@router.post("/facts", status_code=201)
async def post_facts(
    uscc: FirmPath, stated: DayStated, actor: Stater, session: Session, now: Now
) -> DayFactsView:
    """State facts from a day on; a later statement for the same day supersedes."""
    firm = await state_day(
        session, actor, uscc, stated.facts, stated.valid_from, stated.source, now=now
    )
    return await day_facts(session, firm, _day_shown(stated.valid_from, city_day(now)))


@router.get("/facts")
async def get_facts(  # noqa: PLR0917
    uscc: FirmPath,
    actor: Reader,
    session: Session,
    now: Now,
    response: Response,
    on: On = None,
    as_of: AsOf = None,
) -> DayFactsView:
    """Read a firm's facts as of a day, as they stand or as they were recorded by `as_of`."""
    firm = await find_firm(session, actor, uscc)
    set_etag(response, firm.version)
    instant = instant_of(as_of) if as_of else None
    return await day_facts(session, firm, on or city_day(now), instant)


def _day_shown(valid_from: date | None, today: date) -> date:
    """Show what was stated ahead of its day on that day, and all else as of today."""
    return max(valid_from, today) if valid_from else today
