"""What may be received together, as files: what is written in them, and how faults are named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.policy.plan.actions.load_library import PLANS, library, load_library
from services.policy.plan.actions.read_document import PlanInvalid
from services.rulebook.stacking import StackingMode
from tests.policy.changed_plans import copy_plans

Faults = Callable[[str, str, str], list[str]]
MAIN, OTHER = "cixi-2025-2027/stacking.yaml", "cixi-industry-2025/stacking.yaml"
M27 = "cixi-2025-2027/measures/m27.yaml"
ONE_CLAUSE = """
one_clause:
  - id: one-of-two
    says: 两项只能享受一项
    english: Only one of the two
    source: 测试文件第一条
    confidence: reading
    per: beneficiary-year
    programmes: [digital-growth, large-strong]
    groups: [rd-investment]
    repeatable: [large-strong]
"""


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    copy_plans(tmp_path)
    return tmp_path


@pytest.fixture
def faults(plans: Path) -> Faults:
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


def test_the_closing_clause_is_the_rule_for_overlapping_aid() -> None:
    stacking, main = library().stacking, library().main

    assert stacking.highest.plan == main.id
    assert stacking.highest.clause.says == main.closing_clauses["stacking"].text
    assert (stacking.highest.confidence, stacking.mode) == ("verbatim", "stacking-mode")
    assert "rd-investment" in stacking.groups
    # What nobody has read is said to be open, and no rule is made of it.
    assert all(stacking.open[plan] for plan in library().plans)
    assert stacking.one_clause == ()


def test_a_rule_of_another_plan_joins_programmes_of_both(plans: Path) -> None:
    path = plans / OTHER
    path.write_text(path.read_text("utf-8").replace("\none_clause: []\n", ONE_CLAUSE), "utf-8")
    stacking = load_library(plans).stacking

    (rule,) = stacking.terms(StackingMode.TOP_UP).rules
    assert (rule.id, rule.per, rule.at_most) == ("one-of-two", "beneficiary-year", 1)
    assert (rule.programmes, rule.groups, rule.repeatable) == (
        ("digital-growth", "large-strong"), ("rd-investment",), ("large-strong",),
    )  # fmt: skip
    assert stacking.one_clause[0].plan == "cixi-industry-2025"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  mode: stacking-mode", "  mode: notice-mode", "/highest/mode: .*stacking-mode"),
        ("confidence: verbatim", "confidence: sure", r"/highest/confidence: .*one of verbatim"),
        ("says: 本行动方案", "says: 本方案", "/highest/says: words that the plan does not say"),
        ("says: 本行动方案", "say: 本行动方案", "/highest/say: "),
        ("id: rd-investment", "id: rd-matching", "/groups/0/id: rd-matching stands twice"),
    ],
)
def test_a_fault_of_the_clause_is_named_with_file_line_and_field(
    faults: Faults, old: str, new: str, fault: str
) -> None:
    line = (PLANS / MAIN).read_text("utf-8")[: (PLANS / MAIN).read_text("utf-8").index(old)]
    found = faults(MAIN, old, new)
    assert any(re.search(rf"^{MAIN}:{line.count(chr(10)) + 1}: {fault}", each) for each in found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("digital-growth,", "digital-grwth,", "/programmes/0: digital-grwth is no.*digital-growth"),
        ("[rd-investment]", "[rd-investmnt]", "/groups/0: rd-investmnt is no group.*rd-investment"),
        ("[large-strong]", "[large]", "/repeatable/0: large is no programme"),
        ("one-of-two", "highest-not-twice", "/id: highest-not-twice stands twice"),
        ("confidence: reading", "confidence: verbatim", "/says: words that the plan does not say"),
        ("per: beneficiary-year", "per: week", "/per: .*one of matter"),
        ("    per:", "    at_most: 0\n    per:", "/at_most: "),
    ],
)
def test_a_fault_of_a_one_clause_rule_is_named(
    faults: Faults, old: str, new: str, fault: str
) -> None:
    assert old in ONE_CLAUSE
    found = faults(OTHER, "\none_clause: []\n", ONE_CLAUSE.replace(old, new))
    assert any(re.search(rf"^{OTHER}:\d+: /one_clause/0{fault}", each) for each in found), found


def test_a_rule_that_names_nothing_is_refused(faults: Faults) -> None:
    text = re.sub(r"    (programmes|groups|repeatable): .*\n", "", ONE_CLAUSE)
    found = faults(OTHER, "\none_clause: []\n", text)
    assert "/one_clause/0: a rule that names nothing" in found[0]


def test_a_group_that_nobody_declared_competes_with_nobody_and_is_refused(faults: Faults) -> None:
    (found,) = faults(M27, "stacking_group: rd-investment", "stacking_group: rd-investmnt")
    assert re.search(
        r"m27\.yaml:\d+: /programmes/0/stacking_group: rd-investmnt is no group.*rd-investment",
        found,
    )


def test_a_ceiling_of_a_year_s_matter_would_count_what_has_nothing_to_do_with_it(
    faults: Faults,
) -> None:
    (found,) = faults(M27, "of: group", "of: matter")
    assert "/programmes/0/ceilings/0/of: a ceiling over all aid of a year's matter" in found
    assert "allowed: group beneficiary-year | " in found


def test_the_clause_stands_in_one_plan_and_no_more(plans: Path) -> None:
    text = (plans / MAIN).read_text("utf-8")
    second = text.replace("highest-not-twice", "again").replace("rd-investment", "rd-else")
    (plans / OTHER).write_text(second.replace("verbatim", "reading"), "utf-8")
    with pytest.raises(PlanInvalid, match="2 plans state `highest`"):
        load_library(plans)
    (plans / MAIN).unlink()
    (plans / OTHER).unlink()
    with pytest.raises(PlanInvalid, match="0 plans state `highest`"):
        load_library(plans)
