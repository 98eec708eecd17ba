"""The steps of a review on plain values: which is open, who ends it, and what it needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from services.kernel.errors import Conflict, Forbidden
from services.policy.cases.rules import STATE_NAMES as CASE_STATES
from services.policy.cases.rules import CaseState, Outcome


class StepKind(StrEnum):
    TOWN_REVIEW = "town-review"
    DEPARTMENT_REVIEW = "department-review"
    THIRD_PARTY_AUDIT = "third-party-audit"
    EXPERT_REVIEW = "expert-review"
    SITE_CHECK = "site-check"
    COLLECTIVE_DECISION = "collective-decision"


class StepState(StrEnum):
    """`waiting` for those before it, or for an applicant's completion; `skipped` is nobody's."""

    WAITING = "waiting"
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class StepEvent(StrEnum):
    PASS = "pass"  # noqa: S105  an event, not a secret
    FAIL = "fail"
    RETURN = "return"


class Before(StrEnum):
    PROPOSAL = "proposal"
    DECISION = "decision"


KIND_NAMES: Mapping[str, tuple[str, str]] = {
    StepKind.TOWN_REVIEW: ("镇（街道）初审", "Review by the town"),
    StepKind.DEPARTMENT_REVIEW: ("部门审核", "Review by departments"),
    StepKind.THIRD_PARTY_AUDIT: ("第三方审计", "Audit by a third party"),
    StepKind.EXPERT_REVIEW: ("专家评审", "Review by experts"),
    StepKind.SITE_CHECK: ("现场核查", "Check on the site"),
    StepKind.COLLECTIVE_DECISION: ("集体决策", "Collective decision"),
}
STEP_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    StepState.WAITING: ("未开始", "Waiting"),
    StepState.OPEN: ("办理中", "Open"),
    StepState.PASSED: ("通过", "Passed"),
    StepState.FAILED: ("未通过", "Failed"),
    StepState.SKIPPED: ("不适用", "Does not apply"),
}
STEP_EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    StepEvent.PASS: ("通过", "pass"),
    StepEvent.FAIL: ("不通过", "fail"),
    StepEvent.RETURN: ("退回补正", "return"),
}
ENDED = frozenset({StepState.PASSED, StepState.SKIPPED})
NEXT: Mapping[StepState, Mapping[StepEvent, StepState]] = {
    StepState.WAITING: {},
    StepState.OPEN: {
        StepEvent.PASS: StepState.PASSED,
        StepEvent.FAIL: StepState.FAILED,
        # It waits for the applicant, and goes on with the days that are left.
        StepEvent.RETURN: StepState.WAITING,
    },
    StepState.PASSED: {},
    StepState.FAILED: {},
    StepState.SKIPPED: {},
}
# What a finding of these rests on: a report by number or file, with its day.
WITH_REPORT = frozenset({StepKind.THIRD_PARTY_AUDIT, StepKind.SITE_CHECK})


@dataclass(frozen=True)
class Stand:
    """How one desk's part of a step stands; `code` is how English names the desk."""

    ordinal: int
    kind: StepKind
    state: StepState
    before: Before
    desk: str
    code: str


def move(state: StepState, event: StepEvent) -> StepState:
    """Give the state after an event, or say how the step stands and what it takes."""
    if event not in NEXT[state]:
        zh, en = STEP_STATE_NAMES[state]
        allowed = [STEP_EVENT_NAMES[each] for each in NEXT[state]]
        raise Conflict(
            f"该环节的状态为“{zh}”，不能{STEP_EVENT_NAMES[event][0]}；此状态可办理："
            f"{'、'.join(name[0] for name in allowed) or '无'}。",
            f"The step is {en.lower()} and does not take {STEP_EVENT_NAMES[event][1]}; allowed: "
            f"{', '.join(name[1] for name in allowed) or 'none'}.",
            code="step-not-open",
        )
    return NEXT[state][event]


def require_in_review(state: CaseState, proposed: str | None, before: Before) -> None:
    """Move steps only while they count: in review, or once a refusal is proposed by mistake.

    What waits for the decision is moved between the proposal and the decision.
    """
    if before is Before.DECISION:
        fits = state in (CaseState.PROPOSED, CaseState.IN_NOTICE) and proposed == Outcome.APPROVE
    else:
        fits = state is CaseState.IN_REVIEW or (
            state is CaseState.PROPOSED and proposed == Outcome.REFUSE
        )
    if not fits:
        zh, en = CASE_STATES[state]
        raise Conflict(
            f"办件处于“{zh}”状态，该环节现在不能办理。",
            f"The case is {en}; this step cannot be moved now.",
            code="step-not-now",
        )


def require_returnable(state: CaseState, before: Before) -> None:
    """Return a case to its applicant in review only."""
    if state is not CaseState.IN_REVIEW or before is Before.DECISION:
        raise Conflict(
            "审核中的办件才能退回补正。",
            "Only a case in review is returned for completion.",
            code="step-not-now",
        )


def require_by_hand(kind: StepKind, event: StepEvent) -> None:
    """Leave it to the panel to say what the experts found."""
    if kind is StepKind.EXPERT_REVIEW and event is not StepEvent.RETURN:
        raise Conflict(
            "专家评审由评审组的评分结果办结，不能直接填写。",
            "A review by experts is closed by the result of its panel, not by hand.",
            code="step-by-panel",
        )


def require_desk(*, is_own: bool, desk: str) -> None:
    if not is_own:
        raise Forbidden(
            f"该环节由{desk}办理。", "This step is another desk's.", code="not-your-step"
        )


def next_open(stands: Iterable[Stand], *, before: Before) -> int | None:
    """Give the ordinal of the step that is to be open: the first that has not ended.

    One that failed holds back all that follow; what waits for the decision is asked for apart.
    """
    for ordinal, parts in groupby(sorted(stands, key=_ordinal), key=_ordinal):
        step = list(parts)
        if StepState.FAILED in {each.state for each in step}:
            return None
        if any(each.state not in ENDED for each in step):
            return ordinal if step[0].before is before else None
    return None


def require_passed(stands: Sequence[Stand], before: Before) -> None:
    """Propose, or decide on, an approval only when every step that comes first has passed."""
    due = [each for each in stands if before is Before.DECISION or each.before is before]
    failed = [each for each in due if each.state is StepState.FAILED]
    if failed:
        zh, en = told(failed)
        raise Conflict(
            f"以下环节未通过，只能提请不予批准：{zh}。",
            f"These steps failed, so only a refusal can be proposed: {en}.",
            code="step-failed",
        )
    left = [each for each in due if each.state not in ENDED]
    if left:
        zh, en = told(left)
        deed = ("提请", "proposed") if before is Before.PROPOSAL else ("批准", "approved")
        raise Conflict(
            f"以下环节尚未办结，不能{deed[0]}：{zh}。",
            f"These steps have not ended, so it cannot be {deed[1]}: {en}.",
            code="steps-open",
        )


def told(stands: Iterable[Stand]) -> tuple[str, str]:
    """Name steps with their desks, in Chinese and English."""
    zh, en = list[str](), list[str]()
    for _, parts in groupby(stands, key=_ordinal):
        step = list(parts)
        desks = [each.desk for each in step]
        name = KIND_NAMES[step[0].kind]
        zh.append(f"{name[0]}（{'、'.join(desks)}）")
        en.append(f"{name[1]} ({', '.join(each.code for each in step)})")
    return "；".join(zh), "; ".join(en)


def _ordinal(stand: Stand) -> int:
    return stand.ordinal
