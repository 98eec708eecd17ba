"""A firm's yearly facts, drawn so that they agree with one another."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from services.launch.city.chance import BP, WAN, chance, log_normal, part, to_yuan
from services.launch.city.trades import TRAITS, Kind, Trade

# What the economy adds to a firm's own growth, in basis points, first year to last.
TIDE_BP = (0, -250, 100, 300, 500)
YEARS = len(TIDE_BP)
INCOME_TAX_LEFT_PERCENT = 85

Series = Mapping[int, int]


@dataclass(frozen=True)
class Habits:
    """What stays about the same in a firm from year to year."""

    main_bp: int
    margin_bp: int
    assets_bp: int
    debt_bp: int
    tax_bp: int
    head_wan: int
    technical_bp: int
    research_bp: int
    export_bp: int
    investment_bp: int
    design_bp: int
    turnover_a_mu_wan: int


def draw_habits(rng: Random, trade: Trade) -> Habits:
    traits = TRAITS[trade.kind]
    researches = chance(rng, traits.researching_percent)
    return Habits(
        main_bp=rng.randint(9000, 9950) if chance(rng, 85) else rng.randint(5500, 9000),
        margin_bp=rng.randint(*traits.margin_bp),
        assets_bp=rng.randint(6000, 16000),
        debt_bp=rng.randint(2000, 7800) if chance(rng, 95) else rng.randint(8000, 10500),
        tax_bp=rng.randint(150, 600),
        head_wan=rng.randint(*traits.head_wan),
        technical_bp=rng.randint(*traits.technical_bp),
        research_bp=rng.randint(*traits.research_bp) if researches else 0,
        export_bp=rng.randint(500, 6000) if trade.is_industrial and chance(rng, 45) else 0,
        investment_bp=rng.randint(100, 900) if trade.is_industrial and chance(rng, 60) else 0,
        design_bp=rng.randint(10, 120) if trade.is_industrial and chance(rng, 20) else 0,
        turnover_a_mu_wan=rng.randint(180, 900),
    )


def draw_revenues(rng: Random, trade: Trade, first: int, last: int) -> dict[int, int]:
    """Draw the turnovers of the years; the tide lies on the last years of the city."""
    revenue = log_normal(rng, TRAITS[trade.kind].median_wan)
    tide = {last - YEARS + 1 + n: each for n, each in enumerate(TIDE_BP)}
    revenues: dict[int, int] = {}
    for year in range(first, last + 1):
        own = rng.randint(-1300, 1500) + rng.randint(-1300, 1500)
        revenue = part(revenue, BP + own + tide[year])
        revenues[year] = revenue
    return revenues


def yearly_facts(
    rng: Random, trade: Trade, habits: Habits, revenues: Series, research: Series
) -> dict[int, dict[str, int]]:
    """Fill in each year's facts from its turnover and its R&D; the statistical R&D is given."""
    return {
        year: {
            **_income(rng, habits, revenue),
            **_balance(rng, habits, revenue),
            **_research(rng, research[year]),
            **_people(rng, habits, revenue),
            **_business(rng, trade, habits, revenue, research[year]),
        }
        for year, revenue in revenues.items()
    }


def draw_research(rng: Random, habits: Habits, revenues: Series) -> dict[int, int]:
    """Draw 研发经费内部支出; at most half of the turnover."""
    return {
        year: min(part(revenue, habits.research_bp * rng.randint(80, 120) // 100), revenue // 2)
        for year, revenue in revenues.items()
    }


def _income(rng: Random, habits: Habits, revenue: int) -> dict[str, int]:
    profit = part(revenue, habits.margin_bp + rng.randint(-150, 150))
    main = part(revenue, min(BP, habits.main_bp + rng.randint(-30, 30)))
    other = part(revenue, rng.randint(0, 200))
    return {
        "revenue_fen": revenue,
        "main_revenue_fen": main,
        "total_income_fen": revenue + other,
        "nontaxable_income_fen": part(other, rng.randint(0, 4000)),
        "cost_expense_fen": revenue - profit,
        "net_profit_fen": profit * INCOME_TAX_LEFT_PERCENT // 100 if profit > 0 else profit,
        "tax_paid_fen": part(revenue, habits.tax_bp + rng.randint(-40, 40)),
    }


def _balance(rng: Random, habits: Habits, revenue: int) -> dict[str, int]:
    assets = part(revenue, habits.assets_bp + rng.randint(-300, 300))
    liabilities = part(assets, habits.debt_bp + rng.randint(-200, 200))
    return {
        "total_assets_fen": assets,
        "liabilities_fen": liabilities,
        "net_assets_fen": assets - liabilities,
    }


def _research(rng: Random, internal: int) -> dict[str, int]:
    expense = part(internal, rng.randint(9000, 11500))
    return {
        "rd_internal_fen": internal,
        "rd_expense_fen": expense,
        "rd_domestic_fen": part(expense, rng.randint(9000, BP)),
        "rd_deductible_fen": part(expense, rng.randint(8000, BP)),
    }


def _people(rng: Random, habits: Habits, revenue: int) -> dict[str, int]:
    staff = max(3, revenue // (habits.head_wan * WAN))
    technical = staff * (habits.technical_bp + rng.randint(-100, 100)) // BP
    researchers = technical * rng.randint(50, 95) // 100 if habits.research_bp else 0
    return {
        "staff_count": staff,
        "tech_staff_count": technical,
        "rd_staff_count": researchers,
    }


def _business(
    rng: Random, trade: Trade, habits: Habits, revenue: int, research: int
) -> dict[str, int]:
    facts = {"value_added_fen": part(revenue, rng.randint(1700, 3200))}
    if trade.is_industrial:
        facts |= {
            "technical_investment_fen": part(revenue, habits.investment_bp),
            "design_purchase_fen": part(revenue, habits.design_bp),
            "export_fen": part(revenue, habits.export_bp),
            "land_mu": max(1, revenue // (habits.turnover_a_mu_wan * WAN)),
            "energy_tce": revenue // WAN * rng.randint(2, 9) // 100,
            "emission_t": revenue // WAN * rng.randint(1, 6) // 1000,
        }
    if research:
        facts |= {
            "hightech_income_fen": part(revenue, rng.randint(4500, 9500)),
            "conversion_count": rng.randint(0, 7),
            "development_score": rng.randint(38, 82),
            "innovation_points": rng.randint(35, 95),
            "equity_raised_fen": to_yuan(rng.randint(300, 4000) * WAN) if chance(rng, 4) else 0,
        }
    elif trade.kind in {Kind.TRADE, Kind.LOGISTICS}:
        facts["export_fen"] = part(revenue, rng.randint(0, 4000))
    return facts
