"""The examples beside the rules: who has a programme, who has not, of whom nobody knows."""

import re
from collections.abc import Iterator

import pytest

from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook.situation import JsonObject
from services.rulebook.stated import read_situation

# They take every value that the fact may have: of a kind that is stated, none is refused.
TAKES_EVERY_VALUE = {
    ("incubator-founding", "founder"), ("incubator-life-cycle-service", "stage"),
    ("concept-validation-provincial", "founder"), ("concept-validation-ningbo", "founder"),
}  # fmt: skip
EDITIONS = [each for found in library().editions.values() for each in found]


def answers(programme: PlanProgramme) -> Iterator[JsonObject]:
    compiled = programme.compiled
    for example in compiled.programme.examples:
        situation = read_situation(
            on=example.day, facts=example.given, vocabulary=compiled.vocabulary,
            year=example.year, history=example.history,
        )  # fmt: skip
        yield compiled.assess(situation, example.parameters).to_json()


def deciding(programme: PlanProgramme) -> list[str]:
    return [each.id for each in programme.compiled.programme.conditions if each.decides]


def name(programme: PlanProgramme) -> str:
    return f"{programme.id}@{programme.version}"


@pytest.mark.parametrize("programme", EDITIONS, ids=name)
def test_every_programme_with_conditions_has_an_example_of_each_outcome(
    programme: PlanProgramme,
) -> None:
    outcomes = {answer["outcome"] for answer in answers(programme)}

    # What people alone judge is never decided by facts; that, too, is shown more than once.
    expected = {"eligible", "ineligible", "unknown"} if deciding(programme) else {"unknown"}
    assert outcomes == expected
    assert len(programme.compiled.programme.examples) >= max(2, len(expected))


@pytest.mark.parametrize("programme", EDITIONS, ids=name)
def test_every_condition_is_shown_to_hold_and_to_fail(programme: PlanProgramme) -> None:
    shown: dict[str, set[str]] = {condition: set() for condition in deciding(programme)}
    for answer in answers(programme):
        for condition in answer["conditions"]:
            shown.get(condition["id"], set()).add(condition["outcome"])

    for condition, outcomes in shown.items():
        least = {"true", "false"} - (
            {"false"} if (programme.id, condition) in TAKES_EVERY_VALUE else set()
        )
        assert outcomes >= least, condition


def test_the_exceptions_are_still_such() -> None:
    facts = library().facts
    for programme, condition in TAKES_EVERY_VALUE:
        rule = library().programmes[programme].compiled.programme
        (when,) = [each.when for each in rule.eligibility if each.id == condition]
        (fact,) = [each for each in facts.values() if when and when.startswith(f"{each.name} IN")]
        assert all(f"'{value}'" in (when or "") for value in fact.values)


@pytest.mark.parametrize("programme", EDITIONS, ids=name)
def test_what_lacks_is_told_in_the_unit_of_the_fact(programme: PlanProgramme) -> None:
    """A share is asked as `a >= p * b / 100`: of `a * 100` nobody could say how much it lacks."""
    scaled = [
        miss["fact"]
        for answer in answers(programme)
        for miss in answer["near"]
        if re.search(r"\* [0-9]+$", miss["fact"])
    ]
    assert scaled == []
