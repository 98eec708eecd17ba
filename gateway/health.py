"""The gateway's own health and that of the services behind it."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from gateway.backends import Backend, Readiness
from gateway.settings import GatewaySettings

# The path is open and probes come from several places: services are asked once a second at most.
ANSWER_KEPT_SECONDS = 1.0


class Health:
    """Asks every backend whether it is ready, and says so for all."""

    def __init__(self, backends: Mapping[str, Backend], settings: GatewaySettings) -> None:
        self._backends = backends
        self._settings = settings
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._states: dict[str, Readiness] = {}
        self.is_draining = False

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Give status and body of /readyz: 503 when draining, or when `judge` says so."""
        if self.is_draining:
            return 503, {"status": "draining", "services": {}}
        async with self._lock:
            if monotonic() - self._asked_at > ANSWER_KEPT_SECONDS:
                self._states = await self._ask_all()
                self._asked_at = monotonic()
        return judge(self._states, self._settings.required_services)

    async def _ask_all(self) -> dict[str, Readiness]:
        names = sorted(self._backends)
        states = await asyncio.gather(*(self._ask(self._backends[name]) for name in names))
        return dict(zip(names, states, strict=True))

    async def _ask(self, backend: Backend) -> Readiness:
        try:
            async with asyncio.timeout(self._settings.readiness_seconds_max):
                return await backend.readiness()
        except Exception:  # noqa: BLE001
            # Whatever goes wrong in asking, the answer to the probe is the same.
            return "unreachable"


def judge(states: Mapping[str, Readiness], required: tuple[str, ...]) -> tuple[int, dict[str, Any]]:
    """Weigh the states: one missing degrades the whole, all or a required one missing ends it."""
    missing = [name for name in required if states.get(name, "unreachable") == "unreachable"]
    if missing or all(state == "unreachable" for state in states.values()):
        return 503, {"status": "unreachable", "services": dict(states)}
    whole = all(state == "ready" for state in states.values())
    return 200, {"status": "ready" if whole else "degraded", "services": dict(states)}
