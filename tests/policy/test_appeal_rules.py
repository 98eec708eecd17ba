"""Appeals by value: the last day, lateness, order of days, and what may be decided anew."""

from datetime import date

import pytest

from services.kernel.calendar import Calendar
from services.kernel.errors import Refusal
from services.policy.appeals import rules
from services.policy.appeals.rules import (
    NEXT,
    AppealAgainst,
    AppealEvent,
    AppealKind,
    AppealResult,
    AppealState,
)
from services.policy.cases.rules import CaseState
from services.policy.office import load_office

CALENDAR = Calendar.load()
REMEDIES = load_office().remedies
RECONSIDERATION, LITIGATION = AppealKind.RECONSIDERATION, AppealKind.LITIGATION


@pytest.mark.parametrize(
    ("kind", "notified", "follows", "last"),
    [
        # 60 days: 4 March and 60 is 3 May; the holiday of 1 to 5 May moves it to the 6th.
        (RECONSIDERATION, date(2026, 3, 4), False, date(2026, 5, 6)),
        (RECONSIDERATION, date(2026, 3, 9), False, date(2026, 5, 8)),
        # Six months.
        (LITIGATION, date(2026, 3, 9), False, date(2026, 9, 9)),
        # 15 days after what came of a reconsideration.
        (LITIGATION, date(2026, 3, 9), True, date(2026, 3, 24)),
    ],
)
def test_the_last_day_follows_from_the_day_of_notification(
    kind: AppealKind, notified: date, last: date, *, follows: bool
) -> None:
    found = rules.deadline_of(kind, notified, REMEDIES, CALENDAR, after_reconsideration=follows)

    assert found is not None
    assert (found.day, found.provisional) == (last, False)
    assert rules.is_late(last, found) is False
    assert rules.is_late(date.fromordinal(last.toordinal() + 1), found) is True


def test_without_a_day_of_notification_lateness_is_unknown() -> None:
    found = rules.deadline_of(
        RECONSIDERATION, None, REMEDIES, CALENDAR, after_reconsideration=False
    )
    assert found is None
    assert rules.is_late(date(2030, 1, 1), found) is None


def test_days_follow_each_other() -> None:
    decided, today = date(2026, 3, 2), date(2026, 6, 1)
    rules.require_days(decided, decided, decided, today)
    rules.require_days(decided, None, today, today)
    for notified, lodged in (
        (None, date(2026, 3, 1)), (None, date(2026, 6, 2)), (date(2026, 3, 1), today),
        (date(2026, 3, 10), date(2026, 3, 9)),
    ):  # fmt: skip
        with pytest.raises(Refusal) as found:
            rules.require_days(decided, notified, lodged, today)
        assert found.value.code == "day-out-of-order"


@pytest.mark.parametrize("state", CaseState)
def test_only_decisions_are_appealed_against(state: CaseState) -> None:
    expected = {
        CaseState.DECIDED: AppealAgainst.APPROVAL, CaseState.AWARDED: AppealAgainst.APPROVAL,
        CaseState.CLOSED: AppealAgainst.APPROVAL, CaseState.REFUSED: AppealAgainst.REFUSAL,
        CaseState.REVOKED: AppealAgainst.REVOCATION,
    }  # fmt: skip
    if state in expected:
        assert rules.against_of(state) is expected[state]
        return
    with pytest.raises(Refusal) as found:
        rules.against_of(state)
    assert found.value.code == "case-not-decided"


def test_every_state_says_what_it_takes() -> None:
    assert set(NEXT) == set(AppealState)
    with pytest.raises(Refusal) as found:
        rules.move(AppealState.REJECTED, AppealEvent.DECIDE)
    assert found.value.code == "event-not-allowed"
    assert rules.move(AppealState.LODGED, AppealEvent.ACCEPT) is AppealState.ACCEPTED


@pytest.mark.parametrize("result", AppealResult)
def test_what_was_not_accepted_is_only_withdrawn_or_settled(result: AppealResult) -> None:
    rules.require_accepted(AppealState.ACCEPTED, result)
    if result in (AppealResult.WITHDRAWN, AppealResult.SETTLED):
        rules.require_accepted(AppealState.LODGED, result)
        return
    with pytest.raises(Refusal) as found:
        rules.require_accepted(AppealState.LODGED, result)
    assert found.value.code == "not-accepted"


@pytest.mark.parametrize(
    ("result", "state", "same", "paid", "code"),
    [
        (AppealResult.ANNULLED, CaseState.REFUSED, True, False, None),
        (AppealResult.CHANGED, CaseState.REVOKED, True, False, None),
        (AppealResult.UPHELD, CaseState.REFUSED, True, False, "decision-stands"),
        (AppealResult.WITHDRAWN, CaseState.REFUSED, True, False, "decision-stands"),
        (None, CaseState.REFUSED, True, False, "decision-stands"),
        (AppealResult.ANNULLED, CaseState.REFUSED, False, False, "decision-stands"),
        (AppealResult.ANNULLED, CaseState.AWARDED, True, False, "case-not-ended"),
        (AppealResult.ANNULLED, CaseState.REVOKED, True, True, "paid-before"),
    ],
)
def test_only_what_was_undone_is_decided_anew(
    result: AppealResult | None, state: CaseState, code: str | None, *, same: bool, paid: bool
) -> None:
    if code is None:
        rules.require_undone(result, state, same_attempt=same, was_paid=paid)
        return
    with pytest.raises(Refusal) as found:
        rules.require_undone(result, state, same_attempt=same, was_paid=paid)
    assert found.value.code == code


def test_litigation_follows_a_reconsideration_that_has_ended() -> None:
    for state, may in zip(AppealState, (False, False, True, True), strict=True):
        assert rules.may_be_followed(RECONSIDERATION, state) is may
    assert not rules.may_be_followed(LITIGATION, AppealState.DECIDED)
