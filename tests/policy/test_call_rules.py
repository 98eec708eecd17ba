"""When a call takes applications, and who has a place when places are few."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.kernel.errors import Conflict, Forbidden
from services.kernel.ids import new_id
from services.policy.calls import rules
from services.policy.calls.rules import CallEvent, CallState, Entry, Ties

OPENS, CLOSES = date(2026, 11, 2), date(2026, 11, 30)


def entries(*points: int | None, eligible: bool = True) -> list[Entry]:
    return [Entry(new_id(), eligible, each, number) for number, each in enumerate(points)]


def within(
    found: list[Entry], places: int | None, ties: Ties = Ties.UNDECIDED
) -> list[tuple[int | None, int, bool | None]]:
    return [(p.rank_by, p.position, p.within) for p in rules.rank(found, places, ties)]


def test_six_passing_firms_and_five_places() -> None:
    found = entries(90, 70, 85, 60, 95, 80)

    assert within(found, 5) == [
        (95, 1, True), (90, 2, True), (85, 3, True), (80, 4, True), (70, 5, True), (60, 6, False),
    ]  # fmt: skip


def test_who_is_not_eligible_stands_for_no_place() -> None:
    passing, failing = entries(50, 40), entries(99, eligible=False)

    ranked = rules.rank([*failing, *passing], 2, Ties.UNDECIDED)
    assert {place.case for place in ranked} == {each.case for each in passing}
    assert all(place.within for place in ranked)


@pytest.mark.parametrize(
    ("ties", "last"),
    [
        (Ties.UNDECIDED, [None, None, None]),
        (Ties.ALL, [True, True, True]),
        (Ties.FIRST_SUBMITTED, [True, False, False]),
    ],
)
def test_a_tie_at_the_last_place_is_settled_by_the_stated_rule(
    ties: Ties, last: list[bool | None]
) -> None:
    ranked = within(entries(90, 80, 80, 80, 70), 2, ties)

    assert ranked[0] == (90, 1, True)
    assert [place[2] for place in ranked[1:4]] == last
    assert [place[1] for place in ranked] == [1, 2, 2, 2, 5]
    assert ranked[4][2] is False


def test_who_has_no_place_is_told_his_position_or_the_rule_that_broke_the_tie() -> None:
    behind = rules.outside_quota(5, 6, Ties.FIRST_SUBMITTED)
    tied = rules.outside_quota(5, 1, Ties.FIRST_SUBMITTED)

    assert (behind.code, tied.code) == ("outside-quota", "outside-quota")
    assert behind.zh == "本批次限5个名额，本件排第6位，未入围。"
    assert behind.en == "The call has 5 places and the case stands at 6."
    assert tied.zh == "本批次限5个名额，本件排第1位（并列），按“先提交者优先”，未入围。"
    assert tied.en.endswith("with others; the rule for ties: who submitted first.")


def test_a_tie_within_the_places_is_no_question() -> None:
    assert [place[2] for place in within(entries(80, 80, 70), 2)] == [True, True, False]


def test_without_a_number_of_places_everyone_is_within() -> None:
    assert [place[2] for place in within(entries(1, 2, 3), None)] == [True] * 3


def test_points_that_are_not_known_come_last_and_are_no_zero() -> None:
    ranked = within(entries(None, 0, 10), 2)

    assert [place[0] for place in ranked] == [10, 0, None]
    assert [place[2] for place in ranked] == [True, True, False]


@pytest.mark.parametrize(
    ("today", "is_open"),
    [(date(2026, 11, 1), False), (OPENS, True), (CLOSES, True), (date(2026, 12, 1), False)],
)
def test_the_first_and_the_last_day_count(today: date, *, is_open: bool) -> None:
    if is_open:
        rules.require_open(CallState.PUBLISHED, OPENS, CLOSES, today)
    else:
        with pytest.raises(Conflict) as refused:
            rules.require_open(CallState.PUBLISHED, OPENS, CLOSES, today)
        assert refused.value.code == "call-not-open"
        assert "2026-11-02至2026-11-30" in refused.value.zh


@pytest.mark.parametrize("state", [CallState.DRAFT, CallState.RANKED, CallState.CANCELLED])
def test_only_a_published_call_takes_applications(state: CallState) -> None:
    with pytest.raises(Conflict):
        rules.require_open(state, OPENS, CLOSES, OPENS)


def test_an_illegal_event_names_the_state_and_what_it_allows() -> None:
    with pytest.raises(Conflict) as refused:
        rules.move(CallState.CANCELLED, CallEvent.PUBLISH)
    assert refused.value.code == "event-not-allowed"
    assert "已取消" in refused.value.zh


def test_nobody_publishes_his_own_draft() -> None:
    with pytest.raises(Forbidden):
        rules.require_other_person("officer", "officer", None)
    with pytest.raises(Forbidden):
        rules.require_other_person("officer", "another", "officer")
    rules.require_other_person("officer", "another", None)


@pytest.mark.parametrize("state", [each for each in CallState if each is not CallState.DRAFT])
def test_only_a_draft_is_changed(state: CallState) -> None:
    rules.require_draft(CallState.DRAFT)
    with pytest.raises(Conflict) as refused:
        rules.require_draft(state)
    assert refused.value.code == "call-not-draft"


def test_places_are_told_by_case() -> None:
    (entry,) = entries(1)
    (place,) = rules.rank([entry], 1, Ties.ALL)

    assert isinstance(place.case, UUID)
    assert place.case == entry.case


def held(*points: int | None) -> list[Entry]:
    return [replace(each, held=True) for each in entries(*points)]


def test_who_holds_a_place_keeps_it_and_the_others_share_what_is_left() -> None:
    kept, others = held(60, 70, 80, 85), entries(95, 90)
    ranked = rules.rank([*kept, *others], 5, Ties.UNDECIDED)

    assert [(p.rank_by, p.position, p.within, p.held) for p in ranked] == [
        (95, 1, True, False), (90, 2, False, False), (85, 3, True, True), (80, 4, True, True),
        (70, 5, True, True), (60, 6, True, True),
    ]  # fmt: skip


@pytest.mark.parametrize("ties", list(Ties))
def test_where_all_places_are_held_nobody_else_is_within(ties: Ties) -> None:
    ranked = rules.rank([*held(60, 70), *entries(95, 90)], 2, ties)

    assert [(p.rank_by, p.within) for p in ranked] == [
        (95, False), (90, False), (70, True), (60, True),
    ]  # fmt: skip


def test_a_tie_that_was_settled_stays_settled_once_its_winner_is_proposed() -> None:
    assert within([*entries(90), *held(80), *entries(80)], 2) == [
        (90, 1, True), (80, 2, True), (80, 2, False),
    ]  # fmt: skip


def test_all_who_tie_stay_within_beside_one_of_them_who_holds_his_place() -> None:
    assert within([*held(80), *entries(80, 70)], 1, Ties.ALL) == [
        (80, 1, True), (80, 1, True), (70, 3, False),
    ]  # fmt: skip


def test_a_held_place_is_kept_by_who_is_no_longer_eligible() -> None:
    gone = [replace(each, held=True) for each in entries(None, eligible=False)]
    ranked = rules.rank([*gone, *entries(90)], 1, Ties.UNDECIDED)

    assert [(p.rank_by, p.within, p.held) for p in ranked] == [
        (90, False, False), (None, True, True),
    ]  # fmt: skip


def test_who_stands_before_those_who_hold_the_places_is_told_so() -> None:
    refused = rules.outside_quota(5, 2, Ties.UNDECIDED, held=4)

    assert refused.zh == (
        "本批次限5个名额，本件排第2位，排序时另有4件已提请批准或已决定，名额为其保留，未入围。"
    )
    assert "4 cases that do not come before it held their places already" in refused.en
