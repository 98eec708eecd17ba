"""Bindings: a firm lets its own people act for it, and no other's."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import TestPlatform
from tests.identity.steps import BINDINGS, Provider, bind, exchange, fresh, move, register

ROLES = (
    "registrar",
    "reviewer",
    "approver",
    "treasurer",
    "bank",
    "institution",
    "steward",
    "mobile",
)
UNKNOWN = "01a2068f-5bca-7014-8736-c6d56d46a497"


@pytest.fixture(scope="module")
async def provider(platform: TestPlatform) -> Provider:
    return await Provider().register(platform)


def new(provider: Provider, uscc: str, **changes: Any) -> dict[str, Any]:
    return {"issuer": provider.issuer, "subject": fresh("p"), "uscc": uscc, **changes}


async def test_a_firm_binds_its_own_people_and_sees_its_own_only(
    platform: TestPlatform, provider: Provider
) -> None:
    own, foreign = platform.uscc("firm"), platform.uscc("firm-b")
    firm, other = platform.client("firm"), platform.client("firm-b")
    made = await firm.post(BINDINGS, json=new(provider, own.lower(), kind="agent"))
    assert (made.status_code, made.json()["uscc"], made.json()["kind"]) == (201, own, "agent")
    assert made.headers["location"] == f"{BINDINGS}/{made.json()['id']}"
    refused = await firm.post(BINDINGS, json=new(provider, foreign))
    assert refused.status_code == 404
    path = f"{BINDINGS}/{made.json()['id']}"
    assert (await firm.get(path)).status_code == 200
    assert (await other.get(path)).status_code == 404
    assert (await move(platform, path, "revoke", name="firm-b")).status_code == 404
    seen = (await other.get(BINDINGS, params={"limit": 200})).json()["items"]
    assert {item["uscc"] for item in seen} <= {foreign}
    assert (await move(platform, path, "revoke", name="firm")).status_code == 200


@pytest.mark.parametrize(
    "spelled", ["91330282ma00t35t2n", "９１330282MA00T35T2Ｎ", " 9133 0282MA00T35T2N\t"]
)
async def test_every_spelling_of_a_firm_s_code_means_the_same_firm(
    platform: TestPlatform, provider: Provider, spelled: str
) -> None:
    made = await bind(platform, provider, fresh("p"), spelled)
    assert made["uscc"] == "91330282MA00T35T2N"
    client = await register(platform, roles=["firm"], uscc=spelled)
    assert client["uscc"] == "91330282MA00T35T2N"


async def test_who_else_may_see_and_write_bindings(
    platform: TestPlatform, provider: Provider
) -> None:
    made = await bind(platform, provider, fresh("p"), platform.uscc("firm"))
    path = f"{BINDINGS}/{made['id']}"
    body = new(provider, platform.uscc("firm"))
    assert (await platform.client("auditor").get(path)).status_code == 200
    assert (await platform.client("auditor").post(BINDINGS, json=body)).status_code == 403
    for name in ROLES:
        client = platform.client(name)
        statuses = [
            (await client.get(BINDINGS)).status_code,
            (await client.get(path)).status_code,
            (await client.post(BINDINGS, json=body)).status_code,
            (await move(platform, path, "revoke", name=name)).status_code,
        ]
        assert statuses == [403] * 4, name
    assert (await platform.client("public").get(BINDINGS)).status_code == 401


async def test_a_binding_shows_nobody_s_name(platform: TestPlatform, provider: Provider) -> None:
    person = fresh("zhangsan")
    made = await bind(platform, provider, person, platform.uscc("firm"))
    assert person not in str(made)
    assert made["person"].startswith("person:")
    async with platform.service("identity").sessions() as session:
        for table in ("binding", "audit_entry", "outbox"):
            rows = await session.execute(text(f"SELECT t::text FROM {table} t"))  # noqa: S608
            assert person not in "".join(row[0] for row in rows), table


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"issuer": "https://unknown.example"}, "/issuer"),
        ({"uscc": "short"}, "/uscc"),
        ({"uscc": "91330282MA00T35T2!"}, "/uscc"),
        ({"kind": "owner"}, "/kind"),
        ({"subject": ""}, "/subject"),
        ({"valid_from": "2026-02-30"}, "/valid_from"),
        ({"valid_from": "2026-03-02", "valid_to": "2026-03-01"}, "/valid_to"),
        ({"state": "active"}, "/?"),
        ({"granted_by": "me"}, "/?"),
    ],
)
async def test_a_binding_that_does_not_fit_is_refused(
    platform: TestPlatform, provider: Provider, changes: dict[str, str], pointer: str
) -> None:
    body = {**new(provider, platform.uscc("firm")), **changes}
    answer = await platform.client("admin").post(BINDINGS, json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_a_revoked_binding_stays_revoked(platform: TestPlatform, provider: Provider) -> None:
    made = await bind(platform, provider, fresh("p"), platform.uscc("firm"))
    path = f"{BINDINGS}/{made['id']}"
    assert (await move(platform, path, "revoke", version=2)).status_code == 412
    first = await move(platform, path, "revoke")
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    again = await move(platform, path, "revoke", version=2)
    assert (again.status_code, again.json()["code"]) == (409, "event-not-allowed")
    assert (await move(platform, f"{BINDINGS}/{UNKNOWN}", "revoke")).status_code == 404


async def test_the_bindings_come_in_pages(platform: TestPlatform, provider: Provider) -> None:
    made = [
        (await bind(platform, provider, fresh("p"), platform.uscc("firm-b")))["id"]
        for _ in range(5)
    ]
    client, seen = platform.client("firm-b"), list[str]()
    cursor: dict[str, str] = {}
    for _ in range(20):
        body = (await client.get(BINDINGS, params={"limit": "2", **cursor})).json()
        seen += [item["id"] for item in body["items"]]
        if body["next_cursor"] is None:
            break
        cursor = {"cursor": body["next_cursor"]}
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (["staff"], 403),
        (["agent"], 403),
        (["legal-representative"], 201),
        (["agent", "legal-representative"], 201),
    ],
)
async def test_of_a_firm_s_people_only_its_legal_representative_says_who_acts_for_it(
    platform: TestPlatform, provider: Provider, kinds: list[str], status: int
) -> None:
    uscc, person = platform.uscc("firm"), fresh("p")
    for kind in kinds:
        await bind(platform, provider, person, uscc, kind=kind)
    colleague = await bind(platform, provider, fresh("p"), uscc)
    exchanged = await exchange(platform, provider.token(person), uscc=uscc)
    headers = {"Authorization": f"Bearer {exchanged.json()['access_token']}", **platform.key()}
    public = platform.client("public")

    made = await public.post(BINDINGS, json=new(provider, uscc), headers=headers)
    revoked = await public.post(
        f"{BINDINGS}/{colleague['id']}/events",
        json={"event": "revoke", "version": 1},
        headers={**headers, **platform.key()},
    )
    assert (made.status_code, revoked.status_code) == (status, 200 if status == 201 else 403)
    if status == 403:
        assert made.json()["code"] == "legal-representative-required"
