"""What follows from a firm's state and its lists: three values, dates, derived facts."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.enterprise.contract.events import FirmChanged
from services.kernel.ids import new_id
from services.policy.firms.rules import KnownFirm, ListEntry, list_states, situation_of
from services.policy.plan.actions.load_library import library
from services.rulebook import Situation

ON = date(2026, 11, 23)
RECORDED = datetime(2026, 11, 1, tzinfo=UTC)


def state(**fields: Any) -> FirmChanged:
    values: dict[str, Any] = {
        "version": 1,
        "uscc": "91330282MA00T35T2N",
        "name": "示范",
        "statement_id": new_id(),
        "recorded_at": RECORDED,
    }
    return FirmChanged.model_validate({**values, **fields})


def entry(name: str, *, complete: bool, member: bool, since: str = "2026-01-01") -> ListEntry:
    return ListEntry(name, new_id(), date.fromisoformat(since), RECORDED, complete, member)


def situation(lists: tuple[ListEntry, ...] = (), on: date = ON, **fields: Any) -> Situation:
    firm = KnownFirm(state(**fields), lists)
    return situation_of(firm, library().vocabulary, on=on, year=None, history=())


def test_a_list_that_was_never_published_is_unknown() -> None:
    lists = situation().lists

    assert lists is not None
    assert lists.state("ningbo-rd-post-subsidy") is None


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([entry("l", complete=False, member=True)], True),
        ([entry("l", complete=False, member=False)], None),
        ([entry("l", complete=True, member=True)], True),
        ([entry("l", complete=True, member=False)], False),
        # A supplement adds to the complete list before it.
        ([entry("l", complete=True, member=False),
          entry("l", complete=False, member=True, since="2026-06-01")], True),
        ([entry("l", complete=True, member=False),
          entry("l", complete=False, member=False, since="2026-06-01")], False),
        # A later complete list replaces what was before.
        ([entry("l", complete=True, member=True),
          entry("l", complete=True, member=False, since="2026-06-01")], False),
        ([entry("l", complete=False, member=True),
          entry("l", complete=True, member=False, since="2026-06-01")], False),
        ([entry("l", complete=True, member=False),
          entry("l", complete=True, member=True, since="2026-06-01")], True),
    ],
)  # fmt: skip
def test_the_three_values_of_a_list(versions: list[ListEntry], expected: bool | None) -> None:  # noqa: FBT001
    assert list_states(versions) == {"l": expected}
    assert list_states(reversed(versions)) == {"l": expected}


def test_lists_do_not_mix() -> None:
    found = list_states(
        [entry("a", complete=True, member=False), entry("b", complete=False, member=True)]
    )

    assert found == {"a": False, "b": True}


def test_of_two_versions_of_one_day_the_later_recorded_counts() -> None:
    first = ListEntry("l", UUID(int=2), ON, RECORDED, complete=True, is_member=True)
    second = ListEntry(
        "l", UUID(int=1), ON, RECORDED.replace(hour=1), complete=True, is_member=False
    )

    assert list_states([first, second]) == {"l": False}


@pytest.mark.parametrize(
    ("title", "on", "expected"),
    [
        ({}, ON, True),
        ({}, date(2024, 12, 31), None),
        ({"valid_to": "2026-11-23"}, ON, True),
        ({"valid_to": "2026-11-22"}, ON, None),
        ({"revoked_on": "2026-11-24"}, ON, True),
        ({"revoked_on": "2026-11-23"}, ON, None),
    ],
)
def test_a_title_is_held_on_its_days(
    title: dict[str, str],
    on: date,
    expected: bool | None,  # noqa: FBT001
) -> None:
    held = {"recognition": "tech-sme", "grade": "a", "valid_from": "2025-01-01", **title}
    recognitions = situation(recognitions=[held], on=on).recognitions

    assert recognitions is not None
    assert recognitions.state("tech-sme") is expected
    assert recognitions.grade("tech-sme") == ("a" if expected else None)


def test_only_a_complete_list_says_that_a_title_is_not_held() -> None:
    off = situation((entry("tech-sme", complete=True, member=False),)).recognitions
    open_ = situation((entry("tech-sme", complete=False, member=False),)).recognitions
    on = situation((entry("tech-sme", complete=False, member=True),)).recognitions

    assert off is not None
    assert open_ is not None
    assert on is not None
    assert (off.state("tech-sme"), open_.state("tech-sme"), on.state("tech-sme")) == (
        False, None, True,
    )  # fmt: skip


def test_a_title_that_was_taken_back_is_not_restored_by_an_old_list() -> None:
    title = {"recognition": "tech-sme", "valid_from": "2025-01-01", "revoked_on": "2026-05-01"}
    listed = (entry("tech-sme", complete=True, member=True),)
    recognitions = situation(listed, recognitions=[title]).recognitions

    assert recognitions is not None
    assert recognitions.state("tech-sme") is None


def test_a_fact_of_the_day_is_the_latest_that_had_begun() -> None:
    values = [
        {"value": 5, "valid_from": "2026-06-01"},
        {"value": 3, "valid_from": "2025-01-01"},
        {"value": 9, "valid_from": "2026-11-24"},
    ]
    daily = {"class1_ip_count": values}

    assert situation(daily=daily).facts["class1_ip_count"] == 5
    assert situation(daily=daily, on=date(2026, 5, 31)).facts["class1_ip_count"] == 3
    assert "class1_ip_count" not in situation(daily=daily, on=date(2024, 1, 1)).facts


def test_a_fact_that_was_withdrawn_is_unknown_again() -> None:
    values = [
        {"value": 3, "valid_from": "2025-01-01"},
        {"value": None, "valid_from": "2026-01-01"},
    ]

    assert "class1_ip_count" not in situation(daily={"class1_ip_count": values}).facts


def test_yearly_facts_keep_their_years() -> None:
    found = situation(yearly={"revenue_fen": {"2024": 1, "2025": 2}})

    assert found.facts["revenue_fen"] == {2024: 1, 2025: 2}
    assert found.year == 2025


def test_what_the_vocabulary_does_not_know_is_left_out() -> None:
    daily = {"horoscope": [{"value": "leo", "valid_from": "2025-01-01"}]}
    yearly = {"revenue_fen": {"2025": -5}, "staff_count": {"2025": 7}}
    found = situation(daily=daily, yearly=yearly)

    assert found.facts == {"staff_count": {2025: 7}}


@pytest.mark.parametrize(
    ("stated", "recognition", "listed", "expected"),
    [
        (None, False, None, None),
        (None, True, None, True),
        (None, False, True, True),
        (None, False, False, False),
        (True, False, False, True),
        (False, True, True, False),
    ],
)
def test_above_scale_is_what_was_stated_or_else_title_and_list(
    stated: bool | None,  # noqa: FBT001
    recognition: bool,  # noqa: FBT001
    listed: bool | None,  # noqa: FBT001
    expected: bool | None,  # noqa: FBT001
) -> None:
    fields: dict[str, Any] = {}
    if stated is not None:
        value = {"value": stated, "valid_from": "2025-01-01"}
        fields["daily"] = {"is_above_scale": [value]}
    if recognition:
        fields["recognitions"] = [{"recognition": "above-scale", "valid_from": "2025-01-01"}]
    lists = () if listed is None else (entry("above-scale", complete=True, member=listed),)

    assert situation(lists, **fields).facts.get("is_above_scale") is expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], None),
        ([("330282", "2020-01-01")], True),
        ([("330201", "2020-01-01")], False),
        ([("330201", "2020-01-01"), ("330282", "2026-11-23")], True),
        ([("330282", "2020-01-01"), ("330201", "2026-11-24")], True),
        ([("330282", "2026-11-24")], None),
    ],
)
def test_city_level_follows_the_fiscal_jurisdiction_of_the_day(
    codes: list[tuple[str, str]],
    expected: bool | None,  # noqa: FBT001
) -> None:
    jurisdictions = [{"code": code, "valid_from": since} for code, since in codes]
    # The town says nothing: a firm in Cixi's town may belong to another treasury.
    found = situation(fiscal_jurisdictions=jurisdictions, town_code="330282107")

    assert found.facts.get("is_city_level") is expected


def test_a_stated_city_level_goes_before_the_jurisdiction() -> None:
    found = situation(
        fiscal_jurisdictions=[{"code": "330282", "valid_from": "2020-01-01"}],
        daily={"is_city_level": [{"value": False, "valid_from": "2026-01-01"}]},
    )

    assert found.facts["is_city_level"] is False


def test_only_the_facts_that_a_rule_looks_at_are_frozen() -> None:
    firm = KnownFirm(state(yearly={"revenue_fen": {"2025": 1}, "tax_paid_fen": {"2025": 9}}), ())
    found = situation_of(
        firm, library().vocabulary, on=ON, year=2024, history=None, only=("revenue_fen",)
    )

    assert found.facts == {"revenue_fen": {2025: 1}}
    assert (found.year, found.history) == (2024, None)
