"""A firm while the city is being drawn: its profile, its true books, what it has attained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

from services.launch.city import books, standing, titles
from services.launch.city.chance import chance, stream
from services.launch.city.model import Fact, Firm
from services.launch.city.naming import draw_name
from services.launch.city.standing import CITY_DIVISION
from services.launch.city.titles import Tier
from services.launch.city.trades import SHARES, Kind, Trade
from services.launch.city.uscc import make_uscc

CITY_AUTHORITY = "330200"
TOWN_SHARES = {
    "330282002": 9, "330282003": 7, "330282004": 3, "330282005": 4, "330282006": 4,
    "330282104": 4, "330282107": 12, "330282108": 6, "330282109": 4, "330282110": 3,
    "330282111": 6, "330282112": 5, "330282113": 4, "330282114": 7, "330282116": 3,
    "330282118": 4, "330282120": 5, "330282121": 11, "330282123": 8, "330282402": 3,
    "330282403": 4, "330282404": 1, "330282405": 1, "330282406": 1,
}  # fmt: skip
TOWNS = tuple(code for code, shares in TOWN_SHARES.items() for _ in range(shares))
JURISDICTIONS = (*[CITY_DIVISION] * 94, "330201", "330201", "330201", "330213", None, None)


@dataclass(frozen=True)
class Draft:
    """True books without holes; `gaps` is None where nothing but the named holes is missing."""

    firm: Firm
    trade: Trade
    books: dict[int, dict[str, int]]
    facts: dict[str, Fact]
    researches: bool
    tier: Tier
    gaps: Random | None
    since: int
    holes: frozenset[tuple[int, str]] = frozenset()
    wins_ningbo: bool = False
    more_facts: Mapping[date, Mapping[str, Fact]] = field(
        default_factory=dict[date, dict[str, Fact]]
    )


def draw_firm(seed: int, index: int, through_year: int, is_taken: Callable[[str], bool]) -> Draft:
    """Draw an ordinary firm of the city."""
    rng = stream(seed, "firm", index)
    trade = rng.choice(SHARES)
    habits = books.draw_habits(rng, trade)
    founded = _founded(rng, through_year)
    first = max(through_year - books.YEARS + 1, founded.year + 1)
    revenues = books.draw_revenues(rng, trade, first, through_year)
    research = books.draw_research(rng, habits, revenues)
    accounts = books.yearly_facts(rng, trade, habits, revenues, research)
    researches = habits.research_bp > 0
    firm = _profile(rng, index, trade, founded, draw_name(rng, trade, is_taken))
    facts = standing.day_facts(
        rng, trade, researches=researches, age=through_year - founded.year
    ) | city_level(firm)
    tier = titles.draw_tier(rng, accounts, through_year) if researches else Tier.NONE
    gaps = stream(seed, "gaps", index)
    return Draft(
        firm=firm,
        trade=trade,
        books=accounts,
        facts=standing.with_gaps(gaps, facts),
        researches=researches,
        tier=tier,
        gaps=gaps,
        since=founded.year + rng.randint(2, 6),
        wins_ningbo=chance(rng, 60),
    )


def city_level(firm: Firm) -> dict[str, Fact]:
    """Tell 市本级 by the fiscal jurisdiction, never by the town; unstated without one."""
    if firm.fiscal_jurisdiction is None:
        return {}
    return {"is_city_level": firm.fiscal_jurisdiction == CITY_DIVISION}


def _founded(rng: Random, through_year: int) -> date:
    year = rng.randint(through_year - 25, through_year - 5)
    if chance(rng, 12):
        year = rng.randint(through_year - 4, through_year - 1)
    return date(year, rng.randint(1, 12), rng.randint(1, 28))


def _profile(rng: Random, index: int, trade: Trade, founded: date, name: str) -> Firm:
    authority = CITY_AUTHORITY if chance(rng, 8) else CITY_DIVISION
    town = "330282405" if trade.kind is Kind.FARM and chance(rng, 40) else rng.choice(TOWNS)
    return Firm(
        uscc=make_uscc(authority, index),
        name=name,
        industry_code=trade.code,
        town_code=town,
        established_on=founded,
        fiscal_jurisdiction=rng.choice(JURISDICTIONS),
    )
