"""Cases of confidential programmes: there for their applicant and the programme's owners only."""

import itertools
import json
import os
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.policy.plan.actions.load_library import library
from tests.policy.document_steps import decision
from tests.policy.steps import (
    client_of,
    firm_client,
    fresh_uscc,
    publish,
    register,
    state_of_day,
)

SECRET = "key-firm-talent-coverage"
CASES = "/v1/policy/cases"
OUTSIDERS = ("reviewer", "reviewer-town", "approver", "approver-b", "treasurer", "auditor")
_kept: dict[tuple[int, str], httpx.AsyncClient] = {}
_years = itertools.count(2100 + os.getpid() % 40)


async def owner(platform: Any, role: str) -> httpx.AsyncClient:
    """Sign a person of the office that owns the programme in, the same one for the same role."""
    key = (id(platform), role)
    if key not in _kept:
        _kept[key] = await client_of(platform, f"rcb-{role}", roles=[role], department="rcb")
    return _kept[key]


async def secret_case(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Have a firm of the town reviewer's own town begin a case."""
    uscc = fresh_uscc()
    town = platform.credentials.clients["reviewer-town"]["town_code"]
    await register(platform, uscc, town_code=town)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    body = {
        "programme": SECRET, "applicant": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": "2025"},
    }  # fmt: skip
    made = await firm.post(CASES, json=body, headers=platform.key())
    assert made.status_code == 201, made.text
    return made.json(), firm


async def do(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], event: str, **body: Any
) -> dict[str, Any]:
    answer = await client.post(
        f"{CASES}/{case['id']}/events",
        json={"event": event, "version": case["version"], **body}, headers=platform.key(),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ended_case(
    platform: Any, outcome: str = "refuse"
) -> tuple[dict[str, Any], httpx.AsyncClient]:
    case, firm = await secret_case(platform)
    if outcome == "approve":
        uscc = case["applicant"]["id"]
        await publish(platform, "key-talent-firms", [uscc], complete=False)
        await state_of_day(platform, uscc, has_talent_project=False)
        await platform.settle()
    reviewer, approver = await owner(platform, "reviewer"), await owner(platform, "approver")
    data = {"outcome": outcome}
    for who, event, said in (
        (firm, "submit", {}), (reviewer, "accept", {}), (reviewer, "review", {}),
        (reviewer, "propose", data), (approver, "decide", data),
    ):  # fmt: skip
        case = await do(platform, who, case, event, data=said)
    assert case["state"] == {"approve": "closed", "refuse": "refused"}[outcome]
    return case, firm


async def ids(client: httpx.AsyncClient, path: str, **params: Any) -> set[str]:
    answer = await client.get(path, params={"limit": 200, **params})
    assert answer.status_code == 200, answer.text
    return {each["id"] for each in answer.json()["items"]}


def test_the_programme_is_confidential_and_the_talent_office_s() -> None:
    secret = library().programmes[SECRET]
    assert secret.compiled.programme.confidential
    assert secret.department_codes == {"rcb"}


async def test_a_case_is_there_for_its_firm_and_its_office_only(platform: Any) -> None:
    case, firm = await secret_case(platform)
    path = f"{CASES}/{case['id']}"
    for client in (firm, await owner(platform, "reviewer"), await owner(platform, "approver")):
        assert (await client.get(path)).status_code == 200
        assert case["id"] in await ids(client, CASES, programme=SECRET)
    for name in OUTSIDERS:
        client = platform.client(name)
        for part in ("", "/history", "/prefill", "/steps", "/materials"):
            assert (await client.get(path + part)).status_code == 404, (name, part)
        assert case["id"] not in await ids(client, CASES)
        assert case["id"] not in await ids(client, CASES, programme=SECRET)
    own = await owner(platform, "auditor")
    assert (await own.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("name", "event"),
    [("reviewer-town", "accept"), ("reviewer", "accept"), ("approver", "decide")],
)
async def test_an_outsider_cannot_move_what_is_not_there_for_him(
    platform: Any, name: str, event: str
) -> None:
    case, firm = await secret_case(platform)
    await do(platform, firm, case, "submit")
    data = {"outcome": "approve"} if event == "decide" else {}
    answer = await platform.client(name).post(
        f"{CASES}/{case['id']}/events", json={"event": event, "version": 2, "data": data},
        headers=platform.key(),
    )  # fmt: skip
    assert answer.status_code == 404


async def test_its_objections_to_facts_are_hidden_too(platform: Any) -> None:
    case, firm = await secret_case(platform)
    path = f"{CASES}/{case['id']}/fact-objections"
    assert (await firm.get(path)).status_code == 200
    for name in ("reviewer-town", "approver", "auditor"):
        assert (await platform.client(name).get(path)).status_code == 404


async def test_its_decision_and_its_archive_are_in_no_outsiders_list(platform: Any) -> None:
    case, _ = await ended_case(platform)
    reviewer, approver = await owner(platform, "reviewer"), await owner(platform, "approver")
    body = decision(case, "decision-refusal")
    drafted = await reviewer.post("/v1/policy/documents", json=body, headers=platform.key())
    assert drafted.status_code == 201, drafted.text
    document = drafted.json()["id"]
    archive = await approver.post(f"{CASES}/{case['id']}/archive", headers=platform.key())
    assert archive.status_code == 201, archive.text

    assert document in await ids(approver, "/v1/policy/documents")
    assert archive.json()["id"] in await ids(approver, "/v1/policy/archives")
    for name in ("approver", "auditor"):
        client = platform.client(name)
        assert document not in await ids(client, "/v1/policy/documents")
        assert archive.json()["id"] not in await ids(client, "/v1/policy/archives")
        for path in (f"/v1/policy/documents/{document}", f"{CASES}/{case['id']}/archive"):
            assert (await client.get(path)).status_code == 404, path


async def test_its_calls_are_published_to_nobody_else(platform: Any) -> None:
    today = (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    window = {"opens_on": today, "closes_on": today}
    reviewer, approver = await owner(platform, "reviewer"), await owner(platform, "approver")
    body = {"programme": SECRET, "year": next(_years), "window": window}
    call = (await reviewer.post("/v1/policy/calls", json=body)).json()
    path = f"/v1/policy/calls/{call['id']}"
    foreign = await platform.client("approver").post(
        f"{path}/events", json={"event": "publish", "version": 1}
    )
    assert foreign.status_code == 404
    made = await approver.post(f"{path}/events", json={"event": "publish", "version": 1})
    assert made.status_code == 200, made.text

    case, firm = await secret_case(platform)
    assert case["call"] == call["id"]
    for client in (firm, reviewer, approver):
        assert (await client.get(path)).status_code == 200
    other = await firm_client(platform, fresh_uscc())
    for client in (platform.client("public"), other, *map(platform.client, OUTSIDERS)):
        assert (await client.get(path)).status_code == 404
        assert call["id"] not in await ids(client, "/v1/policy/calls", programme=SECRET)
    for part in ("check-draws", "self-evaluation-rounds"):
        assert (await platform.client("auditor").get(f"{path}/{part}")).status_code == 404
        assert (await reviewer.get(f"{path}/{part}")).status_code == 200


@pytest.mark.parametrize("outcome", ["approve", "refuse"])
async def test_nothing_that_is_announced_says_whose_case_it_is(platform: Any, outcome: str) -> None:
    case, _ = await ended_case(platform, outcome)
    query = text("SELECT payload FROM outbox WHERE aggregate = :name")
    async with platform.service("policy").sessions() as session:
        rows = await session.scalars(query, {"name": f"case:{case['id']}"})
        said = [json.loads(each) for each in rows]
    assert said
    for event in said:
        assert case["applicant"]["id"] not in json.dumps(event)
        assert SECRET not in json.dumps(event)
