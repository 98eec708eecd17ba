"""The worked cases of the plan: WC-13, WC-21 and the clause on digital growth, with their twins."""

from fractions import Fraction
from typing import Any

import pytest

from services.rulebook import CompiledProgramme, compile_programme, load_programme
from services.rulebook.assess import Assessment
from tests.rulebook.builders import FEN_PER_WAN, VOCABULARY, situation

CLAUSE_27 = "两新行动方案（征求意见稿）第二十七条"
RD_MATCHING: dict[str, Any] = {
    "id": "rd-matching",
    "title": "研发投入配套补助",
    "english": "Matching of R&D subsidies",
    "measure": 27,
    "eligibility": [
        {"id": "above-scale", "says": "规上企业", "when": "is_above_scale", "source": CLAUSE_27},
        {
            "id": "rd-amount",
            "says": "年度研发经费内部支出超过200万元",
            "when": "rd_internal_fen > 200000000",
            "source": CLAUSE_27,
        },
        {
            "id": "rd-growth",
            "says": "年度研发经费内部支出增长超过10%",
            "when": "rd_internal_fen / prior(rd_internal_fen, 1) - 1 > 0.1",
            "source": CLAUSE_27,
        },
        {
            "id": "rd-share",
            "says": "研发经费内部支出占营业收入比重3%以上",
            "when": "rd_internal_fen / revenue_fen >= 3 / 100",
            "source": CLAUSE_27,
        },
        {
            "id": "listed",
            "says": "列入宁波研发投入后补助清单",
            "when": "on_list('ningbo-rd-post-subsidy')",
            "source": CLAUSE_27,
        },
        {"id": "city", "says": "市本级企业", "when": "is_city_level", "source": CLAUSE_27},
    ],
    "amount": "ningbo_rd_award_fen * :match_ratio_bp / 10000",
    "parameters": {"match_ratio_bp": {"unit": "bp", "title": "配套比例", "english": "match ratio"}},
    "relation": "matches",
    "version": "cixi-2025-2027",
}


def fen(wan: str | int) -> int:
    """Turn an amount in 万元 into fen, exactly."""
    exact = Fraction(wan) * FEN_PER_WAN
    assert exact.denominator == 1
    return int(exact)


@pytest.fixture(scope="module")
def rd_matching() -> CompiledProgramme:
    return compile_programme(load_programme(RD_MATCHING), VOCABULARY)


def _assess(
    compiled: CompiledProgramme,
    prior: str | int,
    current: str | int,
    revenue: int,
    ratio_bp: int | None = None,
    **facts: Any,
) -> Assessment:
    stated: dict[str, Any] = {
        "is_above_scale": True,
        "is_city_level": True,
        "lists": ["ningbo-rd-post-subsidy"],
        "rd_internal_fen": {"2024": fen(prior), "2025": fen(current)},
        "revenue_fen": {"2025": fen(revenue)},
        "ningbo_rd_award_fen": {"2025": fen(20)},
        **facts,
    }
    return compiled.assess(situation(**stated), {"match_ratio_bp": ratio_bp})


@pytest.mark.parametrize(
    ("prior", "current", "revenue", "outcome", "failed"),
    [
        (200, 220, 6000, "ineligible", ["rd-growth"]),
        (200, 221, 6000, "eligible", []),
        (180, 200, 5000, "ineligible", ["rd-amount"]),
        (180, "200.01", 5000, "eligible", []),
        (200, 221, 7366, "eligible", []),
        (200, 221, 7367, "ineligible", ["rd-share"]),
    ],
)
def test_wc_13_rows(
    rd_matching: CompiledProgramme,
    prior: int,
    current: str | int,
    revenue: int,
    outcome: str,
    failed: list[str],
) -> None:
    answer = _assess(rd_matching, prior, current, revenue).to_json()

    assert answer["outcome"] == outcome
    assert [c["id"] for c in answer["conditions"] if c["outcome"] == "false"] == failed
    assert answer["missing"] == []


def test_wc_13_a_firm_that_is_not_on_the_list_is_ineligible(
    rd_matching: CompiledProgramme,
) -> None:
    answer = _assess(rd_matching, 200, 221, 6000, lists=[])

    assert answer.outcome == "ineligible"
    assert (answer.amount_fen, answer.amount_status) == (0, "set")
    assert answer.reason == f"不符合：列入宁波研发投入后补助清单（依据{CLAUSE_27}）。"


def test_wc_13_a_base_of_zero_needs_a_manual_rule(rd_matching: CompiledProgramme) -> None:
    answer = _assess(rd_matching, 0, 300, 6000, ratio_bp=5000)

    assert answer.outcome == "unknown"
    assert answer.flags == ("zero-base",)
    assert answer.missing == ()
    assert [c["id"] for c in answer.conditions if c["outcome"] == "unknown"] == ["rd-growth"]
    assert (answer.amount_fen, answer.amount_status) == (None, "unknown-fact")
    assert answer.reason == (
        f"无法判定：年度研发经费内部支出增长超过10%（依据{CLAUSE_27}），基期数为零，须人工认定。"
    )


def test_wc_13_without_a_ratio_the_amount_is_pending(rd_matching: CompiledProgramme) -> None:
    answer = _assess(rd_matching, 200, 221, 6000)

    assert answer.outcome == "eligible"
    assert (answer.amount_fen, answer.amount_status) == (None, "pending-parameter")
    assert answer.reason == "符合全部可判定的条件。金额待定：配套比例尚未确定。"
    assert answer.reason_en == (
        "All conditions that can be tested are met. The amount is pending: match ratio is not set."
    )


def test_wc_13_with_a_ratio_the_amount_is_its_share_of_the_upper_award(
    rd_matching: CompiledProgramme,
) -> None:
    answer = _assess(rd_matching, 200, 221, 6000, ratio_bp=3333)

    assert (answer.amount_fen, answer.amount_status) == (6_666_000, "set")
    assert answer.reason == "符合全部可判定的条件。金额66,660元。"


def test_wc_13_the_unset_ratio_wins_over_the_unknown_award(
    rd_matching: CompiledProgramme,
) -> None:
    unset = _assess(rd_matching, 200, 221, 6000, ningbo_rd_award_fen=None)
    known_ratio = _assess(rd_matching, 200, 221, 6000, ratio_bp=5000, ningbo_rd_award_fen=None)

    lacking = ({"fact": "ningbo_rd_award_fen", "year": 2025, "owner": "科技局"},)
    assert (unset.amount_status, unset.missing) == ("pending-parameter", lacking)
    assert (known_ratio.amount_status, known_ratio.missing) == ("unknown-fact", lacking)
    assert known_ratio.amount_fen is None


@pytest.mark.parametrize(
    ("rd", "revenue", "outcome", "amount"),
    [
        (480, 15_000, "eligible", 48),
        (600, 15_000, "eligible", 50),
        (9, 300, "eligible", 0),
        (10, 300, "eligible", 1),
        (449, 15_000, "ineligible", 0),
        (450, 15_000, "eligible", 45),
    ],
)
def test_wc_21_as_an_inline_draft(rd: int, revenue: int, outcome: str, amount: int) -> None:
    draft = {
        "id": "draft",
        "title": "研发投入补助",
        "beneficiary": "firm",
        "parameters": {"rate_bp": {"value": 1000, "unit": "bp"}},
        "eligibility": [
            {
                "id": "intensity",
                "says": "研发投入占营业收入3%以上",
                "when": "rd_internal_fen * 10000 >= 300 * revenue_fen",
                "source": "奉化",
            }
        ],
        "amount": "CASE WHEN rd_internal_fen * :rate_bp / 10000 < 1000000 THEN 0 "
        "ELSE LEAST(rd_internal_fen * :rate_bp / 10000, 50000000) END",
    }
    compiled = compile_programme(load_programme(draft), VOCABULARY)

    answer = compiled.assess(situation(rd_internal_fen=fen(rd), revenue_fen=fen(revenue)))

    assert answer.outcome == outcome
    assert (answer.amount_fen, answer.amount_status) == (fen(amount), "set")


DIGITAL_GROWTH: dict[str, Any] = {
    "id": "digital-growth",
    "title": "数字经济制造业营收增长奖励",
    "eligibility": [
        {"id": "scope", "says": "规上数字经济制造业企业",
         "when": "is_above_scale AND is_digital_manufacturing"},
        {
            "id": "average",
            "says": "近两年营业收入年增长率平均值大于0",
            "when": "(revenue_fen / prior(revenue_fen, 1) - 1"
            " + prior(revenue_fen, 1) / prior(revenue_fen, 2) - 1) / 2 > 0",
        },
        {
            "id": "growth",
            "says": "当年营业收入增速10%以上",
            "when": "revenue_fen / prior(revenue_fen, 1) - 1 >= 10 / 100",
        },
    ],
    "amount": "LEAST(30000000, 50000 * FLOOR((revenue_fen - prior(revenue_fen, 1)) / 100000000))",
    "amount_kind": "ceiling",
    "notice_days": 0,
    "source": "慈政办发〔2025〕20号 第一条",
}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "prior", "current", "outcome", "amount_fen"),
    [
        # 10 % exactly is enough; 1 fen less is not.
        (10_000, 10_000, 11_000, "eligible", 10 * 50_000),
        (10_000, 10_000, "10999.999999", "ineligible", 0),
        # An increase short of the next full million counts the full ones only.
        (10_000, 10_000, "11099.999999", "eligible", 10 * 50_000),
        (10_000, 10_000, 11_100, "eligible", 11 * 50_000),
        (100, 100, "199.999999", "eligible", 0),
        # The ceiling of 300,000 yuan is reached at an increase of 60,000 (ten thousand yuan).
        (100_000, 100_000, 159_999, "eligible", 599 * 50_000),
        (100_000, 100_000, 160_000, "eligible", 30_000_000),
        (100_000, 100_000, 999_999, "eligible", 30_000_000),
        # The average must be above 0: a fall by 10 % before a rise by 10 % gives exactly 0.
        (10_000, 9_000, 9_900, "ineligible", 0),
        (10_000, 9_000, "9900.000001", "eligible", 9 * 50_000),
        (10_000, 8_000, 9_000, "ineligible", 0),
    ],
)
def test_digital_growth_at_its_boundaries(
    before: int, prior: int, current: str | int, outcome: str, amount_fen: int
) -> None:
    compiled = compile_programme(load_programme(DIGITAL_GROWTH), VOCABULARY)
    series = {"2023": fen(before), "2024": fen(prior), "2025": fen(current)}

    answer = compiled.assess(
        situation(is_above_scale=True, is_digital_manufacturing=True, revenue_fen=series)
    )

    assert answer.outcome == outcome
    assert (answer.amount_fen, answer.amount_status) == (amount_fen, "set")
    assert answer.measure is None


def test_digital_growth_names_the_year_that_is_missing() -> None:
    compiled = compile_programme(load_programme(DIGITAL_GROWTH), VOCABULARY)

    answer = compiled.assess(
        situation(
            is_above_scale=True,
            is_digital_manufacturing=True,
            revenue_fen={"2024": fen(100), "2025": fen(200)},
        )
    )

    assert answer.outcome == "unknown"
    assert answer.missing == ({"fact": "revenue_fen", "year": 2023, "owner": "统计局"},)
    assert answer.reason == "暂不能判定：缺少2023年营业收入（统计局）。"
