"""Examples beside the rules are worked like any case, and a wrong one is told in a sentence."""

from typing import Any

import pytest

from services.rulebook import CompiledProgramme, run_examples
from tests.rulebook.builders import programme

EXAMPLE: dict[str, Any] = {
    "name": "A firm of ten",
    "day": "2026-11-23",
    "given": {"staff_count": {2025: 10}, "is_listed": True},
    "parameters": {"rate_fen": 7},
    "expect": {
        "outcome": "eligible",
        "amount_fen": 70,
        "amount_status": "set",
        "conditions": {"c0": True},
        "missing": [],
        "flags": [],
        "near": [],
    },
}


def _compiled(**changed: Any) -> CompiledProgramme:
    return programme(
        "staff_count >= 10",
        {"when": "is_listed AND once_ever('p')"},
        amount="staff_count * :rate_fen",
        parameters={"rate_fen": "fen"},
        examples=[{**EXAMPLE, "history": [], **changed}],
    )


def test_an_example_that_holds_gives_no_failure() -> None:
    assert run_examples(_compiled()) == []


@pytest.mark.parametrize(
    ("changed", "what", "expected", "given"),
    [
        ({"expect": {"outcome": "unknown"}}, "outcome", "unknown", "eligible"),
        ({"expect": {"amount_fen": 71}}, "amount_fen", 71, 70),
        ({"expect": {"amount_fen": None}}, "amount_fen", None, 70),
        ({"expect": {"amount_status": "unknown-fact"}}, "amount_status", "unknown-fact", "set"),
        ({"expect": {"conditions": {"c1": False}}}, "condition c1", "false", "true"),
        ({"expect": {"missing": ["staff_count"]}}, "missing", ["staff_count"], []),
        ({"history": None, "expect": {"flags": []}}, "flags", [], ["history-unchecked"]),
        (
            {"given": {"staff_count": 9, "is_listed": True}, "expect": {"near": []}},
            "near",
            [],
            ["c0"],
        ),
        ({"parameters": {"rate": 7}}, "parameters", ["rate_fen"], ["rate"]),
    ],
)
def test_an_example_that_does_not_hold_says_what_differs(
    changed: dict[str, Any], what: str, expected: object, given: object
) -> None:
    (failure,) = run_examples(_compiled(**changed))

    assert (failure.what, failure.expected, failure.given) == (what, expected, given)
    assert str(failure).startswith(f"draft, example “A firm of ten”: {what} should be")


def test_an_example_with_a_wrong_fact_is_a_failure_and_not_a_crash() -> None:
    (failure,) = run_examples(_compiled(given={"staf_count": 1}))

    assert failure.what == "given"
    assert "did you mean staff_count?" in str(failure)


def test_examples_may_be_kept_apart_from_the_programme() -> None:
    compiled = _compiled()

    assert run_examples(compiled, []) == []
    assert run_examples(compiled, compiled.programme.examples) == []
