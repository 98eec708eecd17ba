"""Steps that finance's tests share: budgets by HTTP, what policy says by its own event classes."""

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

import httpx
from sqlalchemy import select

from services.finance import reactions
from services.finance.awards.models import Award
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded
from tests.conftest import TestPlatform

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
Outcome = Literal["refused", "withdrawn", "revoked"]
WAN = 1_000_000  # 万元, in fen

REACTIONS = {
    AwardProposed: reactions.reserve_award,
    CaseDecided: reactions.decide_award,
    CaseEnded: reactions.end_award,
}


def fresh(word: str) -> str:
    """Make a name that no other test uses."""
    return f"{word}-{new_id().hex[-12:]}"


def proposal(programme: str, amount_fen: int, **changes: Any) -> AwardProposed:
    """Word what policy announces of a proposed case; a test names what matters in it."""
    beneficiary = changes.pop("beneficiary", {"kind": "firm", "id": fresh("FIRM").upper()})
    values: dict[str, Any] = {
        "case_id": new_id(),
        "attempt": 1,
        "programme": programme,
        "measure": None,
        "beneficiary": beneficiary,
        "payee": beneficiary,
        "matter": {"kind": "project", "id": fresh("matter")},
        "budget_year": 2026,
        "amount_fen": amount_fen,
        "amount_kind": "ceiling",
        "relation": "competes",
        "stacking_group": programme,
        "stacking_mode": "top-up",
        "stacking_source": "行动计划 附则：从高、不重复",
        "clause": "慈政办发〔2025〕20号 第1条",
        "department": "jxj",
        "proposed_by": "reviewer",
        "on": TODAY,
    }
    return AwardProposed(**{**values, **changes})


def own(platform: TestPlatform, programme: str, wan: int, **changes: Any) -> Any:
    beneficiary = {"kind": "firm", "id": platform.uscc("firm")}
    return proposal(programme, wan * WAN, beneficiary=beneficiary, **changes)


def decision(case_id: UUID, **changes: Any) -> CaseDecided:
    values: dict[str, Any] = {
        "case_id": case_id,
        "attempt": 1,
        "reviewed_by": "reviewer",
        "decided_by": "approver",
        "on": TODAY,
    }
    return CaseDecided(**{**values, **changes})


def end(case_id: UUID, outcome: Outcome) -> CaseEnded:
    return CaseEnded(case_id=case_id, outcome=outcome, reason="测试", on=TODAY)


async def hear(platform: TestPlatform, *events: Any) -> None:
    """Let finance react to what policy announced, each in a unit of its own."""
    for event in events:
        async with platform.service("finance").sessions() as session:
            await REACTIONS[type(event)](session, event, NOW)
            await commit(session)


async def award_of(platform: TestPlatform, case_id: UUID) -> Award | None:
    async with platform.service("finance").sessions() as session:
        return await session.scalar(select(Award).where(Award.case_id == case_id))


async def reserve(platform: TestPlatform, proposed: AwardProposed) -> Award:
    """Have finance answer a proposal, whatever the answer is."""
    await hear(platform, proposed)
    award = await award_of(platform, proposed.case_id)
    assert award is not None
    return award


async def award(platform: TestPlatform, programme: str, amount_fen: int, **changes: Any) -> Award:
    """Have an award stand decided, ready to be paid."""
    proposed = proposal(programme, amount_fen, **changes)
    await hear(platform, proposed, decision(proposed.case_id))
    awarded = await award_of(platform, proposed.case_id)
    assert awarded is not None
    assert awarded.state == "awarded"
    return awarded


async def budget(
    platform: TestPlatform, programme: str | None, amount_fen: int, **changes: Any
) -> dict[str, Any]:
    """Have an approved budget line, of a programme or of the measure that is named instead."""
    body = {
        "year": 2026,
        "programme": programme,
        "name": fresh("指标"),
        "department": "经信局",
        "amount_fen": amount_fen,
        **changes,
    }
    treasurer, approver = platform.client("treasurer"), platform.client("approver")
    drafted = await treasurer.post("/v1/finance/budgets", json=body, headers=platform.key())
    assert drafted.status_code == 201, drafted.text
    return (await move(platform, approver, f"budgets/{drafted.json()['id']}", "approve", 1)).json()


async def move(
    platform: TestPlatform,
    client: httpx.AsyncClient,
    resource: str,
    event: str,
    version: int,
    **data: Any,
) -> httpx.Response:
    """Send an event to a resource with states."""
    body = {"event": event, "version": version, "data": data}
    return await client.post(f"/v1/finance/{resource}/events", json=body, headers=platform.key())


async def prepare(
    platform: TestPlatform, *awards: Award, client: str = "treasurer"
) -> httpx.Response:
    body = {"awards": [str(each.id) for each in awards], "document": "慈财企〔2026〕12号"}
    return await platform.client(client).post(
        "/v1/finance/payouts", json=body, headers=platform.key()
    )


async def sent(platform: TestPlatform, *awards: Award) -> dict[str, Any]:
    """Have a batch prepared, checked by a second treasurer and sent."""
    prepared = await prepare(platform, *awards)
    assert prepared.status_code == 201, prepared.text
    path = f"payouts/{prepared.json()['id']}"
    await move(platform, platform.client("treasurer-b"), path, "check", 1)
    answer = await move(platform, platform.client("treasurer"), path, "send", 2)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def paid(platform: TestPlatform, *awards: Award) -> dict[str, Any]:
    """Have a batch settled."""
    batch = await sent(platform, *awards)
    path = f"payouts/{batch['id']}"
    answer = await move(platform, platform.client("treasurer"), path, "settle", batch["version"])
    assert answer.status_code == 200, answer.text
    return answer.json()


async def declare(
    platform: TestPlatform, proposed: Any, wan: int, **changes: Any
) -> dict[str, Any]:
    """Declare what Ningbo paid for the very matter of a proposal."""
    body = {
        "beneficiary": {"kind": "firm", "id": platform.uscc("firm")},
        "matter": proposed.matter.model_dump(exclude_none=True),
        "level": "ningbo",
        "programme": "ningbo-workshop",
        "stacking_group": proposed.stacking_group,
        "amount_fen": wan * WAN,
        "paid_on": "2026-05-01",
        "document": "甬经信〔2026〕1号",
        **changes,
    }
    answer = await platform.client("treasurer").post(
        "/v1/finance/aid", json=body, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def line_of(platform: TestPlatform, budget_id: str) -> dict[str, Any]:
    """Read what stands on a budget line."""
    answer = await platform.client("auditor").get(f"/v1/finance/budgets/{budget_id}")
    return answer.json()


async def held(platform: TestPlatform, budget_id: str) -> tuple[int, int, int]:
    """Read available, reserved and paid."""
    line = await line_of(platform, budget_id)
    return line["available_fen"], line["reserved_fen"], line["paid_fen"]


async def award_view(
    platform: TestPlatform, award_id: UUID | str, client: str = "auditor"
) -> dict[str, Any]:
    answer = await platform.client(client).get(f"/v1/finance/awards/{award_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ledger(platform: TestPlatform) -> dict[str, Any]:
    answer = await platform.client("auditor").get("/v1/finance/ledger/check")
    return answer.json()
