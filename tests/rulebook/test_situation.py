"""A situation is frozen, canonical and replayable; a body is checked before it becomes one."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.rulebook import FactError, Holdings, Situation, canonical_json, read_situation
from tests.rulebook.builders import DAY, VOCABULARY, situation

FULL = Situation(
    on=DAY,
    facts={
        "staff_count": {2025: 5, 2023: None},
        "revenue_fen": {2025: 10**15, 2024: 0},
        "is_listed": False,
        "industry_code": "3854",
        "established_on": date(2012, 5, 1),
        "class1_ip_count": None,
    },
    recognitions=Holdings({"little-giant": None, "green-factory-star": "3"}, complete=True),
    lists=Holdings({"b": None, "a": None}, frozenset({"z", "c"})),
    history=frozenset({"y", "x"}),
)
CANONICAL = (
    '{"facts":{"established_on":"2012-05-01","industry_code":"3854","is_listed":false,'
    '"revenue_fen":{"2024":0,"2025":1000000000000000},"staff_count":{"2025":5}},'
    '"history":["x","y"],'
    '"lists":{"complete":false,"held":{"a":null,"b":null},"not_held":["c","z"]},'
    '"on":"2026-11-23",'
    '"recognitions":{"complete":true,"held":{"green-factory-star":"3","little-giant":null},'
    '"not_held":[]},"year":2025}'
)


def test_the_canonical_form_is_fixed_byte_for_byte() -> None:
    assert FULL.canonical() == CANONICAL
    assert FULL.digest() == "2fed6f61b1e7041ee8fb2a54d8c20cc9f8daca0d09ed73ef163ef6adca1b5aee"


def test_canonical_json_has_sorted_keys_and_no_floats() -> None:
    assert (
        canonical_json({"b": "年", "a": {"d": 1, "c": None}}) == '{"a":{"c":null,"d":1},"b":"年"}'
    )
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"a": float("nan")})


def test_reading_gives_the_situation_back() -> None:
    assert Situation.from_json(CANONICAL) == FULL
    assert Situation.from_json(FULL.to_json()) == FULL
    assert Situation.from_json(CANONICAL).canonical() == CANONICAL


def test_the_empty_situation_knows_nothing() -> None:
    empty = Situation(on=DAY)

    assert empty.canonical() == (
        '{"facts":{},"history":null,"lists":null,"on":"2026-11-23","recognitions":null,"year":2025}'
    )
    assert Situation.from_json(empty.canonical()) == empty


def test_unknown_and_absent_are_one_and_the_order_of_writing_is_none() -> None:
    one = Situation(on=DAY, facts={"b": 1, "a": None, "c": {2024: None}})
    other = Situation(on=DAY, facts={"b": 1})

    assert one == other
    assert one.digest() == other.digest()


def test_the_reference_year_is_the_year_before_unless_given() -> None:
    assert Situation(on=date(2026, 1, 1)).year == 2025
    assert Situation(on=date(2026, 1, 1), year=2023).year == 2023


def test_changing_what_a_situation_was_made_from_changes_nothing() -> None:
    facts: dict[str, Any] = {"revenue_fen": {2025: 1}}
    frozen = Situation(on=DAY, facts=facts)
    facts["revenue_fen"][2025] = 2
    facts["is_listed"] = True

    assert frozen.facts == {"revenue_fen": {2025: 1}}


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**63,
        datetime(2026, 1, 1, tzinfo=UTC),
        b"x",
        ["a"],
        "x" * 501,
        "nul\0",
        "\ud800",
        {2025: 1.0},
        {2025: True},
        {2025: "1"},
        {"2025": 1},
        {1: 1},
    ],
)
def test_a_value_that_cannot_be_frozen_is_refused(value: Any) -> None:
    with pytest.raises(FactError):
        Situation(on=DAY, facts={"a": value})


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL.replace('"year":2025', '"year":2025.0'),
        CANONICAL.replace('"year":2025', '"year":NaN'),
        CANONICAL.replace('"year":2025', '"year":2025,"year":2025'),
        CANONICAL.replace('"year":2025', '"extra":1,"year":2025'),
        CANONICAL.replace(',"year":2025', ""),
        CANONICAL.replace('"complete":true,', ""),
        "[]",
    ],
)
def test_a_text_that_is_no_frozen_situation_is_refused(text: str) -> None:
    assert text != CANONICAL
    with pytest.raises(FactError):
        Situation.from_json(text)


def test_holdings_keep_not_held_apart_from_unknown() -> None:
    partial = Holdings({"a": "3", "b": None}, frozenset({"c"}))
    complete = Holdings({"a": "3"}, complete=True)

    assert [partial.state(name) for name in "abcd"] == [True, True, False, None]
    assert [partial.grade(name) for name in "abcd"] == ["3", None, "", None]
    assert [complete.state(name) for name in "ab"] == [True, False]
    with pytest.raises(FactError):
        Holdings({"a": None}, frozenset({"a"}))


def test_a_body_becomes_a_situation() -> None:
    stated = read_situation(
        on=DAY,
        facts={
            "revenue_fen": {"2024": 4, 2025: 5, "2023": None},
            "staff_count": 100,
            "established_on": "2012-05-01",
            "is_listed": True,
            "class1_ip_count": None,
            "recognitions": ["a", {"recognition": "b", "grade": "3"}, {"id": "c"}],
            "lists": [],
        },
        vocabulary=VOCABULARY,
        history=["p"],
    )

    assert stated == Situation(
        on=DAY,
        facts={
            "revenue_fen": {2024: 4, 2025: 5},
            "staff_count": {2025: 100},
            "established_on": date(2012, 5, 1),
            "is_listed": True,
        },
        recognitions=Holdings({"a": None, "b": "3", "c": None}, complete=True),
        lists=Holdings(complete=True),
        history=frozenset({"p"}),
    )


def test_absent_lists_are_unknown_and_an_empty_list_is_a_statement() -> None:
    assert situation().lists is None
    assert situation(lists=None).lists is None
    assert situation(lists=[]).lists == Holdings(complete=True)


@pytest.mark.parametrize(
    ("facts", "code", "pointer"),
    [
        ({"revenu_fen": 1}, "unknown-fact", "/?"),
        ({"a/b~c": 1}, "unknown-fact", "/?"),
        ({"revenu_fen": None}, "unknown-fact", "/?"),
        ({"revenue_fen": "5"}, "wrong-type", "/revenue_fen/2025"),
        ({"revenue_fen": {"2025": 5.0}}, "wrong-type", "/revenue_fen/2025"),
        ({"revenue_fen": {"2025": True}}, "wrong-type", "/revenue_fen/2025"),
        ({"revenue_fen": {"25": 5}}, "bad-value", "/revenue_fen"),
        ({"revenue_fen": {"２０２５": 5}}, "bad-value", "/revenue_fen"),
        ({"revenue_fen": -1}, "out-of-bounds", "/revenue_fen/2025"),
        ({"revenue_fen": 10**15 + 1}, "out-of-bounds", "/revenue_fen/2025"),
        ({"class1_ip_count": {"2025": 1}}, "wrong-period", "/class1_ip_count"),
        ({"is_listed": 1}, "wrong-type", "/is_listed"),
        ({"industry_code": 3854}, "wrong-type", "/industry_code"),
        ({"industry_code": "2026-01-01"}, "wrong-type", "/industry_code"),
        ({"established_on": "2026-02-30"}, "wrong-type", "/established_on"),
        ({"established_on": "20260101"}, "wrong-type", "/established_on"),
        ({"lists": "a"}, "wrong-type", "/lists"),
        ({"lists": [1]}, "wrong-type", "/lists/0"),
        ({"recognitions": [{"recognition": "a", "grade": 3}]}, "wrong-type", "/recognitions/0"),
        ({"recognitions": [{"recognition": "a", "x": 3}]}, "wrong-type", "/recognitions/0"),
    ],
)
def test_a_fact_that_the_vocabulary_does_not_have_is_refused(
    facts: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(FactError) as caught:
        situation(**facts)

    assert [(issue.code, issue.pointer) for issue in caught.value.issues] == [(code, pointer)]


def test_every_wrong_fact_is_named_and_the_nearest_name_is_offered() -> None:
    with pytest.raises(FactError) as caught:
        situation(revenu_fen=1, is_listed=1)

    first, second = caught.value.issues
    assert first.allowed == "did you mean revenue_fen?"
    assert second.pointer == "/is_listed"
