"""Scoring tables and classes: WC-04, WC-06, WC-07 and WC-12, with their twins."""

from typing import Any

import pytest

from services.rulebook import (
    CompiledProgramme,
    Fact,
    Vocabulary,
    compile_programme,
    load_programme,
    read_situation,
    run_examples,
)
from tests.rulebook.builders import DAY, FEN_PER_WAN

MONEY = ["revenue_fen", "net_assets_fen", "total_assets_fen", "rd_expense_fen", "cost_expense_fen"]
COUNTS = ["staff_count", "tech_staff_count"]
IP = ["class1_ip_count", "class2_ip_count"]
JUDGED = ["expert_ip_points", "expert_conversion_points", "expert_management_points"]
VOCABULARY = Vocabulary(
    [
        *(Fact(name, "year", "int", "fen", owner="科技局", low=0, high=10**15) for name in MONEY),
        *(Fact(name, "year", "int", "count", low=0, high=10**7) for name in COUNTS),
        *(Fact(name, "day", "int", "count", low=0, high=10**6) for name in IP),
        *(Fact(name, "day", "int", "points", low=0, high=100) for name in JUDGED),
        Fact("growth_points", "day", "int", "points", low=0, high=20),
        Fact("assessed_before", "day", "bool"),
    ]
)


def bands(*rows: str | int) -> list[dict[str, Any]]:
    """Write `bound: points` rows, `>` before a bound that is not included, the rest at the end."""
    written: list[dict[str, Any]] = []
    for row in rows[:-1]:
        bound, points = str(row).split(": ")
        key = "above" if bound.startswith(">") else "at_least"
        low, _, high = points.partition("-")
        span = [int(low), int(high or low)]
        written.append({key: bound.removeprefix(">"), "points": span})
    return [*written, {"otherwise": rows[-1]}]


RD_BY_REVENUE = bands("6%: 50", "5%: 40", "4%: 30", "3%: 20", "2%: 10", 0)
RD_BY_COST = bands("30%: 50", "25%: 40", "20%: 30", "15%: 20", "10%: 10", 0)
TECH_SME: dict[str, Any] = {
    "id": "tech-sme",
    "title": "科技型中小企业",
    "eligibility": [{"id": "staff-ceiling", "says": "职工≤500", "when": "staff_count <= 500"}],
    "score": {
        "says": "综合评价得分不低于60分，且科技人员指标得分不为0",
        "english": "At least 60 points, and points for technical staff",
        "pass": "score >= 60 AND staff > 0",
        "source": "国科发政〔2017〕115号 第六条",
        "max": 100,
        "parts": [
            {
                "id": "staff",
                "says": "科技人员",
                "max": 20,
                "of": "tech_staff_count / staff_count",
                "bands": bands("30/100: 20", "25/100: 16", "20%: 12", "15%: 8", "10%: 4", 0),
            },
            {
                "id": "rd",
                "says": "研发投入",
                "max": 50,
                "best_of": [
                    {"id": "by-revenue", "says": "占销售收入", "max": 50,
                     "of": "rd_expense_fen / revenue_fen", "bands": RD_BY_REVENUE},
                    {"id": "by-cost", "says": "占成本费用", "max": 50,
                     "of": "rd_expense_fen / cost_expense_fen", "bands": RD_BY_COST},
                ],
            },
            {
                "id": "ip",
                "says": "科技成果",
                "max": 30,
                "points": "CASE WHEN class1_ip_count >= 1 THEN 30 WHEN class2_ip_count >= 4 THEN 24"
                          " ELSE class2_ip_count * 6 END",
            },
        ],
    },
}  # fmt: skip
GROWTH_BANDS = bands("35%: 9-10", "25%: 7-8", "15%: 5-6", "5%: 3-4", ">0: 1-2", 0)


def growth_of(fact: str) -> str:
    return (
        f"CASE WHEN prior({fact}, 1) = 0 THEN 0 "
        f"WHEN prior({fact}, 2) = 0 THEN growth({fact}, 1) "
        f"ELSE (prior({fact}, 1) / prior({fact}, 2) + {fact} / prior({fact}, 1)) / 2 - 1 END"
    )


HIGH_TECH: dict[str, Any] = {
    "id": "high-tech-enterprise",
    "title": "高新技术企业",
    "eligibility": [{"id": "staffed", "says": "有职工", "when": "staff_count > 0"}],
    "score": {
        "says": "创新能力评价70分以上（不含70分）",
        "pass": "score > 70",
        "parts": [
            {"id": "ip", "says": "知识产权", "max": 30, "judged": "expert_ip_points"},
            {"id": "conversion", "says": "成果转化", "max": 30,
             "judged": "expert_conversion_points"},
            {"id": "management", "says": "组织管理", "max": 20,
             "judged": "expert_management_points"},
            {
                "id": "growth",
                "says": "成长性",
                "max": 20,
                "items": [
                    {"id": "net-assets", "says": "净资产增长率", "max": 10,
                     "of": growth_of("net_assets_fen"), "bands": GROWTH_BANDS},
                    {"id": "sales", "says": "销售收入增长率", "max": 10,
                     "of": growth_of("revenue_fen"), "bands": GROWTH_BANDS},
                ],
            },
        ],
    },
}  # fmt: skip


def compiled(data: dict[str, Any]) -> CompiledProgramme:
    return compile_programme(load_programme(data), VOCABULARY)


def answer(data: dict[str, Any], **facts: Any) -> dict[str, Any]:
    situation = read_situation(on=DAY, facts=facts, vocabulary=VOCABULARY)
    rule = compiled(data)
    told = rule.assess(situation).to_json()
    outcome = {True: "eligible", False: "ineligible", None: "unknown"}[
        rule.decide(situation).outcome
    ]
    assert outcome == told["outcome"], "the compiled function and the explanation agree"
    return told


def wan(*series: float) -> dict[str, int]:
    """Write a series in 万元 that ends with the reference year."""
    years = range(2026 - len(series), 2026)
    return {str(y): round(v * FEN_PER_WAN) for y, v in zip(years, series, strict=True)}


def spans(told: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {part["id"]: (part["low"], part["high"]) for part in told["score"]["parts"]}


SME_CASES = {
    "a": ((30, 100, 250, 5000, 100000, 0, 2), (20, 40, 12), "eligible"),
    "b": ((9, 100, 300, 5000, 100000, 1, 0), (0, 50, 30), "ineligible"),
    "c": ((10, 100, 250, 5000, 100000, 0, 2), (4, 40, 12), "ineligible"),
    "c-option-2": ((10, 100, 250, 5000, 800, 0, 2), (4, 50, 12), "eligible"),
    "d": ((25, 100, 200, 5000, 100000, 0, 2), (16, 30, 12), "ineligible"),
    "d-more-ip": ((25, 100, 200, 5000, 100000, 0, 3), (16, 30, 18), "eligible"),
}


@pytest.mark.parametrize(("given", "points", "outcome"), SME_CASES.values(), ids=list(SME_CASES))
def test_a_tech_sme_is_scored_by_the_better_option(given: Any, points: Any, outcome: str) -> None:
    tech, staff, rd, revenue, cost, class1, class2 = given
    told = answer(
        TECH_SME,
        tech_staff_count=tech,
        staff_count=staff,
        rd_expense_fen=rd * FEN_PER_WAN,
        revenue_fen=revenue * FEN_PER_WAN,
        cost_expense_fen=cost * FEN_PER_WAN,
        class1_ip_count=class1,
        class2_ip_count=class2,
    )
    assert spans(told) == dict(zip(("staff", "rd", "ip"), [(p, p) for p in points], strict=True))
    assert (told["score"]["low"], told["score"]["high"]) == (sum(points), sum(points))
    assert told["score"]["pass"] == "score >= 60 AND staff > 0"
    assert told["outcome"] == outcome
    assert told["conditions"][-1]["id"] == "score"
    assert told["conditions"][-1]["outcome"] == ("true" if outcome == "eligible" else "false")
    assert told["missing"] == []


def test_unknown_facts_leave_the_range_their_part_can_still_have() -> None:
    told = answer(TECH_SME, tech_staff_count=30, staff_count=100, class1_ip_count=0)
    assert spans(told) == {"staff": (20, 20), "rd": (0, 50), "ip": (0, 30)}
    assert told["outcome"] == "unknown"
    lacking = {entry["fact"] for entry in told["missing"]}
    assert lacking == {"rd_expense_fen", "revenue_fen", "cost_expense_fen", "class2_ip_count"}


def test_what_is_decided_either_way_asks_for_nothing() -> None:
    told = answer(TECH_SME, tech_staff_count=9, staff_count=100, class1_ip_count=1)
    assert told["outcome"] == "ineligible", "no points for staff, whatever the rest"
    assert told["missing"] == []
    told = answer(
        TECH_SME, tech_staff_count=30, staff_count=100, class1_ip_count=1,
        rd_expense_fen=1, revenue_fen=10,
    )  # fmt: skip
    assert spans(told)["rd"] == (50, 50), "one option at the top leaves nothing for the other"
    assert told["outcome"] == "eligible"


GROWTH_CASES = {
    "36.67 % and 5 % exactly": (wan(3000, 4000, 5600), wan(10000, 10500, 11025), (12, 14)),
    "35 % exactly": (wan(100, 135, 182.25), wan(1, 1, 1), (9, 10)),
    "no first year": (wan(0, 4000, 5600), wan(1, 1, 1), (9, 10)),
    "no second year": (wan(3000, 0, 5600), wan(1, 1, 1), (0, 0)),
    "falling": (wan(5000, 4000, 3500), wan(1, 1, 1), (0, 0)),
    "a trace of growth": (wan(10000, 10000, 10001), wan(1, 1, 1), (1, 2)),
    "first year unknown": ({"2024": 1, "2025": 2}, wan(1, 1, 1), (0, 10)),
}


@pytest.mark.parametrize(("assets", "sales", "span"), GROWTH_CASES.values(), ids=list(GROWTH_CASES))
def test_growth_is_a_banded_range(assets: Any, sales: Any, span: tuple[int, int]) -> None:
    told = answer(HIGH_TECH, staff_count=1, net_assets_fen=assets, revenue_fen=sales)
    assert spans(told)["growth"] == span


TOTALS = {
    "69 to 70": ((24, 22, 14), (69, 70), "ineligible"),
    "71 to 72": ((26, 22, 14), (71, 72), "eligible"),
    "70 to 71": ((25, 22, 14), (70, 71), "unknown"),
    "32 counts as 30": ((32, 22, 14), (75, 76), "eligible"),
}


@pytest.mark.parametrize(("judged", "span", "outcome"), TOTALS.values(), ids=list(TOTALS))
def test_a_total_is_above_below_or_open(judged: Any, span: tuple[int, int], outcome: str) -> None:
    told = answer(
        HIGH_TECH,
        staff_count=1,
        net_assets_fen=wan(3000, 4000, 5600),
        revenue_fen=wan(5000, 4000, 3500),
        **dict(zip(JUDGED, judged, strict=True)),
    )
    assert (told["score"]["low"], told["score"]["high"]) == span
    assert told["outcome"] == outcome
    assert told["missing"] == []
    assert ("points-open" in told["flags"]) is (outcome == "unknown")
    assert ("评审" in told["reason"]) is (outcome == "unknown")


def test_judged_points_count_within_their_band() -> None:
    judged = {
        "id": "sales", "says": "销售增长", "max": 10, "of": growth_of("revenue_fen"),
        "bands": GROWTH_BANDS, "judged": "growth_points",
    }  # fmt: skip
    data = {**HIGH_TECH, "score": {"says": "得分", "pass": "score >= 9", "parts": [judged]}}
    grown = {"staff_count": 1, "revenue_fen": wan(100, 150, 225)}
    told = answer(data, **grown)
    assert (told["score"]["low"], told["score"]["high"]) == (9, 10)
    assert told["outcome"] == "eligible"
    assert answer(data, **grown, growth_points=10)["score"]["low"] == 10
    assert answer(data, **grown, growth_points=20)["score"]["high"] == 10
    assert answer(data, **grown, growth_points=3)["score"]["high"] == 9
    open_line = {**data, "score": {**data["score"], "pass": "score >= 10"}}
    told = answer(open_line, **grown)
    assert told["missing"] == [{"fact": "growth_points", "year": None, "owner": None}]


def test_a_narrowly_missed_line_tells_the_points_that_lack() -> None:
    told = answer(
        TECH_SME, tech_staff_count=25, staff_count=100, rd_expense_fen=4, revenue_fen=100,
        cost_expense_fen=100, class1_ip_count=0, class2_ip_count=2,
    )  # fmt: skip
    assert told["near"] == [
        {"condition": "score", "fact": "score", "needed": 60, "actual": 58, "lacking": 2,
         "lacking_bp": 334}
    ]  # fmt: skip


def test_a_score_may_be_asked_for_elsewhere() -> None:
    data = {
        **TECH_SME,
        "amount": "CASE WHEN score >= 80 THEN 300 ELSE score END",
        "classes": {"star": "CASE WHEN score >= 80 THEN 2 ELSE 1 END"},
    }
    known = {
        "tech_staff_count": 30, "staff_count": 100, "rd_expense_fen": 5, "revenue_fen": 100,
        "cost_expense_fen": 100, "class1_ip_count": 0,
    }  # fmt: skip
    told = answer(data, **known, class2_ip_count=2)
    assert (told["amount_fen"], told["classes"]) == (72, {"star": 1})
    told = answer(data, **known, class2_ip_count=4)
    assert (told["amount_fen"], told["classes"]) == (300, {"star": 2})


SIZE = (
    "CASE WHEN staff_count >= 1000 AND revenue_fen >= 40000000000 THEN 'large'"
    " WHEN staff_count >= 300 AND revenue_fen >= 2000000000 THEN 'medium'"
    " WHEN staff_count >= 20 AND revenue_fen >= 300000000 THEN 'small' ELSE 'micro' END"
)
SIZE_CLASS: dict[str, Any] = {
    "id": "size-class",
    "title": "划型",
    "eligibility": [{"id": "staffed", "says": "有职工", "when": "staff_count >= 0"}],
    "classes": {"size": SIZE},
}


@pytest.mark.parametrize(
    ("staff", "revenue", "size"),
    [
        (1000, 40000, "large"),
        (999, 40000, "medium"),
        (1000, 39999, "medium"),
        (300, 2000, "medium"),
        (300, 1999, "small"),
        (20, 300, "small"),
        (19, 5000, "micro"),
        (500, 299, "micro"),
    ],
)
def test_industrial_firms_are_classed_by_size(staff: int, revenue: int, size: str) -> None:
    told = answer(SIZE_CLASS, staff_count=staff, revenue_fen=revenue * FEN_PER_WAN)
    assert told["classes"] == {"size": size}


def test_a_class_that_hangs_on_an_unknown_fact_is_null() -> None:
    told = answer(SIZE_CLASS, staff_count=500)
    assert told["classes"] == {"size": None}
    assert [entry["fact"] for entry in told["missing"]] == ["revenue_fen"]
    told = answer(SIZE_CLASS, staff_count=19)
    assert told["classes"] == {"size": "micro"}, "too few for any other, whatever the revenue"


def test_what_has_neither_score_nor_classes_answers_as_before() -> None:
    told = answer({**SIZE_CLASS, "classes": {}}, staff_count=1)
    assert told["score"] is None
    assert told["classes"] == {}


def test_examples_may_expect_points_and_classes() -> None:
    example = {
        "name": "得分", "day": "2026-11-23",
        "given": {"tech_staff_count": 30, "staff_count": 100, "class1_ip_count": 1},
        "expect": {"score": [50, 100], "classes": {}},
    }  # fmt: skip
    assert run_examples(compiled({**TECH_SME, "examples": [example]})) == []
    wrong = {**example, "expect": {"score": 50}}
    (failure,) = run_examples(compiled({**TECH_SME, "examples": [wrong]}))
    assert (failure.what, failure.given) == ("score", (50, 100))
