"""How a clause is compared with its phrases: nothing may be left out, added or moved."""

import pytest

from services.policy.plan.rules import uncovered

CLAUSE = "支持甲申报，鼓励乙（丙）；每年丁。"


@pytest.mark.parametrize(
    ("phrases", "left"),
    [
        (["支持甲申报", "鼓励乙（丙）", "每年丁"], []),
        (["支持甲申报，鼓励乙（丙）；每年丁。"], []),
        (["支持甲申报", "每年丁"], ["鼓励乙（丙"]),
        (["支持甲申报", "鼓励乙"], ["丙）；每年丁"]),
        (["支持甲申报", "鼓励乙（丙）", "每年丁", "另加戊"], ["另加戊"]),
        (["每年丁", "支持甲申报"], ["支持甲申报，鼓励乙（丙", "支持甲申报"]),
        ([], ["支持甲申报，鼓励乙（丙）；每年丁"]),
    ],
)
def test_what_is_not_accounted_for_is_named(phrases: list[str], left: list[str]) -> None:
    assert uncovered(CLAUSE, phrases) == left
