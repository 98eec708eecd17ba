"""Two officers do the same to one case at once: one is let through, one is told, one event."""

import asyncio
from typing import Any

import httpx
from sqlalchemy import select, text

from services.policy.cases.models import CaseHistory
from tests.faults.report import held, tries
from tests.policy.desk_steps import copies
from tests.policy.steps import (
    budget,
    client_of,
    firm_client,
    growing_firm,
    open_case,
    walk_to_review,
)

TRIES = tries(500, 20)
AT_ONCE = 10
PROPOSED = """
SELECT aggregate, count(*) FROM outbox
WHERE type = 'liangxin.policy.award.proposed.v1' AND aggregate = ANY(:cases) GROUP BY aggregate
"""
RECORDED = """
SELECT thing_id, count(*) FROM audit_entry
WHERE action = 'case.propose' AND outcome = 'done' AND thing_id = ANY(:cases) GROUP BY thing_id
"""


async def race(
    platform: Any, clients: list[httpx.AsyncClient], case: str, version: int
) -> list[int]:
    deed = {"event": "propose", "version": version, "note": "", "data": {}}
    answers = await asyncio.gather(
        *(
            client.post(f"/v1/policy/cases/{case}/events", json=deed, headers=platform.key())
            for client in clients
        )
    )
    return sorted(answer.status_code for answer in answers)


async def test_of_two_reviewers_at_once_one_proposes_and_one_is_told(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    rival = await client_of(platform, "reviewer-rival", roles=["reviewer"], department="jxj")
    clients = [platform.client("reviewer"), rival]
    cases = await copies(platform, case, TRIES)
    answers: list[list[int]] = []
    for first in range(0, TRIES, AT_ONCE):
        some = cases[first : first + AT_ONCE]
        answers += await asyncio.gather(
            *(race(platform, clients, each, case["version"]) for each in some)
        )
    async with platform.service("policy").sessions() as session:
        aggregates = [f"case:{each}" for each in cases]
        told = (await session.execute(text(PROPOSED), {"cases": aggregates})).all()
        recorded = (await session.execute(text(RECORDED), {"cases": cases})).all()
        rows = (
            await session.scalars(
                select(CaseHistory.case_id).where(
                    CaseHistory.case_id.in_(cases), CaseHistory.event == "propose"
                )
            )
        ).all()
    lost = sum(200 not in each for each in answers)
    double = sum(each.count(200) > 1 for each in answers)
    held("C01", "two reviewers at one case", tries=TRIES, lost=lost, double=double,
         note="one 200, one 409, one event, one row of audit")  # fmt: skip

    assert answers == [[200, 409]] * TRIES
    assert {count for _, count in told} == {count for _, count in recorded} == {1}
    assert len(told) == len(recorded) == len(rows) == len(set(rows)) == TRIES
