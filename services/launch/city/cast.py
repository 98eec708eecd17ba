"""The firms that stories and tests look for: each made for its role, to the fen."""

from dataclasses import dataclass, replace
from datetime import date
from random import Random

from services.launch.city import books, standing
from services.launch.city.chance import WAN, YUAN, stream
from services.launch.city.drafts import Draft, city_level
from services.launch.city.model import Fact, Firm, Group, Renaming
from services.launch.city.standing import CITY_DIVISION
from services.launch.city.titles import Tier
from services.launch.city.trades import BY_CODE, Trade
from services.launch.city.uscc import SEQUENCES, make_uscc

DEMO_USCC = "91330282MA00T35T2N"
GROUP_NAME = "示范海纳集团"
NOTHING_AGAINST: dict[str, Fact] = {
    "is_resident_enterprise": True,
    "is_listed": False,
    "has_banned_product": False,
    "has_abnormal_listing": False,
    "has_dishonesty_record": False,
    "had_major_incident_1y": False,
    "had_major_incident_3y": False,
}
STEADY = books.Habits(
    main_bp=9500, margin_bp=800, assets_bp=9000, debt_bp=4500, tax_bp=400, head_wan=110,
    technical_bp=2200, research_bp=400, export_bp=2500, investment_bp=400, design_bp=40,
    turnover_a_mu_wan=500,
)  # fmt: skip


@dataclass(frozen=True)
class Role:
    """A part to play: turnovers in 万元 of the last five years, R&D where it matters."""

    role: str
    name: str
    industry_code: str
    town_code: str
    revenues_wan: tuple[int, int, int, int, int]
    research_wan: tuple[int, int, int, int, int] | None = None
    fiscal_jurisdiction: str = CITY_DIVISION
    tier: Tier = Tier.NONE
    wins_ningbo: bool = False


RISING = (6200, 7000, 8000, 10000, 12450)
RESEARCH = (220, 240, 270, 300, 360)
STEADY_RISE = (7000, 7600, 8200, 8500, 9000)
ROLES = (
    Role("eligible", "慈溪市示范海晟传感器有限公司", "3983", "330282107", RISING),
    Role("cap", "慈溪市示范巨澜智能设备股份有限公司", "3969", "330282403",
         (120000, 150000, 180000, 200000, 265000)),
    Role("topped_up", "慈溪市示范双澜智能车载设备股份有限公司", "3962", "330282002",
         (100000, 110000, 130000, 150000, 220000)),
    Role("match", "慈溪市示范研丰厨房电器有限公司", "3854", "330282121", STEADY_RISE, RESEARCH,
         tier=Tier.SPECIALISED, wins_ningbo=True),
    Role("pending", "慈溪市示范宏图汽车部件股份有限公司", "3670", "330282123",
         (52000, 55000, 58000, 60000, 62000)),
    Role("boundary", "慈溪市示范临界电子元件有限公司", "3989", "330282003",
         (7500, 8000, 9000, 10000, 11000)),
    Role("unknown", "慈溪市示范待补电子电路有限公司", "3982", "330282111", RISING),
    Role("renamed", "慈溪市示范旧名轴承有限公司", "3451", "330282114",
         (3100, 3200, 3300, 3400, 3500)),
    Role("foreign_jurisdiction", "慈溪市示范外埠清洁电器有限公司", "3855", "330282402",
         STEADY_RISE, RESEARCH, fiscal_jurisdiction="330201", wins_ningbo=True),
    Role("dropped_and_back", "慈溪市示范往返模具有限公司", "3525", "330282120",
         (2600, 2300, 1800, 2400, 2900)),
    Role("group_parent", "慈溪市示范海纳微特电机股份有限公司", "3813", "330282006",
         (21000, 23000, 25000, 27000, 29000), (800, 850, 900, 980, 1050),
         tier=Tier.LITTLE_GIANT),
    Role("group_sibling", "慈溪市示范海纳电机部件有限公司", "3813", "330282006",
         (5600, 6000, 6400, 6900, 7400), (260, 280, 300, 330, 350), tier=Tier.SPECIALISED),
    Role("credit_repaired", "慈溪市示范复信塑料制品有限公司", "2929", "330282112",
         (2700, 2800, 2900, 3000, 3100)),
)  # fmt: skip
DEMO_FIRMS = {
    "demo_firm": Firm(
        DEMO_USCC, "慈溪市示范智能家电有限公司", "3854", "330282107", date(2012, 5, 1),
        CITY_DIVISION,
    ),
    "demo_firm_b": Firm(
        make_uscc(CITY_DIVISION, SEQUENCES - 1), "慈溪市示范精密轴承有限公司", "3451",
        "330282114", date(2015, 9, 1), CITY_DIVISION,
    ),
}  # fmt: skip
NEW_NAME = "慈溪市示范新名精密轴承有限公司"


def cast_drafts(seed: int, through_year: int) -> dict[str, Draft]:
    """Draft the firms of the roles that the city registers."""
    drafts = {role.role: _draft(seed, n, role, through_year) for n, role in enumerate(ROLES)}
    drafts["boundary"] = _just_below_ten_percent(drafts["boundary"], through_year)
    drafts["unknown"] = replace(
        drafts["unknown"], holes=frozenset({(through_year - 1, "revenue_fen")})
    )
    drafts["credit_repaired"] = _repaired(drafts["credit_repaired"], through_year)
    return drafts


def renamings(drafts: dict[str, Draft], through_year: int) -> tuple[Renaming, ...]:
    firm = drafts["renamed"].firm
    return (Renaming(firm.uscc, firm.name, NEW_NAME, date(through_year + 1, 3, 18)),)


def groups(drafts: dict[str, Draft]) -> tuple[Group, ...]:
    members = (drafts["group_parent"].firm.uscc, drafts["group_sibling"].firm.uscc)
    return (Group(GROUP_NAME, members),)


def _draft(seed: int, index: int, role: Role, through_year: int) -> Draft:
    rng = stream(seed, "cast", role.role)
    trade = BY_CODE[role.industry_code]
    firm = Firm(
        uscc=make_uscc(CITY_DIVISION, index),
        name=role.name,
        industry_code=role.industry_code,
        town_code=role.town_code,
        established_on=date(through_year - 15, 1 + index % 12, 10),
        fiscal_jurisdiction=role.fiscal_jurisdiction,
    )
    revenues = _series(role.revenues_wan, through_year)
    research = (
        books.draw_research(rng, STEADY, revenues)
        if role.research_wan is None
        else _series(role.research_wan, through_year)
    )
    return Draft(
        firm=firm,
        trade=trade,
        books=books.yearly_facts(rng, trade, STEADY, revenues, research),
        facts=_facts(rng, trade, firm),
        researches=True,
        tier=role.tier,
        gaps=None,
        since=through_year - 12,
        wins_ningbo=role.wins_ningbo,
    )


def _series(values_wan: tuple[int, ...], through_year: int) -> dict[int, int]:
    first = through_year - len(values_wan) + 1
    return {first + n: value * WAN for n, value in enumerate(values_wan)}


def _facts(rng: Random, trade: Trade, firm: Firm) -> dict[str, Fact]:
    drawn = standing.day_facts(rng, trade, researches=True, age=15)
    return drawn | NOTHING_AGAINST | city_level(firm)


def _just_below_ten_percent(draft: Draft, year: int) -> Draft:
    """Take one yuan from the year, so that its growth stays under 10 % by a hair."""
    last = draft.books[year]
    less = {name: last[name] - YUAN for name in ("revenue_fen", "total_income_fen")}
    less["cost_expense_fen"] = last["cost_expense_fen"] - YUAN
    return replace(draft, books=draft.books | {year: last | less})


def _repaired(draft: Draft, through_year: int) -> Draft:
    marked = draft.facts | {"has_dishonesty_record": True}
    repaired: dict[str, Fact] = {"has_dishonesty_record": False}
    return replace(draft, facts=marked, more_facts={date(through_year + 1, 3, 1): repaired})
