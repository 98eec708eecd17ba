"""The hands of the case machine: they do in the platform what the model says, and look after it."""

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from services.kernel.ids import new_id
from tests.policy.case_model import (
    FULL_FEN,
    GROWTH,
    HANDLING,
    OVERRIDDEN_FEN,
    PAYMENTS,
    RECOVERIES,
    SOFTWARE,
    STANDING,
    WHOSE,
    Case,
    Verdict,
    World,
)
from tests.policy.money_model import asked_back
from tests.policy.notice_steps import NOTICES
from tests.policy.steps import (
    WAN,
    case_body,
    declare_aid,
    firm_client,
    fresh_uscc,
    register,
    set_clock,
    state,
    state_of_day,
)

NOTE = "按程序办理，理由充分。"
# Each more than a notice's five working days after the one before; no holiday is in between.
DAYS = (
    "2026-11-02T10:00:00+08:00",
    "2026-11-10T10:00:00+08:00",
    "2026-11-18T10:00:00+08:00",
    "2026-11-26T10:00:00+08:00",
    "2026-12-04T10:00:00+08:00",
    "2026-12-14T10:00:00+08:00",
    "2026-12-22T10:00:00+08:00",
)
_CASES = """
SELECT c.id, c.state, c.version, c.attempt, c.reservation_state AS held,
       c.reservation_amount_fen AS fen, c.decided_by, c.changed_at,
       (SELECT array_agg(number ORDER BY number) FROM case_event e WHERE e.case_id = c.id) AS rows,
       (SELECT array_agg(actor) FROM case_event e
        WHERE e.case_id = c.id AND e.role = 'reviewer') AS reviewers
FROM policy_case c WHERE c.applicant_id = :uscc ORDER BY c.id
"""
_REFUSED = """
SELECT detail::json ->> 'code' FROM audit_entry
WHERE id > :since AND outcome = 'refused' AND thing_id = :path
"""
_AWARDS = """
SELECT a.id, a.case_id, a.attempt, a.state, a.version, a.amount_fen, a.paid_fen, a.recovered_fen,
       a.matter_key, a.programme, a.reviewed_by, a.decided_by,
       (SELECT coalesce(sum(l.amount_fen), 0) FROM payout_line l
        WHERE l.award_id = a.id AND l.state = 'settled') AS settled
FROM award a WHERE a.beneficiary_id = :uscc
"""
_LINES = """
SELECT budget_id, sum(balance_fen) AS left FROM account
GROUP BY budget_id HAVING sum(balance_fen) <> 0
"""
_LEDGER = """
SELECT a.id FROM account a
LEFT JOIN (SELECT account, sum(fen) AS fen FROM
    (SELECT credit_account AS account, amount_fen AS fen FROM transfer
     UNION ALL SELECT debit_account, -amount_fen FROM transfer) AS side GROUP BY account) m
ON m.account = a.id WHERE a.balance_fen <> coalesce(m.fen, 0)
"""


async def growing_in_both(platform: Any) -> str:
    """Register a firm that is entitled to both awards at their caps."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, wan in ((2023, 150_000), (2024, 200_000), (2025, 260_000)):
        await state(platform, uscc, year, revenue_fen=wan * WAN)
    await state_of_day(
        platform, uscc, is_digital_manufacturing=True, is_above_scale=True,
        is_software_information_service=True,
    )  # fmt: skip
    await platform.settle()
    return uscc


class Hands:
    """One firm's cases in the platform, beside the model of them."""

    def __init__(
        self, platform: Any, uscc: str, own: httpx.AsyncClient, both: httpx.AsyncClient
    ) -> None:
        self.platform, self.uscc, self.world = platform, uscc, World()
        self.clients = {"own": own, "both": both}
        self.ids: list[str] = []
        self.notices: dict[str, str] = {}
        self.objections: dict[str, list[str]] = {}
        self.payouts: dict[str, str] = {}

    @classmethod
    async def begin(cls, platform: Any, both: httpx.AsyncClient) -> "Hands":
        uscc = await growing_in_both(platform)
        return cls(platform, uscc, await firm_client(platform, uscc), both)

    def client(self, caller: str) -> httpx.AsyncClient:
        return self.clients.get(caller) or self.platform.client(caller)

    def id_of(self, case: Case) -> str:
        return self.ids[next(n for n, each in enumerate(self.world.cases) if each is case)]

    def can_do(self, case: Case, name: str) -> bool:
        """Tell whether there is a thing that the event could be sent to."""
        id_ = self.id_of(case)
        if name in WHOSE or name in ("open", "tick", "declare"):
            return True
        if name in HANDLING:
            return bool(case.objections)
        if name == "object-publicly":
            return id_ in self.notices
        has_batch = name == "prepare" or id_ in self.payouts
        return case.award is not None and (name in RECOVERIES or has_batch)

    async def post(self, caller: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client(caller).post(path, json=body, headers=self.platform.key())

    async def send(
        self, case: Case, event: str, caller: str, way: str, *, stale: bool = False
    ) -> httpx.Response:
        """Send an event of a case, at its own version or at one that it never had."""
        row = (await self.rows())[self.id_of(case)]
        data: dict[str, Any] = {}
        if event in ("propose", "decide"):
            data = {"outcome": "refuse" if way == "refuse" else "approve"}
        if event == "propose" and way == "override":
            data["override"] = {
                "reason": "经集体研究，按较低金额安排。",
                "amount_fen": OVERRIDDEN_FEN,
            }
        body = {"event": event, "version": row["version"] + stale, "note": NOTE, "data": data}
        return await self.post(caller, f"/v1/policy/cases/{self.id_of(case)}/events", body)

    async def open(self, programme: str) -> httpx.Response:
        return await self.post("own", "/v1/policy/cases", case_body(self.uscc, programme))

    async def object_publicly(self, case: Case) -> httpx.Response:
        id_ = self.id_of(case)
        body = {
            "item": id_, "name": "张三丰", "contact": "0574-63990000",
            "reason": f"营业收入与公开年报不符（{new_id()}）。", "evidence": ["年报第12页"],
        }  # fmt: skip
        return await self.post("public", f"{NOTICES}/{self.notices[id_]}/objections", body)

    async def handle(self, case: Case, how: str, caller: str) -> httpx.Response:
        event, _, outcome = how.partition("-")
        data = {"reply": "已核查。", **({"outcome": outcome} if outcome else {})}
        body = {"event": event, "version": 1, "note": NOTE, "data": data}
        return await self.post(caller, f"{self.objections[self.id_of(case)][0]}/events", body)

    async def money(self, case: Case, event: str, caller: str) -> httpx.Response:
        """Send an event of an award, or of the batch that it stands in."""
        award = (await self.awards())[self.id_of(case)]
        data: dict[str, Any] = {}
        if event in RECOVERIES:
            name = event.removesuffix("-part")
            if name == "recover":
                data = {"document": "慈财追〔2026〕3号"}
            if event == "recover-part" and case.award is not None:
                data["amount_fen"] = max(1, asked_back(case.award, event))
            body = {"event": name, "version": award["version"], "data": data}
            return await self.post(caller, f"/v1/finance/awards/{award['id']}/events", body)
        assert event in PAYMENTS
        awards = [str(award["id"])]
        if event == "prepare":
            body = {"awards": awards, "document": "慈财企〔2026〕12号"}
            return await self.post(caller, "/v1/finance/payouts", body)
        path = f"/v1/finance/payouts/{self.payouts[self.id_of(case)]}"
        if event == "settle":
            data = {"lines": {awards[0]: {"state": "settled"}}}
        elif event == "give-back":
            data = {"awards": awards, "reason": "账号有误"}
        version = (await self.client("treasurer").get(path)).json()["version"]
        name = "return" if event == "give-back" else event
        return await self.post(
            caller, f"{path}/events", {"event": name, "version": version, "data": data}
        )

    async def declare(self, programme: str) -> None:
        """Have Ningbo's aid for the same matter declared, as high as ours."""
        wan = FULL_FEN[programme] // WAN
        named = {"programme": f"ningbo-{programme}", "stacking_group": programme}
        await declare_aid(self.platform, self.uscc, wan, **named)
        await self.platform.settle()

    async def tick(self) -> None:
        self.world.tick += 1
        await set_clock(self.platform, DAYS[self.world.tick])

    # What is there, read from the tables themselves.

    async def fetch(self, service: str, sql: str, **values: Any) -> list[Any]:
        async with self.platform.service(service).sessions() as session:
            return list((await session.execute(text(sql), values)).mappings())

    async def rows(self) -> dict[str, Any]:
        return {str(row["id"]): row for row in await self.fetch("policy", _CASES, uscc=self.uscc)}

    async def awards(self) -> dict[str, Any]:
        found = await self.fetch("finance", _AWARDS, uscc=self.uscc)
        awards = {str(row["case_id"]): row for row in found}
        assert len(awards) == len(found), "two awards of one case"
        return awards

    async def require_refused(
        self, case: Case, before: Any, since: UUID, answer: httpx.Response, caller: str
    ) -> None:
        """Nothing moved, and the audit knows what was refused."""
        id_ = self.id_of(case)
        after = (await self.rows())[id_]
        moved = {name: (was, after[name]) for name, was in before.items() if after[name] != was}
        assert moved == {}
        if caller == "public" or answer.status_code not in (401, 403, 404, 409):
            return
        path = f"/v1/policy/cases/{id_}/events"
        found = await self.fetch("policy", _REFUSED, since=since, path=path)
        assert [list(row.values()) for row in found] == [[answer.json()["code"]]]

    async def look(self, reader: str, read: Case) -> None:
        """Compare every case and award with the model, and the books with themselves."""
        rows, awards = await self.rows(), await self.awards()
        assert list(rows) == self.ids
        for id_, case in zip(self.ids, self.world.cases, strict=True):
            self._look_at(case, rows[id_], awards.get(id_))
        for programme in (GROWTH, SOFTWARE):
            standing = [
                row["amount_fen"] - row["recovered_fen"]
                for row in awards.values()
                if row["programme"] == programme and row["state"] in STANDING
            ]
            assert sum(standing) <= FULL_FEN[programme]
        # Each line's accounts sum to zero: available, reserved and paid are what was approved.
        assert await self.fetch("finance", _LINES) == []
        assert await self.fetch("finance", _LEDGER) == []
        await self.look_as(reader, read)

    def _look_at(self, case: Case, row: Any, award: Any) -> None:
        assert (row["state"], row["attempt"]) == (case.state, case.attempt)
        assert row["rows"] == list(range(1, len(row["rows"]) + 1))
        decided_by = self.name_of(row["decided_by"])
        assert decided_by == case.decided_by
        assert decided_by not in {self.name_of(each) for each in row["reviewers"] or ()}
        assert {self.name_of(each) for each in row["reviewers"] or ()} == case.reviewers
        if case.state in ("awarded", "closed"):
            assert case.award is not None
            assert (row["held"], row["fen"]) == ("reserved", case.award.amount)
        if case.award is None:
            assert award is None
            return
        assert (award["state"], award["amount_fen"]) == (case.award.state, case.award.amount)
        assert award["paid_fen"] - award["recovered_fen"] == case.award.paid
        assert award["paid_fen"] == award["settled"]
        if award["state"] in ("awarded", "paying", "paid", "recovered"):
            assert row["state"] in ("awarded", "closed", "revoked")
            assert award["reviewed_by"] != award["decided_by"] == row["decided_by"]

    def name_of(self, subject: str | None) -> str | None:
        return "both" if subject and subject.startswith("both-") else subject

    async def look_as(self, reader: str, case: Case) -> None:
        """Compare what a caller is shown as possible with what the model would let him do."""
        id_ = self.id_of(case)
        answer = await self.client(reader).get(f"/v1/policy/cases/{id_}")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert shown["state"] == case.state
        assert set(shown["allowed_events"]) == case.allowed(reader, self.world.tick)
        if shown["notice"] is not None:
            self.notices[id_] = shown["notice"]["id"]

    def expect(self, answer: httpx.Response, verdict: Verdict, told: str) -> bool:
        """Hold an answer against the model's; tell whether it was done."""
        code = answer.json().get("code") if answer.status_code >= 400 else None
        found = (answer.status_code, code if verdict.code else None)
        assert found == (verdict.status, verdict.code), f"{told}: {answer.text}"
        return verdict.is_done
