"""What ends a step: a finding with its proof, a panel's result, and what the database holds."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict
from services.policy.steps.actions.close_step import close_step
from services.policy.steps.rules import StepEvent, StepKind
from tests.policy.review_steps import (
    QUALITY,
    REPORT,
    do_step,
    end_calls,
    history_of,
    id_of,
    in_policy,
    in_review,
    pass_reviews,
    retrofit_firm,
    step_of,
    steps_of,
    try_step,
)
from tests.policy.steps import (
    client_of,
    code,
    firm_client,
    move,
    open_case,
    try_move,
)


async def internal_paper(platform: Any, case: dict[str, Any], said: str) -> str:
    """Have an officer add a paper to a case; give its id."""
    answer = await platform.client("reviewer").post(
        f"/v1/policy/cases/{case['id']}/evidence", params={"name": "audit.txt"},
        content=said.encode(), headers={"Content-Type": "text/plain", **platform.key()},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_what_a_finding_rests_on(platform: Any) -> None:
    case, _ = await in_review(platform)
    await pass_reviews(platform, case)
    audit = "third-party-audit"
    own = await internal_paper(platform, case, "审计报告")
    other, _ = await in_review(platform)
    foreign = await internal_paper(platform, other, "另一份审计报告")
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({}, 422, "report-required"),
        ({"finding": " ", "report": REPORT}, 422, "finding-required"),
        ({"report": {"number": "x", "on": "2199-01-01"}}, 422, "day-in-future"),
        ({"report": {"on": "2026-01-05"}}, 422, "invalid"),
        ({"report": REPORT, "minutes": {"number": "x", "held_on": "2026-01-05"}},
         422, "not-for-this-step"),
        ({"report": {"evidence": foreign, "on": "2026-01-05"}},
         422, "evidence-unknown"),
        ({"report": REPORT, "surprise": 1}, 422, "invalid"),
    ]  # fmt: skip
    for data, status, named in wrong:
        refused = await try_step(platform, "reviewer", case, audit, **data)
        assert code(refused) == (status, named), data
    stale = await try_step(platform, "reviewer", case, audit, version=1, report=REPORT)
    assert stale.status_code == 412
    done = await do_step(
        platform, "reviewer", case, audit,
        report={"evidence": own, "on": "2026-01-05"},
    )  # fmt: skip
    assert (done["state"], done["evidence"]) == ("passed", own)


async def test_experts_are_heard_through_their_panel(platform: Any) -> None:
    await end_calls(platform, QUALITY)
    name = f"scjgj-{date.today().isoformat()}"  # noqa: DTZ011  only a name
    desk = await client_of(platform, name, roles=["reviewer"], department="scjgj")
    uscc = await retrofit_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc, QUALITY)
    await move(platform, firm, case, "submit")
    for event in ("accept", "review"):
        case = await move(platform, desk, case, event)
    by_hand = await try_step(platform, desk, case, "expert-review")
    assert code(by_hand) == (409, "step-by-panel")
    assert (await step_of(platform, case, "expert-review"))["allowed_events"] == []
    mine = await steps_of(platform, case, desk)
    assert mine[0]["allowed_events"] == ["return"]

    chair = Actor("chair", "chair", frozenset({Role.REVIEWER}))

    async def close(session: Any, now: Any, kind: StepKind = StepKind.EXPERT_REVIEW) -> Any:
        return await close_step(
            session, id_of(case), kind, outcome=StepEvent.PASS, finding="平均86分",
            ref="panel-1", by=chair, now=now,
        )  # fmt: skip

    async def wrong(session: Any, now: Any) -> Any:
        return await close(session, now, StepKind.SITE_CHECK)

    with pytest.raises(Conflict, match="no open step"):
        await in_policy(platform, wrong)
    (closed,) = await in_policy(platform, close)
    assert (closed.state, closed.closed_by, closed.ref) == ("passed", "chair", "panel-1")
    with pytest.raises(Conflict) as again:
        await in_policy(platform, close)
    assert again.value.code == "step-not-open"
    last = (await history_of(platform, case))[-1]
    assert (last["event"], last["actor"], last["role"]) == ("step-passed", "chair", "reviewer")
    # Nothing holds the proposal back any more but what the rule says.
    refused = await try_move(platform, desk, case, "propose")
    assert code(refused) == (409, "call-required")


async def test_the_database_holds_what_a_step_says(platform: Any) -> None:
    case, _ = await in_review(platform)
    half = "UPDATE case_step SET state = 'passed' WHERE ordinal = 1 AND case_id = :id"
    groundless = (
        "UPDATE case_step SET state = 'passed', closed_by = 'x', closed_at = clock_timestamp()"
        " WHERE kind = 'site-check' AND case_id = :id"
    )
    for change, name in ((half, "ck_case_step_closed"), (groundless, "ck_case_step_ref")):
        async with platform.service("policy").sessions() as session:
            with pytest.raises(IntegrityError, match=name):
                await session.execute(text(change), {"id": id_of(case)})
