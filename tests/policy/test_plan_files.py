"""The plans as files: what is written in them, and how a fault of theirs is named."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from services.policy.plan.actions.load_library import PLANS, library, load_library
from services.policy.plan.actions.read_document import PlanInvalid
from services.policy.plan.rules import uncovered
from services.rulebook import run_examples
from tests.policy.changed_plans import copy_plans

Plant = Callable[[str, str, str], list[str]]
M27 = "cixi-2025-2027/measures/m27.yaml"
SCORE = """    score:
      says: 得分
      parts:
        - id: p
          says: 得分
          max: 5
          of: revenue_fen
          bands: [{at_least: 1, points: 6}, {otherwise: 0}]
"""
CLAUSE = "cixi-industry-2025/measures/clause-1-1.yaml"


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Copy a few of the plans, so that a fault can be planted in them."""
    copy_plans(tmp_path)
    return tmp_path


@pytest.fixture
def plant(plans: Path) -> Plant:
    """Replace a text in a file; give the faults that loading names."""

    def plant(file: str, old: str, new: str) -> list[str]:
        path = plans / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(PlanInvalid) as found:
            load_library(plans)
        return str(found.value).splitlines()

    return plant


def line_of(file: str, text: str) -> int:
    lines = (PLANS / file).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_plans_load_and_every_example_holds() -> None:
    programmes = library().programmes

    assert {"digital-growth", "large-strong", "rd-matching"} <= programmes.keys()
    for programme in programmes.values():
        asks = any(each.decides for each in programme.compiled.programme.eligibility)
        assert len(programme.compiled.programme.examples) >= (3 if asks else 1), programme.id
        assert run_examples(programme.compiled) == []


def test_all_thirty_measures_stand_word_for_word_with_every_phrase_accounted_for() -> None:
    measures = {each.number: each for each in library().measures if each.plan == library().main}

    assert sorted(number or 0 for number in measures) == list(range(1, 31))
    for measure in measures.values():
        assert measure.verbatim
        assert measure.phrases
        assert uncovered(measure.clause, [phrase.text for phrase in measure.phrases]) == []


def test_the_action_plan_is_a_draft_of_which_nothing_is_known_that_nobody_decided() -> None:
    plan = library().main

    assert plan.status == "draft-for-comment"
    assert (plan.document, plan.published_on, plan.legality_review) == (None, None, None)
    assert (plan.first_day(), plan.in_force_to) == (None, date(2027, 12, 31))
    assert plan.flags(date(2026, 11, 23)) == ["plan-not-in-force"]


def test_the_first_day_of_force_is_31_days_after_publication(plans: Path) -> None:
    path = plans / "cixi-2025-2027/plan.yaml"
    text = path.read_text("utf-8").replace("draft-for-comment", "issued")
    path.write_text(text.replace("published_on: null", "published_on: 2026-12-01"), "utf-8")
    plan = load_library(plans).main

    assert plan.first_day() == date(2027, 1, 1)
    assert plan.flags(date(2026, 12, 31)) == ["plan-not-in-force"]
    assert plan.flags(date(2027, 1, 1)) == []
    assert plan.flags(date(2027, 12, 31)) == []
    assert plan.flags(date(2028, 1, 1)) == ["plan-not-in-force"]


def test_numbers_that_the_plan_leaves_open_are_unset() -> None:
    parameters = library().parameters

    assert parameters["rd-matching.ratio_bp"].values == ()
    assert parameters["large-strong.award_fen"].values == ()
    (mode,) = parameters["stacking-mode"].values
    assert (mode.value, mode.reading) == ("top-up", True)


def test_a_number_counts_with_the_bounds_of_its_entry() -> None:
    declared = library().programmes["rd-matching"].compiled.programme.parameters

    assert declared["ratio_bp"].bounds == (0, 10_000)


def test_only_what_the_clause_names_is_a_condition() -> None:
    named = ("digital-growth", "large-strong", "rd-matching")
    conditions = {
        name: [each.id for each in library().programmes[name].compiled.programme.eligibility]
        for name in named
    }

    assert conditions == {
        "digital-growth": ["digital-manufacturing", "above-scale", "growth", "two-year-average"],
        "large-strong": ["revenue", "once"],
        "rd-matching": [
            "above-scale", "rd-spend", "rd-growth", "rd-share", "on-ningbo-list", "city-level",
        ],
    }  # fmt: skip


def test_the_version_follows_what_is_said_and_not_how_it_is_laid_out(plans: Path) -> None:
    before = load_library(plans).main.version
    path = plans / M27
    path.write_text("# 注释\n" + path.read_text("utf-8"), "utf-8")
    assert load_library(plans).main.version == before

    changed = path.read_text("utf-8").replace("title: 研发投入", "title: 研发投入的", 1)
    path.write_text(changed, "utf-8")
    assert load_library(plans).main.version != before


def test_a_rule_has_a_version_of_its_own(plans: Path) -> None:
    before = {name: each.version for name, each in load_library(plans).programmes.items()}
    path = plans / M27
    path.write_text(path.read_text("utf-8").replace("（不含10%）", "", 1), "utf-8")
    after = {name: each.version for name, each in load_library(plans).programmes.items()}

    assert {name for name in before if before[name] != after[name]} == {"rd-matching"}


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "told"),
    [
        (M27, "rd_internal_fen > 200000000", "rd_internall_fen > 200000000",
         "/programmes/0/eligibility/1/when", "did you mean rd_internal_fen?"),
        (M27, "when: is_above_scale", "when: 'true'",
         "/programmes/0/eligibility/0/when", "constant-condition|cannot fail"),
        (M27, "on_list('ningbo-rd-post-subsidy')", "on_list('ningbo-rd')",
         "/programmes/0/eligibility/4/when", "did you mean ningbo-rd-post-subsidy?"),
        (M27, "relation: matches", "relation: match", "/programmes/0/relation",
         "allowed: one of matches, tops-up, competes"),
        (M27, "notice_days: 5", "notice_days: five", "/programmes/0/notice_days", "a whole number"),
        (M27, "amount_kind: fixed", "amount_kinds: fixed", "/programmes/0/amount_kinds",
         "did you mean amount_kind?"),
        (M27, "    amount: ", SCORE + "    amount: ", "/programmes/0/score/parts/0/bands/0/points",
         "at most 5"),
        (M27, "* :ratio_bp / 10000", "* ningbo_rd_award_fen * revenue_fen", "/programmes/0/amount",
         "38 digits"),
        (M27, "lead: kjj", "lead: kj", "/departments/lead", "kjj"),
        (M27, "number: 27", "number: 270", "/number", "at most 99"),
        (M27, "unit: bp", "unit: fen", "/parameters/rd-matching.ratio_bp/unit", "allowed: fen"),
        (CLAUSE, "matter: year", "matters: year", "/programmes/0/matters", "did you mean matter?"),
        ("cixi-2025-2027/plan.yaml", "status: draft-for-comment", "status: draft", "/status",
         "draft-for-comment"),
        ("cixi-2025-2027/parameters.yaml", "allowed: [top-up, highest-only]", "allowed: [top-up2]",
         "/parameters/stacking-mode/values/0/value", "allowed: top-up2"),
        ("cixi-2025-2027/parameters.yaml", "rd-matching.ratio_bp: 5000",
         "rd-matching.ratio_bp: 50000", "/overlay/demonstration/rd-matching.ratio_bp",
         "0 to 10000"),
        ("cixi-2025-2027/facts.yaml", "owner: jxj", "owner: jx", "/facts/revenue_fen/owner", "jxj"),
        ("cixi-2025-2027/facts.yaml", "source: own-statement", "source: survey",
         "/facts/revenue_fen/source", "own-statement"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_field_and_what_is_allowed(
    plant: Plant, file: str, old: str, new: str, place: str, told: str
) -> None:
    faults = plant(file, old, new)

    (fault,) = [each for each in faults if f": {place}: " in each][:1]
    assert re.match(r"[\w/.-]+\.yaml:\d+: ", fault)
    assert re.search(told, fault), fault


def test_the_line_is_the_line_of_the_field(plant: Plant) -> None:
    line = line_of(M27, "rd_internal_fen > 200000000")
    faults = plant(M27, "rd_internal_fen > 200000000", "rd_internall_fen > 200000000")

    assert faults[0].startswith(f"{M27}:{line}: ")


def test_an_example_that_the_rule_does_not_give_stops_the_start(plant: Plant) -> None:
    line = line_of(CLAUSE, "expect: {outcome: eligible, amount_fen: 500_000")
    faults = plant(CLAUSE, "amount_fen: 500_000,", "amount_fen: 500_001,")

    assert len(faults) == 1
    assert faults[0].startswith(f"{CLAUSE}:{line}: /programmes/0/examples/0/expect: ")
    assert "增速恰好10%" in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("notice_days: 5", "notice_days: 5\n    notice_days: 6", "stands twice"),
        ("notice_days: 5", "notice_days: 5.5", "another kind"),
        ("notice_days: 5", "notice_days: &five 5\n    kinds: *five", "an alias"),
        ("number: 27", "number: [27", "expected"),
    ],
)
def test_yaml_that_says_two_things_is_refused(plant: Plant, old: str, new: str, told: str) -> None:
    faults = plant(M27, old, new)

    assert faults[0].startswith(f"{M27}:")
    assert told in faults[0]


def test_a_programme_that_stands_twice_is_refused(plans: Path) -> None:
    (plans / "cixi-2025-2027/measures/m28.yaml").write_text(
        (plans / M27).read_text("utf-8").replace("number: 27", "number: 28"), "utf-8"
    )
    with pytest.raises(PlanInvalid, match="rd-matching stands twice"):
        load_library(plans)


def test_a_number_without_an_entry_among_the_parameters_is_refused(plant: Plant) -> None:
    faults = plant(
        "cixi-2025-2027/parameters.yaml", "  rd-matching.ratio_bp:\n", "  rd.ratio_bp:\n"
    )

    assert any("rd-matching.ratio_bp is not in parameters.yaml" in each for each in faults)
