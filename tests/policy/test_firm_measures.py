"""Measures 9 to 15: what their programmes promise beside the conditions of each."""

from datetime import date
from typing import Any

import pytest

from services.policy.plan.actions.load_library import library
from services.rulebook import read_situation

DAY = date(2026, 11, 23)
STAGES = {"stage1_fen": 5_000_000, "stage2_fen": 3_000_000, "stage2_years": 1}
ENTERED = {
    "is_manufacturing": True,
    "is_above_scale": True,
    "above_scale_form": "annual",
    "was_above_scale_before": False,
}


def answer(programme: str, facts: dict[str, Any], **parameters: int) -> dict[str, Any]:
    known = library()
    situation = read_situation(on=DAY, facts=facts, vocabulary=known.vocabulary, history=())
    return known.programmes[programme].compiled.assess(situation, parameters).to_json()


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"above_scale_years": 0}, ["true", "false"]),
        ({"above_scale_years": 1}, ["true", "true"]),
        ({}, ["true", "unknown"]),
        ({"above_scale_years": 1, "is_above_scale": False}, ["false", "false"]),
    ],
)
def test_first_entry_is_paid_in_stages_that_end_with_dropping_out(
    changes: dict[str, Any], due: list[str]
) -> None:
    stages = answer("small-to-above-scale", {**ENTERED, **changes}, **STAGES)["instalments"]

    assert [each["due"] for each in stages] == due
    assert [each["amount_fen"] for each in stages] == [5_000_000, 3_000_000]


def test_a_stage_without_its_day_is_not_due() -> None:
    facts = {**ENTERED, "above_scale_years": 9}
    stages = answer("small-to-above-scale", facts, stage1_fen=5_000_000)["instalments"]

    assert [(each["amount_fen"], each["due"]) for each in stages] == [
        (5_000_000, "true"),
        (None, "unknown"),
    ]


@pytest.mark.parametrize(
    ("award", "points"),
    [
        ("government-quality-award", "quality_review_points"),
        ("government-quality-innovation-award", "quality_innovation_review_points"),
    ],
)
def test_each_quality_award_has_five_places_a_year_by_its_own_points(
    award: str, points: str
) -> None:
    programme = library().programmes[award].compiled.programme

    assert programme.places is not None
    assert (programme.places.per, programme.places.count) == ("year", 5)
    assert (programme.oversubscription, programme.rank_by) == ("ranked", points)


def test_gazelle_stars_file_without_limit() -> None:
    programme = library().programmes["gazelle-key-rd-applications"].compiled.programme

    assert programme.applications is not None
    assert programme.applications.count is None


def test_upgrading_tops_up_and_does_not_compete_with_the_large_strong_award() -> None:
    programmes = library().programmes
    retrofit = programmes["large-strong-retrofit"].compiled.programme

    assert (retrofit.relation, retrofit.base) == ("tops-up", "large-strong")
    assert programmes["large-strong"].stacking_group != retrofit.stacking_group


def test_towns_are_funded_by_the_budget_and_stay_outside_the_aid_ledger() -> None:
    programme = library().programmes["town-project-organising"].compiled.programme

    assert programme.beneficiary == "town"
    assert "finance.budgets" in programme.records
    assert not {"finance.aid", "finance.awards"} & set(programme.records)


def test_pools_open_services_and_never_money() -> None:
    pools = {"growth-and-listing-cultivation", "tech-leading-reserve", "high-tech-reserve-pool"}
    asking = [
        each.compiled.programme
        for each in library().programmes.values()
        if any(
            pool in (c.when or "") for c in each.compiled.programme.eligibility for pool in pools
        )
    ]

    assert len(asking) == 7
    assert [each.id for each in asking if each.amount is not None] == []
