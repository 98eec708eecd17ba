"""What an assessment says: outcome, missing facts, flags, near misses, facts used, reasons."""

from typing import Any

import pytest

from services.rulebook import FactError, RuleError, Situation
from tests.rulebook.builders import DAY, programme, situation


def test_the_answer_has_the_shape_of_the_contract() -> None:
    compiled = programme(
        {"id": "staff-ceiling", "says": "职工总数不超过500人", "when": "staff_count <= 500",
         "source": "国科发政〔2017〕115号 第六条"},
        amount="1000000",
        measure=12,
        version="2017-115",
    )  # fmt: skip

    answer = compiled.assess(situation(staff_count={"2025": 100})).to_json()

    assert answer == {
        "programme": "draft",
        "measure": 12,
        "version": "2017-115",
        "on": "2026-11-23",
        "outcome": "eligible",
        "score": None,
        "conditions": [
            {
                "id": "staff-ceiling",
                "says": "职工总数不超过500人",
                "outcome": "true",
                "facts": {"staff_count": 100},
                "source": "国科发政〔2017〕115号 第六条",
            }
        ],
        "missing": [],
        "flags": [],
        "classes": {},
        "near": [],
        "amount_fen": 1_000_000,
        "amount_status": "set",
        "amount_kind": "fixed",
        "reason": "符合全部可判定的条件。金额10,000元。",
        "reason_en": "All conditions that can be tested are met. The amount is 10,000 yuan.",
    }


def test_one_false_condition_decides_and_nothing_is_missing() -> None:
    compiled = programme("is_listed", "revenue_fen > 5", amount="staff_count * 100")

    answer = compiled.assess(situation(is_listed=False))

    assert answer.outcome == "ineligible"
    assert answer.missing == ()
    assert (answer.amount_fen, answer.amount_status) == (0, "set")
    assert [c["outcome"] for c in answer.conditions] == ["false", "unknown"]


def test_an_unknown_condition_leaves_the_outcome_open_and_names_fact_year_and_owner() -> None:
    compiled = programme("is_listed", "sum_years(revenue_fen, 2) > 5", amount="staff_count * 100")

    answer = compiled.assess(situation(is_listed=True, revenue_fen={"2025": 1}))

    assert answer.outcome == "unknown"
    assert answer.missing == ({"fact": "revenue_fen", "year": 2024, "owner": "统计局"},)
    assert (answer.amount_fen, answer.amount_status) == (None, "unknown-fact")


@pytest.mark.parametrize(
    ("expression", "facts", "missing"),
    [
        ("is_listed OR revenue_fen > 5", {"is_listed": False}, {("revenue_fen", 2025)}),
        ("is_listed OR revenue_fen > 5", {}, {("is_listed", None), ("revenue_fen", 2025)}),
        ("is_listed AND revenue_fen > 5", {"is_listed": True}, {("revenue_fen", 2025)}),
        ("NOT (is_listed AND revenue_fen > 5)", {"is_listed": True}, {("revenue_fen", 2025)}),
        ("holds('little-giant')", {}, {("recognitions", None)}),
        ("grade('star') = '3'", {}, {("recognitions", None)}),
        ("on_list('ningbo')", {}, {("lists", None)}),
        ("prior(revenue_fen, 2) > 1", {"revenue_fen": 3}, {("revenue_fen", 2023)}),
        (
            "CASE WHEN is_listed THEN revenue_fen > 1 ELSE staff_count > 1 END",
            {"is_listed": True, "staff_count": 2},
            {("revenue_fen", 2025)},
        ),
        (
            "CASE WHEN is_listed THEN revenue_fen > 1 ELSE staff_count > 1 END",
            {"revenue_fen": 0, "staff_count": 2},
            {("is_listed", None)},
        ),
        (
            "revenue_fen / staff_count > class1_ip_count",
            {"revenue_fen": 1, "staff_count": 0},
            set(),
        ),
        ("revenue_fen / staff_count > class1_ip_count", {"staff_count": 0}, set()),
        (
            "revenue_fen / staff_count > 1 AND is_listed",
            {"revenue_fen": 1, "staff_count": 0},
            {("is_listed", None)},
        ),
    ],
)
def test_missing_names_only_what_the_answer_hangs_on(
    expression: str, facts: dict[str, Any], missing: set[tuple[str, int | None]]
) -> None:
    answer = programme(expression).assess(situation(**facts))

    assert answer.outcome == "unknown"
    assert {(entry["fact"], entry["year"]) for entry in answer.missing} == missing


def test_the_missing_facts_of_the_amount_are_named_only_for_the_eligible() -> None:
    compiled = programme("is_listed", amount="LEAST(staff_count * 100, 5000)")

    eligible = compiled.assess(situation(is_listed=True))
    unknown = compiled.assess(situation())

    assert [entry["fact"] for entry in eligible.missing] == ["staff_count"]
    assert (eligible.amount_fen, eligible.amount_status) == (None, "unknown-fact")
    assert [entry["fact"] for entry in unknown.missing] == ["is_listed"]


def test_an_amount_that_divides_by_zero_is_unknown_and_flagged() -> None:
    compiled = programme("is_listed", amount="revenue_fen / staff_count")

    answer = compiled.assess(situation(is_listed=True, revenue_fen=5, staff_count=0))

    assert (answer.outcome, answer.amount_fen, answer.amount_status) == (
        "eligible",
        None,
        "unknown-fact",
    )
    assert answer.flags == ("zero-base",)
    assert answer.missing == ()
    assert "作除数的数为零" in answer.reason


def test_a_programme_that_pays_nothing_has_an_amount_of_zero() -> None:
    compiled = programme("is_listed")

    for facts in ({"is_listed": True}, {"is_listed": False}, {}):
        answer = compiled.assess(situation(**facts))
        assert (answer.amount_fen, answer.amount_status) == (0, "set")


def test_a_requirement_without_a_number_is_a_flag_and_never_decides() -> None:
    compiled = programme("is_listed", {"says": "市场占有率较为靠前", "manual": True})

    eligible = compiled.assess(situation(is_listed=True))
    ineligible = compiled.assess(situation(is_listed=False))

    assert (eligible.outcome, eligible.flags) == ("eligible", ("manual-check",))
    assert eligible.conditions[1]["outcome"] == "unknown"
    assert eligible.reason.endswith("另须人工核实：市场占有率较为靠前。")
    assert (ineligible.outcome, ineligible.flags) == ("ineligible", ("manual-check",))


def test_a_programme_in_which_nothing_can_be_tested_grants_nothing_by_silence() -> None:
    compiled = programme({"says": "国际先进", "manual": True}, amount="100")

    answer = compiled.assess(situation())

    assert (answer.outcome, answer.amount_fen) == ("unknown", None)
    assert answer.flags == ("manual-check",)
    assert answer.missing == ()
    assert answer.reason == ("没有可以自动判定的条件，须人工审核。另须人工核实：国际先进。")


def test_a_condition_with_a_flag_raises_it_and_does_not_decide() -> None:
    compiled = programme("is_listed", {"when": "staff_count < 10", "flag": "field-check"})

    few = compiled.assess(situation(is_listed=True, staff_count=5))
    many = compiled.assess(situation(is_listed=True, staff_count=10))
    unknown = compiled.assess(situation(is_listed=True))

    assert (few.outcome, few.flags) == ("eligible", ("field-check",))
    assert (many.outcome, many.flags) == ("eligible", ())
    assert (unknown.outcome, unknown.flags, unknown.missing) == ("eligible", (), ())
    assert [c["id"] for c in few.conditions] == ["c0"]


def test_once_ever_without_a_history_is_satisfied_and_flagged() -> None:
    compiled = programme("is_listed AND once_ever('large-strong')")

    unchecked = compiled.assess(situation(is_listed=True))
    first = compiled.assess(situation(is_listed=True, history=[]))
    again = compiled.assess(situation(is_listed=True, history=["large-strong"]))

    assert (unchecked.outcome, unchecked.flags) == ("eligible", ("history-unchecked",))
    assert unchecked.conditions[0]["facts"]["history"] == {"large-strong": None}
    assert (first.outcome, first.flags) == ("eligible", ())
    assert (again.outcome, again.flags) == ("ineligible", ())
    assert again.conditions[0]["facts"]["history"] == {"large-strong": True}


def test_a_condition_with_an_unset_parameter_is_unknown_and_flagged() -> None:
    compiled = programme(
        "revenue_fen >= :floor_fen", parameters={"floor_fen": {"unit": "fen", "title": "门槛"}}
    )

    unset = compiled.assess(situation(revenue_fen=5))
    answered = compiled.assess(situation(revenue_fen=5), {"floor_fen": 5})

    assert (unset.outcome, unset.flags, unset.missing) == ("unknown", ("parameter-unset",), ())
    assert unset.reason == "暂不能判定：条件0，门槛尚未确定。"
    assert answered.outcome == "eligible"


def test_a_given_parameter_goes_before_the_value_of_the_draft() -> None:
    compiled = programme(
        "is_listed", amount=":rate_fen", parameters={"rate_fen": {"unit": "fen", "value": 7}}
    )
    listed = situation(is_listed=True)

    assert compiled.assess(listed).amount_fen == 7
    assert compiled.assess(listed, {"rate_fen": 9}).amount_fen == 9
    assert compiled.assess(listed, {"rate_fen": None}).amount_status == "pending-parameter"
    assert compiled.assess(listed, {"another": 1}).amount_fen == 7


@pytest.mark.parametrize("value", [1.5, True, "7"])
def test_a_parameter_that_is_no_integer_is_refused(value: Any) -> None:
    compiled = programme("is_listed", amount=":rate_fen", parameters={"rate_fen": "fen"})

    with pytest.raises(RuleError):
        compiled.assess(situation(is_listed=True), {"rate_fen": value})


def test_a_ceiling_says_so() -> None:
    compiled = programme("is_listed", amount="12345678", amount_kind="ceiling")

    answer = compiled.assess(situation(is_listed=True))

    assert answer.amount_kind == "ceiling"
    assert "金额最高123,456.78元。" in answer.reason
    assert "at most 123,456.78 yuan" in answer.reason_en


@pytest.mark.parametrize(
    ("expression", "facts", "used"),
    [
        ("staff_count > 1", {"staff_count": 5}, {"staff_count": 5}),
        ("staff_count > 1", {}, {"staff_count": None}),
        ("prior(staff_count, 1) > 1", {"staff_count": {"2024": 4}}, {"staff_count": {"2024": 4}}),
        (
            "sum_years(staff_count, 2) > prior(staff_count, 3)",
            {"staff_count": {"2025": 5}},
            {"staff_count": {"2022": None, "2024": None, "2025": 5}},
        ),
        (
            "established_on < DATE '2026-01-01' AND industry_code = '3854'",
            {"established_on": "2012-05-01"},
            {"established_on": "2012-05-01", "industry_code": None},
        ),
        (
            "holds('above-scale') AND NOT on_list('x') AND grade('star') = '3'",
            {"recognitions": ["above-scale"], "lists": []},
            {
                "grades": {"star": ""},
                "lists": {"x": False},
                "recognitions": {"above-scale": True},
            },
        ),
    ],
)
def test_the_facts_used_are_shown_as_the_rule_saw_them(
    expression: str, facts: dict[str, Any], used: dict[str, Any]
) -> None:
    (condition,) = programme(expression).assess(situation(**facts)).conditions

    assert condition["facts"] == used


@pytest.mark.parametrize(
    ("expression", "facts", "near"),
    [
        ("staff_count >= 100", {"staff_count": 90}, ("staff_count", 100, 90, 10, 1000)),
        ("staff_count >= 100", {"staff_count": 89}, None),
        ("100 <= staff_count", {"staff_count": 90}, ("staff_count", 100, 90, 10, 1000)),
        ("staff_count > 100", {"staff_count": 100}, ("staff_count", 101, 100, 1, 1)),
        ("staff_count <= 500", {"staff_count": 501}, ("staff_count", 500, 501, 1, 20)),
        ("staff_count < 500", {"staff_count": 500}, ("staff_count", 499, 500, 1, 1)),
        ("staff_count < 500", {"staff_count": 551}, None),
        ("NOT staff_count > 500", {"staff_count": 501}, ("staff_count", 500, 501, 1, 20)),
        ("staff_count = 500", {"staff_count": 501}, None),
        ("staff_count > 0", {"staff_count": 0}, None),
        ("net_profit_fen >= -100", {"net_profit_fen": -105},
         ("net_profit_fen", -100, -105, 5, 500)),
        ("rd_internal_fen >= revenue_fen * 3 / 100", {"rd_internal_fen": 299, "revenue_fen": 9999},
         ("rd_internal_fen", 300, 299, 1, 33)),
        ("rd_internal_fen / revenue_fen >= 0.03", {"rd_internal_fen": 299, "revenue_fen": 9999},
         ("rd_internal_fen", 300, 299, 1, 33)),
        ("revenue_fen / prior(revenue_fen, 1) - 1 > 0.1",
         {"revenue_fen": {"2024": 1000, "2025": 1100}}, ("revenue_fen", 1101, 1100, 1, 1)),
        ("revenue_fen / prior(revenue_fen, 1) - 1 > 0.1",
         {"revenue_fen": {"2024": 1000, "2025": 1089}}, None),
        ("avg_years(revenue_fen, 3) >= 10",
         {"revenue_fen": {"2023": 9, "2024": 10, "2025": 10}},
         ("avg_years(revenue_fen, 3)", 10, "29/3", "1/3", 334)),
        ("staff_count BETWEEN 10 AND 20", {"staff_count": 21}, ("staff_count", 20, 21, 1, 500)),
        ("staff_count BETWEEN 10 AND 20 AND is_listed", {"staff_count": 21, "is_listed": False},
         None),
        ("staff_count >= 10 OR is_listed", {"staff_count": 9, "is_listed": False},
         ("staff_count", 10, 9, 1, 1000)),
        ("established_on < DATE '2026-01-01'", {"established_on": "2026-01-01"}, None),
        ("is_listed", {"is_listed": False}, None),
    ],
)  # fmt: skip
def test_near_tells_how_much_was_lacking(
    expression: str, facts: dict[str, Any], near: tuple[Any, ...] | None
) -> None:
    answer = programme(expression).assess(situation(**facts))

    assert answer.outcome == "ineligible"
    keys = ("fact", "needed", "actual", "lacking", "lacking_bp")
    expected = [{"condition": "c0", **dict(zip(keys, near, strict=True))}] if near else []
    assert list(answer.near) == expected


def test_a_near_miss_is_told_in_yuan() -> None:
    compiled = programme(
        {"says": "营业收入1亿元以上", "english": "revenue of 100 million", "when":
         "revenue_fen >= 10000000000", "source": "第九条"}
    )  # fmt: skip

    answer = compiled.assess(situation(revenue_fen=9_999_999_950))

    assert answer.reason == (
        "不符合：营业收入1亿元以上（依据第九条）。"
        "“营业收入1亿元以上”：营业收入与标准相差0.50元（0.01%）。"
    )
    assert answer.reason_en == (
        "Not met: revenue of 100 million (第九条). "
        '"revenue of 100 million": revenue is off by 0.50 yuan (0.01%).'
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"staff_count": "many"},
        {"staff_count": 5},
        {"staff_count": True},
        {"is_listed": 1},
        {"industry_code": "2026-01-01"},
        {"industry_code": {2025: 1}},
    ],
)
def test_a_situation_that_the_vocabulary_reads_differently_is_refused(
    facts: dict[str, Any],
) -> None:
    compiled = programme("staff_count > 1 AND is_listed AND industry_code = '1'")

    with pytest.raises(FactError):
        compiled.assess(Situation(on=DAY, facts=facts))


def test_decide_and_assess_agree() -> None:
    compiled = programme("is_listed", "staff_count > 3", amount="staff_count * 100 / 3")

    for facts in ({}, {"is_listed": True, "staff_count": 5}, {"is_listed": False}):
        verdict = compiled.decide(situation(**facts))
        answer = compiled.assess(situation(**facts))
        names = {True: "eligible", False: "ineligible", None: "unknown"}
        assert names[verdict.outcome] == answer.outcome
        assert verdict.amount_fen == answer.amount_fen
