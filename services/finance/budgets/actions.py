"""Changing budget lines: drafted by one person, approved by another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.budgets import queries, rules
from services.finance.budgets.models import Budget
from services.finance.budgets.rules import BudgetEvent, BudgetState
from services.finance.budgets.schemas import BudgetBody
from services.finance.ledger.actions import open_accounts, post
from services.finance.ledger.rules import Posting, TransferKind
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.outbox import announce


async def draft_budget(
    session: AsyncSession, actor: Actor, body: BudgetBody, *, now: datetime
) -> Budget:
    """Write a line down; nothing can be spent from it until another person approves."""
    budget = Budget(
        id=new_id(),
        year=body.year,
        measure=body.measure,
        programme=body.programme,
        name=body.name,
        department=body.department,
        amount_fen=body.amount_fen,
        state=BudgetState.DRAFT,
        version=1,
        created_by=actor.subject,
        created_at=now,
    )
    session.add(budget)
    await session.flush()
    detail = {"year": budget.year, "amount_fen": budget.amount_fen}
    audit(session, actor, "budget.draft", "budget", budget.id, now=now, detail=detail)
    announce(session, queries.state_of(budget), now=now)
    return budget


async def approve_budget(
    session: AsyncSession, actor: Actor, budget_id: UUID, version: int, *, now: datetime
) -> Budget:
    """Approve another's line and fund it: from here on awards can be reserved on it."""
    budget = await queries.budget(session, budget_id, lock=True)
    check_version(version, budget.version)
    budget.state = rules.move(budget.state, BudgetEvent.APPROVE)
    rules.require_another_person(budget.created_by, actor.subject)
    budget.version += 1
    budget.approved_by = actor.subject
    budget.approved_at = now
    await session.flush()

    await open_accounts(session, budget.id)
    funding = Posting(TransferKind.FUND, budget.id, budget.amount_fen, f"指标下达：{budget.name}")
    await post(session, funding, now=now)
    detail = {"amount_fen": budget.amount_fen}
    audit(session, actor, "budget.approve", "budget", budget.id, now=now, detail=detail)
    announce(session, queries.state_of(budget), now=now)
    return budget
