"""A service in the same process is not torn by the gateway's limits."""

import asyncio

import structlog
from starlette.types import Receive, Scope, Send

from gateway.backends import InMemory, read_readiness
from tests.gateway.conftest import Open, until
from tests.gateway.upstreams import Upstream


async def test_a_service_that_overran_ends_its_work_itself(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)}, seconds_max=0.05)
    answer = await client.post("/v1/policy/wait", content=b"{}")
    assert answer.status_code == 503
    assert upstream.finished["wait"] == 0
    upstream.may_go_on.set()
    await until(lambda: upstream.finished["wait"] == 1)


async def test_a_service_that_never_ends_is_cancelled_at_last(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway(
        {"policy": InMemory(upstream)},
        seconds_max=0.05,
        straggler_seconds_max=0.05,
        in_flight_max=1,
    )
    assert (await client.get("/v1/policy/wait")).status_code == 503
    assert (await client.get("/v1/policy/measures")).status_code == 429
    await asyncio.sleep(0.1)
    assert (await client.get("/v1/policy/measures")).status_code == 200
    assert upstream.finished["wait"] == 0


async def test_a_fault_of_a_service_is_a_500_that_tells_nothing(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)})
    with structlog.testing.capture_logs() as lines:
        answer = await client.get("/v1/policy/raise")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "fault" not in answer.text
    assert [line["event"] for line in lines] == ["request failed", "request answered"]


async def test_a_fault_that_was_answered_already_is_no_second_error(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)})
    with structlog.testing.capture_logs() as lines:
        answer = await client.get("/v1/policy/raise-late")
    assert answer.status_code == 500
    assert not [line for line in lines if line["log_level"] == "error"]


async def test_the_service_has_its_own_state(open_gateway: Open) -> None:
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"])
        scope["state"]["touched"] = True
        await Upstream()(scope, receive, send)

    client = await open_gateway({"policy": InMemory(app, {"pool": 1})})
    await client.get("/v1/policy/a")
    await client.get("/v1/policy/b")
    assert seen == [{"pool": 1, "touched": True}] * 2


def test_readiness_is_read_from_status_and_word() -> None:
    assert read_readiness(200, b'{"status": "ready"}') == "ready"
    assert read_readiness(200, b"fine") == "ready"
    assert read_readiness(200, b'{"status": "degraded"}') == "degraded"
    assert read_readiness(200, b'{"status": "ready", "degraded": "broker"}') == "degraded"
    assert read_readiness(503, b'{"status": "ready"}') == "unreachable"
