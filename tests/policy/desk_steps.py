"""Steps that the tests of the officers' desk share: batches, imports, cases copied for a race."""

import asyncio
import itertools
import time
from typing import Any

import httpx
from sqlalchemy import insert

from services.kernel.ids import new_id
from services.policy.cases.models import Case
from tests.policy.steps import WAIT_S_MAX

BATCHES = "/v1/policy/case-batches"
IMPORTS = "/v1/policy/cases/imports"
COLUMNS = (
    "external_ref", "programme", "applicant_id", "matter_kind", "matter_period", "state",
    "decided_on", "paid_on", "amount_fen", "document",
)  # fmt: skip
_keys = itertools.count(1)


def item(case: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"case": case["id"], "version": case["version"], "data": data}


async def send_batch(
    platform: Any, client: httpx.AsyncClient, event: str, items: list[Any], **body: Any
) -> httpx.Response:
    headers = body.pop("headers", None) or platform.key()
    return await client.post(
        BATCHES, json={"event": event, "items": items, **body}, headers=headers
    )


async def batch(
    platform: Any, client: httpx.AsyncClient, event: str, items: list[Any], **body: Any
) -> dict[str, Any]:
    """Send a batch, and wait until its operation is over."""
    answer = await send_batch(platform, client, event, items, **body)
    assert answer.status_code == 202, answer.text
    return await ended(client, answer.headers["location"])


async def ended(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S_MAX * 3
    while True:
        found = (await client.get(location)).json()
        if found["state"] in ("finished", "failed"):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def copies(platform: Any, case: dict[str, Any], count: int, **changes: Any) -> list[str]:
    """Copy a case as it stands, for what must be tried many times."""
    ids: list[str] = []
    async with platform.service("policy").sessions() as session, session.begin():
        row = await session.get_one(Case, case["id"])
        values = {column.key: getattr(row, column.key) for column in Case.__table__.columns}
        for _ in range(count):
            fresh = {"id": new_id(), "open_key": f"copy-{next(_keys)}-{new_id()}", **changes}
            await session.execute(insert(Case).values(values | fresh))
            ids.append(str(fresh["id"]))
    return ids


def legacy_row(uscc: str, ref: str, **changes: Any) -> dict[str, Any]:
    return {
        "external_ref": ref, "programme": "digital-growth", "applicant_id": uscc,
        "matter_kind": "year", "matter_period": "2023", "state": "closed",
        "decided_on": "2024-09-10", "paid_on": "2024-10-08", "amount_fen": 20_000_000,
        "document": "慈经信〔2024〕9号", **changes,
    }  # fmt: skip


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join(str(row.get(name) or "") for name in COLUMNS) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines, ""]).encode()


async def send_import(
    platform: Any, content: bytes, client: Any = "registrar", media: str = "text/csv"
) -> httpx.Response:
    who = platform.client(client) if isinstance(client, str) else client
    headers = {**platform.key(), "Content-Type": media}
    return await who.post(IMPORTS, content=content, headers=headers)


async def imported(
    platform: Any, content: bytes, client: Any = "registrar", media: str = "text/csv"
) -> dict[str, Any]:
    answer = await send_import(platform, content, client, media)
    assert answer.status_code == 202, answer.text
    who = platform.client(client) if isinstance(client, str) else client
    return await ended(who, answer.headers["location"])
