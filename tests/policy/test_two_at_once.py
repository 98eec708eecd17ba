"""Two officers do the same to one case at once: one is let through, one is told, one event."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from services.policy.cases.models import CaseHistory
from tests.faults.report import held, tries
from tests.policy.desk_steps import copies
from tests.policy.steps import (
    client_of,
    firm_client,
    growing_firm,
    move,
    open_case,
    walk_to_review,
)

TRIES = tries(500, 20)
AT_ONCE = 4
COMES_BACK_MAX = 10
ENDED = """
SELECT aggregate, count(*) FROM outbox
WHERE type = 'liangxin.policy.case.ended.v1' AND aggregate = ANY(:cases) GROUP BY aggregate
"""
RECORDED = """
SELECT thing_id, count(*) FROM audit_entry
WHERE action = :action AND outcome = 'done' AND thing_id = ANY(:cases) GROUP BY thing_id
"""


async def race(
    platform: Any, clients: list[httpx.AsyncClient], case: str, deed: dict[str, Any]
) -> list[int]:
    return sorted(
        await asyncio.gather(*(send(client, case, deed, platform.key()) for client in clients))
    )


async def send(
    client: httpx.AsyncClient, case: str, deed: dict[str, Any], key: dict[str, str]
) -> int:
    """Send a deed; who is asked to come back by a busy machine does so, with the same key."""
    for _ in range(COMES_BACK_MAX):
        answer = await client.post(f"/v1/policy/cases/{case}/events", json=deed, headers=key)
        if answer.status_code != 503:
            return answer.status_code
        await asyncio.sleep(int(answer.headers["Retry-After"]))
    return 503


@pytest.mark.parametrize("event", ["accept", "decide"])
async def test_of_two_at_once_one_is_let_through_and_one_is_told(platform: Any, event: str) -> None:
    """Two reviewers accept; two approvers decide, which is announced."""
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    data: dict[str, Any] = {}
    if event == "accept":
        case = await move(platform, firm, case, "submit")
        rival = await client_of(platform, "reviewer-rival", roles=["reviewer"], department="jxj")
        clients = [platform.client("reviewer"), rival]
    else:
        case = await walk_to_review(platform, firm, case)
        data = {"outcome": "refuse"}
        case = await move(platform, platform.client("reviewer"), case, "propose", data=data)
        clients = [platform.client("approver"), platform.client("approver-b")]
    deed = {"event": event, "version": case["version"], "note": "测试", "data": data}
    cases = await copies(platform, case, TRIES)
    answers: list[list[int]] = []
    for first in range(0, TRIES, AT_ONCE):
        some = cases[first : first + AT_ONCE]
        answers += await asyncio.gather(*(race(platform, clients, each, deed) for each in some))
    told, recorded, rows = await _found(platform, cases, event)
    lost = sum(200 not in each for each in answers)
    double = sum(each.count(200) > 1 for each in answers)
    held("C01", f"two officers {event} one case", tries=TRIES, lost=lost, double=double,
         note="one 200, one 409, one row of audit, one event")  # fmt: skip

    assert answers == [[200, 409]] * TRIES
    assert recorded == dict.fromkeys(cases, 1)
    assert sorted(rows) == sorted(cases)
    assert told == ({f"case:{each}": 1 for each in cases} if event == "decide" else {})


async def _found(
    platform: Any, cases: list[str], event: str
) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Count by case what was announced, what is in the audit, and what is in the history."""
    async with platform.service("policy").sessions() as session:
        aggregates = [f"case:{each}" for each in cases]
        told = await session.execute(text(ENDED), {"cases": aggregates})
        asked = {"cases": cases, "action": f"case.{event}"}
        recorded = await session.execute(text(RECORDED), asked)
        rows = await session.scalars(
            select(CaseHistory.case_id).where(
                CaseHistory.case_id.in_(cases), CaseHistory.event == event
            )
        )
        return (
            {row[0]: row[1] for row in told},
            {row[0]: row[1] for row in recorded},
            [str(each) for each in rows],
        )
