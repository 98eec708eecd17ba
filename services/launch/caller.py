"""An outside client of the API: public HTTP only, a token for each role, a key for each intent."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.kernel.ids import new_id

TOKEN_RENEW_S = 480.0
PATIENCE_S = 40.0
PAUSE_S_MAX = 1.0
CALL_S_MAX = 60


class UnexpectedAnswer(Exception):
    """The API answered something else than the story needs."""


@dataclass
class Caller:
    """Calls the platform as the demonstration's clients."""

    http: httpx.AsyncClient
    clients: dict[str, dict[str, str]]
    # How long to come back to what answers "not now"; longer while a service is known to be away.
    patience_s: float = PATIENCE_S
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    async def get(self, role: str, path: str, **params: Any) -> Any:
        return (await self.ask(role, "GET", path, params=params)).json()

    async def post(
        self,
        role: str,
        path: str,
        body: Any = None,
        *,
        expect: tuple[int, ...] = (200, 201, 202),
        **params: Any,
    ) -> Any:
        answer = await self.ask(role, "POST", path, json=body, params=params, expect=expect)
        return answer.json()

    async def put(self, role: str, path: str, body: Any) -> Any:
        return (await self.ask(role, "PUT", path, json=body)).json()

    async def ask(
        self,
        role: str,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200, 201, 202),
        **options: Any,
    ) -> httpx.Response:
        """Call once, or again after Retry-After: the same key makes a repeated write harmless."""
        headers: dict[str, str] = options.pop("headers", {})
        if method == "POST":
            headers = {"Idempotency-Key": str(new_id()), **headers}
        deadline = time.monotonic() + self.patience_s
        while True:
            answer = await self.once(role, method, path, headers=headers, **options)
            if answer.status_code in expect:
                return answer
            await _pause_or_raise(answer, deadline, f"{role} {method} {path}")

    async def once(self, role: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Call once and take whatever is answered."""
        headers: dict[str, str] = options.pop("headers", {})
        bearer = await self._bearer(role)
        return await self.http.request(method, path, headers={**headers, **bearer}, **options)

    async def sign_in(self, *roles: str) -> None:
        """Have a token for each role, before it is needed."""
        for role in roles:
            await self._token(role)

    async def _bearer(self, role: str) -> dict[str, str]:
        return {} if role == "public" else {"Authorization": f"Bearer {await self._token(role)}"}

    async def _token(self, role: str) -> str:
        token, until = self._tokens.get(role, ("", 0.0))
        if time.monotonic() < until:
            return token
        entry = self.clients[role]
        form = {
            "grant_type": "client_credentials",
            "client_id": entry["client_id"],
            "client_secret": entry["client_secret"],
        }
        deadline = time.monotonic() + self.patience_s
        while (answer := await self.http.post("/oauth2/token", data=form)).is_error:
            await _pause_or_raise(answer, deadline, f"token of {role}")
        token = answer.json()["access_token"]
        self._tokens[role] = (token, time.monotonic() + TOKEN_RENEW_S)
        return token


@asynccontextmanager
async def calling(base_url: str, clients: Mapping[str, dict[str, str]]) -> AsyncGenerator[Caller]:
    """Call a platform for the length of a block."""
    async with httpx.AsyncClient(base_url=base_url, timeout=CALL_S_MAX) as http:
        yield Caller(http, dict(clients))


async def _pause_or_raise(answer: httpx.Response, deadline: float, what: str) -> None:
    if "retry-after" not in answer.headers or time.monotonic() > deadline:
        raise UnexpectedAnswer(f"{what}: {answer.status_code} {answer.text[:600]}")
    await asyncio.sleep(min(float(answer.headers["retry-after"]), PAUSE_S_MAX))
