"""Places of a call once its cases are proposed and decided, and two officers at the last one."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from services.kernel.clock import system_now
from services.kernel.ids import new_id
from services.policy.calls.models import CallRank
from services.policy.cases.models import Case
from tests.policy.desk_steps import copies
from tests.policy.panel_steps import known
from tests.policy.review_steps import case_now
from tests.policy.steps import (
    approve,
    code,
    firm_client,
    growing_firm,
    move,
    try_move,
    until,
    walk_to_review,
)
from tests.policy.test_calls import CALLS, apply, deed, published, try_deed

RACES = 4
Given = tuple[httpx.AsyncClient, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("calls_end")


async def submitted(platform: Any, call: dict[str, Any]) -> Given:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    made = await apply(platform, firm, uscc, call["id"])
    assert made.status_code == 201, made.text
    return firm, await move(platform, firm, made.json(), "submit")


async def in_review(platform: Any, call: dict[str, Any]) -> Given:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    made = await apply(platform, firm, uscc, call["id"])
    return firm, await walk_to_review(platform, firm, made.json())


async def judged(platform: Any, case: str, points: int) -> None:
    """Have a case stand with other points, as if facts of it had changed."""
    async with platform.service("policy").sessions() as session, session.begin():
        row = await session.get_one(Case, UUID(case))
        row.assessment = {**row.assessment, "score": {"low": points, "high": points}}


async def places(platform: Any, call: dict[str, Any]) -> dict[str, tuple[bool | None, bool]]:
    ranking = (await platform.client("auditor").get(f"{CALLS}/{call['id']}/ranking")).json()
    return {each["case"]: (each["within"], each["held"]) for each in ranking["items"]}


async def propose(platform: Any, case: str) -> httpx.Response:
    return await try_move(platform, platform.client("reviewer"), {"id": case}, "propose")


async def test_five_places_are_five_whatever_changes_after_the_decisions(
    platform: Any, today: date
) -> None:
    call = await published(platform, today, quota=5, ties="first-submitted")
    firm, case = await in_review(platform, call)
    best = case["id"]
    *others, sixth = await copies(platform, case, 5)
    for each, points in zip((best, *others, sixth), (95, 90, 85, 80, 75, 60), strict=True):
        await judged(platform, each, points)
    call = await deed(platform, call, "rank", "reviewer")
    assert await places(platform, call) == {
        **dict.fromkeys((best, *others), (True, False)), sixth: (False, False),
    }  # fmt: skip
    for each in (best, *others):
        assert (await propose(platform, each)).status_code == 200
    await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    await approve(platform, case)

    await judged(platform, sixth, 99)
    call = await deed(platform, call, "rank", "reviewer")
    assert await places(platform, call) == {
        **dict.fromkeys((best, *others), (True, True)), sixth: (False, False),
    }  # fmt: skip
    refused = await propose(platform, sixth)
    assert code(refused) == (409, "outside-quota")
    assert "另有5件已提请批准或已决定" in refused.json()["detail"]

    # A place that is given back is given on by a new ranking, and not before.
    left = await until(
        platform, {"id": others[3]}, lambda c: c["reservation"]["state"] != "pending"
    )
    await move(platform, firm, left, "withdraw")
    assert code(await propose(platform, sixth)) == (409, "outside-quota")
    call = await deed(platform, call, "rank", "reviewer")
    assert (await places(platform, call))[sixth] == (True, False)
    assert (await propose(platform, sixth)).status_code == 200


async def test_a_case_that_is_being_completed_keeps_its_rank(platform: Any, today: date) -> None:
    call = await published(platform, today, quota=1)
    firm, case = await submitted(platform, call)
    reviewer = platform.client("reviewer")
    case = await move(platform, reviewer, case, "return", note="请补正证明材料")
    assert case["state"] == "returned"
    _, other = await in_review(platform, call)
    await judged(platform, case["id"], 90)
    await judged(platform, other["id"], 80)
    call = await deed(platform, call, "rank", "reviewer")

    assert await places(platform, call) == {
        case["id"]: (True, False), other["id"]: (False, False),
    }  # fmt: skip
    assert code(await propose(platform, other["id"])) == (409, "outside-quota")
    assert code(await propose(platform, case["id"])) == (409, "event-not-allowed")
    await move(platform, firm, case, "complete")
    for event in ("accept", "review", "propose"):
        case = await move(platform, reviewer, case, event)
    assert case["state"] == "proposed"


async def test_who_does_not_complete_his_case_holds_nobody_up(platform: Any, today: date) -> None:
    call = await published(platform, today, quota=1, rank_by="rule")
    firm, case = await submitted(platform, call)
    reviewer = platform.client("reviewer")
    await move(platform, reviewer, case, "return", note="请补正证明材料")
    _, other = await in_review(platform, call)
    await judged(platform, case["id"], 90)
    await judged(platform, other["id"], 80)
    data = {"without_returned": True}
    bare = await try_deed(platform, call, "rank", "reviewer", data=data)
    assert bare.json()["errors"][0]["code"] == "reason-required"
    strange = await try_deed(platform, call, "rank", "reviewer", data={"without": True})
    assert strange.status_code == 422
    call = await deed(platform, call, "rank", "reviewer", data=data, note="逾期未补正")

    assert await places(platform, call) == {other["id"]: (True, False)}
    assert (await propose(platform, other["id"])).status_code == 200
    # Completed after all, it is ranked behind the place that is held.
    await move(platform, firm, case, "complete")
    call = await deed(platform, call, "rank", "reviewer")
    assert await places(platform, call) == {
        case["id"]: (False, False), other["id"]: (True, True),
    }  # fmt: skip


async def test_a_returned_case_without_a_score_is_waited_for_or_left_out_with_a_reason(
    platform: Any, today: date
) -> None:
    call = await published(platform, today, rank_by="panel-score")
    _, case = await submitted(platform, call)
    await move(platform, platform.client("reviewer"), case, "return", note="请补正证明材料")
    waits = await try_deed(platform, call, "rank", "reviewer")

    assert code(waits) == (409, "panel-results-missing")
    assert "without_returned" in waits.json()["detail"]
    data = {"without_returned": True}
    call = await deed(platform, call, "rank", "reviewer", data=data, note="逾期未补正")
    assert call["state"] == "ranked"


async def ranked_both_within(platform: Any, call: dict[str, Any], cases: list[str]) -> None:
    """Leave a ranking that gives more places than there are, as an earlier release might have."""
    async with platform.service("policy").sessions() as session, session.begin():
        session.add_all(
            CallRank(
                id=new_id(), call_id=UUID(call["id"]), run=1, case_id=UUID(each), position=1,
                rank_by=None, within=True, held=False, ranked_by="earlier", ranked_at=system_now(),
            )
            for each in cases
        )  # fmt: skip


async def test_of_two_officers_at_the_last_place_one_is_told(platform: Any, today: date) -> None:
    first = platform.client("reviewer")
    second = await known(platform, "places-rival", roles=["reviewer"], department="jxj")
    # Of two places that the stale rankings give, there is one.
    base = await published(platform, today, quota=1)
    _, case = await in_review(platform, base)
    for _ in range(RACES):
        call = await published(platform, today, quota=1)
        cases = await copies(platform, case, 2, call_id=UUID(call["id"]))
        await ranked_both_within(platform, call, [*cases])
        answers = await asyncio.gather(*(
            try_move(platform, who, {"id": each}, "propose", version=case["version"])
            for who, each in zip((first, second), cases, strict=True)
        ))  # fmt: skip

        assert sorted(each.status_code for each in answers) == [200, 409]
        told = next(each for each in answers if each.status_code == 409)
        assert told.json()["code"] == "places-taken"
        assert await held_of(platform, call) == 1


async def held_of(platform: Any, call: dict[str, Any]) -> int:
    async with platform.service("policy").sessions() as session:
        statement = select(Case.id).where(
            Case.call_id == UUID(call["id"]), Case.state == "proposed",
            Case.proposed_outcome == "approve",
        )  # fmt: skip
        return len(list(await session.scalars(statement)))


async def test_a_ranking_and_a_proposal_at_once_leave_one_place_one(
    platform: Any, today: date
) -> None:
    base = await published(platform, today, quota=1)
    _, case = await in_review(platform, base)
    for _ in range(RACES):
        call = await published(platform, today, quota=1)
        ahead, behind = await copies(platform, case, 2, call_id=UUID(call["id"]))
        await judged(platform, ahead, 90)
        await judged(platform, behind, 80)
        call = await deed(platform, call, "rank", "reviewer")
        await judged(platform, behind, 99)
        await asyncio.gather(
            propose(platform, ahead), deed(platform, call, "rank", "approver")
        )  # fmt: skip
        await propose(platform, behind)

        assert await held_of(platform, call) == 1
        states = {each: (await case_now(platform, {"id": each}))["state"] for each in
                  (ahead, behind)}  # fmt: skip
        assert sorted(states.values()) == ["in-review", "proposed"]
