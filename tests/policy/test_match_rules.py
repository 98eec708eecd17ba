"""Matching on plain values: days, kinds, and until when something may be had."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from services.enterprise.contract.events import DatedValue, FirmChanged, HeldRecognition
from services.kernel.ids import new_id
from services.policy.matches.rules import (
    Change,
    Kind,
    basis_of,
    change_of,
    days_of,
    is_matched,
    kinds_of,
    lists_of,
    until_day,
)
from services.policy.parameters.rules import Number
from services.policy.plan.actions.load_library import library

ON = date(2026, 11, 23)
RATIO = Number("rd-matching.ratio_bp", None, None, None)


def firm(**parts: object) -> FirmChanged:
    head = {"version": 1, "uscc": "a", "name": "b", "statement_id": new_id()}
    return FirmChanged.model_validate({**head, "recorded_at": datetime.now(UTC), **parts})


def test_facts_without_days_hold_for_ever() -> None:
    assert days_of(firm(), ON) == (date.min, date.max)


def test_a_title_holds_through_its_last_day() -> None:
    held = HeldRecognition(
        recognition="r", valid_from=date(2026, 1, 1), valid_to=date(2026, 11, 23)
    )
    assert days_of(firm(recognitions=[held]), ON) == (date(2026, 1, 1), date(2026, 11, 24))
    assert days_of(firm(recognitions=[held]), date(2026, 11, 24)) == (
        date(2026, 11, 24), date.max,
    )  # fmt: skip


def test_a_revocation_and_a_fact_of_tomorrow_change_the_day() -> None:
    held = HeldRecognition(
        recognition="r", valid_from=date(2026, 1, 1), revoked_on=date(2026, 12, 1)
    )
    later = DatedValue(value=True, valid_from=date(2026, 11, 30))
    stated = firm(recognitions=[held], daily={"is_listed": [later]})
    assert days_of(stated, ON) == (date(2026, 1, 1), date(2026, 11, 30))
    assert days_of(stated, date(2026, 11, 30)) == (date(2026, 11, 30), date(2026, 12, 1))


@pytest.mark.parametrize(("was", "now"), list(product([*Kind, None], repeat=2)))
def test_every_change_has_its_name(was: Kind | None, now: Kind | None) -> None:
    change = change_of(was, now)
    if was is now:
        assert change is Change.CHANGED
    elif was is Kind.ENTITLED:
        assert change is Change.NO_LONGER_ENTITLED
    else:
        expected = {
            Kind.ENTITLED: Change.NEWLY_ENTITLED, Kind.NEAR: Change.NEAR_MISS,
            Kind.UNKNOWN: Change.UNKNOWN, None: Change.RULED_OUT,
        }  # fmt: skip
        assert change is expected[now]


def test_of_the_ineligible_only_the_near_are_kept() -> None:
    assert kinds_of(None, near=None) == tuple(Kind)
    assert kinds_of("ineligible", near=None) == (Kind.NEAR,)
    assert kinds_of("eligible", near=True) == ()
    assert kinds_of(None, near=False) == (Kind.ENTITLED, Kind.UNKNOWN)


def test_a_basis_is_another_one_when_anything_of_it_is() -> None:
    programme = library().programmes["rd-matching"]

    def digest(
        number: int | None = None, lists: tuple[str, ...] = (), on: date = ON,
        closes: date | None = None,
    ) -> str:  # fmt: skip
        value = Number(RATIO.id, number, None, None)
        return basis_of(programme, {"ratio_bp": value}, lists, on, closes).digest

    assert digest() == digest(on=date(2026, 1, 1))
    others = [
        digest(5000), digest(lists=("v1",)), digest(on=date(2027, 1, 1)),
        digest(closes=date(2026, 12, 1)),
    ]  # fmt: skip
    assert len({digest(), *others}) == 5


def test_until_when_is_the_first_end_of_call_window_and_force() -> None:
    programme = library().programmes["rd-matching"]
    assert programme.last_day == date(2027, 12, 31)
    assert until_day(programme, ON, None) == date(2027, 12, 31)
    assert until_day(programme, ON, date(2026, 12, 1)) == date(2026, 12, 1)


def test_firms_are_matched_with_what_is_asked_of_firms_only() -> None:
    facts = library().facts
    for each in library().programmes.values():
        asked = {facts[name].subject for name in each.compiled.facts}
        assert is_matched(each, facts) is (each.is_for_firms and asked <= {"firm"})
    assert is_matched(library().programmes["rd-matching"], facts)


def test_a_derived_fact_rests_on_its_list() -> None:
    programme = library().programmes["rd-matching"]
    assert lists_of(programme) >= {"ningbo-rd-post-subsidy", "above-scale"}
