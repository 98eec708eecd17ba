"""Draw the city: the cast first, then as many ordinary firms as are wanted."""

from collections.abc import Iterator
from datetime import date
from random import Random

from services.launch.city import board, cast, money, rosters, titles
from services.launch.city.chance import one_in, stream
from services.launch.city.drafts import Draft, draw_firm
from services.launch.city.model import City, DayFacts, Recognition, YearlyFacts
from services.launch.city.offices import DEPARTMENTS, staff

# Below the sequence number of the documented synthetic code, so that nobody draws it.
FIRMS_MAX = 50_000
# One year in so many is not stated at all, one value in so many of the others: about 4 % together.
SILENT_YEAR_ONE_IN = 80
HOLE_ONE_IN = 36


def generate_city(seed: int = 2025, firms: int = 2000, through_year: int = 2025) -> City:
    """Grow a city from its seed; the same arguments give the same city, byte for byte."""
    players = cast.cast_drafts(seed, through_year)
    if not len(players) <= firms <= FIRMS_MAX:
        raise ValueError(f"between {len(players)} and {FIRMS_MAX} firms, not {firms}")
    players = {role: rosters.with_awards(each, through_year) for role, each in players.items()}
    drafts = [*players.values(), *_ordinary(seed, firms, through_year, players)]
    recognitions = tuple(
        each for draft in drafts for each in _recognitions(seed, draft, through_year)
    )
    return City(
        seed=seed,
        through_year=through_year,
        departments=DEPARTMENTS,
        staff=staff(),
        firms=tuple(draft.firm for draft in drafts),
        unregistered=tuple(cast.DEMO_FIRMS.values()),
        renamings=cast.renamings(players, through_year),
        groups=cast.groups(players),
        indicators=tuple(each for draft in drafts for each in _indicators(draft)),
        facts=tuple(each for draft in drafts for each in _facts(draft, through_year)),
        recognitions=recognitions,
        lists=rosters.lists(drafts, recognitions, through_year),
        budgets=money.budgets(through_year),
        aid=money.aid(players, through_year),
        tasks=board.tasks(),
        meetings=board.meetings(),
        cast={role: draft.firm.uscc for role, draft in players.items()}
        | {role: firm.uscc for role, firm in cast.DEMO_FIRMS.items()},
    )


def _ordinary(
    seed: int, firms: int, through_year: int, players: dict[str, Draft]
) -> Iterator[Draft]:
    names = {draft.firm.name for draft in players.values()}
    names |= {firm.name for firm in cast.DEMO_FIRMS.values()} | {cast.NEW_NAME}
    for index in range(len(players), firms):
        draft = draw_firm(seed, index, through_year, names.__contains__)
        names.add(draft.firm.name)
        yield rosters.with_awards(draft, through_year)


def _indicators(draft: Draft) -> Iterator[YearlyFacts]:
    for year, facts in sorted(draft.books.items()):
        stated = {
            name: value
            for name, value in facts.items()
            if (year, name) not in draft.holes and not _is_lost(draft.gaps, HOLE_ONE_IN)
        }
        if stated and not _is_lost(draft.gaps, SILENT_YEAR_ONE_IN):
            yield YearlyFacts(draft.firm.uscc, year, stated)


def _is_lost(gaps: Random | None, n: int) -> bool:
    return gaps is not None and one_in(gaps, n)


def _facts(draft: Draft, through_year: int) -> Iterator[DayFacts]:
    yield DayFacts(draft.firm.uscc, date(through_year + 1, 1, 1), draft.facts)
    for day, facts in draft.more_facts.items():
        yield DayFacts(draft.firm.uscc, day, facts)


def _recognitions(seed: int, draft: Draft, through_year: int) -> Iterator[Recognition]:
    uscc = draft.firm.uscc
    rng = stream(seed, "titles", uscc)
    yield from titles.tier_titles(uscc, draft.tier, through_year)
    if draft.researches:
        yield from titles.technology_titles(rng, uscc, draft.books, through_year)
    if not draft.trade.counts_for_scale:
        return
    scale = titles.above_scale(uscc, draft.books, since=draft.since, through_year=through_year)
    yield from scale
    if draft.trade.is_industrial and scale and scale[-1].valid_to is None:
        yield titles.land_class(rng, uscc, through_year)
        if one_in(rng, 30):
            yield titles.green_star(uscc, through_year)
