"""Callers who vanish in the middle of a request stop nothing and change nothing by halves."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from services.launch.server import free_port, serving
from tests.journeys.steps import City, fresh_uscc, profile

VANISHING = 20


@pytest.fixture
async def port(city: City) -> AsyncIterator[int]:
    number = free_port()
    async with serving(city.platform.gateway, "127.0.0.1", number):
        yield number


async def begin(port: int, head: str, body: bytes, *, read: int) -> None:
    """Send a request, read so many bytes of the answer, and break off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()
    if read:
        await reader.read(read)
    writer.transport.abort()


async def until_idle(port: int) -> None:
    """Wait until the gateway has dealt with whoever came before."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(VANISHING):
            assert (await client.get("/v1/policy/measures")).status_code == 200


async def test_readers_who_vanish_leave_everybody_else_served(city: City, port: int) -> None:
    token = await city.platform.token("registrar")
    head = (
        "GET /v1/enterprise/firms HTTP/1.1\r\nHost: lx\r\nAccept: text/csv\r\n"
        f"Authorization: Bearer {token}"
    )
    with capture_logs() as logs:
        await asyncio.gather(*(begin(port, head, b"", read=n % 2 * 100) for n in range(VANISHING)))
        await until_idle(port)
    assert [each for each in logs if each["log_level"] == "error"] == []

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(VANISHING):
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    await city.platform.settle()


async def test_a_body_that_breaks_off_registers_nobody(city: City, port: int) -> None:
    uscc = fresh_uscc()
    token = await city.platform.token("registrar")
    body = httpx.Request("POST", "http://lx", json=profile(uscc)).content
    head = (
        "POST /v1/enterprise/firms HTTP/1.1\r\nHost: lx\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nAuthorization: Bearer {token}"
    )
    with capture_logs() as logs:
        await asyncio.gather(*(begin(port, head, body[:-1], read=0) for _ in range(VANISHING)))
        await until_idle(port)
    assert [each for each in logs if each["log_level"] == "error"] == []

    registrar = city.platform.client("registrar")
    assert (await registrar.get(f"/v1/enterprise/firms/{uscc}")).status_code == 404
    assert (await registrar.post("/v1/enterprise/firms", json=profile(uscc))).status_code == 201
