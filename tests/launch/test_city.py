"""The synthetic city: valid, consistent, and the same every time."""

import csv
import hashlib
import io
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date

import pytest
from stdnum.cn import uscc as stdnum_uscc

from services.enterprise.codes.industries import IndustryLevel, industry
from services.enterprise.codes.towns import is_division_code, town
from services.enterprise.codes.uscc import canonical_uscc
from services.launch.city import City, csv_table, generate_city
from services.launch.city.model import Recognition
from services.launch.city.uscc import SEQUENCES, make_uscc

WAN = 1_000_000
YEAR = 2025
CITY = generate_city()
PRINT_HASH = """
import hashlib
from services.launch.city import generate_city
print(hashlib.sha256(repr(generate_city(7, 120)).encode()).hexdigest())
"""


def fingerprint(city: City) -> str:
    return hashlib.sha256(repr(city).encode()).hexdigest()


def covers(title: Recognition, on: date) -> bool:
    return title.valid_from <= on and (title.valid_to is None or on <= title.valid_to)


def test_the_same_seed_gives_the_same_city_whatever_the_hash_seed() -> None:
    expected = fingerprint(generate_city(7, 120))
    assert fingerprint(generate_city(7, 120)) == expected
    assert fingerprint(generate_city(8, 120)) != expected
    for hash_seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        printed = subprocess.run(
            [sys.executable, "-c", PRINT_HASH],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert printed.stdout.strip() == expected


def test_a_smaller_city_is_the_beginning_of_a_larger_one() -> None:
    small = generate_city(firms=60)
    assert small.firms == CITY.firms[:60]
    assert small.indicators == CITY.indicators[: len(small.indicators)]


def test_every_firm_has_a_valid_profile_of_its_own() -> None:
    assert len(CITY.firms) == 2000
    assert len({firm.uscc for firm in CITY.firms}) == len({f.name for f in CITY.firms}) == 2000
    for firm in (*CITY.firms, *CITY.unregistered):
        assert canonical_uscc(firm.uscc) == firm.uscc
        assert stdnum_uscc.is_valid(firm.uscc)
        found = industry(firm.industry_code)
        assert found is not None
        assert found.level is IndustryLevel.CLASS
        assert town(firm.town_code) is not None
        jurisdiction = firm.fiscal_jurisdiction
        assert jurisdiction is None or is_division_code(jurisdiction)
        assert firm.established_on.year <= YEAR


def test_no_name_can_be_taken_for_a_real_firm() -> None:
    names = [firm.name for firm in (*CITY.firms, *CITY.unregistered)]
    names += [each.name for each in CITY.renamings]
    assert all("示范" in name or "样例" in name for name in names)
    assert all(firm.body()["synthetic"] is True for firm in CITY.firms)
    assert all(each.body()["synthetic"] is True for each in CITY.lists)


def test_most_firms_are_registered_and_taxed_in_the_city() -> None:
    authorities = Counter(firm.uscc[2:8] for firm in CITY.firms)
    jurisdictions = Counter(firm.fiscal_jurisdiction for firm in CITY.firms)
    assert set(authorities) == {"330282", "330200"}
    assert authorities["330282"] > 1700 < jurisdictions["330282"]
    assert min(jurisdictions["330201"], jurisdictions["330213"], jurisdictions[None]) > 5


def test_a_year_s_facts_agree_with_one_another() -> None:
    complete = 0
    for each in CITY.indicators:
        facts = each.facts
        assert all(type(value) is int for value in facts.values())
        money = {name: value for name, value in facts.items() if name.endswith("_fen")}
        negative = {name for name, value in money.items() if value < 0}
        assert negative <= {"net_profit_fen", "net_assets_fen"}
        if {"total_assets_fen", "net_assets_fen", "liabilities_fen"} <= facts.keys():
            complete += 1
            assert facts["net_assets_fen"] + facts["liabilities_fen"] == facts["total_assets_fen"]
        for smaller, larger in ORDERED:
            if smaller in facts and larger in facts:
                assert facts[smaller] <= facts[larger], (each.uscc, each.year, smaller, larger)
        assert 2 * facts.get("rd_internal_fen", 0) <= facts.get("revenue_fen", 10**18)
    assert complete > 8000


ORDERED = (
    ("main_revenue_fen", "revenue_fen"),
    ("revenue_fen", "total_income_fen"),
    ("nontaxable_income_fen", "total_income_fen"),
    ("hightech_income_fen", "revenue_fen"),
    ("rd_domestic_fen", "rd_expense_fen"),
    ("rd_deductible_fen", "rd_expense_fen"),
    ("rd_staff_count", "tech_staff_count"),
    ("tech_staff_count", "staff_count"),
    ("export_fen", "revenue_fen"),
    ("tax_paid_fen", "revenue_fen"),
)


def test_about_four_percent_is_missing_and_some_years_are_silent() -> None:
    roles = set(CITY.cast.values())
    years: dict[str, set[int]] = defaultdict(set)
    for each in CITY.indicators:
        years[each.uscc].add(each.year)
    silent = [u for u, seen in years.items() if len(seen) < max(seen) - min(seen) + 1]
    stated = [each for each in CITY.indicators if each.uscc not in roles]
    always = {"revenue_fen", "total_assets_fen", "staff_count", "rd_internal_fen"}
    missing = sum(name not in each.facts for each in stated for name in always)
    assert len(silent) > 20
    assert 2 < 100 * missing / (len(stated) * len(always)) < 4
    assert set(range(2021, 2026)) == {each.year for each in CITY.indicators}


def test_every_fact_is_one_the_contract_names() -> None:
    assert {name for each in CITY.indicators for name in each.facts} <= set(YEARLY.split())
    assert {name for each in CITY.facts for name in each.facts} <= set(AS_OF_THE_DAY.split())


YEARLY = """
    revenue_fen main_revenue_fen total_income_fen nontaxable_income_fen hightech_income_fen
    cost_expense_fen rd_internal_fen rd_expense_fen rd_domestic_fen rd_deductible_fen
    total_assets_fen net_assets_fen liabilities_fen net_profit_fen tax_paid_fen
    staff_count tech_staff_count rd_staff_count equity_raised_fen technical_investment_fen
    design_purchase_fen export_fen conversion_count development_score innovation_points
    land_mu energy_tce emission_t value_added_fen ningbo_rd_award_fen
"""
AS_OF_THE_DAY = """
    is_resident_enterprise is_industrial is_city_level is_listed is_digital_manufacturing
    class1_ip_count class1_ip_self_developed_count class1_ip_high_value_count
    class1_ip_applied_count class2_ip_count niche_years market_share_bp domestic_market_rank
    global_market_rank main_product_is_new main_product_is_strategic_emerging fills_chain_gap
    has_banned_product has_abnormal_listing has_dishonesty_record had_major_incident_1y
    had_major_incident_3y has_provincial_rd_institution provincial_award_top3_3y
    national_award_top3_3y national_award_top3_5y leads_standard_5y qualified_equity_3y_fen
    core_tech_in_national_field ip_supports_main_product green_factory_score
    clean_production_accepted_3y is_water_saving
"""


def test_each_tier_lies_within_the_one_below_on_every_day() -> None:
    by_title: dict[str, dict[str, list[Recognition]]] = defaultdict(lambda: defaultdict(list))
    for each in CITY.recognitions:
        by_title[each.recognition][each.uscc].append(each)
    assert len(by_title["little-giant"]) >= 5
    for upper, lower in (
        ("little-giant", "specialised-sme"),
        ("specialised-sme", "innovative-sme"),
    ):
        for uscc, titles in by_title[upper].items():
            for title in titles:
                assert title.valid_to is not None
                for n in range(title.valid_from.toordinal(), title.valid_to.toordinal() + 1):
                    day = date.fromordinal(n)
                    assert any(covers(below, day) for below in by_title[lower][uscc])


def test_above_scale_follows_main_revenue_of_the_year_before() -> None:
    main = {
        (each.uscc, each.year): each.facts["main_revenue_fen"]
        for each in CITY.indicators
        if "main_revenue_fen" in each.facts
    }
    spans: dict[str, list[Recognition]] = defaultdict(list)
    for each in CITY.recognitions:
        if each.recognition == "above-scale":
            spans[each.uscc].append(each)
    checked = 0
    for (uscc, year), fen in main.items():
        if uscc in spans:
            checked += 1
            on_register = any(covers(each, date(year + 1, 6, 30)) for each in spans[uscc])
            assert on_register == (fen >= 2000 * WAN)
    assert checked > 3000
    assert sum(len(each) > 1 for each in spans.values()) >= 5


def test_the_ningbo_list_and_its_awards_are_the_same_firms() -> None:
    awarded = {
        year: {
            each.uscc
            for each in CITY.indicators
            if each.year == year and "ningbo_rd_award_fen" in each.facts
        }
        for year in (2024, 2025)
    }
    for version in CITY.lists:
        if version.list == "ningbo-rd-post-subsidy":
            assert awarded[version.valid_from.year - 1] <= set(version.members)
            assert len(version.members) > 50
    assert {each.list for each in CITY.lists} == {
        "ningbo-rd-post-subsidy", "yong-ke-qi", "gazelle-star-list",
    }  # fmt: skip
    registered = {firm.uscc for firm in CITY.firms}
    assert all(each.members and set(each.members) <= registered for each in CITY.lists)


def test_budget_lines_for_three_years_with_one_nearly_spent() -> None:
    purposes = {(each.measure, each.programme) for each in CITY.budgets}
    assert purposes == {(None, "digital-growth"), (9, None), (27, None)}
    assert {each.year for each in CITY.budgets} == {2025, 2026, 2027}
    nearly = [each for each in CITY.budgets if each.spent_fen * 100 >= 95 * each.amount_fen]
    assert len(nearly) == 1
    assert nearly[0].spent_fen < nearly[0].amount_fen
    assert all(("measure" in each.body()) != ("programme" in each.body()) for each in CITY.budgets)
    assert {each.department for each in CITY.budgets} <= {each.code for each in CITY.departments}


def test_every_department_has_a_desk_and_every_town_a_reviewer() -> None:
    assert len({each.id for each in CITY.staff}) == len(CITY.staff)
    for department in CITY.departments:
        roles = {
            role for each in CITY.staff if each.department == department.code for role in each.roles
        }
        assert {"registrar", "reviewer", "approver"} <= roles
    assert len([each for each in CITY.staff if each.town_code is not None]) == 19
    assert sum("treasurer" in each.roles for each in CITY.staff) == 2


def test_the_import_files_carry_the_fields_and_leave_the_unknown_empty() -> None:
    firms, indicators, facts, recognitions = (
        list(csv.DictReader(io.StringIO(csv_table(CITY, kind).decode())))
        for kind in ("firms", "indicators", "facts", "recognitions")
    )
    assert [row["uscc"] for row in firms] == [firm.uscc for firm in CITY.firms]
    assert {row["synthetic"] for row in firms} == {"true"}
    unknown = next(
        row for row in indicators
        if row["uscc"] == CITY.cast["unknown"] and row["year"] == str(YEAR - 1)
    )  # fmt: skip
    assert unknown["revenue_fen"] == ""
    assert int(unknown["staff_count"]) > 0
    assert list(facts[0])[:3] == ["uscc", "valid_from", "source"]
    assert {row["is_industrial"] for row in facts} == {"true", "false", ""}
    assert list(recognitions[0]) == [
        "uscc", "recognition", "grade", "issuer", "document", "valid_from", "valid_to",
    ]  # fmt: skip
    assert len(recognitions) == len(CITY.recognitions)


def test_codes_are_made_once_each() -> None:
    codes = {make_uscc("330282", n) for n in range(5000)}
    assert len(codes) == 5000
    assert make_uscc("330282", 69124) == "91330282MA00T35T2N"
    for authority, sequence in (("33028", 1), ("33028A", 1), ("330282", -1), ("330282", SEQUENCES)):
        with pytest.raises(ValueError, match=r"authority|sequence"):
            make_uscc(authority, sequence)


@pytest.mark.parametrize("firms", [0, 12, 50_001])
def test_a_city_that_cannot_be_is_refused(firms: int) -> None:
    with pytest.raises(ValueError, match="firms"):
        generate_city(firms=firms)
