"""Lists by cursor, and changes only of a version that was seen."""

import base64
from typing import Any

import httpx
import orjson
import pytest

from services.kernel.ids import new_id
from tests.kernel.running import Probe, fresh, key

NOTES = "/v1/probe/notes"


@pytest.fixture(scope="module")
async def written(probe: Probe) -> list[str]:
    """Write enough notes for several pages, and give their ids from the newest."""
    made = [(await probe.write()).json()["id"] for _ in range(9)]
    return made[::-1]


async def page(probe: Probe, **parameters: Any) -> dict[str, Any]:
    answer = await probe.client().get(NOTES, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_pages_of_a_list_give_each_row_once_and_end(
    probe: Probe, written: list[str]
) -> None:
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        body = await page(probe, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert seen == written
    last = await page(probe, limit=200)
    while last["next_cursor"]:
        last = await page(probe, limit=200, cursor=last["next_cursor"])
    assert last["items"]


@pytest.mark.usefixtures("written")
async def test_a_row_that_is_written_meanwhile_moves_no_page(
    probe: Probe,
) -> None:
    first = await page(probe, limit=2)
    await probe.write()
    second = await page(probe, limit=2, cursor=first["next_cursor"])
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == 4


async def test_without_a_limit_a_page_has_fifty_rows_at_most(probe: Probe) -> None:
    for _ in range(55):
        await probe.write()
    body = await page(probe)
    assert len(body["items"]) == 50
    assert body["next_cursor"]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000000", "x", "", "1.5", "9" * 30])
async def test_a_limit_outside_its_bounds_is_invalid(probe: Probe, limit: str) -> None:
    answer = await probe.client().get(NOTES, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "query/limit"


@pytest.mark.parametrize("limit", [1, 200])
async def test_the_bounds_themselves_are_allowed(probe: Probe, limit: int) -> None:
    assert len((await page(probe, limit=limit))["items"]) >= 1


def encoded(value: Any, seal: bytes = b"") -> str:
    return base64.urlsafe_b64encode(seal + orjson.dumps(value)).decode().rstrip("=")


async def test_a_cursor_that_we_did_not_give_is_malformed(probe: Probe, written: list[str]) -> None:
    good = (await page(probe, limit=1))["next_cursor"]
    raw = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
    forged = [
        good[:-8],
        good[:4] + ("A" if good[4] != "A" else "B") + good[5:],
        good[:24] + ("A" if good[24] != "A" else "B") + good[25:],
        encoded([written[0]]),
        encoded([written[0]], b"\0" * 12),
        base64.urlsafe_b64encode(raw[:12] + orjson.dumps([str(new_id())])).decode(),
        encoded(["'; DROP TABLE note; --"]),
        encoded([10**15]),
        encoded([]),
        encoded({}),
        "x",
        "é",
        "%00",
        "=" * 40,
    ]
    for cursor in forged:
        answer = await probe.client().get(NOTES, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid"), cursor
    answer = await probe.client().get(NOTES, params={"cursor": "x" * 501})
    assert answer.status_code == 422


async def test_a_cursor_of_another_list_is_malformed(probe: Probe) -> None:
    clients = await probe.platform.client("admin").get("/v1/identity/clients", params={"limit": 1})
    answer = await probe.client().get(NOTES, params={"cursor": clients.json()["next_cursor"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


async def put(probe: Probe, id_: str, **headers: str) -> httpx.Response:
    body = {"name": fresh("changed")}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await probe.client().put(f"{NOTES}/{id_}", json=body, headers=names)


async def test_a_change_needs_the_version_that_was_read(probe: Probe) -> None:
    made = await probe.write()
    id_ = made.json()["id"]
    assert made.headers["etag"] == '"1"'
    assert (await put(probe, id_)).json()["code"] == "version-required"
    changed = await put(probe, id_, If_Match=made.headers["etag"])
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await put(probe, id_, If_Match=made.headers["etag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")
    read = await probe.client().get(f"{NOTES}/{id_}")
    assert (read.headers["etag"], read.json()["name"]) == ('"2"', changed.json()["name"])
    assert (await put(probe, id_, If_Match="*")).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ('"1"', 200),
        ('W/"1"', 200),
        ("1", 200),
        ('"2"', 412),
        ('"01"', 200),
        ('"-1"', 400),
        ('"x"', 400),
        ('""', 400),
        ("", 400),
        ('"1", "2"', 400),
        ('"' + "9" * 5000 + '"', 400),
        ('"1.0"', 400),
    ],
)
async def test_an_if_match_is_our_own_etag_or_refused(
    probe: Probe, given: str, status: int
) -> None:
    id_ = (await probe.write()).json()["id"]
    assert (await put(probe, id_, If_Match=given)).status_code == status


async def test_a_superscript_two_is_no_version(probe: Probe) -> None:
    id_ = (await probe.write()).json()["id"]
    answer = await probe.client().put(
        f"{NOTES}/{id_}", json={"name": "n"}, headers={b"If-Match": b'"\xb2"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "etag-malformed")


async def test_an_event_for_another_version_is_refused(probe: Probe) -> None:
    id_ = (await probe.write()).json()["id"]
    statuses: list[int] = []
    for version in (2, 1, 1):
        body = {"event": "count", "version": version}
        answer = await probe.client().post(f"{NOTES}/{id_}/events", json=body, headers=key())
        statuses.append(answer.status_code)
    assert statuses == [412, 200, 412]
    wrong = {"event": "burn", "version": 2}
    answer = await probe.client().post(f"{NOTES}/{id_}/events", json=wrong, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (409, "event-not-allowed")
