"""The sandbox on plain values: what is counted, who wins, and how a small budget is shared."""

from fractions import Fraction

import pytest

from services.policy.rationing.rules import Demand, first_come, pro_rata, ranked
from services.policy.sandbox_runs.rules import FirmResult, Grant, Outcome, Tally

NONE, UNKNOWN = Grant(Outcome.REFUSED, 0), Grant(Outcome.UNKNOWN, None)
PENDING = Grant(Outcome.PENDING, None)


def paid(fen: int | None) -> Grant:
    return Grant(Outcome.ENTITLED, fen)


def result(before: Grant, after: Grant, uscc: str = "a") -> FirmResult:
    return FirmResult(uscc, {"p": before}, {"p": after}, {})


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        (paid(5), paid(5), 0),
        (paid(5), paid(6), 1),
        (paid(5), NONE, -5),
        (NONE, paid(7), 7),
        # What waits for a number pays nothing yet: to set it is a gain.
        (PENDING, paid(7), 7),
        (paid(7), PENDING, -7),
        # What is unknown is not nothing: nobody can say whether that is a gain.
        (UNKNOWN, paid(7), None),
        (paid(7), UNKNOWN, None),
        (paid(None), paid(7), None),
        (UNKNOWN, UNKNOWN, 0),
    ],
)
def test_a_difference_is_known_only_where_both_sides_are(
    before: Grant, after: Grant, difference: int | None
) -> None:
    assert result(before, after).difference() == difference


def test_a_programme_that_one_version_has_not_counts_as_nothing_there() -> None:
    assert FirmResult("a", {"p": paid(5)}, {}, {}).difference() == -5
    assert FirmResult("a", {}, {"p": paid(5)}, {}).difference() == 5


def test_counts_go_on_where_they_stopped() -> None:
    firms = [
        result(PENDING, paid(7), "a"),
        result(paid(5), NONE, "b"),
        result(UNKNOWN, paid(1), "c"),
        result(paid(5), paid(5), "d"),
        result(NONE, paid(9), "e"),
    ]
    whole = Tally()
    whole.add(firms)
    parts = Tally()
    for firm in firms:
        parts = Tally.from_json(parts.to_json())
        parts.add([firm])
    assert parts.to_json() == whole.to_json()
    assert whole.before == {"p": [3, 1, 1, 10]}
    assert whole.after == {"p": [4, 0, 0, 22]}
    assert (whole.winners, whole.losers, whole.open) == ([2, 16, 1], [1, 5, 0], 1)
    assert whole.most == [(9, "e"), (7, "a")]
    assert whole.least == [(-5, "b")]


def test_pro_rata_never_pays_more_than_there_is() -> None:
    shared = pro_rata([Demand(100), Demand(100), Demand(101)], 100)
    assert (shared.served, shared.share_bp) == ((3, 3), 100 * 10_000 // 301)
    assert shared.paid_fen == 33 + 33 + 33


def test_the_highest_rank_is_served_first_and_a_tie_is_left_to_people() -> None:
    demands = [Demand(40, Fraction(1, 3)), Demand(60, Fraction(1, 2)), Demand(50, None)]
    shared = ranked(demands, 99)
    assert (shared.served, shared.paid_fen, shared.tied, shared.unranked) == ((1, 1), 60, 0, 1)
    assert ranked(demands, 100).served == (2, 2)
    tie = ranked([Demand(60, Fraction(1)), Demand(60, Fraction(1))], 100)
    assert (tie.served, tie.paid_fen, tie.tied) == ((0, 0), 0, 2)


def test_of_who_comes_first_only_bounds_are_known() -> None:
    shared = first_come([Demand(10), Demand(20), Demand(70)], 80)
    assert (shared.served, shared.paid_fen) == ((1, 2), None)
