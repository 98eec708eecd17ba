"""Steps of documents and archives: an awarded case, copies of it, drafts and issues."""

import itertools
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import insert, select

from services.kernel.database_urls import plain_url
from services.kernel.ids import new_id
from services.kernel.tables import Outbox
from services.policy.cases.models import Case
from tests.policy.steps import (
    approve,
    budget,
    firm_client,
    fresh_uscc,
    growing_firm,
    open_case,
    propose,
)

DOCUMENTS = "/v1/policy/documents"
MINUTES = {"number": "慈经信会纪〔2026〕8号", "held_on": "2026-11-20"}
_numbers = itertools.count(os.getpid() % 30_000 + 1)


def fresh_number() -> str:
    """Give a number that no other document of this run has."""
    return f"慈测文〔2026〕{next(_numbers)}号"


async def awarded(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Have a case awarded; give it with its firm's client."""
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    return await approve(platform, case), firm


async def copies(
    platform: Any, case: dict[str, Any], count: int, **changes: Any
) -> list[dict[str, Any]]:
    """Copy a case to firms of their own, each with an amount of its own."""
    async with platform.service("policy").sessions() as session, session.begin():
        row = await session.get_one(Case, UUID(case["id"]))
        known = {column.key: getattr(row, column.key) for column in Case.__table__.columns}
        made = [
            {
                **known, "id": new_id(), "applicant_id": fresh_uscc(),
                "applicant_name": f"慈溪市示范第{number}有限公司",
                "reservation_amount_fen": 12_345_678_901 + number * 7, **changes,
            }
            for number in range(1, count + 1)
        ]  # fmt: skip
        await session.execute(insert(Case), made)
    return made


def payment(cases: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    lines = [{"case": str(case["id"])} for case in cases]
    return {
        "kind": "payment", "number": fresh_number(), "cases": lines, "minutes": MINUTES, **changes,
    }  # fmt: skip


def decision(case: dict[str, Any], kind: str = "decision-approval", **changes: Any) -> Any:
    return {"kind": kind, "number": fresh_number(), "cases": [{"case": case["id"]}], **changes}


async def try_draft(platform: Any, body: Any, client: str = "approver") -> httpx.Response:
    return await platform.client(client).post(DOCUMENTS, json=body, headers=platform.key())


async def draft(platform: Any, body: Any, client: str = "approver") -> dict[str, Any]:
    answer = await try_draft(platform, body, client)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def try_event(
    platform: Any, document: dict[str, Any], event: str, client: str = "approver-b", note: str = ""
) -> httpx.Response:
    return await platform.client(client).post(
        f"{DOCUMENTS}/{document['id']}/events",
        json={"event": event, "version": document["version"], "note": note},
        headers=platform.key(),
    )


async def issue(platform: Any, document: dict[str, Any]) -> dict[str, Any]:
    answer = await try_event(platform, document, "issue")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def withdraw(platform: Any, document: dict[str, Any]) -> dict[str, Any]:
    answer = await try_event(platform, document, "withdraw", note="金额有误，收回重制")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def verified(platform: Any, code: str) -> dict[str, Any]:
    answer = await platform.client("public").get(f"{DOCUMENTS}/verify/{code}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def pdf_of(platform: Any, document: dict[str, Any], client: str = "approver") -> bytes:
    answer = await platform.client(client).get(f"{DOCUMENTS}/{document['id']}/pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


async def announced(platform: Any, document: dict[str, Any]) -> list[Outbox]:
    """Give what was announced of a document, in its order."""
    async with platform.service("policy").sessions() as session:
        rows = await session.scalars(
            select(Outbox)
            .where(Outbox.aggregate == f"document:{document['id']}")
            .order_by(Outbox.seq)
        )
        return list(rows)


@asynccontextmanager
async def tampering(platform: Any) -> AsyncGenerator[asyncpg.Connection]:
    """Open the database as somebody who holds the server and stops at nothing."""
    admin = await asyncpg.connect(plain_url(platform.service("policy").settings.database_url))
    try:
        await admin.execute("SET search_path = policy; SET session_replication_role = replica")
        yield admin
    finally:
        await admin.close()


async def audited(platform: Any, thing_id: str) -> list[str]:
    """List the actions on record about a thing, in their order."""
    async with tampering(platform) as admin:
        rows = await admin.fetch(
            "SELECT action FROM audit_entry WHERE thing_id = $1 ORDER BY id", thing_id
        )
    return [row["action"] for row in rows]
