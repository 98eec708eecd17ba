"""The named set: 60 programmes of 4 conditions each over 16 facts, about half of them shared."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from services.rulebook import (
    CompiledProgramme,
    Fact,
    Vocabulary,
    compile_programme,
    load_programme,
)

PROGRAMMES: Final = 60
CONDITIONS: Final = 4
YEAR: Final = 2025
WAN: Final = 1_000_000
MONEY_MAX: Final = 10**13
BOOLS: Final = ("is_above_scale", "is_city_level", "is_digital_manufacturing")
INDUSTRIES: Final = tuple(f"{number}" for number in range(3011, 3911, 18))
TOWNS: Final = tuple(f"3302821{number:02}" for number in range(18))
MONEY: Final = (
    "revenue_fen",
    "rd_internal_fen",
    "net_profit_fen",
    "tax_paid_fen",
    "total_assets_fen",
    "liabilities_fen",
)
VOCABULARY: Final = Vocabulary(
    [
        *(Fact(name, "year", "int", "fen", low=-MONEY_MAX, high=MONEY_MAX) for name in MONEY[2:3]),
        *(Fact(n, "year", "int", "fen", low=0, high=MONEY_MAX) for n in MONEY if "profit" not in n),
        Fact("staff_count", "year", "int", "count", low=0, high=10**6),
        Fact("tech_staff_count", "year", "int", "count", low=0, high=10**6),
        Fact("class1_ip_count", "day", "int", "count", low=0, high=10**5),
        *(Fact(name, "day", "bool") for name in BOOLS),
        Fact("industry_code", "day", "text"),
        Fact("town_code", "day", "text"),
    ]
)


def named_set() -> list[CompiledProgramme]:
    """Compile the sixty programmes."""
    return [compile_programme(load_programme(each), VOCABULARY) for each in programmes()]


def programmes() -> Iterator[dict[str, Any]]:
    """Write the sixty programmes; a seed of their own makes them the same everywhere."""
    pool = conditions()
    chance = Random(4)  # noqa: S311 (the same set everywhere, and nothing to guess)
    for number in range(PROGRAMMES):
        chosen = chance.sample(pool, CONDITIONS)
        share, cap = chance.randrange(200, 3000, 50), chance.randrange(10, 500, 10) * WAN
        yield {
            "id": f"p{number:02}",
            "title": f"项目{number}",
            "eligibility": [
                {"id": f"c{index}", "says": text, "when": text} for index, text in enumerate(chosen)
            ],
            "amount": f"LEAST(rd_internal_fen * {share} / 10000, {cap})",
        }


def conditions() -> list[str]:
    """Write a hundred and two different conditions of the kinds that the plan has."""
    growths = ("revenue_fen", "rd_internal_fen")
    return [
        *(f"revenue_fen >= {wan * WAN}" for wan in range(500, 6500, 500)),
        *(f"rd_internal_fen > {wan * WAN}" for wan in range(50, 650, 50)),
        *(f"rd_internal_fen * 100 >= {share} * revenue_fen" for share in range(1, 9)),
        *(f"rd_internal_fen / revenue_fen >= {share} / 1000" for share in range(15, 95, 10)),
        *(f"liabilities_fen * 100 <= {share} * total_assets_fen" for share in range(50, 90, 5)),
        *(f"tech_staff_count / staff_count >= {share}/100" for share in range(5, 45, 5)),
        *(f"growth({name}, 1) > {share} / 100" for name in growths for share in range(2, 17, 3)),
        *(f"staff_count BETWEEN {least} AND {least * 10}" for least in range(20, 120, 20)),
        *(f"class1_ip_count >= {least} OR is_digital_manufacturing" for least in range(1, 6)),
        *(f"industry_code IN ('{INDUSTRIES[n]}', '{INDUSTRIES[n + 9]}', '{INDUSTRIES[n + 25]}')"
          " OR is_above_scale" for n in range(5)),
        *(f"town_code = '{TOWNS[n]}' OR is_city_level" for n in range(5)),
        *(f"tax_paid_fen >= {wan * WAN} AND net_profit_fen > 0" for wan in range(50, 300, 50)),
        *(f"CASE WHEN revenue_fen <= 5000000000 THEN rd_internal_fen * 100 >= {share} * revenue_fen"
          f" ELSE rd_internal_fen * 100 >= {share - 2} * revenue_fen END" for share in range(4, 9)),
        *BOOLS,
        "is_above_scale OR is_city_level",
        "is_above_scale AND NOT is_digital_manufacturing",
    ]  # fmt: skip
