"""Recusal: said by oneself or by an approver, it bars a person's events, and attempts are kept."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.policy.notice_steps import handle, in_notice, object_to
from tests.policy.review_steps import do_step, history_of, id_of, in_review, try_step
from tests.policy.steps import (
    budget,
    client_of,
    code,
    firm_client,
    growing_firm,
    move,
    open_case,
    propose,
    reset_clock,
    set_clock,
    try_move,
)

REASON = "与申请单位负责人系近亲属。"


async def recuse(
    platform: Any, client: Any, case: dict[str, Any], subject: str | None = None, **more: Any
) -> httpx.Response:
    who = platform.client(client) if isinstance(client, str) else client
    return await who.post(
        f"/v1/policy/cases/{case['id']}/recusals", headers=platform.key(),
        json={"subject": subject, "reason": REASON, **more},
    )  # fmt: skip


async def officer(platform: Any, case: dict[str, Any], role: str = "reviewer") -> Any:
    name = f"{role}-of-{case['id'][-12:]}"
    return await client_of(platform, name, roles=[role], department="jxj"), name


async def kept(platform: Any, subject: str, refusal: str) -> int:
    """Count the refused attempts of a person that are on record."""
    query = text(
        "SELECT count(*) FROM audit_entry WHERE outcome = 'refused' AND actor = :actor"
        " AND detail::jsonb ->> 'code' = :code"
    )
    async with platform.service("policy").sessions() as session:
        return await session.scalar(query, {"actor": subject, "code": refusal})


async def submitted(platform: Any) -> dict[str, Any]:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    return await move(platform, firm, await open_case(platform, firm, uscc), "submit")


async def test_whoever_recused_himself_does_nothing_more(platform: Any) -> None:
    case = await submitted(platform)
    person, name = await officer(platform, case)
    seen = (await person.get(f"/v1/policy/cases/{case['id']}")).json()
    assert seen["allowed_events"] == ["accept", "return"]
    answer = await recuse(platform, person, case)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["subject"], answer.json()["declared_by"]) == (name, name)

    seen = (await person.get(f"/v1/policy/cases/{case['id']}")).json()
    assert seen["allowed_events"] == []
    refused = await try_move(platform, person, case, "accept")
    assert code(refused) == (403, "recused")
    assert await kept(platform, name, "recused") == 1
    assert code(await recuse(platform, person, case)) == (409, "already-recused")
    await move(platform, platform.client("reviewer"), case, "accept")

    row = next(each for each in await history_of(platform, case) if each["event"] == "recused")
    assert (row["from_state"], row["to_state"], row["note"]) == ("submitted", "submitted", "")
    assert name not in str(row["data"])


async def test_an_approver_recuses_another_and_nobody_else_does(platform: Any) -> None:
    case = await submitted(platform)
    person, name = await officer(platform, case)
    refused = await recuse(platform, "reviewer", case, name)
    assert code(refused) == (403, "recusal-of-another")
    assert (await recuse(platform, "approver", case, name)).status_code == 201
    assert code(await try_move(platform, person, case, "accept")) == (403, "recused")
    listed = (await person.get(f"/v1/policy/cases/{case['id']}/recusals")).json()["items"]
    assert [(each["subject"], each["declared_by"], each["reason"]) for each in listed] == [
        (name, "approver", REASON)
    ]
    for client in ("firm", "treasurer", "registrar"):
        assert (await recuse(platform, client, case)).status_code == 403, client
    assert (await recuse(platform, "reviewer-b", case)).status_code == 404
    assert code(await recuse(platform, "approver", case, reason=" ")) == (422, "invalid")


async def test_a_recused_approver_does_not_decide(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    person, _ = await officer(platform, case, "approver")
    await recuse(platform, person, case)
    refused = await try_move(platform, person, case, "decide", data={"outcome": "approve"})
    assert code(refused) == (403, "recused")


async def test_the_recused_end_no_step_and_handle_no_objection(platform: Any) -> None:
    case, _ = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review")
    person, _ = await officer(platform, case)
    await recuse(platform, person, case)
    refused = await try_step(platform, person, case, "department-review", department="jxj")
    assert code(refused) == (403, "recused")

    await set_clock(platform, "2026-11-02T10:00:00+08:00")
    try:
        case, _ = await in_notice(platform)
        objection = (await object_to(platform, case)).json()
        person, _ = await officer(platform, case)
        await recuse(platform, person, case)
        refused = await handle(platform, objection, "dismiss", person)
        assert code(refused) == (403, "recused")
    finally:
        await reset_clock(platform)


async def test_attempts_on_the_case_of_ones_own_firm_are_on_record(platform: Any) -> None:
    case = await submitted(platform)
    uscc = case["applicant"]["id"]
    name = f"kin-{uscc.lower()}"
    kin = await client_of(platform, name, roles=["reviewer", "firm"], uscc=uscc, department="jxj")
    refused = await try_move(platform, kin, case, "accept")
    assert code(refused) == (403, "conflict-of-interest")
    assert await kept(platform, name, "conflict-of-interest") == 1


async def test_of_two_recusals_of_one_person_one_is_kept(platform: Any) -> None:
    case = await submitted(platform)
    answers = await asyncio.gather(
        *(recuse(platform, "approver", case, "somebody") for _ in range(4))
    )
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    async with platform.service("policy").sessions() as session:
        with pytest.raises(DBAPIError):
            await session.execute(
                text("DELETE FROM recusal WHERE case_id = :id"), {"id": id_of(case)}
            )
