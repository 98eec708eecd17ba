"""Measures 1 to 8: what their programmes promise beside the conditions of each."""

from datetime import date
from typing import Any

import pytest

from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Programme, read_situation

DAY = date(2026, 11, 23)
MEASURES = range(1, 9)
GRADES = ["city", "ningbo", "provincial", "ministry-standard", "ministry-excellent"]
LADDER = dict(
    zip(
        ["incubator-ningbo", "incubator-provincial", "incubator-ministry-excellent"],
        ["ningbo", "provincial", "ministry-excellent"],
        strict=True,
    )
)


def programmes() -> list[Programme]:
    return [
        each.compiled.programme
        for each in library().programmes.values()
        if each.measure.number in MEASURES
    ]


def named(programme: str) -> PlanProgramme:
    return library().programmes[programme]


def answer(programme: str, facts: dict[str, Any], **parameters: int) -> dict[str, Any]:
    situation = read_situation(on=DAY, facts=facts, vocabulary=library().vocabulary, history=())
    return named(programme).compiled.assess(situation, parameters).to_json()


def test_only_the_matching_of_talent_projects_pays() -> None:
    paying = [each.id for each in programmes() if each.amount is not None]

    assert len(programmes()) > 40
    assert paying == ["talent-project-matching"]


def test_a_match_rests_beside_its_base_and_ends_at_its_cap() -> None:
    programme = named("talent-project-matching").compiled.programme
    facts = {"is_upper_talent_selected": True, "upper_talent_award_fen": 5_000_000_000}

    assert (programme.relation, programme.base is None) == ("matches", False)
    assert answer(programme.id, facts, ratio_bp=5_000)["amount_fen"] == 2_000_000_000
    assert answer(programme.id, facts, ratio_bp=3_999)["amount_fen"] == 1_999_500_000


def test_confidential_plans_are_the_talent_offices_and_reach_no_notice() -> None:
    confidential = [each for each in programmes() if each.confidential]

    assert {each.id for each in confidential} == {
        "key-firm-talent-coverage",
        "upper-talent-recommendation",
        "talent-project-matching",
    }
    for each in confidential:
        assert each.notice_days == 0
        assert each.departments is not None
        assert (each.departments.lead, each.departments.support) == ("rcb", ())
        assert each.without_application is not None
        assert not each.without_application.allowed


def test_a_hand_picked_list_opens_services_and_acceptance_and_never_money() -> None:
    listed = [
        each
        for each in programmes()
        if any(part.restricts == "list-without-criteria" for part in each.competition)
    ]

    assert len(listed) == 3
    assert [each.id for each in listed if each.amount is not None] == []


@pytest.mark.parametrize(("programme", "applied_for"), LADDER.items())
def test_an_incubator_applies_for_a_grade_above_its_own(programme: str, applied_for: str) -> None:
    outcomes = {
        grade: answer(
            programme, {"recognitions": [{"recognition": "incubator-grade", "grade": grade}]}
        )["outcome"]
        for grade in GRADES
    }
    below = GRADES[: GRADES.index(applied_for)]

    assert outcomes == {g: "eligible" if g in below else "ineligible" for g in GRADES}


@pytest.mark.parametrize("missing", ["innovation", "industry", "capital", "talent"])
def test_a_project_is_told_which_of_the_four_links_it_lacks(missing: str) -> None:
    links = {f"has_{each}_link": True for each in ("innovation", "industry", "capital", "talent")}
    facts = {**links, f"has_{missing}_link": False, "is_registered_talent_project": True}

    assert answer("four-chain-check", facts)["flags"] == [f"lacks-{missing}-link"]


def test_the_focus_of_skill_evaluation_excludes_nobody() -> None:
    facts = {
        "has_skill_evaluation_filing": False,
        "has_skill_evaluation_plan": True,
        "is_above_scale": False,
        "recognitions": [],
    }

    assert answer("skill-evaluation-filing", facts)["outcome"] == "eligible"
    assert answer("skill-evaluation-coverage", facts)["outcome"] == "ineligible"


@pytest.mark.parametrize(
    "body",
    ["智慧谷", "宁波大学科学技术学院", "甬江实验室", "中国科学院平台", "宁波科技大市场慈溪分市场"],
)
def test_bodies_that_the_plan_names_stand_in_tasks_without_a_day_that_it_does_not_name(
    body: str,
) -> None:
    tasks = [
        task
        for measure in library().measures
        if measure.number in MEASURES
        for task in measure.tasks
        if body in task.title
    ]

    assert tasks
    assert {task.due for task in tasks} == {None}
