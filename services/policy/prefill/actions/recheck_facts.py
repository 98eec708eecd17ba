"""Comparing what a case took for the time being, once the owner's statement has come."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged
from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of, case_of_award, listed_item
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.facts import CaseFactsChecked
from services.policy.firms.rules import ground_of
from services.policy.notices import queries as notices
from services.policy.notices.actions.write_edition import rewrite
from services.policy.notices.rules import EditionReason, ItemState
from services.policy.panels.queries import judged_facts
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.prefill import queries, rules
from services.policy.prefill.models import FactCheck
from services.policy.prefill.rules import Check, CheckOutcome
from services.policy.situations.actions import show_answer
from services.policy.situations.queries import Answer, answer_for


async def recheck_facts(session: AsyncSession, event: FirmChanged, *, now: datetime) -> None:
    """Compare the provisional facts of a firm's cases with what its state says now."""
    for case_id in await queries.provisional_cases(session, event.uscc):
        case = await case_of_award(session, case_id)
        if case is not None and case.state in rules.COMPARED:
            await _recheck(session, case, event, now)


async def send_back(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Take a locked case that was proposed back into review: it rests on other facts now.

    What finance has reserved stays until the next proposal replaces it; the notice, where one
    runs, no longer lists the case. Nothing is decided by it.
    """
    item = await listed_item(session, case)
    if item is not None and case.state in (CaseState.IN_NOTICE, CaseState.SUSPENDED):
        item = await notices.current(session, item.id)
        if item.state != ItemState.REMOVED:
            item.state, item.days_left = ItemState.REMOVED, None
            await rewrite(session, item, EditionReason.ITEM_REMOVED, now=now)
    case.state = CaseState.IN_REVIEW
    case.version += 1
    case.person_version = case.version


async def _recheck(session: AsyncSession, case: Case, event: FirmChanged, now: datetime) -> None:
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None:
        return
    answer = await answer_for(
        session, programme, applicant_of(case), await decisions(session), on=city_day(now),
        year=case.reference_year, judged=await judged_facts(session, case, programme),
    )  # fmt: skip
    checks = rules.settled(
        rules.provisional_in(case.situation), [*answer.firm.state.declared, *answer.stale],
        case.situation["situation"]["facts"], answer.situation.to_json()["facts"],
    )  # fmt: skip
    new = [each for each in checks if await _keep(session, case, each, answer, now)]
    if not new:
        return
    attempt, was = case.attempt, CaseState(case.state)
    changed = [each.name for each in new if each.outcome is CheckOutcome.CHANGED]
    if changed and was in rules.UNDECIDED:
        await send_back(session, case, now=now)
    if CaseState(case.state) in rules.UNFROZEN:
        show_answer(case, programme, answer)
        case.version += case.state == was
    told: dict[str, Any] = {
        "confirmed": [each.name for each in new if each.name not in changed],
        "changed": changed,
        "statement": str(event.statement_id),
    }
    verb = SystemEvent.FACTS_CHANGED if changed else SystemEvent.FACTS_CONFIRMED
    await record(session, case, verb, was=was, now=now, data=told)
    announce(session, _event(case, attempt, told, now), now=now)


async def _keep(
    session: AsyncSession, case: Case, check: Check, answer: Answer, now: datetime
) -> bool:
    """Put a comparison on record; tell whether it is a new one."""
    ground = ground_of(check.name, answer.firm.grounds)
    statement = insert(FactCheck).values(
        id=new_id(), case_id=case.id, attempt=case.attempt, name=check.name,
        declared=check.declared, stated=check.stated, outcome=check.outcome,
        department=ground.department if ground else None, source=ground.source if ground else None,
        statement_id=ground.statement_id if ground else answer.firm.state.statement_id,
        checked_at=now,
    )  # fmt: skip
    kept = await session.execute(statement.on_conflict_do_nothing().returning(FactCheck.id))
    return kept.first() is not None


def _event(
    case: Case, attempt: int, told: dict[str, Sequence[str]], now: datetime
) -> CaseFactsChecked:
    return CaseFactsChecked(
        case_id=case.id, attempt=attempt,
        confirmed=tuple(told["confirmed"]), changed=tuple(told["changed"]),
        case_state=case.state, on=city_day(now),
    )  # fmt: skip
