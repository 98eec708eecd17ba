"""What an example needs before its request, and the names under which examples know it."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from services.kernel.clock import system_now
from services.launch.city.uscc import make_uscc
from tests.conftest import TestPlatform
from tests.contracts.world import SCOPES

DAY = "2026-11-23T09:00:00+08:00"
# A Monday that nothing else in these tests is about: a number set for it changes nothing before.
NOTICE_DAY, NOTICE_OVER = "2028-03-06T09:00:00+08:00", "2028-03-14T09:00:00+08:00"
OBJECTION = {
    "name": "张三", "contact": "0574-63990000", "reason": "研发经费与公开年报不符。",
    "evidence": ["2027年度报告第12页"],
}  # fmt: skip
WAIT_S_MAX = 20
GROWTH, MATCHING, RATIO = "digital-growth", "rd-matching", "rd-matching.ratio_bp"
STEPPED = "large-strong-retrofit"
WAN = 1_000_000
FIRM = "91330282MA00T35T2N"
LIST = "example-list"
# A number that is set in an example shall be in force on no day that another test asks about.
NUMBER_DAY, REAL_NUMBER_DAY = "2027-01-01", "2190-{:02}-{:02}"
NAMES = (
    "case",
    "award",
    "payout",
    "budget",
    "aid",
    "recognition",
    "version",
    "operation",
    "parameter",
    "statement",
    "notice",
    "objection",
    "step",
)
# The id of each thing as the examples write it.
IDS = {name: f"01936b2c-0000-7000-8000-00000000000{n:x}" for n, name in enumerate(NAMES, 1)}
_sequences = itertools.count(500_000)


class Scene:
    """Sets up what an example names under `given`, and remembers which id stands for which."""

    def __init__(self, platform: TestPlatform) -> None:
        self.platform = platform
        number = next(_sequences)
        self.uscc = make_uscc("330282", number)
        self.real: dict[str, str] = {
            FIRM: self.uscc,
            LIST: f"{LIST}-{number}",
            NUMBER_DAY: REAL_NUMBER_DAY.format(1 + number % 12, 1 + number // 12 % 28),
        }
        self._firm: httpx.AsyncClient | None = None
        self._case: dict[str, Any] = {}
        self._payout: dict[str, Any] = {}
        self.moved_to: str | None = None

    async def set_up(self, steps: list[str]) -> None:
        """Do each step; a step with a state goes there, such as `case proposed`."""
        for step in steps:
            name, _, state = step.partition(" ")
            await (STEPS[name](self, state) if state else STEPS[name](self))

    async def client(self, name: str) -> httpx.AsyncClient:
        if name != "firm":
            return self.platform.client(name)
        if self._firm is None:
            client_id = f"example-{self.uscc.lower()}"
            body = {
                "client_id": client_id, "name": "企业系统（示例）", "roles": ["firm"],
                "scopes": SCOPES, "uscc": self.uscc,
            }  # fmt: skip
            made = await self._post("admin", "/v1/identity/clients", body)
            known = self.platform.credentials.clients
            known[client_id] = {"client_id": client_id, "client_secret": made["client_secret"]}
            transport = httpx.ASGITransport(app=self.platform.gateway)  # pyright: ignore[reportArgumentType]
            self._firm = httpx.AsyncClient(transport=transport, base_url="http://lx", timeout=30)
            token = await self.platform.token(client_id)
            self._firm.headers["Authorization"] = f"Bearer {token}"
        return self._firm

    async def end(self) -> None:
        if self._firm is not None:
            await self._firm.aclose()
        if self.moved_to is not None:
            await set_clock(self.platform, DAY)

    async def register(self) -> None:
        body = {
            "uscc": self.uscc, "name": "慈溪市示范智能家电有限公司", "industry_code": "3854",
            "town_code": "330282107", "established_on": "2012-05-01",
            "fiscal_jurisdiction": "330282",
        }  # fmt: skip
        await self._post("registrar", "/v1/enterprise/firms", body)

    async def state_facts(self) -> None:
        for year, wan in ((2023, 8_000), (2024, 10_000), (2025, 34_500)):
            await self._state_year(year, revenue_fen=wan * WAN)
        stated = await self._post(
            "registrar",
            f"/v1/enterprise/firms/{self.uscc}/facts",
            {
                "facts": {"is_digital_manufacturing": True, "is_above_scale": True},
                "valid_from": "2025-01-01",
                "source": "经信局认定",
            },
        )
        self.real[IDS["statement"]] = stated["statement_id"]

    async def recognise(self) -> None:
        body = {
            "recognition": "specialised-sme", "grade": None, "issuer": "浙江省经济和信息化厅",
            "document": "浙经信企业〔2025〕1号", "valid_from": "2025-01-01",
            "valid_to": "2027-12-31",
        }  # fmt: skip
        path = f"/v1/enterprise/firms/{self.uscc}/recognitions"
        self._know("recognition", await self._post("registrar", path, body))

    async def publish_list(self) -> None:
        body = {
            "valid_from": "2026-01-01", "valid_to": "2026-12-31", "complete": True,
            "document": "甬科高〔2026〕1号", "items": [{"uscc": self.uscc}], "public": True,
        }  # fmt: skip
        made = await self._post(
            "registrar", f"/v1/enterprise/lists/{self.real[LIST]}/versions", body
        )
        self.real[IDS["version"]] = made["version_id"]

    async def import_file(self) -> None:
        answer = await self.platform.client("registrar").post(
            "/v1/enterprise/imports",
            params={"kind": "indicators"},
            headers={"Content-Type": "text/csv"},
            content=f"uscc,year,revenue_fen\n{self.uscc},2025,100\n{self.uscc},2025,1.5\n".encode(),
        )
        self._know("operation", answer.json())
        await self.platform.settle()

    async def draft_budget(self, state: str) -> None:
        body = {
            "year": 2026, "programme": GROWTH, "name": "数字经济制造业企业增长奖励",
            "department": "经信局", "amount_fen": 10_000 * WAN,
        }  # fmt: skip
        drafted = await self._post("treasurer", "/v1/finance/budgets", body)
        self._know("budget", drafted)
        if state == "approved":
            await self._approve_budget(drafted["id"])

    async def _approve_budget(self, id_: str) -> None:
        deed = {"event": "approve", "version": 1}
        await self._post("approver", f"/v1/finance/budgets/{id_}/events", deed)

    async def declare_aid(self) -> None:
        body = {
            "beneficiary": {"kind": "firm", "id": self.uscc},
            "matter": {"kind": "year", "period": "2025"}, "level": "ningbo",
            "programme": "ningbo-digital", "stacking_group": GROWTH, "amount_fen": 10 * WAN,
            "paid_on": "2026-05-01", "document": "甬经信〔2026〕1号",
        }  # fmt: skip
        self._know("aid", await self._post("treasurer", "/v1/finance/aid", body))

    async def match(self) -> None:
        """Wait until what was stated has been heard and the firm has been matched."""
        await self.platform.settle()

    async def propose_parameter(self) -> None:
        body = {
            "parameter": "large-strong.award_fen", "value": 100_000_000,
            "valid_from": self.real[NUMBER_DAY], "source": "慈经信〔2026〕9号",
        }  # fmt: skip
        self._know("parameter", await self._post("reviewer", "/v1/policy/parameters", body))

    async def bring_case(self, state: str, programme: str = GROWTH, period: str = "2025") -> None:
        body = {
            "programme": programme, "applicant": {"kind": "firm", "id": self.uscc},
            "matter": {"kind": "year", "period": period},
        }  # fmt: skip
        await self.client("firm")
        after = self.real[IDS["statement"]]
        path = "/v1/policy/cases"
        self._case = await self._post("firm", path, body, after=after)
        self._know("case", self._case)
        for who, event in (
            ("firm", "submit"), ("reviewer", "accept"), ("reviewer", "review"),
            ("reviewer", "propose"), ("approver", "decide"),
        ):  # fmt: skip
            if self._case["state"] == state:
                return
            data = {"outcome": "approve"} if event == "decide" else {}
            deed = {"event": event, "version": self._case["version"], "data": data}
            self._case = await self._post(who, f"{path}/{self._case['id']}/events", deed)
            if event == "propose":
                await self._until(lambda c: c["reservation"]["state"] == "reserved")
            elif event == "decide":
                await self._until(lambda c: c["state"] == "awarded")
                await self._find_award()

    async def review_in_steps(self) -> None:
        """Bring a case of a programme with steps to its review, at the firm's town first."""
        await self.bring_case("in-review", STEPPED)
        path = f"/v1/policy/cases/{self._case['id']}/steps"
        self._know("step", (await self._get("auditor", path))["items"][0])

    async def _find_award(self) -> None:
        found = await self._get("treasurer", "/v1/finance/awards", case_id=self._case["id"])
        self._know("award", found["items"][0])

    async def bring_payout(self, state: str) -> None:
        body = {"awards": [self.real[IDS["award"]]], "document": "慈财企〔2026〕12号"}
        self._payout = await self._post("treasurer", "/v1/finance/payouts", body)
        self._know("payout", self._payout)
        for who, event in (("treasurer-b", "check"), ("treasurer", "send")):
            if self._payout["state"] == state:
                return
            deed = {"event": event, "version": self._payout["version"]}
            path = f"/v1/finance/payouts/{self._payout['id']}/events"
            self._payout = await self._post(who, path, deed)

    async def run_notice(self, state: str = "running") -> None:
        """Have a match proposed on a day of its own, and its notice run, or be over."""
        self.moved_to = NOTICE_DAY
        await set_clock(self.platform, NOTICE_DAY)
        for year, wan in ((2026, 200), (2027, 221)):
            await self._state_year(year, rd_internal_fen=wan * WAN, revenue_fen=6_000 * WAN)
        await self._state_year(2027, ningbo_rd_award_fen=11 * WAN)
        listed = {
            "valid_from": "2028-01-01", "valid_to": "2028-12-31", "complete": False,
            "document": "甬科高〔2028〕1号", "items": [{"uscc": self.uscc}],
        }  # fmt: skip
        await self._post(
            "registrar", "/v1/enterprise/lists/ningbo-rd-post-subsidy/versions", listed
        )
        await self._set_ratio()
        line = {
            "year": 2028, "measure": 27, "name": "研发投入配套补助", "department": "科技局",
            "amount_fen": 1_000 * WAN,
        }  # fmt: skip
        await self._approve_budget(
            (await self._post("treasurer", "/v1/finance/budgets", line))["id"]
        )
        await self.platform.settle()
        await self.bring_case("in-notice", MATCHING, "2027")
        self._know("notice", self._case["notice"])
        if state == "over":
            await set_clock(self.platform, NOTICE_OVER)

    async def _set_ratio(self) -> None:
        """Set the ratio of the match, unless another example has."""
        path = "/v1/policy/parameters"
        ratio = {"parameter": RATIO, "value": 5000, "valid_from": NOTICE_DAY[:10], "source": "示例"}
        answer = await self.platform.client("reviewer").post(path, json=ratio)
        if answer.status_code == 409 and answer.json()["code"] == "parameter-day-taken":
            return
        deed = {"event": "approve", "version": 1}
        await self._post("approver", f"{path}/{_good(answer)['id']}/events", deed)

    async def object_to_notice(self) -> None:
        path = f"/v1/policy/notices/{self.real[IDS['notice']]}/objections"
        body = OBJECTION | {"item": self.real[IDS["case"]]}
        self._know("objection", await self._post("public", path, body))

    async def _state_year(self, year: int, **facts: int) -> None:
        answer = await self.platform.client("registrar").put(
            f"/v1/enterprise/firms/{self.uscc}/indicators/{year}",
            json={"facts": facts, "source": "企业年度报告"},
        )
        _good(answer)

    async def _until(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds(self._case):
            assert time.monotonic() < deadline, self._case
            await asyncio.sleep(0.02)
            self._case = await self._get("auditor", f"/v1/policy/cases/{self._case['id']}")

    async def _get(self, who: str, path: str, **params: Any) -> Any:
        return _good(await (await self.client(who)).get(path, params=params))

    async def _post(self, who: str, path: str, body: Any, **params: Any) -> Any:
        client = await self.client(who)
        return _good(await client.post(path, json=body, params=params, headers=self.platform.key()))

    def _know(self, name: str, made: dict[str, Any]) -> None:
        self.real[IDS[name]] = made["id"]


STEPS: dict[str, Callable[..., Awaitable[None]]] = {
    "firm": Scene.register,
    "facts": Scene.state_facts,
    "recognition": Scene.recognise,
    "list": Scene.publish_list,
    "import": Scene.import_file,
    "budget": Scene.draft_budget,
    "aid": Scene.declare_aid,
    "match": Scene.match,
    "parameter": Scene.propose_parameter,
    "case": Scene.bring_case,
    "steps": Scene.review_in_steps,
    "payout": Scene.bring_payout,
    "notice": Scene.run_notice,
    "objection": Scene.object_to_notice,
}


async def set_clock(platform: TestPlatform, now: str) -> None:
    """Move the business clock; the answer comes once this process goes by it."""
    answer = await platform.client("admin").post("/v1/demo/clock", json={"now": now})
    assert answer.status_code == 200, answer.text
    await platform.settle()


async def clock_offset(platform: TestPlatform) -> timedelta:
    answer = await platform.client("admin").get("/v1/demo/clock")
    return timedelta(seconds=answer.json()["offset_s"])


async def restore_clock(platform: TestPlatform, offset: timedelta) -> None:
    await set_clock(platform, (system_now() + offset).isoformat())


def _good(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()
