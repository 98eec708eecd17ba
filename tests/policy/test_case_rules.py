"""The life of a case on plain values: every state and event, matters, notices, four eyes."""

import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar
from services.kernel.clock import CITY
from services.kernel.errors import Conflict, Forbidden, Invalid
from services.policy.cases.actions.propose_case import proposed_already
from services.policy.cases.rules import (
    EVENT_NAMES,
    FINISHED,
    NEXT,
    OPEN,
    STATE_NAMES,
    CaseEvent,
    CaseState,
    ReservationState,
    advance,
    move,
    open_key,
    require_matter,
    require_no_stake,
    require_other_person,
    require_reserved,
)
from services.policy.contract.events import Matter, Party
from services.policy.notices.rules import notice_period, require_notice_over
from services.policy.plan.actions.load_library import library
from services.policy.situations.rules import require_payable
from services.rulebook import Assessment, Situation

FIRM, REVIEWER, APPROVER = {Role.FIRM}, {Role.REVIEWER}, {Role.APPROVER}

# What may happen, as an officer would write it down.
LIFE = {
    "draft": {"submit": (FIRM, {"submitted"}), "withdraw": (FIRM, {"withdrawn"})},
    "submitted": {
        "accept": (REVIEWER, {"accepted"}),
        "return": (REVIEWER, {"returned"}),
        "withdraw": (FIRM, {"withdrawn"}),
    },
    "returned": {"complete": (FIRM, {"submitted"}), "withdraw": (FIRM, {"withdrawn"})},
    "accepted": {"review": (REVIEWER, {"in-review"}), "withdraw": (FIRM, {"withdrawn"})},
    "in-review": {"propose": (REVIEWER, {"proposed"}), "withdraw": (FIRM, {"withdrawn"})},
    "proposed": {
        "decide": (APPROVER, {"decided", "refused"}),
        "propose": (REVIEWER, {"proposed"}),
        "withdraw": (FIRM, {"withdrawn"}),
    },
    "in-notice": {
        "decide": (APPROVER, {"decided", "refused"}),
        "object": (FIRM, {"suspended"}),
        "withdraw": (FIRM, {"withdrawn"}),
    },
    "suspended": {"withdraw": (FIRM, {"withdrawn"})},
    "decided": {"revoke": (APPROVER, {"revoked"})},
    "awarded": {"revoke": (APPROVER, {"revoked"})},
    "closed": {"revoke": (APPROVER, {"revoked"})},
}


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("event", list(CaseEvent))
def test_every_pair_of_state_and_event(state: CaseState, event: CaseEvent) -> None:
    known = LIFE.get(state, {}).get(event)
    everyone = {Role.FIRM, Role.REVIEWER, Role.APPROVER}
    if known is None:
        with pytest.raises(Conflict) as refused:
            move(state, event, everyone)
        assert refused.value.code == "event-not-allowed"
        assert STATE_NAMES[state][0] in refused.value.zh
        assert not re.search("[A-Za-z]", refused.value.zh)
        assert not re.search("[一-鿿]", refused.value.en)
        for allowed in LIFE.get(state, {}):
            assert EVENT_NAMES[allowed][0] in refused.value.zh
            assert EVENT_NAMES[allowed][1] in refused.value.en
        return
    roles, targets = known
    found = move(state, event, everyone)
    assert set(found.to) == targets
    assert roles <= found.who


@pytest.mark.parametrize("event", list(CaseEvent))
def test_no_other_role_moves_a_case(event: CaseEvent) -> None:
    told = {frozenset(moves[event][0]) for moves in LIFE.values() if event in moves}
    (whose,) = told or {frozenset(FIRM)}
    whose |= {Role.INSTITUTION} if Role.FIRM in whose else set()
    others = set(Role) - whose
    assert len(others) >= len(Role) - 2
    for state in CaseState:
        for role in others:
            with pytest.raises(Forbidden) as refused:
                move(state, event, {role})
            assert refused.value.code == "role-required"
            assert not re.search("[A-Za-z]", refused.value.zh)


def test_a_state_is_finished_or_open() -> None:
    assert set(OPEN) | FINISHED == set(CaseState)
    assert {state for state in CaseState if not NEXT[state]} == {
        "withdrawn", "refused", "revoked",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "award", "target"),
    [
        ("decided", "awarded", "awarded"),
        ("decided", "paying", "awarded"),
        ("decided", "paid", "closed"),
        ("awarded", "paid", "closed"),
        ("closed", "awarded", "awarded"),
        ("closed", "paying", "closed"),
        ("proposed", "awarded", "proposed"),
        ("revoked", "paid", "revoked"),
        ("decided", "reserved", "decided"),
        ("withdrawn", "voided", "withdrawn"),
    ],
)
def test_finances_word_leads_forward_and_back_where_a_payment_returned(
    state: str, award: str, target: str
) -> None:
    assert advance(CaseState(state), award) == target


def test_a_notice_of_five_working_days() -> None:
    period = notice_period(date(2026, 11, 2), 5, Calendar.load())

    assert (period.first_day, period.last_day) == (date(2026, 11, 3), date(2026, 11, 9))
    assert period.ends_at == datetime(2026, 11, 10, tzinfo=CITY)
    assert not period.provisional


@pytest.mark.parametrize(
    ("now", "is_running"),
    [
        (datetime(2026, 11, 9, 23, 59, 59, tzinfo=CITY), True),
        (datetime(2026, 11, 9, 16, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 10, 0, 0, tzinfo=CITY), False),
    ],
)
def test_a_decision_follows_from_the_day_after_the_notice(
    now: datetime, *, is_running: bool
) -> None:
    calendar = Calendar.load()
    period = notice_period(date(2026, 11, 2), 5, calendar)
    if not is_running:
        require_notice_over(period.last_day, calendar, now)
        return
    with pytest.raises(Conflict, match="2026-11-09") as refused:
        require_notice_over(period.last_day, calendar, now)
    assert refused.value.code == "notice-running"


def test_a_notice_into_a_year_without_a_calendar_is_provisional() -> None:
    period = notice_period(date(2026, 12, 30), 5, Calendar.load())

    assert period.provisional
    assert period.ends_at.date() == period.last_day + timedelta(days=1)


def test_a_years_matter_gives_the_reference_year() -> None:
    growth = library().programmes["digital-growth"]

    assert require_matter(Matter(kind="year", period="2025"), growth, date(2026, 11, 23)) == 2025


@pytest.mark.parametrize(
    ("matter", "found"),
    [
        ({"kind": "project", "id": "p-1"}, "matter-kind"),
        ({"kind": "year"}, "matter-period"),
        ({"kind": "year", "id": "2025"}, "matter-period"),
        ({"kind": "year", "id": "x", "period": "2025"}, "matter-period"),
        ({"kind": "year", "period": "2027"}, "matter-period"),
        ({"kind": "year", "period": "1999"}, "matter-period"),
        ({"kind": "year", "period": "2025年"}, "matter-period"),
        ({"kind": "year", "period": "25"}, "matter-period"),
        ({"kind": "year", "period": "2025-06"}, "matter-period"),
    ],
)
def test_another_matter_is_refused(matter: dict[str, str], found: str) -> None:
    growth = library().programmes["digital-growth"]
    with pytest.raises(Invalid) as refused:
        require_matter(Matter(**matter), growth, date(2026, 11, 23))
    assert refused.value.code == found


def test_what_is_given_once_only_may_be_open_once_whatever_the_year() -> None:
    programmes = library().programmes
    matter = Matter(kind="year", period="2025")

    assert open_key(matter, programmes["large-strong"]) == "once"
    assert open_key(matter, programmes["digital-growth"]) == "year:2025"


def test_whoever_reviewed_does_not_decide() -> None:
    with pytest.raises(Forbidden) as refused:
        require_other_person("anna", {"berta", "anna"})
    assert refused.value.code == "four-eyes"
    require_other_person("carla", {"berta", "anna"})


def test_whoever_is_bound_to_the_firm_keeps_away() -> None:
    applicant = Party(kind="firm", id="91330282MA00T35T2N")
    bound = Actor("a", "a", frozenset({Role.REVIEWER}), uscc="91330282MA00T35T2N")
    with pytest.raises(Forbidden) as refused:
        require_no_stake(bound, applicant)
    assert refused.value.code == "conflict-of-interest"
    require_no_stake(Actor("a", "a", frozenset({Role.REVIEWER}), uscc="other"), applicant)
    require_no_stake(Actor("a", "a", frozenset({Role.REVIEWER})), applicant)


def test_only_an_amount_that_is_known_can_be_proposed() -> None:
    def amount(**facts: Any) -> int:
        compiled = library().programmes["digital-growth"].compiled
        known = {"is_digital_manufacturing": True, "is_above_scale": True}
        situation = Situation(on=date(2026, 11, 23), facts={**known, **facts})
        return require_payable(compiled.assess(situation), library().vocabulary)

    years = {2023: 1000, 2024: 1000, 2025: 1200}
    revenue = {year: wan * 1_000_000 for year, wan in years.items()}
    assert amount(revenue_fen=revenue) == 100_000
    for facts, code in (
        ({"revenue_fen": {**revenue, 2025: 1099_000_000}}, "not-eligible"),
        ({"revenue_fen": {2024: 1, 2025: 2}}, "facts-unknown"),
        ({"revenue_fen": {2023: 10, 2024: 10, 2025: 20}}, "amount-zero"),
    ):
        with pytest.raises(Conflict) as refused:
            amount(**facts)
        assert refused.value.code == code


def test_an_amount_that_waits_for_a_parameter_cannot_be_proposed() -> None:
    pending = SimpleNamespace(
        outcome="eligible", amount_status="pending-parameter", amount_fen=None
    )
    with pytest.raises(Conflict) as refused:
        require_payable(cast("Assessment", pending), library().vocabulary)
    assert refused.value.code == "amount-pending-parameter"


def test_only_reserved_money_is_approved() -> None:
    require_reserved(ReservationState.RESERVED, None, None)
    with pytest.raises(Conflict) as pending:
        require_reserved(ReservationState.PENDING, None, None)
    assert (pending.value.code, pending.value.retry_after_s) == ("reservation-pending", 1)
    with pytest.raises(Conflict, match="spent") as refused:
        require_reserved(ReservationState.REFUSED, "指标不足。", "the line is spent.")
    assert refused.value.code == "reservation-refused"
    assert "。。" not in refused.value.zh
    assert "重新提请" in refused.value.zh
    assert ".." not in refused.value.en


def test_a_second_proposal_is_told_of_the_reservation_that_is_pending() -> None:
    pending = proposed_already(ReservationState.PENDING)
    assert pending.code == "event-not-allowed"
    assert "资金预留尚未答复" in pending.zh
    assert "reservation is pending" in pending.en
    assert "可办理" not in pending.zh
    assert "请待决定" in proposed_already(ReservationState.RESERVED).zh
