from typing import Annotated

from fastapi import Path, Query

from services.kernel.actors import Anyone
from services.kernel.clock import city_day
from services.kernel.errors import NotFound
from services.kernel.pages import LongPage, page_of_known
from services.kernel.unit import Now, Session, noun_router
from services.policy.parameters.queries import known_decisions
from services.policy.plan import queries
from services.policy.plan.actions.load_library import library
from services.policy.plan.schemas import (
    FactList,
    MeasureList,
    MeasureView,
    ProgrammeList,
    ProgrammeView,
)
from services.rulebook import Beneficiary, Kind

measures_router = noun_router("policy", "measures")
programmes_router = noun_router("policy", "programmes")
facts_router = noun_router("policy", "facts")


@measures_router.get("")
async def list_measures(_: Anyone, now: Now) -> MeasureList:
    """List the clauses that the plans hold as data, word for word where the text was at hand."""
    on = city_day(now)
    return MeasureList(items=[queries.measure_view(each, on) for each in library().measures])


@measures_router.get("/{number}")
async def get_measure(
    number: Annotated[int, Path(ge=1, le=99)], _: Anyone, now: Now
) -> MeasureView:
    """Read one measure of the action plan by its number."""
    for each in library().measures:
        if each.number == number and each.plan == library().main:
            return queries.measure_view(each, city_day(now))
    raise NotFound("没有这条措施，或尚未收录。", "There is no such measure here.")


@programmes_router.get("")
async def list_programmes(
    *,
    _: Anyone,
    session: Session,
    now: Now,
    page: LongPage,
    measure: Annotated[int | None, Query(ge=1, le=99, description="Of one measure")] = None,
    kind: Annotated[Kind | None, Query(description="What is handed out")] = None,
    beneficiary: Annotated[Beneficiary | None, Query(description="To whom")] = None,
) -> ProgrammeList:
    """List the programmes with their conditions, amounts, numbers of today and examples."""
    decisions, on = await known_decisions(session), city_day(now)
    asked = queries.programmes(library(), on, measure=measure, kind=kind, beneficiary=beneficiary)
    found = page_of_known(asked, page, "id")
    return ProgrammeList(
        items=[queries.programme_view(each, library(), decisions, on) for each in found["items"]],
        next_cursor=found["next_cursor"],
    )


@programmes_router.get("/{programme_id}")
async def get_programme(programme_id: str, _: Anyone, session: Session, now: Now) -> ProgrammeView:
    """Read one programme."""
    programme = library().programme_on(programme_id, city_day(now))
    if programme is None:
        raise NotFound("没有这个项目。", "There is no such programme.")
    decisions = await known_decisions(session)
    return queries.programme_view(programme, library(), decisions, city_day(now))


@facts_router.get("")
async def list_facts(_: Anyone) -> FactList:
    """List every fact that a rule may name, with its owner and the lawful path to it."""
    return FactList(items=[queries.fact_view(each) for each in library().facts.values()])
