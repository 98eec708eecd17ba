"""Titles in the language: WC-09 (专精特新) and WC-10 (小巨人), each with its boundary twins."""

from typing import Any

import pytest

from services.rulebook import Fact, Vocabulary, compile_programme, load_programme, read_situation
from tests.rulebook.builders import DAY, FEN_PER_WAN

MONEY = ("revenue_fen", "main_revenue_fen", "liabilities_fen", "total_assets_fen",
         "rd_expense_fen", "equity_raised_fen")  # fmt: skip
COUNTS = ("niche_years", "class1_ip_applied_count", "class1_ip_self_developed_count",
          "market_share_bp", "domestic_market_rank")  # fmt: skip
BOOLS = ("assessed_before", "has_provincial_rd_institution", "provincial_award_top3_3y",
         "national_award_top3_3y", "fills_chain_gap")  # fmt: skip
VOCABULARY = Vocabulary(
    [
        *(Fact(name, "year", "int", "fen", low=0, high=10**15) for name in MONEY),
        Fact("development_score", "year", "int", "points", low=0, high=100),
        *(Fact(name, "day", "int", low=0, high=10**6) for name in COUNTS),
        *(Fact(name, "day", "bool") for name in BOOLS),
        Fact("recognitions", "day", "ids"),
    ]
)
RD_SHARE = (
    "rd_expense_fen / revenue_fen >= 3% AND prior(rd_expense_fen, 1) / prior(revenue_fen, 1) >= 3%"
).replace("3%", "3/100")
SPECIALISED: dict[str, Any] = {
    "title": "holds('tech-sme') OR holds('innovative-sme')",
    "niche": "niche_years >= 3",
    "size": "revenue_fen >= 1500000000 OR sum_years(equity_raised_fen, 2) >= 2000000000",
    "main": "main_revenue_fen / revenue_fen >= 80/100",
    "debt": "liabilities_fen / total_assets_fen <= 80/100",
    "rd-amount": "rd_expense_fen >= 100000000 AND prior(rd_expense_fen, 1) >= 100000000",
    "rd-share": RD_SHARE,
    "ip": "class1_ip_applied_count >= 1 OR has_provincial_rd_institution"
          " OR provincial_award_top3_3y",
    "development": "development_score >= 50"
                   " OR (assessed_before AND prior(development_score, 1) >= 50)",
}  # fmt: skip
LITTLE_GIANT: dict[str, Any] = {
    "title": "holds('specialised-sme')",
    "no-champion": "NOT holds('manufacturing-champion')",
    "niche": "niche_years >= 3",
    "size": "revenue_fen >= 5000000000",
    "main": "main_revenue_fen / revenue_fen >= 90/100",
    "growth": "assessed_before OR growth(revenue_fen, 2) >= 1025/10000",
    "debt": "liabilities_fen / total_assets_fen <= 75/100",
    "rd-amount": "sum_years(rd_expense_fen, 2) >= 1200000000",
    "rd-share": RD_SHARE,
    "ip": "class1_ip_self_developed_count >= 4 OR national_award_top3_3y",
    "market": "market_share_bp >= 1000 OR domestic_market_rank <= 3",
    "chain": "fills_chain_gap",
    "development": "development_score >= 60",
}


def wan(*values: float) -> dict[str, int]:
    years = range(2026 - len(values), 2026)
    return {str(y): round(v * FEN_PER_WAN) for y, v in zip(years, values, strict=True)}


SPECIALISED_FIRM: dict[str, Any] = {
    "recognitions": ["tech-sme"], "niche_years": 3, "revenue_fen": wan(1500, 1500),
    "main_revenue_fen": wan(1200), "liabilities_fen": wan(80), "total_assets_fen": wan(100),
    "rd_expense_fen": wan(100, 100), "equity_raised_fen": wan(0, 0),
    "class1_ip_applied_count": 1, "has_provincial_rd_institution": False,
    "provincial_award_top3_3y": False, "development_score": {"2024": 0, "2025": 50},
    "assessed_before": False,
}  # fmt: skip
LITTLE_GIANT_FIRM: dict[str, Any] = {
    "recognitions": ["specialised-sme"], "niche_years": 3, "revenue_fen": wan(8000, 8400, 8820),
    "main_revenue_fen": wan(7938), "liabilities_fen": wan(75), "total_assets_fen": wan(100),
    "rd_expense_fen": wan(550, 650), "class1_ip_self_developed_count": 4,
    "market_share_bp": 1000, "domestic_market_rank": 4, "national_award_top3_3y": False,
    "development_score": {"2025": 60}, "assessed_before": False, "fills_chain_gap": True,
}  # fmt: skip


def answer(conditions: dict[str, str], facts: dict[str, Any]) -> dict[str, Any]:
    eligibility = [{"id": name, "says": name, "when": text} for name, text in conditions.items()]
    manual = {"id": "share", "says": "市场占有率较为靠前", "manual": True}
    data = {"id": "title", "title": "认定", "eligibility": [*eligibility, manual]}
    compiled = compile_programme(load_programme(data), VOCABULARY)
    return compiled.assess(read_situation(on=DAY, facts=facts, vocabulary=VOCABULARY)).to_json()


def failed(told: dict[str, Any]) -> set[str]:
    return {each["id"] for each in told["conditions"] if each["outcome"] == "false"}


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({}, set()),
        ({"revenue_fen": wan(1500, 1499.99), "equity_raised_fen": wan(1000, 1000)}, set()),
        ({"revenue_fen": wan(1500, 1499.99), "equity_raised_fen": wan(1000, 999.99)}, {"size"}),
        ({"revenue_fen": wan(3333.33, 3333.33), "main_revenue_fen": wan(3000)}, set()),
        ({"revenue_fen": wan(3333.33, 3334), "main_revenue_fen": wan(3000)}, {"rd-share"}),
        ({"revenue_fen": wan(3334, 3333.33), "main_revenue_fen": wan(3000)}, {"rd-share"}),
        ({"rd_expense_fen": wan(300, 99)}, {"rd-amount"}),
        ({"development_score": {"2024": 51, "2025": 49}}, {"development"}),
        ({"development_score": {"2024": 51, "2025": 48}, "assessed_before": True}, set()),
        ({"class1_ip_applied_count": 0}, {"ip"}),
        ({"class1_ip_applied_count": 0, "has_provincial_rd_institution": True}, set()),
        ({"main_revenue_fen": wan(1199.99)}, {"main"}),
        ({"liabilities_fen": wan(80.01)}, {"debt"}),
        ({"niche_years": 2}, {"niche"}),
        ({"recognitions": []}, {"title"}),
    ],
)
def test_a_specialised_firm_passes_at_each_boundary(
    changed: dict[str, Any], lacking: set[str]
) -> None:
    told = answer(SPECIALISED, {**SPECIALISED_FIRM, **changed})
    assert failed(told) == lacking
    assert told["outcome"] == ("ineligible" if lacking else "eligible")
    assert told["flags"] == ["manual-check"]


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({}, set()),
        ({"revenue_fen": wan(8000, 8400, 8819)}, {"growth"}),
        ({"revenue_fen": wan(8000, 8400, 8819), "assessed_before": True}, set()),
        ({"rd_expense_fen": wan(550, 649)}, {"rd-amount"}),
        ({"class1_ip_self_developed_count": 3}, {"ip"}),
        ({"class1_ip_self_developed_count": 3, "national_award_top3_3y": True}, set()),
        ({"market_share_bp": 900, "domestic_market_rank": 3}, set()),
        ({"market_share_bp": 900, "domestic_market_rank": 4}, {"market"}),
        ({"main_revenue_fen": wan(7937.11)}, {"main"}),
        ({"liabilities_fen": wan(75.01)}, {"debt"}),
        ({"development_score": {"2025": 59}}, {"development"}),
        ({"recognitions": ["specialised-sme", "manufacturing-champion"]}, {"no-champion"}),
    ],
)
def test_a_little_giant_passes_at_each_boundary(changed: dict[str, Any], lacking: set[str]) -> None:
    told = answer(LITTLE_GIANT, {**LITTLE_GIANT_FIRM, **changed})
    assert failed(told) == lacking
    assert told["outcome"] == ("ineligible" if lacking else "eligible")
