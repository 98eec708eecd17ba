"""What cases hold of a call's places and of its budget, on plain values."""

import pytest

from services.kernel.errors import Conflict
from services.policy.cases.rules import CaseState, ReservationState
from services.policy.places.rules import Claim, holds_place, require_free, require_within

HELD = {
    CaseState.IN_NOTICE, CaseState.SUSPENDED, CaseState.DECIDED, CaseState.AWARDED,
    CaseState.CLOSED,
}  # fmt: skip


@pytest.mark.parametrize("state", [each for each in CaseState if each is not CaseState.PROPOSED])
def test_a_place_is_held_from_the_proposal_until_a_case_ends_without_it(state: CaseState) -> None:
    assert holds_place(state, "approve") is (state in HELD)


@pytest.mark.parametrize(
    ("outcome", "holds"), [("approve", True), ("refuse", False), (None, False)]
)
def test_what_is_proposed_for_refusal_holds_no_place(outcome: str | None, *, holds: bool) -> None:
    assert holds_place(CaseState.PROPOSED, outcome) is holds


@pytest.mark.parametrize(("quota", "held", "tied"), [(5, 4, 0), (5, 5, 6), (5, 4, 3), (1, 0, 0)])
def test_a_place_is_free_while_others_hold_fewer(quota: int, held: int, tied: int) -> None:
    require_free(quota, held, tied_within=tied)


@pytest.mark.parametrize(("quota", "held", "tied"), [(5, 5, 0), (5, 6, 0), (5, 6, 6), (1, 1, 0)])
def test_no_place_is_given_twice(quota: int, held: int, tied: int) -> None:
    with pytest.raises(Conflict) as refused:
        require_free(quota, held, tied_within=tied)
    assert refused.value.code == "places-taken"
    assert f"限{quota}个名额，已有{held}件" in refused.value.zh


def claim(asked: int | None, reserved: int | None, *, pending: bool = False) -> Claim:
    state = ReservationState.PENDING if pending else ReservationState.RESERVED
    return Claim(state, asked, reserved)


def test_a_case_takes_what_is_held_for_it_and_what_it_asks_until_then() -> None:
    assert claim(500, 300).amount_fen == 300
    assert claim(500, 0).amount_fen == 0
    assert claim(500, None).amount_fen == 500
    assert claim(500, None, pending=True).amount_fen == 500
    # What an earlier attempt was given says nothing of one that is pending.
    assert claim(None, 300, pending=True).amount_fen is None


@pytest.mark.parametrize(("asked", "fits"), [(69_999, True), (70_000, True), (70_001, False)])
def test_a_budget_is_met_to_the_fen(asked: int, *, fits: bool) -> None:
    others = [claim(25_000, 10_000), claim(20_000, None, pending=True)]
    if fits:
        require_within(100_000, others, asked)
        return
    with pytest.raises(Conflict) as refused:
        require_within(100_000, others, asked)
    assert refused.value.code == "call-budget-exceeded"
    assert "预算1,000元，已提请和已核定300元，尚余700元，本件700.01元" in refused.value.zh
    assert "is 1,000 yuan, 300 are proposed or held and 700 left" in refused.value.en


def test_an_amount_that_is_not_known_is_no_zero() -> None:
    with pytest.raises(Conflict) as refused:
        require_within(100_000, [claim(None, None, pending=True)], 1)
    assert refused.value.code == "call-budget-unknown"
    assert "1件" in refused.value.zh


def test_what_is_held_beyond_a_budget_leaves_nothing_and_not_less() -> None:
    with pytest.raises(Conflict) as refused:
        require_within(100, [claim(500, 500)], 1)
    assert "尚余0" in refused.value.zh
