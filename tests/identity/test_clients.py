"""Clients: registered and moved by administrators, seen by auditors, with two secrets at most."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from services.identity.clients import rules
from services.kernel.errors import Conflict
from tests.conftest import TestPlatform
from tests.identity.steps import (
    CLIENTS,
    ask,
    claims_of,
    fresh,
    move,
    register,
    status_with,
    token_of,
)

ROLES = (
    "firm",
    "registrar",
    "reviewer",
    "approver",
    "treasurer",
    "auditor",
    "bank",
    "institution",
    "steward",
    "mobile",
    "admin",
)
READERS, WRITERS = {"admin", "auditor"}, {"admin"}


async def test_a_secret_is_told_once_and_kept_as_a_hash(platform: TestPlatform) -> None:
    made = await register(platform)
    assert len(made["client_secret"]) >= 40
    admin = platform.client("admin")
    read = await admin.get(f"{CLIENTS}/{made['id']}")
    assert (read.status_code, read.json()["client_secret"]) == (200, None)
    assert read.headers["etag"] == '"1"'
    listed = await admin.get(CLIENTS, params={"limit": 200})
    assert made["client_secret"] not in listed.text
    async with platform.service("identity").sessions() as session:
        for table in ("client_secret", "stored_answer", "audit_entry", "outbox"):
            rows = await session.execute(text(f"SELECT t::text FROM {table} t"))  # noqa: S608
            assert made["client_secret"] not in "".join(row[0] for row in rows), table


async def test_a_repeat_under_one_key_is_a_conflict_because_a_secret_is_not_told_twice(
    platform: TestPlatform,
) -> None:
    new = {"client_id": fresh("once"), "name": "x", "scopes": []}
    header = platform.key()
    answers = [
        await platform.client("admin").post(CLIENTS, json=new, headers=header) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [201, 409]
    assert answers[1].json()["code"] == "client-exists"


async def test_of_many_who_register_one_name_at_once_one_succeeds(platform: TestPlatform) -> None:
    new = {"client_id": fresh("race"), "name": "x", "scopes": []}
    answers = await asyncio.gather(
        *(platform.client("admin").post(CLIENTS, json=new) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": ["firm"]}, "bearing-required"),
        ({"roles": ["bank"]}, "bearing-required"),
        ({"roles": ["institution"]}, "bearing-required"),
        ({"roles": ["admin", "reviewer"]}, "roles-incompatible"),
        ({"roles": ["system"]}, "invalid"),
        ({"roles": ["public"]}, "invalid"),
        ({"scopes": ["everything"]}, "invalid"),
        ({"scopes": ["policy:admin"]}, "invalid"),
        ({"client_id": "UPPER"}, "invalid"),
        ({"client_id": "a b"}, "invalid"),
        ({"client_id": "person:abc"}, "invalid"),
        ({"state": "active"}, "invalid"),
        ({"version": 9}, "invalid"),
        ({"id": "01a2068f-5bca-7014-8736-c6d56d46a497"}, "invalid"),
    ],
)
async def test_a_client_that_may_not_be_is_refused(
    platform: TestPlatform, changes: dict[str, Any], code: str
) -> None:
    new = {"client_id": fresh("odd"), "name": "x", "scopes": [], **changes}
    answer = await platform.client("admin").post(CLIENTS, json=new)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_who_may_see_and_change_clients_keys_and_providers(platform: TestPlatform) -> None:
    made = await register(platform)
    for name in ROLES:
        client = platform.client(name)
        reads = [
            await client.get(CLIENTS),
            await client.get(f"{CLIENTS}/{made['id']}"),
            await client.get("/v1/identity/keys"),
            await client.get("/v1/identity/issuers"),
        ]
        expected = 200 if name in READERS else 403
        assert [a.status_code for a in reads] == [expected] * 4, name
        if name in WRITERS:
            continue
        writes = [
            await client.post(CLIENTS, json={}),
            await client.post(f"{CLIENTS}/{made['id']}/events", json={}),
            await client.post(f"{CLIENTS}/{made['id']}/secrets"),
            await client.post("/v1/identity/keys/rotations"),
            await client.post("/v1/identity/issuers", json={}),
        ]
        assert [a.status_code for a in writes] == [403] * 5, name
    public = platform.client("public")
    assert (await public.get(CLIENTS)).status_code == 401
    assert (await public.post(CLIENTS, json={})).status_code == 401


async def test_a_suspended_client_gets_no_token_and_those_it_holds_stop_counting(
    platform: TestPlatform,
) -> None:
    made = await register(platform)
    path, token = f"{CLIENTS}/{made['id']}", await token_of(platform, made)
    assert await status_with(platform, token) == 200
    began = time.monotonic()
    moved = await move(platform, path, "suspend")
    assert (moved.status_code, moved.json()["state"]) == (200, "suspended")
    await platform.settle()
    assert await status_with(platform, token) == 401
    assert time.monotonic() - began < 5
    secret = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    assert (await ask(platform, **secret)).status_code == 401
    assert (await move(platform, path, "resume", version=2)).json()["state"] == "active"
    # A token of the very second of the change counts, and none from before it.
    fresh_token = await token_of(platform, made)
    await platform.settle()
    assert await status_with(platform, fresh_token) == 200
    assert await status_with(platform, token) == 401


async def test_tokens_count_from_a_second_of_their_own_after_each_change(
    platform: TestPlatform,
) -> None:
    made = await register(platform)
    path, tokens = f"{CLIENTS}/{made['id']}", list[str]()
    for version in (1, 3):
        tokens.append(await token_of(platform, made))
        await move(platform, path, "suspend", version=version)
        await move(platform, path, "resume", version=version + 1)
    tokens.append(await token_of(platform, made))
    await platform.settle()
    assert [await status_with(platform, t) for t in tokens] == [401, 401, 200]
    issued = [claims_of(t)["iat"] for t in tokens]
    assert issued == sorted(set(issued))


async def test_a_move_is_checked_for_version_and_state(platform: TestPlatform) -> None:
    made = await register(platform)
    path = f"{CLIENTS}/{made['id']}"
    assert (await move(platform, path, "suspend", version=2)).status_code == 412
    early = await move(platform, path, "resume")
    assert (early.status_code, early.json()["code"]) == (409, "event-not-allowed")
    assert "suspend" in early.json()["detail"]
    assert (await move(platform, path, "burn")).status_code == 422
    at_once = await asyncio.gather(*(move(platform, path, "suspend") for _ in range(4)))
    assert sorted(a.status_code for a in at_once) == [200, 412, 412, 412]
    missing = f"{CLIENTS}/01a2068f-5bca-7014-8736-c6d56d46a497"
    assert (await move(platform, missing, "suspend")).status_code == 404


async def test_a_client_has_two_secrets_at_most_so_that_it_can_change_over(
    platform: TestPlatform,
) -> None:
    made = await register(platform)
    secrets = [made["client_secret"]]
    for _ in range(2):
        answer = await platform.client("admin").post(f"{CLIENTS}/{made['id']}/secrets")
        assert answer.status_code == 201
        secrets.append(answer.json()["client_secret"])
        counted = [
            (await ask(platform, client_id=made["client_id"], client_secret=s)).status_code
            for s in secrets
        ]
        assert counted == [200, 200] if len(secrets) == 2 else [401, 200, 200]


async def test_every_change_of_a_client_is_recorded(platform: TestPlatform) -> None:
    made = await register(platform)
    await platform.client("admin").post(f"{CLIENTS}/{made['id']}/secrets")
    await move(platform, f"{CLIENTS}/{made['id']}", "suspend")
    async with platform.service("identity").sessions() as session:
        rows = await session.execute(
            text("SELECT action FROM audit_entry WHERE thing_id = :i ORDER BY id"),
            {"i": made["id"]},
        )
        assert [row.action for row in rows] == [
            "client.register",
            "client.secret.add",
            "client.secret.add",
            "client.suspend",
        ]


@pytest.mark.parametrize("state", list(rules.ClientState))
@pytest.mark.parametrize("event", ["suspend", "resume", "other"])
def test_only_what_the_table_allows_moves_a_client(state: rules.ClientState, event: str) -> None:
    if (state, event) in rules.NEXT:
        assert rules.move(state, event) is not state
        return
    with pytest.raises(Conflict):
        rules.move(state, event)


def test_a_secret_matches_its_own_hash_only() -> None:
    one, other = rules.make_secret(), rules.make_secret()
    digests = [rules.secret_digest(one), rules.secret_digest(other)]
    assert rules.secret_matches(one, digests)
    assert rules.secret_matches(other, digests)
    assert not rules.secret_matches(one[:-1], digests)
    assert not rules.secret_matches("", [])
    assert not rules.secret_matches(one, [])
