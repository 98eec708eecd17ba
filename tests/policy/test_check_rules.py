"""Lots by value: what list and seed give, whoever draws; and answers that fit their sheet."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Refusal
from services.policy.checks import rules
from services.policy.checks.rules import CheckEvent, CheckState, DrawState
from services.policy.self_evaluations import rules as sheets
from services.policy.self_evaluations.rules import (
    Indicator,
    IndicatorType,
    SheetEvent,
    SheetState,
)

CASES = [UUID(int=number) for number in range(1, 21)]
POOL = ["a", "b", "c", "d", "e"]
TODAY = date(2026, 11, 23)
LISTS = st.lists(st.uuids(), min_size=1, max_size=30, unique=True)


def lots(cases: list[UUID], seed: str, number: int = 5) -> list[rules.Lot]:
    return rules.draw(cases, rules.seed_sha256(rules.list_sha256(cases), seed), number, POOL, {})


@given(cases=LISTS, seed=st.text(min_size=1, max_size=20), number=st.integers(1, 40))
def test_the_order_of_the_list_draws_nothing(cases: list[UUID], seed: str, number: int) -> None:
    drawn = lots(cases, seed, number)

    assert drawn == lots(sorted(cases), seed, number) == lots(cases[::-1], seed, number)
    assert len(drawn) == min(number, len(cases))
    assert len({lot.case for lot in drawn}) == len(drawn)
    assert {lot.case for lot in drawn} <= set(cases)
    assert [lot.position for lot in drawn] == list(range(1, len(drawn) + 1))


@given(cases=LISTS, number=st.integers(1, 29))
def test_drawing_more_keeps_who_was_drawn(cases: list[UUID], number: int) -> None:
    assert lots(cases, "seed", number + 1)[:number] == lots(cases, "seed", number)


@given(data=st.data())
def test_whoever_handled_a_case_does_not_inspect_it(data: st.DataObject) -> None:
    excluded = {case: data.draw(st.sets(st.sampled_from(POOL))) for case in CASES}
    drawn = rules.draw(CASES, "0" * 64, 10, POOL, excluded)

    for lot in drawn:
        assert not excluded[lot.case] & set(lot.inspectors)
        assert len(lot.inspectors) == min(2, len(POOL) - len(excluded[lot.case]))
    short = any(len(POOL) - len(excluded[lot.case]) < 2 for lot in drawn)
    if short:
        with pytest.raises(Refusal) as found:
            rules.require_inspectors(drawn)
        assert found.value.code == "inspectors-few"
    else:
        rules.require_inspectors(drawn)


def test_another_seed_or_list_draws_others() -> None:
    assert lots(CASES, "03,11,17") != lots(CASES, "03,11,18")
    assert rules.list_sha256(CASES) != rules.list_sha256(CASES[:-1])


@pytest.mark.parametrize(
    ("cases", "share_bp", "count", "expected"),
    [
        (10, 2000, None, 2), (11, 2000, None, 3), (1, 1, None, 1), (10, 10_000, None, 10),
        (10, None, 3, 3), (2, None, 3, 2),
    ],
)  # fmt: skip
def test_a_share_is_rounded_up(
    cases: int, share_bp: int | None, count: int | None, expected: int
) -> None:
    assert rules.picks(cases, share_bp=share_bp, count=count) == expected


def test_the_seed_is_of_a_day_after_the_list() -> None:
    rules.require_coming(date(2026, 11, 24), TODAY)
    for day in (TODAY, date(2026, 11, 22)):
        with pytest.raises(Refusal) as found:
            rules.require_coming(day, TODAY)
        assert found.value.code == "seed-known"
    rules.require_seed_day(TODAY, TODAY)
    with pytest.raises(Refusal) as found:
        rules.require_seed_day(date(2026, 11, 24), TODAY)
    assert found.value.code == "seed-not-yet"


def test_states_take_their_events_only() -> None:
    rules.require_planned(DrawState.PLANNED)
    with pytest.raises(Refusal):
        rules.require_planned(DrawState.DRAWN)
    rules.require_event(CheckState.DRAWN, CheckEvent.REPORT)
    for state in (CheckState.PASSED, CheckState.FAILED):
        for event in CheckEvent:
            with pytest.raises(Refusal):
                rules.require_event(state, event)
    assert sheets.move(SheetState.ASKED, SheetEvent.SUBMIT) is SheetState.SUBMITTED
    with pytest.raises(Refusal):
        sheets.move(SheetState.ASSESSED, SheetEvent.RETURN)


def test_one_inspector_confirms_what_the_other_reports() -> None:
    rules.require_inspector("a", ["a", "b"])
    rules.require_other_inspector("b", "a")
    for refusal in (
        lambda: rules.require_inspector("c", ["a", "b"]),
        lambda: rules.require_other_inspector("a", "a"),
    ):
        with pytest.raises(Refusal):
            refusal()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"output": 1200, "effect": "已投用"}, None),
        ({"output": 1200}, "answer-missing"),
        ({"output": 1200, "effect": "已投用", "more": 1}, "indicator-unknown"),
        ({"output": "一千二百", "effect": "已投用"}, "answer-type"),
        ({"output": 1200, "effect": 3}, "answer-type"),
    ],
)
def test_every_indicator_is_answered_by_its_type(
    answers: dict[str, int | str], code: str | None
) -> None:
    asked = [Indicator("output", IndicatorType.NUMBER), Indicator("effect", IndicatorType.TEXT)]
    if code is None:
        sheets.require_answers(asked, answers)
        return
    with pytest.raises(Refusal) as found:
        sheets.require_answers(asked, answers)
    assert found.value.code == code


def test_a_sheet_is_late_from_the_day_after_its_day() -> None:
    assert sheets.is_overdue(SheetState.ASKED, date(2026, 11, 22), TODAY)
    assert not sheets.is_overdue(SheetState.ASKED, TODAY, TODAY)
    assert not sheets.is_overdue(SheetState.SUBMITTED, date(2026, 11, 22), TODAY)
