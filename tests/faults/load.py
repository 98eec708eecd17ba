"""The load under which faults are tried: firms taken from their first fact to the money."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from services.launch.caller import Caller, UnexpectedAnswer
from services.launch.city.uscc import make_uscc
from services.launch.story import case_life

PROGRAMME = "digital-growth"
YEAR = 2025
PAUSE_S = 0.05
AUTHORITY = "330282"
WAN_FEN = 1_000_000
BUDGET_FEN = 10**13
AWARD_FEN = 12_250_000
REVENUE_WAN = {2023: 8_000, 2024: 10_000, 2025: 34_500}
_sequences = itertools.count(400_000)


@dataclass
class Load:
    """Lives of cases, one after the other by each worker; what was acknowledged is remembered."""

    caller: Caller
    workers: int = 12
    begun: list[str] = field(default_factory=list[str])
    paid: list[str] = field(default_factory=list[str])
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    async def start(self) -> None:
        """Approve a budget line, then set the workers to work."""
        await approve_budget(self.caller)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self.workers)]

    async def finish(self) -> None:
        """Let every life that has begun come to its end; raise what any of them met."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    def check(self) -> None:
        """Raise what a worker met: a fault that ends the load must not look like silence."""
        for task in self._tasks:
            if task.done() and (error := task.exception()):
                raise error

    async def until_more_are_paid(self, cases: int, seconds: float = 120.0) -> None:
        """Let the load go on for so many cases more."""
        wanted, deadline = len(self.paid) + cases, time.monotonic() + seconds
        while len(self.paid) < wanted:
            self.check()
            assert time.monotonic() < deadline, f"only {len(self.paid)} cases were paid"
            await asyncio.sleep(PAUSE_S)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            await self._live()

    async def _live(self) -> None:
        firm, uscc, statement = await a_firm(self.caller)
        case = await case_life.open_case(self.caller, firm, uscc, PROGRAMME, YEAR, after=statement)
        self.begun.append(case["id"])
        await self._prove(firm, case["id"])
        case = await case_life.review_and_propose(self.caller, firm, "reviewer", case)
        assert case["reservation"]["amount_fen"] == AWARD_FEN, case["reservation"]
        case = await case_life.decide(self.caller, "approver", case)
        await case_life.pay(self.caller, [case], f"慈演示拨〔2026〕{len(self.begun)}号")
        self.paid.append(case["id"])

    async def _prove(self, firm: str, case_id: str) -> None:
        """Hand a file in; sent again without an answer, it is known by its content."""
        content = b"%PDF-1.7\n% " + case_id.encode() + b"\n%%EOF\n"
        path = f"/v1/policy/cases/{case_id}/evidence"
        await self.caller.ask(firm, "POST", path, params={"name": "证明.pdf"}, content=content)


async def approve_budget(caller: Caller, amount_fen: int = BUDGET_FEN) -> dict[str, Any]:
    """Have a budget line of the programme, large enough for any run."""
    line = {
        "year": 2026,
        "programme": PROGRAMME,
        "name": "数字经济奖励（演示）",
        "department": "经信局",
        "amount_fen": amount_fen,
    }
    budget = await caller.post("treasurer", "/v1/finance/budgets", line)
    approve = {"event": "approve", "version": budget["version"]}
    return await caller.post("approver", f"/v1/finance/budgets/{budget['id']}/events", approve)


async def a_firm(caller: Caller) -> tuple[str, str, str]:
    """Register an entitled firm with a system of its own; give client, code, last statement."""
    uscc = await register_firm(caller)
    path = f"/v1/enterprise/firms/{uscc}"
    for year, wan in REVENUE_WAN.items():
        stated = {"facts": {"revenue_fen": wan * WAN_FEN}, "source": "企业年度报告（演示）"}
        await caller.put("registrar", f"{path}/indicators/{year}", stated)
    facts = {"is_digital_manufacturing": True, "is_above_scale": True}
    stated = {"facts": facts, "valid_from": "2025-01-01", "source": "经信局认定（演示）"}
    answer = await caller.post("registrar", f"{path}/facts", stated)
    return await sign_up(caller, uscc), uscc, answer["statement_id"]


async def sign_up(caller: Caller, uscc: str) -> str:
    """Register a firm's own system; under another name if a secret got lost on its way."""
    for again in itertools.count():
        name = f"firm-{uscc.lower()}" + "-again" * again
        try:
            return await case_life.sign_up_firm(caller, uscc, name)
        except UnexpectedAnswer as error:
            # A secret is kept nowhere: an answer that is lost is lost for good.
            if "client-exists" not in str(error):
                raise
    raise AssertionError("unreachable")


async def register_firm(caller: Caller) -> str:
    """Register a firm of which nothing else is known; give its code."""
    uscc = make_uscc(AUTHORITY, next(_sequences))
    body = {
        "uscc": uscc,
        "name": f"合成企业{uscc[-8:]}有限公司",
        "industry_code": "3812",
        "town_code": "330282107",
        "synthetic": True,
    }
    await caller.post("registrar", "/v1/enterprise/firms", body)
    return uscc
