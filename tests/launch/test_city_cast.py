"""The cast of the city: each role exact to the fen under the formulas of its programme."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from fractions import Fraction

import pytest

from services.launch.city import generate_city
from services.launch.city.model import Recognition

WAN = 1_000_000
YEAR = 2025
TODAY = date(2026, 11, 23)
CITY = generate_city(firms=80)
BOOKS: Mapping[str, Mapping[int, Mapping[str, int]]] = {
    uscc: {each.year: each.facts for each in CITY.indicators if each.uscc == uscc}
    for uscc in CITY.cast.values()
}


def books(role: str) -> Mapping[int, Mapping[str, int]]:
    return BOOKS[CITY.cast[role]]


def day_facts(role: str, on: date = TODAY) -> dict[str, object]:
    found: dict[str, object] = {}
    for each in CITY.facts:
        if each.uscc == CITY.cast[role] and each.valid_from <= on:
            found |= each.facts
    return found


def held(role: str, on: date = TODAY) -> set[str]:
    uscc = CITY.cast[role]
    return {
        each.recognition for each in CITY.recognitions if each.uscc == uscc and covers(each, on)
    }


def covers(title: Recognition, on: date) -> bool:
    return title.valid_from <= on and (title.valid_to is None or on <= title.valid_to)


def on_lists(role: str, on: date = TODAY) -> set[str]:
    return {
        each.list
        for each in CITY.lists
        if each.valid_from <= on <= each.valid_to and CITY.cast[role] in each.members
    }


def growth(role: str, fact: str, year: int = YEAR) -> Fraction:
    years = books(role)
    return Fraction(years[year][fact], years[year - 1][fact]) - 1


def digital_growth_fen(role: str) -> int:
    """慈政办发〔2025〕20号 (一)1: the award of a firm that meets the conditions, else 0."""
    revenue = {year: facts["revenue_fen"] for year, facts in books(role).items()}
    average = (growth(role, "revenue_fen") + growth(role, "revenue_fen", YEAR - 1)) / 2
    meets = (
        "above-scale" in held(role)
        and day_facts(role)["is_digital_manufacturing"] is True
        and average > 0
        and growth(role, "revenue_fen") >= Fraction(10, 100)
    )
    hundreds = (revenue[YEAR] - revenue[YEAR - 1]) // (100 * WAN)
    return min(30 * WAN, 50_000 * hundreds) if meets else 0


def rd_matching_conditions(role: str) -> dict[str, bool]:
    facts = books(role)[YEAR]
    return {
        "scale": "above-scale" in held(role),
        "spending": facts["rd_internal_fen"] > 200 * WAN,
        "growth": growth(role, "rd_internal_fen") > Fraction(10, 100),
        "intensity": facts["rd_internal_fen"] * 100 >= 3 * facts["revenue_fen"],
        "list": "ningbo-rd-post-subsidy" in on_lists(role),
        "city": day_facts(role)["is_city_level"] is True,
    }


def test_the_demo_firms_are_named_and_not_registered() -> None:
    demo = {firm.uscc: firm for firm in CITY.unregistered}
    firm = demo[CITY.cast["demo_firm"]]
    assert firm.body() == {
        "uscc": "91330282MA00T35T2N",
        "name": "慈溪市示范智能家电有限公司",
        "industry_code": "3854",
        "town_code": "330282107",
        "established_on": "2012-05-01",
        "fiscal_jurisdiction": "330282",
        "synthetic": True,
    }
    assert CITY.cast["demo_firm_b"] in demo
    everywhere = json.dumps(asdict(CITY) | {"unregistered": (), "cast": {}}, default=str)
    assert not any(uscc in everywhere for uscc in demo)


def test_the_cast_is_complete() -> None:
    registered = {firm.uscc for firm in CITY.firms}
    assert CITY.cast.keys() == {
        "eligible", "cap", "topped_up", "match", "pending", "boundary", "unknown", "renamed",
        "foreign_jurisdiction", "dropped_and_back", "group_parent", "group_sibling",
        "credit_repaired", "demo_firm", "demo_firm_b",
    }  # fmt: skip
    assert {uscc for role, uscc in CITY.cast.items() if "demo" not in role} <= registered


@pytest.mark.parametrize(
    ("role", "fen"),
    [("eligible", 24 * 50_000), ("cap", 30 * WAN), ("topped_up", 30 * WAN), ("boundary", 0)],
)
def test_digital_growth_of_the_cast(role: str, fen: int) -> None:
    assert digital_growth_fen(role) == fen


def test_the_boundary_fails_by_one_yuan_and_by_nothing_else() -> None:
    revenue = {year: facts["revenue_fen"] for year, facts in books("boundary").items()}
    assert Fraction(revenue[YEAR] + 100, revenue[YEAR - 1]) - 1 == Fraction(10, 100)
    assert day_facts("boundary")["is_digital_manufacturing"] is True
    assert "above-scale" in held("boundary")


def test_the_unknown_firm_lacks_only_the_revenue_of_the_year_before() -> None:
    years = books("unknown")
    assert set(years) == {2021, 2022, 2023, 2024, 2025}
    assert "revenue_fen" not in years[YEAR - 1]
    assert all("revenue_fen" in years[year] for year in years if year != YEAR - 1)
    assert "above-scale" in held("unknown")


def test_the_duplicate_and_the_match_among_the_aid_of_upper_levels() -> None:
    aid = {each.uscc: each.body() for each in CITY.aid}
    duplicate, match = aid[CITY.cast["topped_up"]], aid[CITY.cast["match"]]
    assert duplicate["amount_fen"] == 10 * WAN
    assert duplicate["matter"] == match["matter"] == {"kind": "year", "period": "2025"}
    assert duplicate["level"] == match["level"] == "ningbo"
    assert duplicate["stacking_group"] == "digital-growth" != match["stacking_group"]
    assert match["amount_fen"] == books("match")[YEAR]["ningbo_rd_award_fen"] == 18 * WAN


def test_rd_matching_of_the_cast() -> None:
    assert set(rd_matching_conditions("match").values()) == {True}
    foreign = rd_matching_conditions("foreign_jurisdiction")
    assert [name for name, holds in foreign.items() if not holds] == ["city"]


def test_the_pending_firm_reaches_five_hundred_million_and_grows_too_little() -> None:
    assert books("pending")[YEAR]["revenue_fen"] >= 50_000 * WAN
    assert digital_growth_fen("pending") == 0


def test_the_firm_that_dropped_out_of_scale_is_back() -> None:
    on_register = {
        year: "above-scale" in held("dropped_and_back", date(year, 6, 30))
        for year in range(2020, 2027)
    }
    assert on_register == {
        2020: True, 2021: True, 2022: True, 2023: True, 2024: False, 2025: True, 2026: True,
    }  # fmt: skip


def test_the_renamed_the_siblings_and_the_repaired() -> None:
    names = {firm.uscc: firm.name for firm in CITY.firms}
    renamed = next(each for each in CITY.renamings if each.uscc == CITY.cast["renamed"])
    assert names[renamed.uscc] == renamed.former_name != renamed.name
    assert CITY.groups[0].members == (CITY.cast["group_parent"], CITY.cast["group_sibling"])
    assert {"little-giant", "specialised-sme"} <= held("group_parent")
    assert day_facts("credit_repaired", date(2026, 2, 28))["has_dishonesty_record"] is True
    assert day_facts("credit_repaired", date(2026, 3, 1))["has_dishonesty_record"] is False
