"""The engine for a city answers as the compiled function does, for each row of a table."""

from datetime import date
from typing import Any

import pytest

from services.rulebook import (
    Fact,
    Holdings,
    RuleError,
    Situation,
    Vocabulary,
    compile_programme,
    load_programme,
    rule_set,
)
from services.rulebook.columns.city import Total, city
from services.rulebook.columns.naming import columns_of
from services.rulebook.evaluate import World, value_of
from tests.rulebook.builders import DAY, YEAR
from tests.rulebook.columns_of import polars_answers, table_of

MOST = 10**15
WRAPS = 3_037_000_500
VOCABULARY = Vocabulary(
    [
        Fact("a_fen", "year", "int", "fen", low=-MOST, high=MOST),
        Fact("b_fen", "year", "int", "fen", low=0, high=MOST),
        Fact("n_count", "day", "int", low=-9, high=9),
        Fact("is_on", "day", "bool"),
        Fact("is_off", "day", "bool"),
        Fact("town_code", "day", "text"),
        Fact("began_on", "day", "date"),
    ]
)
NUMBERS = {"draft.rate": 5_000, "draft.open": None}
SITUATIONS = [
    Situation(
        on=DAY,
        facts={
            "a_fen": {YEAR: a, YEAR - 1: b, YEAR - 2: 7},
            "b_fen": {YEAR: b, YEAR - 1: a and abs(a)},
            "n_count": n,
            "is_on": on,
            "is_off": off,
            "town_code": town,
            "began_on": began,
        },
        recognitions=held,
        lists=held,
        history=won,
    )
    for a, b, n, on, off, town, began, held, won in [
        (5, 3, 2, True, False, "330282107", date(2015, 1, 1), Holdings({"x": "A"}), None),
        (
            -5,
            3,
            -2,
            False,
            True,
            "330282108",
            date(2015, 1, 2),
            Holdings(complete=True),
            frozenset({"w"}),
        ),
        (MOST, 1, 9, True, None, "330282107", None, Holdings({"x": None}), frozenset[str]()),
        (-MOST, MOST, 0, None, True, None, date(2020, 2, 29), None, frozenset({"v"})),
        (
            7,
            0,
            -9,
            None,
            False,
            "330282107",
            date(2014, 12, 31),
            Holdings({}, frozenset({"x"})),
            None,
        ),
        (-7, 2, 3, None, None, "", date(2016, 1, 1), Holdings({"y": "B"}), None),
        (None, 5, None, True, True, "330282109", date(2015, 6, 1), Holdings({"x": "B"}), None),
        # The square of the first is the least that 64 bits do not hold.
        (WRAPS, WRAPS, 1, True, True, "", None, None, None),
        (10**13, 10**13, 7, True, None, "", None, None, None),
        (-(10**13), 10**13 - 1, 7, True, False, "", None, None, None),
        (0, 0, 1, False, False, None, None, Holdings({"x": ""}, complete=True), None),
    ]
]
CONDITIONS = [
    "a_fen > 2 AND is_on",
    "a_fen > 2 OR is_on",
    "NOT (a_fen > 2 AND NOT is_off)",
    "a_fen / b_fen >= 5 / 3",
    "b_fen / a_fen < 1 / n_count",
    "a_fen / n_count <> b_fen / n_count",
    "a_fen / n_count / 3 + 1 / 2 > b_fen / 7",
    "a_fen / (n_count - 2) > 1",
    "growth(a_fen, 1) > 10 / 100",
    "sum_years(a_fen, 3) > avg_years(a_fen, 2) * 2",
    "a_fen * b_fen > 10000",
    "a_fen * b_fen / 7 >= a_fen",
    "b_fen * 9000 + b_fen * 9001 > 5",
    "b_fen * 10001 > a_fen",
    "FLOOR(b_fen * 10001 / 7) > 5",
    "LEAST(b_fen * 10001, 1000) > 5",
    "a_fen * (b_fen + a_fen) <> 5",
    "(a_fen + b_fen) * (a_fen + b_fen) / 3 > 10000",
    "a_fen * a_fen * 1000 = b_fen * 25000 + 0 * n_count",
    "a_fen BETWEEN -5 AND 5",
    "n_count IN (2, 9, 1 / 2)",
    "a_fen / 2 IN (5 / 2, 7)",
    "town_code IN ('330282107', '330282108')",
    "town_code = '330282107' OR town_code IS NULL",
    "town_code <> ''",
    "town_code IN ('1', '2', '3', '4', '5', '6', '330282107', '330282108')",
    "began_on IN (" + ", ".join(f"DATE '20{n}-01-01'" for n in range(12, 20)) + ")",
    "began_on < DATE '2015-01-02'",
    "began_on IN (DATE '2015-01-01', DATE '2020-02-29')",
    "holds('x') AND NOT on_list('x')",
    "grade('x') = 'A' OR grade('x') = ''",
    "grade('y') IN ('B', 'C')",
    "once_ever('w')",
    "LEAST(a_fen, b_fen) >= GREATEST(n_count, 2)",
    "LEAST(a_fen / n_count, b_fen / 2, 5 / 2) > 1",
    "GREATEST(a_fen, 1000000) > 1000000",
    "FLOOR(a_fen / 2) = -3 OR FLOOR(a_fen / 2) = 2",
    "CASE WHEN is_on THEN a_fen WHEN is_off THEN b_fen ELSE 3 END > 2",
    "CASE WHEN is_on THEN a_fen / n_count ELSE b_fen / n_count END > 1",
    "CASE WHEN is_on THEN 5 WHEN is_off THEN 5 ELSE 6 END = 5",
    "CASE WHEN is_on THEN is_off ELSE holds('x') END",
    "CASE WHEN is_on THEN town_code ELSE '330282108' END = '330282108'",
    "CASE WHEN is_on THEN 'x' WHEN is_off THEN 'x' ELSE 'y' END = 'x'",
    "is_on = is_off",
    "a_fen * :rate / 10000 > b_fen",
    "a_fen > :open",
    "n_count > :open / 2 OR is_on",
]
AMOUNTS = [
    None,
    "5",
    "a_fen",
    "a_fen / 2",
    "a_fen / n_count",
    "FLOOR(a_fen / 100) * 5",
    "LEAST(a_fen / 3, 1000000)",
    "LEAST(a_fen / n_count, b_fen / 2)",
    "GREATEST(a_fen * :rate / 10000, 100)",
    "a_fen * b_fen / 10000",
    "b_fen * 1000000000000",
    "a_fen * :open / 10000",
    "CASE WHEN is_on THEN 100 WHEN n_count > 2 THEN 200 ELSE a_fen / 2 END",
    "sum_years(b_fen, 2) / 3 - a_fen / 2",
]


def compiled(*conditions: str, **more: Any) -> Any:
    parameters = {"rate": "bp", "open": "fen"}
    eligibility = [{"id": f"c{i}", "says": "是", "when": c} for i, c in enumerate(conditions)]
    data = {"id": "draft", "title": "草案", "eligibility": eligibility, "parameters": parameters}
    return compile_programme(load_programme({**data, **more}), VOCABULARY)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_is_the_same_in_columns(text: str) -> None:
    rules = rule_set([compiled(text)])
    expected = [rules.decide(each, NUMBERS) for each in SITUATIONS]
    assert polars_answers(rules, SITUATIONS, NUMBERS) == expected
    assert len({each[0][0] for each in expected}) > 1 or ":open" in text


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_is_the_same_in_columns(amount: str | None) -> None:
    granted = "is_on OR is_off IS NULL OR NOT is_off"
    rules = rule_set([compiled(granted, amount=amount)])
    expected = [rules.decide(each, NUMBERS) for each in SITUATIONS]
    assert polars_answers(rules, SITUATIONS, NUMBERS) == expected


def test_what_only_flags_decides_nothing_in_columns() -> None:
    flag = {"id": "look", "says": "是", "when": "is_off", "flag": "look"}
    deciding = {"id": "c", "says": "是", "when": "is_on"}
    rules = rule_set(
        [
            compiled(eligibility=[flag, deciding], amount="5"),
            compiled(id="other", eligibility=[flag], amount="5"),
            compiled(id="manual", eligibility=[{"id": "m", "says": "是", "manual": True}]),
        ]
    )
    expected = [rules.decide(each, rules.numbers) for each in SITUATIONS]
    assert polars_answers(rules, SITUATIONS, rules.numbers) == expected


SCORE = {
    "says": "得分",
    "pass": "score >= 10 AND size > 0",
    "parts": [
        {"id": "size", "says": "规模", "max": 10, "of": "a_fen / b_fen", "judged": "n_count",
         "bands": [{"at_least": "5/3", "points": [6, 9]}, {"above": 0, "points": 2},
                   {"otherwise": 0}]},
        {"id": "on", "says": "开", "max": 5, "points": "CASE WHEN is_on THEN 5 ELSE 1 END"},
        {"id": "much", "says": "多", "max": 5, "points": "b_fen * 10001"},
    ],
}  # fmt: skip


def test_points_and_classes_are_the_same_in_columns() -> None:
    classes = {"size": "CASE WHEN score >= 8 THEN town_code ELSE 'small' END", "star": "n_count"}
    programme = compiled("is_on OR NOT is_on", score=SCORE, classes=classes)
    rules = rule_set([programme])
    table = table_of(rules, SITUATIONS)
    answers = city(rules, table.schema, year=YEAR, numbers=rules.numbers).answers(table.lazy())
    rows = answers.collect().to_dicts()
    spans = set()
    for row, situation in zip(rows, SITUATIONS, strict=True):
        told = programme.assess(situation).to_json()
        spans.add((told["score"]["low"], told["score"]["high"]))
        assert (row["draft.score.low"], row["draft.score.high"]) == (
            told["score"]["low"],
            told["score"]["high"],
        )
        assert {"size": row["draft.class.size"], "star": row["draft.class.star"]} == told["classes"]
        assert row["draft.condition.score"] == {"true": True, "false": False}.get(
            told["conditions"][-1]["outcome"]
        )
    assert len(spans) > 4


def test_totals_count_and_sum_what_the_rows_say() -> None:
    rules = rule_set(
        [
            compiled("is_on", amount="b_fen * 10"),
            compiled("is_off", id="free"),
            compiled("is_on OR is_off", id="wide", amount="b_fen * 1000000000000"),
        ]
    )
    table = table_of(rules, SITUATIONS)
    totals = city(rules, table.schema, year=YEAR, numbers=rules.numbers).totals(table.lazy())
    for place, each in enumerate(totals.values()):
        answers = [rules.decide(situation)[place] for situation in SITUATIONS]
        outcomes = [outcome for outcome, _, _ in answers]
        paid = sum(fen or 0 for _, _, fen in answers)
        assert each == Total(outcomes.count(True), outcomes.count(None), paid)
    assert totals["wide"].amount_fen > 2**63


def test_a_column_that_is_absent_is_unknown_for_everyone() -> None:
    rules = rule_set([compiled("is_on", "town_code = 'x'", "a_fen > 1", "began_on IS NULL")])
    table = table_of(rules, SITUATIONS).select("is_on")
    read = city(rules, table.schema, year=YEAR, numbers=rules.numbers)
    rows = read.answers(table.lazy()).collect().to_dicts()
    assert [row["draft.condition.c0"] for row in rows] == table["is_on"].to_list()
    assert {row["draft.condition.c1"] for row in rows} == {None}
    assert {row["draft.condition.c2"] for row in rows} == {None}
    assert {row["draft.condition.c3"] for row in rows} == {True}


def test_the_columns_are_those_that_the_rules_look_at() -> None:
    rules = rule_set([compiled("sum_years(a_fen, 2) > prior(b_fen, 3)", "grade('x') = 'A'")])
    assert list(columns_of(rules, YEAR)) == [
        "a_fen.2024", "a_fen.2025", "b_fen.2022", "grade.x", "recognition.x",
    ]  # fmt: skip


def test_a_number_out_of_its_bounds_is_not_reckoned_with() -> None:
    rules = rule_set([compiled("a_fen * :rate > 1")])
    with pytest.raises(RuleError) as caught:
        city(rules, {}, year=YEAR, numbers={"draft.rate": 10**7})
    assert [issue.code for issue in caught.value.issues] == ["out-of-bounds"]


def test_the_slow_reading_agrees_with_the_table() -> None:
    rules = rule_set([compiled(text) for text in ("a_fen / n_count > 1",)])
    (node,) = rules.programmes[0].nodes
    rows = polars_answers(rules, SITUATIONS, NUMBERS)
    assert [row[0][1][0] for row in rows] == [value_of(node, World(s, {})) for s in SITUATIONS]
