"""The life of a case as its people drive it: firm, reviewer, approver, treasurers."""

import asyncio
import time
from typing import Any

from services.launch.caller import Caller, UnexpectedAnswer

POLL_S = 0.03


async def sign_up_firm(caller: Caller, uscc: str, name: str) -> str:
    """Have the administrator register a firm's own system, bound to its uscc."""
    if name not in caller.clients:
        scopes = [
            f"{service}:{verb}"
            for service in ("enterprise", "policy", "finance")
            for verb in ("read", "write")
        ]
        new = {
            "client_id": name,
            "name": "企业系统（演示）",
            "roles": ["firm"],
            "scopes": scopes,
            "uscc": uscc,
        }
        client = await caller.post("admin", "/v1/identity/clients", new)
        caller.clients[name] = {
            "client_id": name,
            "client_secret": client["client_secret"],
            "uscc": uscc,
        }
    return name


async def open_case(
    caller: Caller, firm: str, uscc: str, programme: str, year: int, **params: Any
) -> dict[str, Any]:
    """Have a firm open a case for a year."""
    body = {
        "programme": programme,
        "call": None,
        "applicant": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": str(year)},
    }
    return await caller.post(firm, "/v1/policy/cases", body, **params)


async def move(
    caller: Caller,
    role: str,
    case: dict[str, Any],
    event: str,
    data: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Move a case by one event, at the version it has now."""
    current = await caller.get(role, f"/v1/policy/cases/{case['id']}")
    body = {"event": event, "version": current["version"], "note": "", "data": data or {}}
    return await caller.post(role, f"/v1/policy/cases/{case['id']}/events", body, **options)


async def review_and_propose(
    caller: Caller, firm: str, reviewer: str, case: dict[str, Any]
) -> dict[str, Any]:
    """Submit, accept, review and propose; then wait for finance's word."""
    await propose(caller, firm, reviewer, case)
    return await answered(caller, reviewer, case)


async def propose(caller: Caller, firm: str, reviewer: str, case: dict[str, Any]) -> dict[str, Any]:
    """Submit, accept, review and propose; finance need not be there for any of it."""
    case = await move(caller, firm, case, "submit")
    for event in ("accept", "review", "propose"):
        case = await move(caller, reviewer, case, event)
    return case


async def answered(caller: Caller, reviewer: str, case: dict[str, Any]) -> dict[str, Any]:
    """Wait until finance has said whether it holds the money."""
    return await until(
        caller, reviewer, case, lambda c: c["reservation"]["state"] in ("reserved", "refused")
    )


async def past_notice(caller: Caller, role: str, case: dict[str, Any]) -> None:
    """Wait until policy has heard of the moved clock, and written down that the notice is over."""
    path = f"/v1/policy/cases/{case['id']}/history"
    deadline = time.monotonic() + caller.patience_s
    while True:
        history = await caller.get(role, path)
        if any(entry["event"] == "notice-ended" for entry in history["items"]):
            return
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"the notice of case {case['id']} did not end")
        await asyncio.sleep(POLL_S)


async def decide(caller: Caller, approver: str, case: dict[str, Any]) -> dict[str, Any]:
    """Approve as a second person, and wait until finance has made the award."""
    await move(caller, approver, case, "decide", {"outcome": "approve"})
    return await until(caller, approver, case, lambda c: c["state"] == "awarded")


async def pay(caller: Caller, cases: list[dict[str, Any]], document: str) -> dict[str, Any]:
    """Pay awards in one batch: prepared by one treasurer, checked by another, sent, settled."""
    awards = [await award_of(caller, case) for case in cases]
    payout = await caller.post(
        "treasurer", "/v1/finance/payouts", {"awards": awards, "document": document}
    )
    for role, event in (("treasurer-b", "check"), ("treasurer", "send"), ("treasurer", "settle")):
        body = {"event": event, "version": payout["version"], "note": "", "data": {}}
        payout = await caller.post(role, f"/v1/finance/payouts/{payout['id']}/events", body)
    for case in cases:
        await until(caller, "auditor", case, lambda c: c["state"] == "closed")
    return payout


async def award_of(caller: Caller, case: dict[str, Any]) -> str:
    """Find the award of a case."""
    found = await caller.get("treasurer", "/v1/finance/awards", case_id=case["id"])
    return str(found["items"][0]["id"])


async def until(caller: Caller, role: str, case: dict[str, Any], holds: Any) -> dict[str, Any]:
    """Wait for what another service will do about a case."""
    deadline = time.monotonic() + caller.patience_s
    while True:
        current = await caller.get(role, f"/v1/policy/cases/{case['id']}")
        if holds(current):
            return current
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(
                f"case {case['id']} stayed {current['state']}, {current['reservation']}"
            )
        await asyncio.sleep(POLL_S)


def yuan(fen: int | None) -> str:
    """Show an amount in yuan."""
    return "—" if fen is None else f"{fen // 100:,}.{fen % 100:02d}元"
