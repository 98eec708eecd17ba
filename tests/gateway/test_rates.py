"""Counting callers in bounded memory."""

import pytest

from gateway.exchange import Exchange
from gateway.rates import BoundedStorage, RateLimits, is_accepted
from gateway.slots import Lane, Slots
from tests.gateway.conftest import settings_for


async def nothing(*_: object) -> None:
    return None


def exchange_with(authorization: bytes | None, status: int = 0) -> Exchange:
    headers = [(b"authorization", authorization)] if authorization else []
    scope = {"type": "http", "method": "GET", "path": "/v1/policy/x", "headers": headers}
    exchange = Exchange(scope, nothing, nothing)  # pyright: ignore[reportArgumentType]
    exchange.status = status
    return exchange


async def test_the_storage_never_holds_more_keys_than_allowed() -> None:
    storage = BoundedStorage(keys_max=10)
    for number in range(100):
        assert await storage.incr(f"k{number}", expiry=60) == 1
    assert len(storage.storage) == len(storage.expirations) == 10
    assert await storage.get("k99") == 1
    assert await storage.get("k0") == 0


async def test_a_count_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("gateway.rates.time.time", lambda: now)
    storage = BoundedStorage(keys_max=10)
    await storage.incr("a", expiry=60)
    assert await storage.incr("a", expiry=60) == 2
    assert await storage.decr("a") == 1
    now = 1060.0
    assert await storage.get("a") == 0
    assert await storage.incr("b", expiry=60) == 1
    assert list(storage.expirations) == ["b"]


@pytest.mark.parametrize(
    ("status", "accepted"),
    [(200, True), (304, True), (403, True), (401, False), (404, False), (503, False), (0, False)],
)
def test_a_token_is_known_once_a_service_took_it(status: int, *, accepted: bool) -> None:
    assert is_accepted(status) is accepted
    rates = RateLimits(settings_for())
    exchange = exchange_with(b"Bearer t", status)
    by_address = rates.key_of(exchange)
    rates.learn(exchange)
    assert (rates.key_of(exchange) != by_address) is accepted


def test_known_tokens_are_bounded() -> None:
    rates = RateLimits(settings_for(rate_keys_max=2))
    exchanges = [exchange_with(b"Bearer %d" % n, 200) for n in range(3)]
    for exchange in exchanges:
        rates.key_of(exchange)
        rates.learn(exchange)
    assert [rates.key_of(e) == "unknown" for e in exchanges] == [True, False, False]


def test_a_token_is_not_kept_as_it_is() -> None:
    rates = RateLimits(settings_for())
    exchange = exchange_with(b"Bearer secret", 200)
    rates.key_of(exchange)
    rates.learn(exchange)
    assert "secret" not in rates.key_of(exchange)
    assert len(rates.key_of(exchange)) == 64


def test_places_are_given_back_to_the_last_one() -> None:
    slots = Slots(settings_for(in_flight_max=2, streams_max=1))
    assert slots.enter("a", "policy", Lane.PLAIN) is None
    assert slots.enter("b", "policy", Lane.PLAIN) is None
    assert slots.enter("c", "policy", Lane.PLAIN) == "callers"
    assert slots.in_flight("policy") == 2
    assert slots.enter("c", "messages", Lane.STREAM) is None
    assert slots.enter("d", "messages", Lane.STREAM) == "callers"
    slots.leave("a", "policy", Lane.PLAIN)
    slots.leave("b", "policy", Lane.PLAIN)
    slots.leave("c", "messages", Lane.STREAM)
    assert slots.in_flight("policy") == 0
    assert slots.enter("d", "messages", Lane.STREAM) is None
    assert slots.enter("c", "policy", Lane.PLAIN) is None
