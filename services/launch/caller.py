"""An outside client of the API: public HTTP only, a token for each role, a key for each intent."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.kernel.ids import new_id

TOKEN_RENEW_S = 480.0
RETRIES = 40


class UnexpectedAnswer(Exception):
    """The API answered something else than the story needs."""


@dataclass
class Caller:
    """Calls the platform as the demonstration's clients."""

    http: httpx.AsyncClient
    clients: dict[str, dict[str, str]]
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
        tries_left = RETRIES
        while True:
            tries_left -= 1
            bearer = await self._bearer(role)
            answer = await self.http.request(method, path, headers={**headers, **bearer}, **options)
            if answer.status_code in expect:
                return answer
            if not tries_left or "retry-after" not in answer.headers:
                told = f"{answer.status_code} {answer.text[:600]}"
                raise UnexpectedAnswer(f"{role} {method} {path}: {told}")
            await asyncio.sleep(min(float(answer.headers["retry-after"]), 1.0))

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
        answer = await self.http.post("/oauth2/token", data=form)
        if answer.is_error:
            raise UnexpectedAnswer(f"token of {role}: {answer.status_code} {answer.text[:300]}")
        token = answer.json()["access_token"]
        self._tokens[role] = (token, time.monotonic() + TOKEN_RENEW_S)
        return token
