"""One service away in the middle of the story: what still works, what is said of the one missing.

The gateway says it in two places: `/readyz` names the state of each service, and every call to the
missing one is answered 503 problem+json with Retry-After. Nobody else has to wait.
"""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.launch.split import Child
from services.launch.story import case_life
from services.launch.story.stage import Stage

PROBES = {
    "identity": "/oauth2/jwks",
    "enterprise": "/v1/enterprise/firms?limit=1",
    "policy": "/v1/policy/cases?limit=1",
    "finance": "/v1/finance/budgets?limit=1",
}
READERS = ("auditor", "admin", "firm", "registrar", "reviewer", "reviewer-b", "approver")
WATCH_S = 0.2
NOTICED_S_MAX = 15.0


@dataclass
class Outage:
    """A service that is ended by SIGTERM, stays away for so long, and is started again."""

    child: Child
    seconds: float
    _ended_at: float = 0.0
    _has_been_seen: asyncio.Event = field(default_factory=asyncio.Event)
    _return: asyncio.Task[None] | None = None

    @property
    def service(self) -> str:
        return self.child.name

    async def begin(self, stage: Stage) -> None:
        """End the service, and check what the gateway and the others say then."""
        stage.act("停用一个服务", f"{self.service} is away for {self.seconds:g} s")
        await stage.caller.sign_in(*READERS)
        stage.caller.patience_s += self.seconds
        self.child.send(signal.SIGTERM)
        code = await self.child.until_over()
        self._ended_at = time.monotonic()
        stage.check(f"{self.service} ends in good order on SIGTERM", code, 0)
        self._return = asyncio.create_task(self._come_back())
        await self._check_refusal(stage)
        await self._check_readiness(stage, "unreachable")
        for name in PROBES.keys() - {self.service}:
            await self._check_answers(stage, name)
        if self.service != "finance":
            # The applications that follow need this one: their clients come back until it is there.
            self._has_been_seen.set()

    async def end(self, stage: Stage, cases: tuple[dict[str, Any], ...]) -> None:
        """See what waits for the service, and what comes of it once the service is back."""
        assert self._return is not None, "the outage has not begun"
        try:
            if self.service == "finance":
                await self._check_waiting(stage, cases)
                await self._watch_others(stage, cases[0])
        finally:
            self._has_been_seen.set()
        await self._return
        back = time.monotonic()
        stage.console.print(
            f"  {self.service} 停用 was away {back - self._ended_at:.1f} s", highlight=False
        )
        await self._check_readiness(stage, "ready")
        await self._check_answers(stage, self.service)
        for case in cases:
            await case_life.answered(stage.caller, "auditor", case)
        stage.console.print(
            f"  {len(cases)}件均获财政答复 both answered {time.monotonic() - back:.1f} s later",
            highlight=False,
        )

    def give_up(self) -> None:
        """Start nothing any more: the story has ended before the service was due."""
        if self._return is not None:
            self._return.cancel()

    async def _come_back(self) -> None:
        await asyncio.sleep(self.seconds)
        await self._has_been_seen.wait()
        await self.child.start()
        await self.child.until_ready()

    async def _check_refusal(self, stage: Stage) -> None:
        """Call the missing service, without a token even: anybody is told the same."""
        headers = {"Accept-Language": "en"}
        answer = await stage.caller.http.get(PROBES[self.service], headers=headers)
        body = answer.json()
        stage.console.print(
            f"  {answer.status_code} {body.get('code')} · Retry-After:"
            f" {answer.headers.get('retry-after')} · {body.get('detail')}",
            highlight=False,
        )
        got = (answer.status_code, answer.headers["content-type"], body.get("code"))
        wanted = (503, "application/problem+json", "service-unavailable")
        stage.check(f"a call to {self.service} is refused as a problem", got, wanted)
        stage.check_holds("it says when to come back", int(answer.headers.get("retry-after", 0)))
        stage.check_holds("it names the service", self.service in body.get("detail", ""))

    async def _check_readiness(self, stage: Stage, wanted: str) -> None:
        """Read /readyz until it has noticed: the gateway asks its services once a second."""
        deadline = time.monotonic() + NOTICED_S_MAX
        while True:
            answer = await stage.caller.http.get("/readyz")
            body = answer.json()
            if body["services"].get(self.service) == wanted or time.monotonic() > deadline:
                break
            await asyncio.sleep(WATCH_S)
        stage.console.print(f"  /readyz {answer.status_code} {answer.text}", highlight=False)
        stage.check(f"/readyz says {self.service} is {wanted}", _state(body, self.service), wanted)
        others = {name: s for name, s in body["services"].items() if name != self.service}
        stage.check("and the others are ready", set(others.values()), {"ready"})
        whole = "ready" if wanted == "ready" else "degraded"
        stage.check(f"the whole is {whole}", (answer.status_code, body["status"]), (200, whole))

    async def _check_answers(self, stage: Stage, name: str) -> None:
        answer = await self._read(stage, PROBES[name])
        stage.check(f"{name} answers", answer.status_code, 200)

    async def _check_waiting(self, stage: Stage, cases: tuple[dict[str, Any], ...]) -> None:
        """Read what was proposed meanwhile: it waits for finance, and cannot be decided."""
        stage.check_holds("finance is still away", not self.child.is_running)
        for case in cases:
            current = await stage.caller.get("auditor", f"/v1/policy/cases/{case['id']}")
            state = current["reservation"]["state"]
            stage.check("a proposed case says that finance has not answered", state, "pending")
        body = {
            "event": "decide", "version": cases[0]["version"], "note": "",
            "data": {"outcome": "approve"},
        }  # fmt: skip
        path = f"/v1/policy/cases/{cases[0]['id']}/events"
        answer = await stage.caller.ask("approver", "POST", path, json=body, expect=(409,))
        stage.console.print(f"  {answer.status_code} {answer.json()['detail']}", highlight=False)
        stage.check("and it cannot be decided", answer.json()["code"], "reservation-pending")

    async def _watch_others(self, stage: Stage, case: dict[str, Any]) -> None:
        """Read firms and a case until the service is due; every one of these must be answered."""
        paths = (PROBES["enterprise"], f"/v1/policy/cases/{case['id']}", PROBES["identity"])
        good = bad = 0
        slowest = 0.0
        while time.monotonic() < self._ended_at + self.seconds:
            for path in paths:
                began = time.monotonic()
                answer = await self._read(stage, path)
                slowest = max(slowest, time.monotonic() - began)
                good, bad = good + answer.is_success, bad + answer.is_error
            await asyncio.sleep(WATCH_S)
        stage.console.print(
            f"  其间读取 reads meanwhile: {good} answered, slowest {slowest * 1000:.0f} ms",
            highlight=False,
        )
        stage.check("none of the reads meanwhile was refused", bad, 0)

    async def _read(self, stage: Stage, path: str) -> httpx.Response:
        """Call once, without patience."""
        return await stage.caller.once("auditor", "GET", path)


def _state(body: dict[str, Any], service: str) -> str | None:
    return body["services"].get(service)
