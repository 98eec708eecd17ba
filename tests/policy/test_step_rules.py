"""Steps on plain values: whose turn it is, what holds back a proposal, what a plan may say."""

from typing import Any

import pytest

from services.kernel.errors import Conflict
from services.policy.cases.rules import CaseState
from services.policy.plan.actions.load_library import library
from services.policy.plan.actions.read_document import PlanInvalid
from services.policy.steps import rules
from services.policy.steps.rules import Before, Stand, StepEvent, StepKind, StepState
from services.rulebook.administration import StepKind as PlanKind
from services.rulebook.errors import RuleError
from services.rulebook.programme import load_programme
from tests.policy.changed_plans import Changed

W, D, P, F, S = (
    StepState.WAITING, StepState.OPEN, StepState.PASSED, StepState.FAILED, StepState.SKIPPED,
)  # fmt: skip


def stands(
    *states: StepState | tuple[StepState, ...], last: Before = Before.PROPOSAL
) -> list[Stand]:
    kinds = list(StepKind)
    return [
        Stand(
            ordinal, kinds[ordinal], each, last if ordinal == len(states) - 1 else Before.PROPOSAL,
            f"局{place}", f"bureau-{place}",
        )
        for ordinal, parts in enumerate(states)
        for place, each in enumerate(parts if isinstance(parts, tuple) else (parts,))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "turn"),
    [
        (stands(W, W), 0),
        (stands(D, W), 0),
        (stands(P, W), 1),
        (stands(S, W), 1),
        (stands((P, D), W), 0),  # a co-review is over when every department has ended
        (stands((P, P), W), 1),
        (stands(F, W), None),
        (stands((P, F), W), None),
        (stands(P, P), None),
        (stands(P, W, last=Before.DECISION), None),  # it is opened by the proposal
        ([], None),
    ],
)
def test_whose_turn_it_is(found: list[Stand], turn: int | None) -> None:
    assert rules.next_open(found, before=Before.PROPOSAL) == turn


def test_what_waits_for_the_decision_is_opened_once_the_rest_has_passed() -> None:
    assert rules.next_open(stands(P, W, last=Before.DECISION), before=Before.DECISION) == 1
    assert rules.next_open(stands(D, W, last=Before.DECISION), before=Before.DECISION) is None


@pytest.mark.parametrize(
    ("found", "before", "refused"),
    [
        (stands(P, S), Before.PROPOSAL, None),
        (stands(P, W), Before.PROPOSAL, "steps-open"),
        (stands((P, D), P), Before.PROPOSAL, "steps-open"),
        (stands(F, W), Before.PROPOSAL, "step-failed"),
        (stands(P, D, last=Before.DECISION), Before.PROPOSAL, None),
        (stands(P, D, last=Before.DECISION), Before.DECISION, "steps-open"),
        (stands(P, F, last=Before.DECISION), Before.DECISION, "step-failed"),
        (stands(P, P, last=Before.DECISION), Before.DECISION, None),
        ([], Before.DECISION, None),
    ],
)
def test_what_holds_back_an_approval(
    found: list[Stand], before: Before, refused: str | None
) -> None:
    if refused is None:
        rules.require_passed(found, before)
        return
    with pytest.raises(Conflict) as error:
        rules.require_passed(found, before)
    assert error.value.code == refused


def test_what_is_open_is_named_with_its_desks() -> None:
    with pytest.raises(Conflict) as error:
        rules.require_passed(stands(P, (P, D, D), W), Before.PROPOSAL)

    assert "部门审核（局1、局2）；第三方审计（局0）" in error.value.zh
    assert "局0、" not in error.value.zh
    assert "(bureau-1, bureau-2); Audit by a third party (bureau-0)" in error.value.en


@pytest.mark.parametrize("state", list(StepState))
@pytest.mark.parametrize("event", list(StepEvent))
def test_only_what_is_open_is_moved(state: StepState, event: StepEvent) -> None:
    if state is StepState.OPEN:
        assert rules.move(state, event) in (P, F, W)
        return
    with pytest.raises(Conflict) as error:
        rules.move(state, event)
    assert error.value.code == "step-not-open"
    assert rules.STEP_STATE_NAMES[state][0] in error.value.zh


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("outcome", ["approve", "refuse", None])
def test_steps_move_only_where_they_count(state: CaseState, outcome: str | None) -> None:
    in_review = state is CaseState.IN_REVIEW or (state, outcome) == (CaseState.PROPOSED, "refuse")
    late = state in (CaseState.PROPOSED, CaseState.IN_NOTICE) and outcome == "approve"
    for before, fits in ((Before.PROPOSAL, in_review), (Before.DECISION, late)):
        if fits:
            rules.require_in_review(state, outcome, before)
            continue
        with pytest.raises(Conflict) as error:
            rules.require_in_review(state, outcome, before)
        assert error.value.code == "step-not-now"


def test_the_plan_and_the_noun_know_the_same_kinds() -> None:
    assert set(PlanKind.__args__) == set(StepKind)
    assert set(rules.KIND_NAMES) == set(StepKind)


def draft(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "draft", "title": "草案", "steps": list(steps),
        "eligibility": [{"id": "growth", "says": "有营收", "when": "revenue_fen > 0"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "pointer"),
    [
        ([{"kind": "interview"}], "/steps/0/kind"),
        ([{"kind": "town-review", "departments": ["jxj"]}], "/steps/0"),
        ([{"kind": "department-review", "departments": ["jxj", "jxj"]}], "/steps/0"),
        ([{"kind": "collective-decision", "departments": ["jxj", "czj"]}], "/steps/0"),
        ([{"kind": "site-check", "days": 0, "source": "x"}], "/steps/0/days"),
        ([{"kind": "site-check", "days": 251, "source": "x"}], "/steps/0/days"),
        ([{"kind": "site-check", "days": 5}], "/steps/0"),
        ([{"kind": "site-check", "before": "decision"}], "/steps/0"),
        (
            [{"kind": "collective-decision", "before": "decision", "days": 5, "source": "x"}],
            "/steps/0",
        ),
        ([{"kind": "site-check"}, {"kind": "site-check"}], "/steps/1/kind"),
        (
            [{"kind": "collective-decision", "before": "decision"}, {"kind": "site-check"}],
            "/steps/0",
        ),
        ([{"kind": "site-check", "dayz": 5}], "/steps/0/dayz"),
    ],
)
def test_a_step_that_makes_no_sense_is_named(steps: list[Any], pointer: str) -> None:
    with pytest.raises(RuleError) as error:
        load_programme(draft(*steps))
    assert [issue.pointer for issue in error.value.issues] == [pointer]


def test_a_step_within_its_bounds_is_read() -> None:
    steps: list[Any] = [
        {"kind": "town-review", "days": 1, "source": "通知"},
        {"kind": "site-check", "days": 250, "source": "通知", "departments": ["jxj", "czj"]},
        {"kind": "collective-decision", "before": "decision"},
    ]
    read = load_programme(draft(*steps)).steps
    assert [(each.kind, each.days, each.before) for each in read] == [
        ("town-review", 1, "proposal"), ("site-check", 250, "proposal"),
        ("collective-decision", None, "decision"),
    ]  # fmt: skip


def test_a_department_without_the_case_is_a_fault_of_the_plan(changed: Changed) -> None:
    with pytest.raises(PlanInvalid) as error:
        changed(
            "cixi-2025-2027/measures/m09.yaml",
            {"departments: [jxj, czj]\n      - kind": "departments: [jxj, kjj]\n      - kind"},
        )
    (fault,) = error.value.faults
    told = str(fault)
    assert "m09.yaml:" in told
    assert "steps/1/departments/1" in told
    assert "kjj neither leads nor supports" in told
    assert "jxj czj jrb" in told


def test_steps_are_no_part_of_a_rule(changed: Changed) -> None:
    """Whoever is entitled stays so: another order of review is no other rule."""
    other = changed("cixi-2025-2027/measures/m09.yaml", {"      - kind: site-check\n": ""})
    ours = library().programmes["large-strong-retrofit"]
    theirs = other.programmes["large-strong-retrofit"]

    assert len(theirs.compiled.programme.steps) == len(ours.compiled.programme.steps) - 1
    assert (theirs.version, theirs.rule) == (ours.version, ours.rule)


@pytest.mark.parametrize("programme", ["digital-growth", "rd-matching", "large-strong"])
def test_what_outside_systems_name_has_no_steps(programme: str) -> None:
    assert library().programmes[programme].compiled.programme.steps == ()
