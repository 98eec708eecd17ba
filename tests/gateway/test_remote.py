"""A service behind a port: streamed, asked again only where that is safe, given up if it fails."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from gateway.app import Gateway
from gateway.backends import Backend
from gateway.remote import Remote
from tests.gateway.conftest import Open, Serve, served, settings_for, until
from tests.gateway.upstreams import FIRST, SECOND, Upstream

QUICK = {"breaker_failures_max": 3, "breaker_open_seconds": 0.2, "connect_seconds_max": 0.5}


async def test_an_answer_is_passed_on_while_it_is_made(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": backend})
    async with client.stream("GET", "/v1/policy/halves") as answer:
        received = answer.aiter_raw()
        assert await anext(received) == FIRST
        assert upstream.finished["halves"] == 0
        upstream.may_go_on.set()
        assert b"".join([chunk async for chunk in received]) == SECOND


async def test_a_body_is_passed_on_while_it_comes(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    sent_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await until(lambda: upstream.calls["echo"] == 1)
        sent_on.set()
        yield b"y" * 1000

    client = await open_gateway({"policy": backend})
    answer = await client.post("/v1/policy/echo", content=body())
    assert sent_on.is_set()
    assert answer.json()["body_bytes"] == 2000


async def test_a_body_of_known_length_keeps_its_length(remote: Remote, open_gateway: Open) -> None:
    client = await open_gateway({"policy": remote})
    answer = await client.post("/v1/policy/echo", content=b"x" * 500_000)
    assert dict(answer.json()["headers"])["content-length"] == "500000"
    assert answer.json()["body_bytes"] == 500_000


async def test_a_stream_ends_at_the_service_when_its_reader_leaves(
    backend: Backend, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"messages": backend}, seconds_max=0.05)
    async with client.stream("GET", "/v1/messages/stream") as answer:
        received = answer.aiter_raw()
        assert await anext(received) == FIRST
        await asyncio.sleep(0.1)
        assert not upstream.saw_client_leave.is_set()
    async with asyncio.timeout(2):
        await upstream.saw_client_leave.wait()


async def test_a_service_that_is_not_there_is_named(open_gateway: Open, unused_url: str) -> None:
    client = await open_gateway({"finance": Remote(unused_url)}, **QUICK)
    answer = await client.get("/v1/finance/budgets")
    assert (answer.status_code, answer.json()["code"]) == (503, "service-unavailable")
    assert "finance" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    english = await client.get("/v1/finance/budgets", headers={"Accept-Language": "en"})
    assert english.json()["detail"].startswith("The service finance cannot answer")


async def test_the_breaker_stops_asking_and_finds_the_service_again(
    open_gateway: Open, remote: Remote, upstream: Upstream
) -> None:
    client = await open_gateway({"policy": remote}, seconds_max=0.05, **QUICK)
    codes = [(await client.get("/v1/policy/wait")).json()["code"] for _ in range(4)]
    assert codes == ["time-limit"] * 3 + ["service-unavailable"]
    assert upstream.calls["wait"] == 3
    await asyncio.sleep(0.25)
    assert (await client.get("/v1/policy/measures")).status_code == 200
    assert (await client.get("/v1/policy/measures")).status_code == 200


async def test_one_service_that_fails_leaves_the_others_alone(
    open_gateway: Open, remote: Remote, unused_url: str
) -> None:
    client = await open_gateway({"policy": remote, "finance": Remote(unused_url)}, **QUICK)
    for _ in range(4):
        assert (await client.get("/v1/finance/budgets")).status_code == 503
    assert (await client.get("/v1/policy/measures")).status_code == 200


async def test_a_client_that_is_slow_to_send_says_nothing_of_the_service(
    open_gateway: Open, remote: Remote
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(0.1)
        yield b"x"

    client = await open_gateway({"policy": remote}, seconds_max=0.03, **QUICK)
    for _ in range(4):
        answer = await client.post("/v1/policy/echo", content=slow())
        assert answer.json()["code"] == "time-limit"
    assert (await client.get("/v1/policy/measures")).status_code == 200


class Hanging:
    """A server that takes each request and closes the connection without a word."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.methods.append(head.split(b" ", 1)[0].decode())
        writer.close()


@pytest.mark.parametrize(
    ("method", "times"), [("GET", 2), ("HEAD", 2), ("POST", 1), ("PUT", 1), ("DELETE", 1)]
)
async def test_only_a_request_that_changes_nothing_is_sent_again(
    method: str, times: int, open_gateway: Open
) -> None:
    hanging = Hanging()
    async with await asyncio.start_server(hanging, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await open_gateway({"finance": Remote(f"http://127.0.0.1:{port}")})
        answer = await client.request(method, "/v1/finance/payouts")
    assert answer.status_code == 503
    assert hanging.methods == [method] * times


class Reusing:
    """A server that answers the first request of a connection and drops the second."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            self.methods.append(head.split(b" ", 1)[0].decode())
            if len(self.methods) != 2:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            else:
                break
        writer.close()


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("PUT", 503), ("DELETE", 503)])
async def test_a_pooled_connection_that_was_closed_repeats_no_change(
    method: str, status: int, open_gateway: Open
) -> None:
    reusing = Reusing()
    async with await asyncio.start_server(reusing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await open_gateway({"finance": Remote(f"http://127.0.0.1:{port}")})
        assert (await client.get("/v1/finance/awards")).status_code == 200
        assert (await client.request(method, "/v1/finance/awards")).status_code == status
        assert reusing.methods.count(method) == (1 if status == 503 else 3)


async def test_a_redirect_and_a_cookie_are_passed_on_and_not_followed(
    open_gateway: Open, serve: Serve
) -> None:
    cookies_seen: list[bytes | None] = []

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        cookies_seen.append(dict(scope["headers"]).get(b"cookie"))
        headers = [(b"location", b"/v1/policy/x"), (b"set-cookie", b"a=1")]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    client = await open_gateway({"policy": Remote(await serve(app))})
    for _ in range(2):
        client.cookies.clear()
        answer = await client.get("/v1/policy/moved", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (307, "/v1/policy/x")
    assert cookies_seen == [None, None]


async def test_a_compressed_answer_is_passed_on_as_it_is(open_gateway: Open, serve: Serve) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-encoding", b"gzip"), (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"\x1f\x8b\x08\x00"})

    client = await open_gateway({"policy": Remote(await serve(app))})
    async with client.stream("GET", "/v1/policy/x") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert b"".join([chunk async for chunk in answer.aiter_raw()]) == b"\x1f\x8b\x08\x00"


async def test_a_service_that_dies_in_mid_answer_breaks_the_answer_off(
    open_gateway: Open,
) -> None:
    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        writer.close()

    async with await asyncio.start_server(dying, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await open_gateway({"finance": Remote(f"http://127.0.0.1:{port}")})
        with (
            structlog.testing.capture_logs() as lines,
            pytest.raises(httpx.RemoteProtocolError),
        ):
            await client.get("/v1/finance/awards")
        await until(lambda: any(line["event"] == "answer broken off" for line in lines))


@pytest.mark.parametrize("url", ["ftp://a", "policy:8000", "http://", "http://a?b=1"])
def test_a_service_url_must_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="service URL"):
        Remote(url)


async def test_a_required_service_must_have_a_backend(remote: Remote) -> None:
    with pytest.raises(ValueError, match="identity"):
        Gateway({"policy": remote}, settings_for(required_services="identity"))
    async with served(Gateway({"policy": remote}, settings_for())) as url:
        assert url.startswith("http://127.0.0.1:")
