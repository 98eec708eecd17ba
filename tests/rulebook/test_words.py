"""Each word of the language, on values at and beside its boundary."""

from typing import Any

import pytest

from services.rulebook import read_situation
from tests.rulebook.builders import DAY, VOCABULARY, amount, programme, truth

WORDS: list[tuple[str, dict[str, Any], bool | None]] = [
    ("class1_ip_count = 3", {"class1_ip_count": 3}, True),
    ("class1_ip_count = 3", {"class1_ip_count": 4}, False),
    ("class1_ip_count <> 3", {"class1_ip_count": 4}, True),
    ("class1_ip_count < 3", {"class1_ip_count": 3}, False),
    ("class1_ip_count <= 3", {"class1_ip_count": 3}, True),
    ("class1_ip_count > 3", {"class1_ip_count": 3}, False),
    ("class1_ip_count >= 3", {"class1_ip_count": 3}, True),
    ("class1_ip_count > -1", {"class1_ip_count": 0}, True),
    ("class1_ip_count >= 3", {}, None),
    ("class1_ip_count BETWEEN 2 AND 4", {"class1_ip_count": 2}, True),
    ("class1_ip_count BETWEEN 2 AND 4", {"class1_ip_count": 4}, True),
    ("class1_ip_count BETWEEN 2 AND 4", {"class1_ip_count": 5}, False),
    ("class1_ip_count NOT BETWEEN 2 AND 4", {"class1_ip_count": 5}, True),
    ("class1_ip_count IN (1, 2, -3)", {"class1_ip_count": -3}, True),
    ("class1_ip_count NOT IN (1, 2)", {"class1_ip_count": 2}, False),
    ("class1_ip_count IN (1, 2)", {}, None),
    ("industry_code IN ('3854', '3855')", {"industry_code": "3854"}, True),
    ("industry_code = '3854'", {"industry_code": "38 54"}, False),
    ("industry_code = 'it''s'", {"industry_code": "it's"}, True),
    ("class1_ip_count IS NULL", {}, True),
    ("class1_ip_count IS NULL", {"class1_ip_count": 0}, False),
    ("class1_ip_count IS NOT NULL", {"class1_ip_count": 0}, True),
    ("prior(revenue_fen, 1) IS NULL", {"revenue_fen": {"2025": 1}}, True),
    ("holds('little-giant') IS NULL", {}, True),
    ("is_listed", {"is_listed": True}, True),
    ("NOT is_listed", {"is_listed": True}, False),
    ("NOT is_listed", {}, None),
    ("is_listed = TRUE", {"is_listed": False}, False),
    ("is_listed <> is_above_scale", {"is_listed": False, "is_above_scale": True}, True),
    ("established_on <= DATE '2026-01-01'", {"established_on": "2026-01-01"}, True),
    ("established_on < DATE '2026-01-01'", {"established_on": "2026-01-01"}, False),
    ("established_on BETWEEN DATE '2020-01-01' AND DATE '2020-12-31'",
     {"established_on": "2020-02-29"}, True),
    ("revenue_fen >= 5", {"revenue_fen": {"2025": 5, "2024": 1}}, True),
    ("prior(revenue_fen, 1) >= 5", {"revenue_fen": {"2025": 5, "2024": 1}}, False),
    ("prior(revenue_fen, 2) >= 5", {"revenue_fen": {"2025": 5, "2024": 1}}, None),
    ("sum_years(revenue_fen, 3) = 6", {"revenue_fen": {"2023": 1, "2024": 2, "2025": 3}}, True),
    ("sum_years(revenue_fen, 3) = 6", {"revenue_fen": {"2022": 1, "2024": 2, "2025": 3}}, None),
    ("sum_years(revenue_fen, 1) = 3", {"revenue_fen": {"2024": 2, "2025": 3}}, True),
    ("avg_years(revenue_fen, 2) = 2.5", {"revenue_fen": {"2024": 2, "2025": 3}}, True),
    ("avg_years(revenue_fen, 2) > 2.5", {"revenue_fen": {"2024": 2, "2025": 3}}, False),
    ("revenue_fen / 3 = 1 / 3", {"revenue_fen": 1}, True),
    ("revenue_fen * 0.1 = 0.3", {"revenue_fen": 3}, True),
    ("revenue_fen / staff_count > 33.33", {"revenue_fen": 100, "staff_count": 3}, True),
    ("net_profit_fen / net_profit_fen = 1", {"net_profit_fen": -7}, True),
    ("100 / net_profit_fen < 0", {"net_profit_fen": -7}, True),
    ("revenue_fen / net_profit_fen >= -1", {"revenue_fen": 8, "net_profit_fen": -7}, False),
    ("- net_profit_fen = 7", {"net_profit_fen": -7}, True),
    ("FLOOR(net_profit_fen / 2) = -4", {"net_profit_fen": -7}, True),
    ("floor(net_profit_fen) = -7", {"net_profit_fen": -7}, True),
    ("LEAST(revenue_fen, 5) = 5", {"revenue_fen": 8}, True),
    ("LEAST(revenue_fen, 5) = 5", {}, None),
    ("GREATEST(revenue_fen, staff_count, 5) = 8", {"revenue_fen": 8, "staff_count": 1}, True),
    ("GREATEST(revenue_fen, staff_count, 5) = 8", {"revenue_fen": 8}, None),
    ("holds('little-giant')", {"recognitions": ["little-giant"]}, True),
    ("holds('little-giant')", {"recognitions": []}, False),
    ("holds('little-giant')", {}, None),
    ("on_list('ningbo-rd-post-subsidy')", {"lists": ["ningbo-rd-post-subsidy"]}, True),
    ("on_list('ningbo-rd-post-subsidy')", {"lists": []}, False),
    ("on_list('ningbo-rd-post-subsidy')", {}, None),
    ("grade('green-factory-star') IN ('3', '4')",
     {"recognitions": [{"recognition": "green-factory-star", "grade": "3"}]}, True),
    ("grade('green-factory-star') = '3'",
     {"recognitions": [{"recognition": "green-factory-star", "grade": "4"}]}, False),
    ("grade('green-factory-star') = '3'", {"recognitions": ["green-factory-star"]}, None),
    ("grade('green-factory-star') = '3'", {"recognitions": []}, False),
    ("grade('green-factory-star') = '3'", {}, None),
    ("once_ever('large-strong')", {"history": []}, True),
    ("once_ever('large-strong')", {"history": ["large-strong"]}, False),
    ("once_ever('large-strong')", {}, True),
    ("CASE WHEN is_listed THEN revenue_fen > 5 ELSE revenue_fen > 9 END",
     {"is_listed": True, "revenue_fen": 7}, True),
    ("CASE WHEN is_listed THEN revenue_fen > 5 ELSE revenue_fen > 9 END",
     {"is_listed": False, "revenue_fen": 7}, False),
    ("CASE industry_code WHEN '1' THEN 10 WHEN '2' THEN 20 ELSE 30 END = 20",
     {"industry_code": "2"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "facts", "expected"), WORDS)
def test_a_word_means_what_the_language_says(
    *, expression: str, facts: dict[str, Any], expected: bool | None
) -> None:
    assert truth(expression, **facts) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"revenue_fen": 7}, None),
        ({"revenue_fen": 10}, True),
        ({"revenue_fen": 5}, False),
        ({}, None),
    ],
)
def test_a_case_whose_condition_is_unknown_answers_only_where_both_ways_agree(
    *, facts: dict[str, Any], expected: bool | None
) -> None:
    case = "CASE WHEN is_listed THEN revenue_fen > 5 ELSE revenue_fen > 9 END"

    assert truth(case, **facts) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1000", 1000),
        ("999 / 1000", 0),
        ("2.5", 2),
        ("revenue_fen / 3", 3),
        ("0 - revenue_fen", 0),
        ("0 - revenue_fen / 3", 0),
        ("revenue_fen * 3 / 10 + 0.5", 3),
        ("LEAST(revenue_fen / 3, 2.5)", 2),
        ("GREATEST(revenue_fen / 3, 2.5) * 3", 10),
        ("GREATEST(revenue_fen / 3, 2.5)", 3),
        ("FLOOR(GREATEST(revenue_fen / 3, 2.5)) * 3", 9),
        ("LEAST(3.5, GREATEST(1, 2.5))", 2),
        ("FLOOR(0 - 2.5) + 4", 1),
        ("500 * FLOOR((revenue_fen - prior(revenue_fen, 1)) / 4)", 500),
        ("CASE WHEN revenue_fen > 9 THEN revenue_fen / 3 * 3 ELSE 0 END", 10),
        ("revenue_fen / staff_count", None),
    ],
)
def test_an_amount_is_exact_and_rounded_down_to_the_fen_at_the_end_only(
    expression: str, expected: int | None
) -> None:
    assert amount(expression, revenue_fen={"2024": 4, "2025": 10}) == expected


def test_ratios_are_exact_where_binary_floats_are_not() -> None:
    """0.5 * (10500/10000 + 11025/10500) - 1 is 0.05000000000000004 in floats."""
    growth = (
        "0.5 * (revenue_fen / prior(revenue_fen, 1)"
        " + prior(revenue_fen, 1) / prior(revenue_fen, 2)) - 1"
    )
    series = {"2023": 10_000, "2024": 10_500, "2025": 11_025}

    assert truth(f"{growth} = 0.05", revenue_fen=series) is True
    assert truth(f"{growth} > 0.05", revenue_fen=series) is False


def test_the_reference_year_can_be_given() -> None:
    facts = {"revenue_fen": {"2023": 9, "2025": 1}}
    given = read_situation(on=DAY, facts=facts, vocabulary=VOCABULARY, year=2023)

    assert programme("revenue_fen = 9").decide(given).outcome is True
