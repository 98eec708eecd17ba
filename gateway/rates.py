"""Rate limits per caller, counted in this process: with N gateway processes a caller has N shares.

The gateway verifies no token. A caller is therefore the hash of its Authorization header, but only
once a service has answered that header; until then, and without one, it is its address. So made-up
tokens share the one small anonymous allowance of the address they come from.
"""

import time
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import ClassVar

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.exchange import Exchange
from gateway.headers import peer_key
from gateway.paths import TOKEN_PATH
from gateway.settings import GatewaySettings


class RateLimits:
    """Says who is counted, whether another request may pass, and which tokens are known."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(BoundedStorage(settings.rate_keys_max))
        self._authenticated = RateLimitItemPerMinute(settings.authenticated_per_minute)
        self._anonymous = RateLimitItemPerMinute(settings.anonymous_per_minute)
        self._token_requests = RateLimitItemPerMinute(settings.token_per_minute)
        self._known: dict[str, None] = {}
        self._known_max = settings.rate_keys_max

    def key_of(self, exchange: Exchange) -> str:
        """Give the caller's key: of its token if that is known, else of its address."""
        given = exchange.read.get(b"authorization")
        exchange.token_key = sha256(given).hexdigest() if given else ""
        if exchange.token_key in self._known:
            return exchange.token_key
        return peer_key(exchange.caller.address)

    async def wait_seconds(self, exchange: Exchange, key: str) -> int | None:
        """Count one request; say how long to wait where there were too many already."""
        if exchange.path == TOKEN_PATH:
            item, names = self._token_requests, ("token", peer_key(exchange.caller.address))
        elif key in self._known:
            item, names = self._authenticated, ("known", key)
        else:
            item, names = self._anonymous, ("anonymous", key)
        if await self._limiter.hit(item, *names):
            return None
        stats = await self._limiter.get_window_stats(item, *names)
        return max(1, ceil(stats.reset_time - time.time()))

    def learn(self, exchange: Exchange) -> None:
        """Know a token from now on, since a service accepted it."""
        token = exchange.token_key
        if not token or token in self._known or not is_accepted(exchange.status):
            return
        self._known[token] = None
        if len(self._known) > self._known_max:
            del self._known[next(iter(self._known))]


def is_accepted(status: int) -> bool:
    """Tell whether an answer shows that the service took the token for a good one."""
    return HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.FORBIDDEN


class BoundedStorage(MemoryStorage):
    """The library's memory, bounded: its own looks at every key on every hit and never refuses one.

    All keys live equally long, so the oldest stand first: expiry and eviction take from the front.
    """

    STORAGE_SCHEME: ClassVar[list[str]] = ["async+bounded-memory"]

    def __init__(self, keys_max: int) -> None:
        super().__init__()
        self._keys_max = keys_max

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        if self.expirations.get(key, 0.0) <= now:
            self._forget(key)
            self._make_room(now)
            self.expirations[key] = now + expiry
        self.storage[key] += amount
        return self.storage[key]

    async def decr(self, key: str, amount: int = 1) -> int:
        self.storage[key] = max(self.storage[key] - amount, 0)
        return self.storage[key]

    async def get(self, key: str) -> int:
        return self.storage[key] if self.expirations.get(key, 0.0) > time.time() else 0

    def _make_room(self, now: float) -> None:
        while self.expirations:
            oldest = next(iter(self.expirations))
            if self.expirations[oldest] > now and len(self.expirations) < self._keys_max:
                return
            self._forget(oldest)

    def _forget(self, key: str) -> None:
        self.storage.pop(key, None)
        self.expirations.pop(key, None)
