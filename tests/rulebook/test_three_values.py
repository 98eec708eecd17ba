"""Kleene's tables: unknown is neither true nor false, and gives way to what decides."""

from typing import Any, TypeAlias

import pytest

from tests.rulebook.builders import truth

Outcome: TypeAlias = bool | None
VALUES = (True, False, None)
AND: dict[tuple[Outcome, Outcome], Outcome] = {
    (True, True): True,
    (True, False): False,
    (True, None): None,
    (False, True): False,
    (False, False): False,
    (False, None): False,
    (None, True): None,
    (None, False): False,
    (None, None): None,
}
OR: dict[tuple[Outcome, Outcome], Outcome] = {
    (True, True): True,
    (True, False): True,
    (True, None): True,
    (False, True): True,
    (False, False): False,
    (False, None): None,
    (None, True): True,
    (None, False): None,
    (None, None): None,
}


def _facts(*, left: bool | None, right: bool | None) -> dict[str, Any]:
    return {"is_listed": left, "is_above_scale": right}


@pytest.mark.parametrize("left", VALUES)
@pytest.mark.parametrize("right", VALUES)
def test_and_is_false_as_soon_as_one_part_is(*, left: bool | None, right: bool | None) -> None:
    given = truth("is_listed AND is_above_scale", **_facts(left=left, right=right))

    assert given is AND[left, right]


@pytest.mark.parametrize("left", VALUES)
@pytest.mark.parametrize("right", VALUES)
def test_or_is_true_as_soon_as_one_part_is(*, left: bool | None, right: bool | None) -> None:
    given = truth("is_listed OR is_above_scale", **_facts(left=left, right=right))

    assert given is OR[left, right]


@pytest.mark.parametrize(("value", "expected"), [(True, False), (False, True), (None, None)])
def test_not_leaves_the_unknown_unknown(*, value: bool | None, expected: bool | None) -> None:
    assert truth("NOT is_listed", is_listed=value) is expected


@pytest.mark.parametrize("op", ["=", "<>", "<", "<=", ">", ">="])
def test_a_comparison_with_the_unknown_is_unknown(op: str) -> None:
    assert truth(f"class1_ip_count {op} 3") is None
    assert truth(f"3 {op} class1_ip_count") is None


@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
def test_reckoning_with_the_unknown_is_unknown(op: str) -> None:
    assert truth(f"revenue_fen {op} staff_count >= 0", revenue_fen=1) is None
    assert truth(f"revenue_fen {op} staff_count >= 0", staff_count=1) is None


def test_a_division_by_zero_is_unknown_and_false_still_decides() -> None:
    ratio = "revenue_fen / staff_count > 1"

    assert truth(ratio, revenue_fen=1, staff_count=0) is None
    assert truth(f"{ratio} AND is_listed", revenue_fen=1, staff_count=0, is_listed=False) is False
    assert truth(f"{ratio} OR is_listed", revenue_fen=1, staff_count=0, is_listed=True) is True
    assert truth("revenue_fen / (staff_count - 5) > 1", revenue_fen=1, staff_count=5) is None
    assert truth("1 / (revenue_fen / staff_count) > 1", revenue_fen=0, staff_count=5) is None


def test_zero_is_not_unknown_and_false_is_not_unknown() -> None:
    assert truth("class1_ip_count >= 0", class1_ip_count=0) is True
    assert truth("is_listed", is_listed=False) is False
