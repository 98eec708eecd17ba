"""How points become a score: exactly, in whatever order, with extremes dropped where stated."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Conflict, Forbidden, Invalid
from services.kernel.ids import new_id
from services.policy.calls import rules as calls
from services.policy.calls.rules import Entry, Ties
from services.policy.panels import rules
from services.policy.panels.rules import (
    EVENT_NAMES,
    NEXT,
    Criterion,
    NoScore,
    PanelEvent,
    PanelState,
    SheetEvent,
    Terms,
)

PLAIN = [Criterion("a", "领导", 40), Criterion("b", "结果", 60)]
WEIGHTED = [Criterion("a", "领导", 10, 3_000), Criterion("b", "结果", 7, 7_000)]
DROPS = Terms(drop_extremes_from=5)
totals = st.lists(
    st.fractions(min_value=0, max_value=100, max_denominator=700), min_size=1, max_size=12
)


def standing(score: int, number: int) -> Entry:
    return Entry(case=new_id(), eligible=True, rank_by=score, submitted_number=number)


def thousandths(*points: int | str, terms: Terms | None = None) -> int | None:
    found = rules.judge([Fraction(each) for each in points], terms or Terms())
    return found.score_thousandths


@pytest.mark.parametrize(
    ("criteria", "total", "code"),
    [
        (PLAIN, 100, None),
        (PLAIN, 99, "points-sum"),
        (WEIGHTED, 100, None),
        ([Criterion("a", "领导", 10, 3_000), Criterion("b", "结果", 7, 6_999)], 100, "weights-sum"),
        ([Criterion("a", "领导", 10, 3_000), Criterion("b", "结果", 90)], 100, "weights-mixed"),
        ([Criterion("a", "领导", 50), Criterion("a", "结果", 50)], 100, "criterion-twice"),
    ],
)
def test_criteria_make_up_the_total(
    criteria: list[Criterion], total: int, code: str | None
) -> None:
    if code is None:
        rules.require_criteria(criteria, total)
        return
    with pytest.raises(Invalid) as refused:
        rules.require_criteria(criteria, total)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("points", "code"),
    [
        ({"a": 4000, "b": 6000}, None),
        ({"a": 0, "b": 0}, None),
        ({"a": 4001, "b": 0}, "points-exceeded"),
        ({"a": 4000}, "criterion-missing"),
        ({"a": 1, "b": 1, "c": 1}, "criterion-unknown"),
    ],
)
def test_points_fit_the_sheet(points: dict[str, int], code: str | None) -> None:
    if code is None:
        rules.require_points(points, PLAIN)
        return
    with pytest.raises(Invalid) as refused:
        rules.require_points(points, PLAIN)
    assert refused.value.code == code


def test_a_sheet_sums_up_exactly() -> None:
    assert rules.sheet_total({"a": 3350, "b": 5205}, PLAIN, 100) == Fraction(8555, 100)
    # 5 of 10 at 30 % and 2 of 7 at 70 %: 15 and 20 points; and what no decimal can say.
    assert rules.sheet_total({"a": 500, "b": 200}, WEIGHTED, 100) == 35
    thirds = [Criterion("a", "甲", 3, 10_000)]
    assert rules.sheet_total({"a": 100}, thirds, 100) == Fraction(100, 3)


def test_full_points_are_the_total_with_weights_and_without() -> None:
    assert rules.sheet_total({"a": 4000, "b": 6000}, PLAIN, 100) == 100
    assert rules.sheet_total({"a": 1000, "b": 700}, WEIGHTED, 100) == 100


def test_the_mean_of_three_is_rounded_half_up_to_a_thousandth() -> None:
    assert thousandths(80, 85, 91) == 85_333
    assert thousandths(80, 80, 81) == 80_333
    assert thousandths(80, 81, 81) == 80_667
    assert thousandths("80.0005") == 80_001
    assert thousandths("80.00049") == 80_000


@pytest.mark.parametrize(
    ("points", "score", "dropped"),
    [
        # One below the stated number of sheets nothing is dropped, from it on one at each end.
        ((0, 80, 80, 100), 65_000, ()),
        ((0, 80, 80, 80, 100), 80_000, (0, 4)),
        ((80, 80, 80, 80, 80), 80_000, (0, 4)),
        ((100, 100, 70, 0, 0), 56_667, (3, 1)),
    ],
)
def test_extremes_are_dropped_from_the_stated_number_on(
    points: tuple[int, ...], score: int, dropped: tuple[int, ...]
) -> None:
    found = rules.judge([Fraction(each) for each in points], DROPS)

    assert (found.score_thousandths, found.dropped) == (score, dropped)
    assert found.counted == len(points)


def test_without_a_stated_number_nothing_is_dropped() -> None:
    assert rules.judge([Fraction(each) for each in range(10)], Terms()).dropped == ()


@pytest.mark.parametrize(
    ("limit", "points", "flagged"),
    [(None, (0, 100), None), (20, (70, 90), False), (20, (70, "90.01"), True), (20, (80,), False)],
)
def test_a_spread_is_marked_beyond_the_limit_and_unknown_without_one(
    limit: int | None, points: tuple[int | str, ...], *, flagged: bool | None
) -> None:
    found = rules.judge([Fraction(each) for each in points], Terms(spread_flag_points=limit))

    assert found.is_spread_flagged is flagged


@pytest.mark.parametrize(
    ("minimum", "count", "reason"),
    [(None, 0, NoScore.TOO_FEW_SHEETS), (None, 1, None), (3, 2, NoScore.TOO_FEW_SHEETS),
     (3, 3, None)],
)  # fmt: skip
def test_too_few_sheets_are_no_score_and_no_zero(
    minimum: int | None, count: int, reason: NoScore | None
) -> None:
    found = rules.judge([Fraction(0)] * count, Terms(experts_min=minimum))

    assert found.reason is reason
    assert found.score_thousandths == (None if reason else 0)


@given(totals, st.randoms(use_true_random=False), st.sampled_from([None, 3, 5]))
def test_the_order_of_the_sheets_does_not_matter(
    given_totals: list[Fraction], random: Random, drop: int | None
) -> None:
    shuffled = list(given_totals)
    random.shuffle(shuffled)
    terms = Terms(drop_extremes_from=drop, spread_flag_points=20)
    one, other = rules.judge(given_totals, terms), rules.judge(shuffled, terms)

    assert one.score_thousandths == other.score_thousandths
    assert (one.spread_thousandths, one.is_spread_flagged) == (
        other.spread_thousandths, other.is_spread_flagged,
    )  # fmt: skip


@given(totals, st.sampled_from([None, 3, 5]))
def test_a_score_lies_within_its_sheets_and_follows_the_plain_definition(
    given_totals: list[Fraction], drop: int | None
) -> None:
    found = rules.judge(given_totals, Terms(drop_extremes_from=drop))
    kept = sorted(given_totals)
    if drop is not None and len(kept) >= drop:
        kept = kept[1:-1]
    mean = sum(kept, Fraction(0)) / len(kept)

    assert found.score_thousandths is not None
    assert abs(Fraction(found.score_thousandths, 1000) - mean) <= Fraction(1, 2000)
    assert rules.thousandths(min(given_totals)) <= found.score_thousandths
    assert found.score_thousandths <= rules.thousandths(max(given_totals))


@given(totals, st.integers(0, 11), st.fractions(0, 10, max_denominator=100))
def test_more_points_never_make_a_lower_score(
    given_totals: list[Fraction], place: int, more: Fraction
) -> None:
    raised = list(given_totals)
    raised[place % len(raised)] += more
    before, after = rules.judge(given_totals, DROPS), rules.judge(raised, DROPS)

    assert before.score_thousandths is not None
    assert after.score_thousandths is not None
    assert after.score_thousandths >= before.score_thousandths


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=9), st.integers(1, 9),
    st.sampled_from(list(Ties)), st.randoms(use_true_random=False),
)  # fmt: skip
def test_places_follow_from_scores_in_whatever_order_they_come(
    scores: list[int], places: int, ties: Ties, random: Random
) -> None:
    entries = [standing(score, number) for number, score in enumerate(scores)]
    shuffled = list(entries)
    random.shuffle(shuffled)
    ranked = calls.rank(entries, places, ties)

    assert {(p.case, p.position, p.within) for p in ranked} == {
        (p.case, p.position, p.within) for p in calls.rank(shuffled, places, ties)
    }
    sure = [p for p in ranked if p.within]
    least = min(p.rank_by or 0 for p in ranked if p.within is not False)
    assert all((p.rank_by or 0) <= least for p in ranked if p.within is False)
    if ties is not Ties.ALL:
        assert len(sure) <= places
    by_id = {e.case: e.rank_by for e in entries}
    expected = rules.positions([by_id[p.case] for p in ranked])
    assert [p.position for p in ranked] == expected


@given(st.lists(st.integers(0, 3), min_size=2, max_size=9), st.integers(1, 8))
def test_a_settled_tie_fills_the_places_exactly(scores: list[int], places: int) -> None:
    entries = [standing(score, number) for number, score in enumerate(scores)]
    ranked = calls.rank(entries, places, Ties.UNDECIDED)
    tied = [p.case for p in ranked if p.within is None]
    left = places - sum(1 for p in ranked if p.within)
    if not tied:
        with pytest.raises(Conflict):
            calls.settle(ranked, places, [])
        return

    settled = calls.settle(ranked, places, tied[:left])
    assert sum(1 for p in settled if p.within) == places
    assert all(p.within is not None for p in settled)
    for wrong in (tied[: left - 1], [*tied[: left - 1], new_id()]):
        with pytest.raises(Invalid) as refused:
            calls.settle(ranked, places, wrong)
        assert refused.value.code == "tie-choice"


def test_positions_are_shared_by_equals_and_none_is_unknown() -> None:
    assert rules.positions([90, 80, 80, 70, None]) == [1, 2, 2, 4, None]


def test_a_score_is_written_with_three_digits_and_becomes_whole_points_rounded_down() -> None:
    assert rules.written(85_040) == "85.040"
    assert rules.written(7) == "0.007"
    assert rules.written(None) is None
    assert [rules.whole_points(each) for each in (0, 999, 1_000, 85_999)] == [0, 0, 1, 85]


ALLOWED = {
    (PanelState.DRAFT, PanelEvent.CONFIRM): {"approver"},
    (PanelState.DRAFT, PanelEvent.CANCEL): {"reviewer", "approver"},
    (PanelState.OPEN, PanelEvent.ADMIT): {"reviewer"},
    (PanelState.OPEN, PanelEvent.DESCRIBE): {"reviewer"},
    (PanelState.OPEN, PanelEvent.RECUSE): {"reviewer", "approver"},
    (PanelState.OPEN, PanelEvent.CLOSE): {"reviewer"},
    (PanelState.OPEN, PanelEvent.CANCEL): {"approver"},
    (PanelState.CLOSED, PanelEvent.REOPEN): {"approver"},
}


@pytest.mark.parametrize("role", ["reviewer", "approver"])
@pytest.mark.parametrize("event", list(PanelEvent))
@pytest.mark.parametrize("state", list(PanelState))
def test_every_state_takes_its_events_from_its_roles(
    state: PanelState, event: PanelEvent, role: str
) -> None:
    whose = ALLOWED.get((state, event))
    if whose is None:
        with pytest.raises(Conflict) as shut:
            rules.move(state, event, {role})
        assert shut.value.code == "event-not-allowed"
        assert rules.STATE_NAMES[state][0] in shut.value.zh
        assert all(EVENT_NAMES[each][1] in shut.value.en for each in NEXT[state])
    elif role in whose:
        assert rules.move(state, event, {role}) is NEXT[state][event].to
    else:
        with pytest.raises(Forbidden):
            rules.move(state, event, {role})


@pytest.mark.parametrize("state", list(PanelState))
def test_sheets_are_taken_while_the_panel_is_open_only(state: PanelState) -> None:
    if state is PanelState.OPEN:
        rules.require_open(state)
        return
    with pytest.raises(Conflict):
        rules.require_open(state)


def test_every_event_of_a_sheet_leads_somewhere() -> None:
    assert set(rules.SHEET_MOVES) == set(SheetEvent)


NAME, USCC = "慈溪市明辉电器有限公司", "91330282MA00T35T2N"


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("本项目提升了装配线的良品率。", False),
        ("某电器企业，员工三百人。", False),
        ("慈溪市明辉电器有限公司的项目", True),
        ("明 辉 电 器 自 主 研 发", True),
        ("明辉\u200b电器", True),
        ("代码９１３３０２８２ｍａ００ｔ３５ｔ２ｎ", True),
    ],
)
def test_a_text_for_experts_names_no_applicant(text: str, *, is_named: bool) -> None:
    assert rules.names_party(text, NAME, USCC) is is_named


def test_a_university_s_place_is_no_giveaway() -> None:
    assert not rules.names_party("与多所大学合作", "浙江大学", "demo-institution")
    assert rules.names_party("与浙江大学合作", "浙江大学", "demo-institution")


def test_numbers_follow_what_was_drawn() -> None:
    assert rules.numbered({"x": 30, "y": 10, "z": 20}) == {"y": 1, "z": 2, "x": 3}
    assert rules.numbered({"x": 5}, first=4) == {"x": 4}
