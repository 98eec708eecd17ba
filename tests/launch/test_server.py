"""Processes that are told to stop: heard from before anybody can be let in."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from services.launch.commands import gateway_alone
from services.launch.server import STOPS, free_port, told_to_stop

SOON_S = 10.0
HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def _handlers() -> Any:
    before = {each: signal.getsignal(each) for each in STOPS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", STOPS)
async def test_the_first_word_is_heard_and_the_second_ends_as_ever(number: signal.Signals) -> None:
    told = told_to_stop()
    assert not told.is_set()
    os.kill(os.getpid(), number)
    async with asyncio.timeout(SOON_S):
        await told.wait()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_a_gateway_hears_the_word_as_soon_as_it_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listened: list[int] = []

    @contextlib.asynccontextmanager
    async def told_at_once(_: Any, host: str, port: int) -> AsyncGenerator[None]:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, "it would end here"
        server = await asyncio.start_server(lambda *_: None, host, port)
        os.kill(os.getpid(), signal.SIGTERM)
        listened.append(port)
        async with server:
            yield

    monkeypatch.setattr(gateway_alone, "serving", told_at_once)
    monkeypatch.setenv("FINANCE_URL", f"http://{HOST}:9")
    monkeypatch.setenv("LIANGXIN_PROFILE", "demonstration")
    monkeypatch.setenv("LIANGXIN_DRAIN_S", "0")
    port = free_port()
    async with asyncio.timeout(SOON_S):
        await gateway_alone.run_gateway(HOST, port)
    assert listened == [port]
