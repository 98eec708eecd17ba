"""Publishing and reading lists."""

from typing import Any

import pytest

from services.enterprise.contract.events import LIST_PART_ITEMS_MAX
from services.enterprise.lists.rules import in_parts
from services.kernel.ids import new_id
from services.launch.city.uscc import make_uscc
from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    FIRMS,
    LISTS,
    announced,
    audited,
    fresh_uscc,
    own_firm,
    problem,
    registered,
)


def fresh_list() -> str:
    return f"test-{new_id().hex[-12:]}"


def version(*usccs: str, **changes: Any) -> dict[str, Any]:
    return {
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "complete": True,
        "document": "示范清单〔2026〕1号",
        "items": [{"uscc": uscc} for uscc in usccs],
        "synthetic": True,
    } | changes


async def published(platform: TestPlatform, list_id: str, body: dict[str, Any]) -> str:
    answer = await platform.client("registrar").post(f"{LISTS}/{list_id}/versions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


async def test_a_version_is_published_whole_and_announced(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    list_id, uscc, unregistered = fresh_list(), await registered(platform), fresh_uscc()
    items = [{"uscc": uscc.lower(), "rank": 1, "amount_fen": 500}, {"uscc": unregistered}]
    answer = await registrar.post(f"{LISTS}/{list_id}/versions", json=version(items=items))

    assert answer.status_code == 201
    made = answer.json()
    assert made["item_count"] == 2
    assert made["statement_id"] == made["version_id"]
    (event,) = await announced(platform, f"list:{list_id}")
    assert event["usccs"] == [uscc, unregistered]
    assert (event["complete"], event["part"], event["parts"]) == (True, 1, 1)
    assert event["version_id"] == made["version_id"]
    shown = await registrar.get(f"{answer.headers['Location']}/items")
    assert shown.json()["items"] == [
        {"uscc": uscc, "rank": 1, "amount_fen": 500},
        {"uscc": unregistered},
    ]
    assert (await registrar.get(answer.headers["Location"])).json()["item_count"] == 2
    file = (await registrar.get(f"{FIRMS}/{uscc}")).json()
    assert [(m["list"], m["data"]["rank"]) for m in file["lists"]] == [(list_id, 1)]
    assert await audited(platform, "list.publish", list_id) == 1


async def test_versions_stand_side_by_side_newest_first(platform: TestPlatform) -> None:
    list_id = fresh_list()
    await published(platform, list_id, version(fresh_uscc()))
    await published(platform, list_id, version(complete=False, valid_to=None))
    answer = await platform.client("reviewer").get(LISTS, params={"limit": "200"})

    (mine,) = [each for each in answer.json()["items"] if each["list"] == list_id]
    assert [(v["item_count"], v["complete"], v["valid_to"]) for v in mine["versions"]] == [
        (0, False, None),
        (1, True, "2026-12-31"),
    ]


async def test_wrong_and_repeated_items_are_named_by_their_number(platform: TestPlatform) -> None:
    list_id, uscc = fresh_list(), fresh_uscc()
    body = version(uscc, "91330282671205242X", f" {uscc.lower()}")
    answer = await platform.client("registrar").post(f"{LISTS}/{list_id}/versions", json=body)

    assert answer.status_code == 422
    errors = [(e["pointer"], e["code"]) for e in answer.json()["errors"]]
    assert errors == [
        ("/items/1/uscc", "uscc-check-digit"),
        ("/items/2/uscc", "item-duplicate"),
    ]
    assert answer.json()["errors"][1]["detail"] == "第3项：与第1项重复。"
    assert await announced(platform, f"list:{list_id}") == []


@pytest.mark.parametrize(
    "change",
    [
        {"complete": "yes"},
        {"valid_to": "2025-12-31"},
        {"valid_from": None},
        {"items": [{}]},
        {"items": [{"uscc": "91330282671205242Y", "nested": {"a": 1}}]},
        {"items": [{"uscc": "91330282671205242Y", "share": 0.5}]},
        {"colour": "red"},
    ],
)
async def test_a_version_of_another_shape_is_refused(
    platform: TestPlatform, change: dict[str, Any]
) -> None:
    answer = await platform.client("registrar").post(
        f"{LISTS}/{fresh_list()}/versions", json=version() | change
    )

    assert answer.status_code == 422


async def test_a_list_id_is_plain(platform: TestPlatform) -> None:
    for wrong in ("A", "a", "中文", "a_b", "a" * 65):
        answer = await platform.client("registrar").post(
            f"{LISTS}/{wrong}/versions", json=version()
        )
        assert answer.status_code == 422, wrong


async def test_a_department_publishes_its_own_lists_only(platform: TestPlatform) -> None:
    list_id = fresh_list()
    other = platform.client("registrar-b")
    refused = await other.post(f"{LISTS}/{list_id}/versions", json=version())
    assert problem(refused) == (403, "fact-not-owned")

    await published(platform, list_id, version())
    refused = await other.post(f"{LISTS}/{list_id}/versions", json=version())
    assert problem(refused) == (403, "list-not-owned")


async def test_a_firm_sees_the_lists_it_is_on_and_of_those_itself(platform: TestPlatform) -> None:
    mine, firm = await own_firm(platform), platform.client("firm")
    on, off = fresh_list(), fresh_list()
    named = await published(platform, on, version(fresh_uscc(), mine, fresh_uscc()))
    unnamed = await published(platform, off, version(fresh_uscc()))

    listed = [e["list"] for e in (await firm.get(f"{LISTS}?limit=200")).json()["items"]]
    assert on in listed
    assert off not in listed
    assert (await firm.get(f"{named}/items")).json()["items"] == [{"uscc": mine}]
    assert (await firm.get(f"{unnamed}/items")).status_code == 404


async def test_everybody_sees_what_is_public_and_nothing_else(platform: TestPlatform) -> None:
    public, client = fresh_list(), platform.client("public")
    uscc = fresh_uscc()
    shown = await published(platform, public, version(uscc, public=True))
    hidden = await published(platform, public, version(uscc))

    (mine,) = [
        each
        for each in (await client.get(f"{LISTS}?limit=200")).json()["items"]
        if each["list"] == public
    ]
    assert [v["public"] for v in mine["versions"]] == [True]
    assert (await client.get(f"{shown}/items")).json()["items"] == [{"uscc": uscc}]
    assert (await client.get(f"{hidden}/items")).status_code == 404
    assert (await platform.client("firm-b").get(f"{shown}/items")).status_code == 200


@pytest.mark.parametrize("client", ["bank", "institution", "steward"])
async def test_who_has_no_part_in_lists_reads_none(platform: TestPlatform, client: str) -> None:
    assert problem(await platform.client(client).get(LISTS)) == (403, "role-required")


async def test_items_come_in_pages(platform: TestPlatform) -> None:
    usccs = [fresh_uscc() for _ in range(5)]
    path = await published(platform, fresh_list(), version(*usccs))
    registrar = platform.client("auditor")
    first = (await registrar.get(f"{path}/items?limit=3")).json()
    rest = await registrar.get(f"{path}/items", params={"cursor": first["next_cursor"]})

    assert [each["uscc"] for each in first["items"] + rest.json()["items"]] == usccs


async def test_a_long_list_is_announced_in_parts(platform: TestPlatform) -> None:
    list_id = fresh_list()
    usccs = [make_uscc("330283", n) for n in range(LIST_PART_ITEMS_MAX + 1)]
    await published(platform, list_id, version(*usccs))

    events = await announced(platform, f"list:{list_id}")
    assert [(e["part"], e["parts"], len(e["usccs"])) for e in events] == [
        (1, 2, LIST_PART_ITEMS_MAX),
        (2, 2, 1),
    ]
    assert [u for e in events for u in e["usccs"]] == usccs


def test_an_empty_list_is_one_part() -> None:
    assert list(in_parts([])) == [(1, 1, ())]
