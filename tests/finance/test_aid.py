import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from services.finance import reactions
from services.finance.aid.actions import withdraw_aid
from services.finance.aid.models import Aid
from services.kernel.actors import Actor, Role
from services.kernel.errors import Forbidden
from services.kernel.unit import commit
from tests.conftest import TestPlatform
from tests.finance.steps import NOW, award, budget, end, fresh, hear, paid, proposal, reserve


def aid_body(platform: TestPlatform, **changes: Any) -> dict[str, Any]:
    programme = fresh("upper")
    return {
        "beneficiary": {"kind": "firm", "id": platform.uscc("firm")},
        "matter": {"kind": "project", "id": fresh("matter")},
        "level": "ningbo",
        "programme": programme,
        "amount_fen": 30_000_000,
        "paid_on": "2026-05-01",
        "document": "甬经信〔2026〕1号",
        **changes,
    }


async def declare(
    platform: TestPlatform, client: str = "treasurer", **changes: Any
) -> httpx.Response:
    return await platform.client(client).post(
        "/v1/finance/aid", json=aid_body(platform, **changes), headers=platform.key()
    )


async def test_declared_aid_is_on_the_statement_of_its_firm(platform: TestPlatform) -> None:
    declared = await declare(platform)
    assert declared.status_code == 201
    aid = declared.json()
    assert aid["stacking_group"] == aid["programme"]
    assert aid["matter"].keys() == {"kind", "id"}
    statement = await platform.client("firm").get("/v1/finance/aid")
    assert aid["id"] in [each["id"] for each in statement.json()["items"]]
    assert all(
        each["beneficiary"]["id"] == platform.uscc("firm") for each in statement.json()["items"]
    )


async def test_a_firm_knows_nothing_of_anothers_aid(platform: TestPlatform) -> None:
    aid = (await declare(platform)).json()
    foreign = platform.client("firm-b")
    assert (await foreign.get(f"/v1/finance/aid/{aid['id']}")).status_code == 404
    query = {"beneficiary": platform.uscc("firm")}
    listed = await foreign.get("/v1/finance/aid", params=query)
    assert (listed.status_code, listed.json()["items"]) == (200, [])


async def test_a_firm_is_known_by_its_canonical_code(platform: TestPlatform) -> None:
    uscc = platform.uscc("firm")
    written = f" {uscc[:8].lower()} {uscc[8:].lower()} ".translate(
        {ord(c): ord(c) + 0xFEE0 for c in "0123456789"}
    )
    declared = await declare(platform, beneficiary={"kind": "firm", "id": written})
    assert declared.json()["beneficiary"]["id"] == uscc
    query = {"beneficiary": uscc.lower()}
    found = await platform.client("auditor").get("/v1/finance/aid", params=query)
    assert declared.json()["id"] in [each["id"] for each in found.json()["items"]]


async def test_the_same_aid_is_declared_once(platform: TestPlatform) -> None:
    body = aid_body(platform)
    client = platform.client("treasurer")
    first = await client.post("/v1/finance/aid", json=body, headers=platform.key())
    again = await client.post(
        "/v1/finance/aid", json={**body, "amount_fen": 1}, headers=platform.key()
    )
    assert (again.status_code, again.json()["code"]) == (409, "aid-exists")
    assert again.headers["location"] == f"/v1/finance/aid/{first.json()['id']}"
    assert first.json()["id"] in again.json()["detail"]


async def test_the_same_aid_declared_at_once_is_declared_once(platform: TestPlatform) -> None:
    body = aid_body(platform)

    async def send(number: int) -> int:
        client = platform.client(("treasurer", "treasurer-b")[number % 2])
        changed = {**body, "stacking_group": f"group-{number}"}
        answer = await client.post("/v1/finance/aid", json=changed, headers=platform.key())
        return answer.status_code

    codes = await asyncio.gather(*(send(number) for number in range(6)))
    assert sorted(codes) == [201, 409, 409, 409, 409, 409]


async def test_a_declaration_waits_for_the_reservation_of_the_same_matter(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    body = aid_body(platform)
    proposed = proposal(programme, 600, beneficiary=body["beneficiary"], matter=body["matter"])
    async with platform.service("finance").sessions() as session:
        await reactions.reserve_award(session, proposed, NOW)
        waiting = asyncio.create_task(declare(platform, **body))
        other = await declare(platform, "treasurer-b")
        await asyncio.sleep(0.3)
        assert other.status_code == 201, "another matter waits for nobody"
        assert not waiting.done()
        await commit(session)
    assert (await waiting).status_code == 201


async def test_withdrawn_aid_stays_and_can_be_declared_anew(platform: TestPlatform) -> None:
    body = aid_body(platform)
    client = platform.client("treasurer")
    first = (await client.post("/v1/finance/aid", json=body, headers=platform.key())).json()
    path = f"/v1/finance/aid/{first['id']}"
    body_silent = {"event": "withdraw", "version": 1}
    silent = await client.post(f"{path}/events", json=body_silent, headers=platform.key())
    assert silent.status_code == 422
    event = {"event": "withdraw", "version": 1, "note": "登记有误"}
    keyless = await client.post(f"{path}/events", json=event)
    assert (keyless.status_code, keyless.json()["code"]) == (400, "idempotency-key-missing")
    withdrawn = await client.post(f"{path}/events", json=event, headers=platform.key())
    assert withdrawn.json()["state"] == "withdrawn"
    late = {**event, "version": 2}
    again = await client.post(f"{path}/events", json=late, headers=platform.key())
    assert (again.status_code, again.json()["code"]) == (409, "event-not-allowed")
    assert again.json()["detail"] == "补助记录当前状态为“已撤回”，可办理：无。"
    assert (await client.get(path)).json()["state"] == "withdrawn"
    anew = await client.post("/v1/finance/aid", json=body, headers=platform.key())
    assert anew.status_code == 201


async def test_one_matter_is_one_however_it_is_spelled(platform: TestPlatform) -> None:
    body = aid_body(platform, matter={"kind": "year", "period": "2025"})
    client = platform.client("treasurer")
    first = await client.post("/v1/finance/aid", json=body, headers=platform.key())
    assert first.status_code == 201
    body["matter"] = {"kind": "year", "period": " ２０２５　"}
    again = await client.post("/v1/finance/aid", json=body, headers=platform.key())
    assert (again.status_code, again.json()["code"]) == (409, "aid-exists")
    body["matter"] = {"kind": "year", "period": "25"}
    refused = await client.post("/v1/finance/aid", json=body, headers=platform.key())
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/matter/period"]


async def test_aid_that_exists_is_shown_only_to_those_who_may_see_it(
    platform: TestPlatform,
) -> None:
    body = aid_body(platform, level="cixi")
    first = await platform.client("registrar").post(
        "/v1/finance/aid", json=body, headers=platform.key()
    )
    again = await platform.client("registrar-b").post(
        "/v1/finance/aid", json=body, headers=platform.key()
    )
    assert (again.status_code, again.json()["code"]) == (409, "aid-exists")
    assert "location" not in again.headers
    assert first.json()["id"] not in again.text


async def test_a_registrar_withdraws_the_own_level_only(platform: TestPlatform) -> None:
    own = (await declare(platform, "registrar", level="cixi")).json()
    assert own["allowed_events"] == ["withdraw"]
    async with platform.service("finance").sessions() as session:
        registrar = await session.scalar(select(Aid.declared_by).where(Aid.id == UUID(own["id"])))
        actor = Actor(
            subject=str(registrar),
            client_id="registrar",
            roles=frozenset({Role.REGISTRAR}),
            department=own["department"],
            town_code="330282001",
        )
        with pytest.raises(Forbidden) as refused:
            await withdraw_aid(session, actor, UUID(own["id"]), 1, "登记有误", now=NOW)
    assert refused.value.code == "level-not-own"


async def test_a_withdrawal_waits_for_the_reservation_of_the_same_matter(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    aid = (await declare(platform)).json()
    proposed = proposal(programme, 600, beneficiary=aid["beneficiary"], matter=aid["matter"])
    event = {"event": "withdraw", "version": 1, "note": "登记有误"}
    path = f"/v1/finance/aid/{aid['id']}/events"
    async with platform.service("finance").sessions() as session:
        await reactions.reserve_award(session, proposed, NOW)
        client = platform.client("treasurer")
        waiting = asyncio.create_task(client.post(path, json=event, headers=platform.key()))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await commit(session)
    assert (await waiting).status_code == 200


async def test_aid_is_never_deleted(platform: TestPlatform) -> None:
    aid = (await declare(platform)).json()
    answer = await platform.client("treasurer").delete(f"/v1/finance/aid/{aid['id']}")
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"matter": {"kind": "project"}}, "matter-one-of"),
        ({"matter": {"kind": "year"}}, "matter-period"),
        ({"matter": {"kind": "year", "period": "2025-06"}}, "matter-period"),
        ({"matter": {"kind": "year", "id": "1", "period": "2025"}}, "matter-one-of"),
        ({"level": "galactic"}, "enum"),
        ({"amount_fen": 0}, "greater-than-equal"),
        ({"beneficiary": {"kind": "firm", "id": "91330282MA00T35T2M"}}, "uscc-invalid"),
        ({"paid_on": "yesterday"}, "date-format"),
        ({"paid_on": 0}, "date-format"),
        ({"paid_on": "2026-05-01T00:00:00"}, "date-format"),
        ({"paid_on": "2199-12-31"}, "date-in-future"),
        ({"relation": "matches"}, "extra-forbidden"),
    ],
)
async def test_bad_aid_is_refused_by_field(
    platform: TestPlatform, changes: dict[str, Any], code: str
) -> None:
    answer = await declare(platform, **changes)
    assert answer.status_code == 422
    assert code in [error["code"] for error in answer.json()["errors"]]


async def test_a_registrar_declares_the_own_level_only(platform: TestPlatform) -> None:
    foreign = await declare(platform, "registrar")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "level-not-own")
    own = await declare(platform, "registrar", level="cixi")
    assert own.status_code == 201
    seen = await platform.client("registrar").get("/v1/finance/aid")
    assert own.json()["id"] in [each["id"] for each in seen.json()["items"]]
    other = await platform.client("registrar-b").get(f"/v1/finance/aid/{own.json()['id']}")
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("client", "reads", "declares"),
    [
        ("treasurer", 200, 201),
        ("auditor", 200, 403),
        ("reviewer", 200, 403),
        ("firm", 200, 403),
        ("approver", 403, 403),
        ("bank", 403, 403),
        ("institution", 403, 403),
        ("steward", 403, 403),
        ("admin", 403, 403),
        ("public", 401, 401),
    ],
)
async def test_aid_is_for_those_who_handle_it(
    platform: TestPlatform, client: str, reads: int, declares: int
) -> None:
    assert (await platform.client(client).get("/v1/finance/aid")).status_code == reads
    assert (await declare(platform, client)).status_code == declares


async def test_our_own_award_is_in_the_aid_ledger_from_its_reservation_on(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    granted = await award(platform, programme, 600)
    let_go = await reserve(platform, proposal(programme, 100))
    await hear(platform, end(let_go.case_id, "withdrawn"))
    assert await _own(platform, granted.id) == ("cixi", "awarded", 600, None)
    assert await _own(platform, let_go.id) == ("cixi", "void", 100, None)
    await paid(platform, granted)
    assert await _own(platform, granted.id) == ("cixi", "paid", 600, "慈财企〔2026〕12号")


async def test_what_was_granted_counts_as_one_entry_a_case(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    first = proposal(programme, 600)
    await reserve(platform, first)
    again = await reserve(platform, first.model_copy(update={"attempt": 2, "amount_fen": 500}))
    async with platform.service("finance").sessions() as session:
        rows = await session.scalar(
            select(func.count()).select_from(Aid).where(Aid.award_id == again.id)
        )
    assert rows == 1
    assert await _own(platform, again.id) == ("cixi", "reserved", 500, None)


async def _own(platform: TestPlatform, award_id: Any) -> tuple[str, str, int, str | None]:
    async with platform.service("finance").sessions() as session:
        row = await session.scalar(select(Aid).where(Aid.award_id == award_id))
    assert row is not None
    return row.level, row.state, row.amount_fen, row.document
