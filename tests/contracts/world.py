"""Real objects of every kind, made through the API by those who may, for others to be refused."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, select

from services.finance import reactions
from services.finance.awards.models import Award
from services.kernel.clock import CITY
from services.kernel.ids import new_id
from services.kernel.tables import Operation
from services.kernel.unit import commit
from services.launch.city.uscc import make_uscc
from services.policy.cases.models import Case
from services.policy.contract.events import AwardProposed, CaseDecided
from services.policy.tasks.actions.check_day import check_day
from tests.conftest import TestPlatform
from tests.contracts.years import freed_years

AUTHORITY = "330226"
TOWN, OTHER_TOWN = "330282107", "330282114"
GROWTH = "digital-growth"
PROGRAMME = "matrix-programme"
# Of the same department and proofs: a firm has one open case a year in each, and years run out.
EARLY = "software-growth"
WITHOUT_MONEY = ("draft", "submitted", "returned", "accepted", "withdrawn")
FIRST_YEAR = 2000
WAIT_S_MAX = 20
SCOPES = [
    f"{service}:{verb}"
    for service in ("identity", "enterprise", "policy", "finance")
    for verb in ("read", "write")
]
# Besides the demonstration's own clients: firms of our own, persons with two roles, and an auditor
# who has every scope, so that it is the role that is refused.
PEOPLE: dict[str, dict[str, Any]] = {
    "auditor": {"roles": ["auditor"]},
    "reviewer-town-b": {"roles": ["reviewer"], "town_code": OTHER_TOWN},
    "reviewer-approver": {"roles": ["reviewer", "approver"], "department": "jxj"},
    "treasurer-approver": {"roles": ["treasurer", "approver"], "department": "czj"},
    # The office that directs the task board, in each role that may.
    **{
        f"{role}-office": {"roles": [role], "department": "zfb"}
        for role in ("registrar", "reviewer", "approver")
    },
    "institution-b": {"roles": ["institution"], "institution": "matrix-institution-b"},
}
INSTITUTION = {"kind": "institution", "id": "demo-institution"}
# How a case comes to a state: who does which event, one after the other.
REVIEWER = "reviewer-approver"
WAY: dict[str, list[tuple[str, str]]] = {
    "draft": [],
    "submitted": [("firm", "submit")],
    "returned": [("firm", "submit"), (REVIEWER, "return")],
    "accepted": [("firm", "submit"), (REVIEWER, "accept")],
}
WAY["withdrawn"] = [*WAY["submitted"], ("firm", "withdraw")]
WAY["in-review"] = [*WAY["accepted"], (REVIEWER, "review")]
WAY["proposed"] = [*WAY["in-review"], (REVIEWER, "propose")]
WAY["awarded"] = [*WAY["proposed"], ("approver", "decide")]
# How a task comes to a state, by whoever of its lead works on it.
WORKER = {"jxj": REVIEWER, "sjglj": "registrar"}
TASK_WAY: dict[str, list[str]] = {
    "open": [],
    "in-progress": ["start", "attach"],
    "blocked": ["start", "block"],
    "done": ["start", "attach", "finish"],
}
PROOF = {"title": "测试凭证", "document": "测试〔2026〕1号"}
_numbers = itertools.count(1)


class World:
    """What the cells of the matrix are about: made once where it is only looked at."""

    def __init__(self, platform: TestPlatform) -> None:
        self.platform = platform
        self.uscc = make_uscc(AUTHORITY, next(_numbers))
        self.uscc_b = make_uscc(AUTHORITY, next(_numbers))
        self._own: dict[str, httpx.AsyncClient] = {}
        self._kept: dict[str, Any] = {}
        self.today = ""
        self.all_years = range(0)
        self._years: dict[str, Iterator[int]] = {}

    async def begin(self) -> None:
        """Sign people in, register two firms, and have money to give."""
        people = PEOPLE | {
            "firm": {"roles": ["firm"], "uscc": self.uscc},
            "firm-b": {"roles": ["firm"], "uscc": self.uscc_b},
        }
        for name, entry in people.items():
            self._own[name] = await self.sign_in(f"matrix-{name}", **entry)
        self.today = (await self.get("admin", "/v1/demo/clock"))["today"]
        this_year = int(self.today[:4])
        self.all_years = range(this_year - 1, FIRST_YEAR + 2, -1)
        self._years = {name: iter(self.all_years) for name in (GROWTH, EARLY)}
        await self.register(self.uscc)
        await self.register(self.uscc_b, town_code=OTHER_TOWN)
        await self._grow(this_year)
        for programme in (GROWTH, PROGRAMME):
            await self.budget("approved", programme=programme)
        await self.platform.settle()

    async def sign_in(self, name: str, **entry: Any) -> httpx.AsyncClient:
        """Have a client registered and signed in."""
        body = {"client_id": name, "name": name, "scopes": SCOPES} | entry
        made = await self.post("admin", "/v1/identity/clients", body)
        known = self.platform.credentials.clients
        known[name] = {"client_id": name, "client_secret": made["client_secret"]}
        transport = httpx.ASGITransport(app=self.platform.gateway)  # pyright: ignore[reportArgumentType]
        client = httpx.AsyncClient(transport=transport, base_url="http://lx", timeout=30)
        await self.platform.sign_in(client, name)
        return client

    def keep_client(self, name: str, client: httpx.AsyncClient) -> None:
        """Have one more person known, whom a call of the matrix has signed in."""
        self._own[name] = client

    def client(self, name: str) -> httpx.AsyncClient:
        return self._own.get(name) or self.platform.client(name)

    def subject(self, name: str) -> str:
        """Name a client as the services know it."""
        return f"matrix-{name}" if name in self._own else name

    async def token(self, name: str, scope: str) -> str:
        """Obtain a token for a client that asks for one scope only."""
        entry = self.platform.credentials.clients[self.subject(name)]
        form = {name: entry[name] for name in ("client_id", "client_secret")}
        form |= {"grant_type": "client_credentials", "scope": scope}
        return _good(await self.client("public").post("/oauth2/token", data=form))["access_token"]

    async def get(self, who: str, path: str, **params: Any) -> Any:
        return _good(await self.client(who).get(path, params=params))

    async def post(self, who: str, path: str, body: Any = None, **params: Any) -> Any:
        answer = await self.client(who).post(
            path, json=body, params=params, headers=self.platform.key()
        )
        return _good(answer)

    async def kept(self, name: str, make: Callable[[], Awaitable[Any]], *, fresh: bool) -> Any:
        """Give the one object of a name, or a new one to a caller who will change it."""
        if fresh:
            return await make()
        if name not in self._kept:
            self._kept[name] = await make()
        return self._kept[name]

    async def register(self, uscc: str, **profile: Any) -> str:
        body = {
            "uscc": uscc,
            "name": f"慈溪市示范合约{uscc[-6:]}有限公司",
            "industry_code": "3854",
            "town_code": TOWN,
            "established_on": "2001-05-01",
            "fiscal_jurisdiction": "330282",
            "synthetic": True,
        }
        await self.post("registrar", "/v1/enterprise/firms", body | profile)
        return uscc

    async def new_firm(self) -> str:
        return await self.register(make_uscc(AUTHORITY, next(_numbers)))

    async def recognition(self, uscc: str) -> dict[str, Any]:
        body = {
            "recognition": "specialised-sme",
            "issuer": "省经信厅",
            "document": "浙经信〔2025〕1号",
            "valid_from": "2025-01-01",
        }
        return await self.post("registrar", f"/v1/enterprise/firms/{uscc}/recognitions", body)

    async def list_version(self, name: str, *, public: bool) -> dict[str, Any]:
        body = {
            "valid_from": "2025-01-01",
            "complete": True,
            "document": "甬科〔2025〕1号",
            "items": [{"uscc": self.uscc}],
            "public": public,
        }
        return await self.post("registrar", f"/v1/enterprise/lists/{name}/versions", body)

    async def operation(self, service: str, owner: str) -> str:
        """Put long work on record that was begun by a client and is over."""
        id_ = new_id()
        values = {
            "id": id_, "kind": "matrix", "state": "finished", "owner": owner, "actor": {},
            "input": {}, "created_at": self.now(service), "result": {},
        }  # fmt: skip
        async with self.platform.service(service).sessions() as session, session.begin():
            await session.execute(insert(Operation).values(values))
        return str(id_)

    def now(self, service: str) -> datetime:
        return self.platform.service(service).clock.now()

    async def case(self, state: str) -> dict[str, Any]:
        """Bring a case of the firm to a state, for a year that no other case is for."""
        programme = EARLY if state in WITHOUT_MONEY else GROWTH
        period = next(self._years[programme], None)
        if period is None:
            self._years[programme] = iter(await freed_years(self, programme, repr(self._kept)))
            period = next(self._years[programme])
        body = {
            "programme": programme,
            "applicant": {"kind": "firm", "id": self.uscc},
            "matter": {"kind": "year", "period": str(period)},
        }
        case = await self.post("firm", "/v1/policy/cases", body)
        for who, event in WAY[state]:
            data = {"outcome": "approve"} if event == "decide" else {}
            deed = {"event": event, "version": case["version"], "data": data}
            case = await self.post(who, f"/v1/policy/cases/{case['id']}/events", deed)
            if event == "propose":
                case = await self._until(case, lambda c: c["reservation"]["state"] == "reserved")
            elif event == "decide":
                case = await self._until(case, lambda c: c["state"] == "awarded")
        return case

    async def institutions_case(self, state: str) -> dict[str, Any]:
        """Copy a draft to an institution: no programme of today is for one."""
        draft = await self.kept("case draft", lambda: self.case("draft"), fresh=False)
        changes = {
            "id": new_id(),
            "state": state,
            "applicant_kind": "institution",
            "applicant_id": INSTITUTION["id"],
            "open_key": f"matrix-{next(_numbers)}",
        }
        async with self.platform.service("policy").sessions() as session, session.begin():
            row = await session.get_one(Case, draft["id"])
            values = {column.key: getattr(row, column.key) for column in Case.__table__.columns}
            await session.execute(insert(Case).values(values | changes))
        return {"id": str(changes["id"]), "version": draft["version"]}

    async def task(self, state: str, lead: str) -> dict[str, Any]:
        """Bring a task that the office gave to a department to a state."""
        body = {
            "title": "合约测试任务", "lead": lead, "done_when": "测试", "source": "测试",
            "working_days": 10,
        }  # fmt: skip
        task = await self.post("reviewer-office", "/v1/policy/tasks", body)
        for event in TASK_WAY[state]:
            data = PROOF if event == "attach" else {}
            deed = {"event": event, "version": task["version"], "note": "测试", "data": data}
            task = await self.post(WORKER[lead], f"/v1/policy/tasks/{task['id']}/events", deed)
        return task

    async def late_task(self) -> None:
        """Have a task told of as late: its day's check is made before its day."""
        task = await self.task("open", "jxj")
        policy = self.platform.service("policy")
        due = datetime.combine(date.fromisoformat(task["due_on"]), datetime.min.time(), tzinfo=CITY)
        async with policy.sessions() as session:
            await check_day(session, "recurring", due)
            await commit(session)

    def meeting_body(self) -> dict[str, Any]:
        return {
            "held_on": self.today, "title": "合约测试会议",
            "minutes": f"测试纪要{next(_numbers)}号", "attendees": ["jxj", "sjglj"],
        }  # fmt: skip

    async def meeting(self, state: str) -> dict[str, Any]:
        """Keep a meeting without decisions, published or as a draft."""
        made = await self.post("reviewer-office", "/v1/policy/meetings", self.meeting_body())
        if state == "published":
            path = f"/v1/policy/meetings/{made['id']}/events"
            made = await self.post("reviewer-office", path, {"event": "publish", "version": 1})
        return made

    async def parameter(self) -> dict[str, Any]:
        """Propose the ratio of a programme for a day that nobody has proposed yet."""
        day = str(date(2100, 1, 1) + timedelta(days=next(_numbers)))
        body = {
            "parameter": "rd-matching.ratio_bp", "value": 1000, "valid_from": day, "source": "测试",
        }  # fmt: skip
        return await self.post(REVIEWER, "/v1/policy/parameters", body)

    async def budget(self, state: str, programme: str = PROGRAMME) -> dict[str, Any]:
        body = {
            "year": int(self.today[:4]), "programme": programme, "name": "合约测试资金",
            "department": "经信局", "amount_fen": 10**12,
        }  # fmt: skip
        drafted = await self.post("treasurer-approver", "/v1/finance/budgets", body)
        if state == "draft":
            return drafted
        path = f"/v1/finance/budgets/{drafted['id']}/events"
        return await self.post("approver", path, {"event": "approve", "version": 1})

    def aid(self, level: str = "cixi") -> dict[str, Any]:
        return {
            "beneficiary": {"kind": "firm", "id": self.uscc},
            "matter": {"kind": "project", "id": f"matrix-{next(_numbers)}"},
            "level": level, "programme": "matrix-aid", "stacking_group": "matrix-aid",
            "amount_fen": 100, "paid_on": "2026-01-05", "document": "测试文件",
        }  # fmt: skip

    async def award(self, state: str, payee: dict[str, str] | None = None) -> dict[str, Any]:
        """Have an award stand decided, paid, or with a recovery that waits for confirmation."""
        firm = {"kind": "firm", "id": self.uscc}
        proposed = AwardProposed.model_validate({
            "case_id": new_id(), "attempt": 1, "programme": PROGRAMME, "measure": None,
            "beneficiary": firm, "payee": payee or firm,
            "matter": {"kind": "project", "id": f"matrix-{next(_numbers)}"},
            "budget_year": int(self.today[:4]), "amount_fen": 1000, "amount_kind": "fixed",
            "relation": "competes", "stacking_group": PROGRAMME, "stacking_mode": "top-up",
            "stacking_source": "测试", "clause": "测试", "department": "jxj",
            "proposed_by": "reviewer", "on": self.today,
        })  # fmt: skip
        decided = CaseDecided.model_validate({
            "case_id": proposed.case_id, "attempt": 1, "reviewed_by": "reviewer",
            "decided_by": "approver", "on": self.today,
        })  # fmt: skip
        finance = self.platform.service("finance")
        for react, event in (
            (reactions.reserve_award, proposed),
            (reactions.decide_award, decided),
        ):
            async with finance.sessions() as session:
                await react(session, event, finance.clock.now())  # pyright: ignore[reportArgumentType]
                await commit(session)
        async with finance.sessions() as session:
            id_ = await session.scalar(select(Award.id).where(Award.case_id == proposed.case_id))
        if state != "awarded":
            await self.payout("settled", award=str(id_))
        if state == "recovering":
            await self.recover(str(id_))
        return await self.get("auditor", f"/v1/finance/awards/{id_}")

    async def recover(self, award: str) -> None:
        """Prepare the recovery of a paid award, as the first treasurer."""
        version = (await self.get("auditor", f"/v1/finance/awards/{award}"))["version"]
        body = {"event": "recover", "version": version, "data": {"document": "测试追回"}}
        await self.post("treasurer", f"/v1/finance/awards/{award}/events", body)

    async def payout(self, state: str, award: str | None = None) -> dict[str, Any]:
        """Bring a batch, prepared by the first treasurer, to a state."""
        award = award or (await self.award("awarded"))["id"]
        body = {"awards": [award], "document": "测试资金文件"}
        batch = await self.post("treasurer", "/v1/finance/payouts", body)
        steps = [
            ("treasurer-b", "check", "checked"),
            ("treasurer", "send", "sent"),
            ("treasurer", "settle", "settled"),
        ]
        for who, event, reached in steps:
            if batch["state"] == state:
                break
            deed = {"event": event, "version": batch["version"]}
            batch = await self.post(who, f"/v1/finance/payouts/{batch['id']}/events", deed)
            assert batch["state"] == reached
        return batch

    async def _grow(self, this_year: int) -> None:
        """Let the firm grow by a fifth each year, so that every year has its award."""
        rows, revenue_fen = ["uscc,year,revenue_fen"], 10**10
        for year in range(FIRST_YEAR, this_year):
            rows.append(f"{self.uscc},{year},{revenue_fen}")
            revenue_fen += revenue_fen // 5
        accepted = await self.client("registrar").post(
            "/v1/enterprise/imports",
            params={"kind": "indicators"},
            content="\n".join(rows).encode(),
            headers={"Content-Type": "text/csv"},
        )
        assert accepted.status_code == 202, accepted.text
        await self.platform.settle()
        done = await self.get("registrar", accepted.headers["location"])
        assert (done["state"], done["error_count"]) == ("finished", 0)
        facts = {"is_digital_manufacturing": True, "is_above_scale": True}
        body = {"facts": facts, "valid_from": "2002-01-01", "source": "主管部门认定（测试）"}
        await self.post("registrar", f"/v1/enterprise/firms/{self.uscc}/facts", body)

    async def _until(self, case: dict[str, Any], holds: Callable[[Any], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds(case):
            assert time.monotonic() < deadline, case
            await asyncio.sleep(0.02)
            case = await self.get("auditor", f"/v1/policy/cases/{case['id']}")
        return case

    async def end(self) -> None:
        for client in self._own.values():
            await client.aclose()


def _good(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()
