"""Too large, too often, too many at once, too slow: each has its own answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway import refusals
from gateway.backends import Backend, InMemory
from gateway.paths import IMPORTS
from tests.gateway.conftest import Open, until
from tests.gateway.upstreams import FIRST, Upstream

KIB = 1024
SIZES = {"body_bytes_max": 64 * KIB, "import_body_bytes_max": 512 * KIB}


async def pieces(total: int) -> AsyncIterator[bytes]:
    """Give a body without a length, which is therefore sent in chunks."""
    for _ in range(total // (16 * KIB)):
        yield b"x" * (16 * KIB)


async def test_a_body_that_says_it_is_too_large_is_not_read(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": backend}, **SIZES)
    answer = await client.post("/v1/enterprise/firms", content=b"x" * (65 * KIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert answer.json()["title"] == "内容过大"
    assert not upstream.calls


async def test_a_chunked_body_is_counted_while_it_streams(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": backend}, **SIZES)
    english = {"Accept-Language": "en"}
    answer = await client.post("/v1/enterprise/wait", content=pieces(4096 * KIB), headers=english)
    assert (answer.status_code, answer.json()["title"]) == (413, "Content too large")
    assert answer.headers["connection"] == "close"
    assert upstream.finished["echo"] == 0
    again = await client.post("/v1/enterprise/echo", content=pieces(64 * KIB))
    assert again.json()["body_bytes"] == 64 * KIB


async def test_an_import_may_be_larger(backend: Backend, open_gateway: Open) -> None:
    client = await open_gateway({"enterprise": backend}, **SIZES)
    answer = await client.post("/v1/enterprise/imports?kind=firms", content=pieces(512 * KIB))
    assert answer.json()["body_bytes"] == 512 * KIB
    answer = await client.post("/v1/enterprise/imports?kind=firms", content=pieces(528 * KIB))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/enterprise/firms", "请求体超过1 MiB的上限；批量数据请用 /v1/enterprise/imports。"),
        ("/v1/identity/clients", "请求体超过1 MiB的上限。"),
        ("/v1/policy/cases/imports", "导入文件超过1 MiB的上限，请拆分。"),
        (
            "/v1/policy/cases/7/evidence",
            "文件超过1 MiB的上限；请压缩图片或分成几个文件后重新上传。",
        ),
    ],
)
async def test_what_is_too_large_is_told_by_its_kind(
    backend: Backend, open_gateway: Open, path: str, told: str
) -> None:
    services = {path.split("/")[2]: backend}
    client = await open_gateway(
        services, body_bytes_max=1024 * KIB, import_body_bytes_max=1024 * KIB,
        upload_body_bytes_max=1024 * KIB,
    )  # fmt: skip
    answer = await client.post(path, content=b"x" * (1025 * KIB))
    assert (answer.status_code, answer.json()["detail"]) == (413, told)


def test_the_imports_that_a_refusal_names_are_those_that_there_are() -> None:
    document = json.loads((Path(refusals.__file__).parent / "openapi.json").read_bytes())
    named = {path for paths in IMPORTS.values() for path in paths}
    assert named == {path for path in document["paths"] if path.endswith("/imports")}


async def test_anonymous_callers_are_limited_by_address(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)}, anonymous_per_minute=3)
    statuses = [(await client.get("/v1/policy/measures")).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = await client.get("/v1/policy/measures")
    assert refused.json()["code"] == "rate-limited"
    assert refused.json()["title"] == "请求过于频繁"
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert (await client.get("/livez")).status_code == 200


async def test_a_token_that_a_service_accepted_has_its_own_allowance(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway(
        {"policy": InMemory(upstream)}, anonymous_per_minute=2, authenticated_per_minute=4
    )
    good = {"Authorization": "Bearer good"}
    statuses = [(await client.get("/v1/policy/cases", headers=good)).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_made_up_tokens_share_the_allowance_of_their_address(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)}, anonymous_per_minute=3)
    statuses = [
        (
            await client.get("/v1/policy/refuse", headers={"Authorization": f"Bearer {n}"})
        ).status_code
        for n in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]


async def test_token_requests_have_a_limit_of_their_own(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"identity": InMemory(upstream)}, token_per_minute=2)
    statuses = [(await client.post("/oauth2/token")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await client.get("/oauth2/jwks")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"in_flight_per_caller_max": 2}, 429, "too-many-at-once"),
        ({"in_flight_max": 2}, 429, "too-many-at-once"),
        ({"in_flight_per_service_max": 2}, 503, "service-busy"),
    ],
)
async def test_requests_at_once_are_limited_and_places_are_given_back(
    changes: dict[str, int], status: int, code: str, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)}, **changes)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(client.get("/v1/policy/wait")) for _ in range(2)]
        await until(lambda: upstream.calls["wait"] == 2)
        refused = await client.get("/v1/policy/measures")
        upstream.may_go_on.set()
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["retry-after"] == "1"
    assert [task.result().status_code for task in waiting] == [200, 200]
    assert (await client.get("/v1/policy/measures")).status_code == 200


async def test_streams_take_no_place_of_plain_requests(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway(
        {"messages": InMemory(upstream)}, in_flight_max=1, streams_per_caller_max=1
    )
    async with client.stream("GET", "/v1/messages/stream"):
        assert (await client.get("/v1/messages")).status_code == 200
        assert (await client.get("/v1/messages/stream")).status_code == 429


async def test_what_is_not_answered_in_time_is_a_503(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": backend}, seconds_max=0.1, straggler_seconds_max=0.1)
    answer = await client.post("/v1/policy/wait", content=b"{}", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (503, "time-limit")
    assert answer.json()["title"] == "Temporarily unavailable"
    assert answer.headers["retry-after"] == "2"
    assert (await client.get("/v1/policy/measures")).status_code == 200
    upstream.may_go_on.set()


async def test_an_answer_that_stops_half_way_is_broken_off(
    backend: Backend, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": backend}, seconds_max=0.1)
    async with client.stream("GET", "/v1/policy/halves") as answer:
        received = answer.aiter_raw()
        assert await anext(received) == FIRST
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(received)


async def test_exports_and_imports_have_more_time(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": backend}, seconds_max=0.05, long_seconds_max=5)
    loop = asyncio.get_running_loop()
    loop.call_later(0.15, upstream.may_go_on.set)
    answer = await client.get("/v1/policy/wait", headers={"Accept": "text/csv"})
    assert answer.status_code == 200


FILE = "/v1/policy/cases/7/evidence"


async def test_a_file_may_be_larger_by_a_rule_of_its_own(
    backend: Backend, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": backend}, **SIZES, upload_body_bytes_max=1024 * KIB)
    answer = await client.post(FILE, content=pieces(1024 * KIB))
    assert answer.json()["body_bytes"] == 1024 * KIB
    for body in (pieces(1040 * KIB), b"x" * (1025 * KIB)):
        assert (await client.post(FILE, content=body)).status_code == 413


async def test_a_file_that_is_refused_before_its_end_has_its_answer(
    backend: Backend, open_gateway: Open
) -> None:
    """The service speaks while the sender still sends; both layouts bring its words."""
    client = await open_gateway({"policy": backend})
    for body in (b"x" * (24 * 1024 * KIB), pieces(24 * 1024 * KIB)):
        answer = await client.post(f"{FILE}?at=once", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")
    # The service is not taken for broken by it.
    assert (await client.post(FILE, content=b"x")).json()["body_bytes"] == 1


async def test_files_take_no_place_of_what_is_short(upstream: Upstream, open_gateway: Open) -> None:
    limits = {"files_per_caller_max": 1, "in_flight_max": 1}
    client = await open_gateway({"policy": InMemory(upstream)}, **limits)
    may_end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await may_end.wait()

    sending = asyncio.create_task(client.post(FILE, content=slow()))
    await until(lambda: upstream.calls["evidence"] == 1)
    assert (await client.post(FILE, content=b"x")).status_code == 429
    assert (await client.get("/v1/policy/echo")).status_code == 200
    may_end.set()
    assert (await sending).status_code == 200
    assert (await client.post(FILE, content=b"x")).status_code == 200
