"""Reserving what policy proposed: other aid set off, one line bound, or a refusal that says why."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.actions import enter_own, follow_award
from services.finance.aid.queries import elsewhere, lock_ceiling, lock_purpose, standing
from services.finance.aid.rules import AidState, Purpose
from services.finance.awards import queries, rules
from services.finance.awards.actions.record_change import give_reason, record_change
from services.finance.awards.actions.release_award import release
from services.finance.awards.models import Award
from services.finance.awards.rules import AwardState, Grant, Reason
from services.finance.budgets.queries import locked_lines
from services.finance.budgets.rules import Line, Shortage, choose_line
from services.finance.ledger.actions import post
from services.finance.ledger.rules import Posting, TransferKind
from services.finance.parties import canonical_id
from services.kernel.actors import SYSTEM
from services.kernel.database import fresh
from services.kernel.ids import new_id
from services.policy.contract.events import AwardProposed
from services.rulebook.stacking import counts_other_matters

log = structlog.get_logger()
FIRST_VERSION = 1


async def reserve_award(session: AsyncSession, proposed: AwardProposed, *, now: datetime) -> None:
    """Reserve what is left beside other aid, or refuse; a later attempt replaces an earlier one."""
    await queries.lock_case(session, proposed.case_id)
    award = await queries.locked_of_case(session, proposed.case_id)
    if await queries.has_ended(session, proposed.case_id) or _is_stale(award, proposed):
        log.info("proposal passed over", case_id=str(proposed.case_id), attempt=proposed.attempt)
        return
    # Before any line is touched: two cases of one beneficiary wait, and never block each other.
    is_wide = counts_other_matters(proposed.ceilings, proposed.one_clause)
    await lock_purpose(session, _purpose_of(proposed), alone=is_wide)
    if award is None:
        award = fresh(Award, _begun(proposed, now) | _terms(proposed))
    else:
        if award.state == AwardState.RESERVED:
            await release(session, award, "重新报送，释放原预留", now=now)
            await follow_award(session, award.id, AidState.VOID)
        for name, value in _terms(proposed).items():
            setattr(award, name, value)
    grant = await _set_off(session, award, is_wide=is_wide)
    line = await _bind_line(session, award, grant)
    if isinstance(line, Line):
        await _reserve(session, award, proposed, grant, line, now=now)
    else:
        await _refuse(session, award, grant, line, now=now)


def _is_stale(award: Award | None, proposed: AwardProposed) -> bool:
    if award is None:
        return False
    return proposed.attempt <= award.attempt or award.state not in rules.REPLACEABLE


async def _set_off(session: AsyncSession, award: Award, *, is_wide: bool) -> Grant:
    """Set other aid off; that for other matters is asked for only where a rule counts it."""
    purpose, position = queries.purpose_of(award), queries.position_of(award)
    found = await standing(session, purpose, besides_award=award.id)
    is_bound = any(counts_other_matters(each.limits, ()) for each in found)
    if is_bound and not is_wide:
        await lock_ceiling(session, purpose)
    if is_bound or is_wide:
        here = [each for each in found if each.matter == purpose.matter_key]
        found = [*here, *await elsewhere(session, purpose, besides_award=award.id)]
    return rules.grant(award.asked_fen, position, found, queries.terms_of(award))


async def _bind_line(session: AsyncSession, award: Award, grant: Grant) -> Line | Shortage | Reason:
    """Find the line that bears the grant; lines stay locked, so that what is left stays left."""
    if grant.amount_fen == 0 and grant.reason is not None:
        return grant.reason
    lines = await locked_lines(
        session, year=award.budget_year, measure=award.measure, programme=award.programme
    )
    purpose = rules.purpose_in_words(award.budget_year, award.measure, award.programme)
    return choose_line(lines, grant.amount_fen, purpose)


async def _reserve(
    session: AsyncSession,
    award: Award,
    proposed: AwardProposed,
    grant: Grant,
    line: Line,
    *,
    now: datetime,
) -> None:
    award.state = AwardState.RESERVED
    award.amount_fen = grant.amount_fen
    award.budget_id, award.budget_name = line.id, line.name
    award.counted = [rules.stored(each) for each in grant.counted]
    give_reason(award, grant.reason)
    detail = {"attempt": award.attempt, "asked_fen": award.asked_fen, "budget": str(line.id)}
    await record_change(session, SYSTEM, "reserve", award, now=now, detail=detail)

    statement = f"预留：{award.programme}，第{award.attempt}次报送"
    posting = Posting(
        TransferKind.RESERVE, line.id, award.amount_fen, statement, award.id, award.attempt
    )
    await post(session, posting, now=now)
    purpose = queries.purpose_of(award)
    await enter_own(
        session, award.id, proposed, purpose, award.amount_fen,
        is_first=award.version == FIRST_VERSION, now=now,
    )  # fmt: skip


async def _refuse(
    session: AsyncSession, award: Award, grant: Grant, reason: Reason | Shortage, *, now: datetime
) -> None:
    award.state = AwardState.REFUSED
    award.amount_fen = 0
    award.budget_id, award.budget_name = None, None
    award.counted = [rules.stored(each) for each in grant.counted]
    give_reason(award, Reason(reason.code, reason.zh, reason.en))
    detail = {"attempt": award.attempt, "asked_fen": award.asked_fen, "code": reason.code}
    figures = reason.detail if isinstance(reason, Shortage) else {}
    await record_change(session, SYSTEM, "refuse", award, now=now, detail={**detail, **figures})


def _begun(proposed: AwardProposed, now: datetime) -> dict[str, Any]:
    """Give what an award has of itself before anything is granted."""
    return {
        "id": new_id(),
        "case_id": proposed.case_id,
        "version": FIRST_VERSION - 1,
        "created_at": now,
        "paid_fen": 0,
        "recovered_fen": 0,
        "recovery_due_fen": 0,
        "tranche": 1,
    }


def _terms(proposed: AwardProposed) -> dict[str, Any]:
    """Freeze the terms of this attempt, under the names that they have in the award."""
    beneficiary, payee, matter = proposed.beneficiary, proposed.payee, proposed.matter
    clause = proposed.stacking_clause
    return {
        "attempt": proposed.attempt,
        "programme": proposed.programme,
        "measure": proposed.measure,
        "beneficiary_kind": beneficiary.kind,
        "beneficiary_id": canonical_id(beneficiary.kind, beneficiary.id),
        "payee_kind": payee.kind,
        "payee_id": canonical_id(payee.kind, payee.id),
        "matter_kind": matter.kind,
        "matter_id": matter.id,
        "matter_period": matter.period,
        "matter_key": matter.key(),
        "budget_year": proposed.budget_year,
        "asked_fen": proposed.amount_fen,
        "amount_kind": proposed.amount_kind,
        "relation": proposed.relation,
        "stacking_group": proposed.stacking_group,
        "stacking_mode": proposed.stacking_mode,
        "stacking_source": proposed.stacking_source,
        "stacking_clause": asdict(clause) if clause else None,
        "stacking_version": proposed.stacking_version,
        "ceilings": [asdict(each) for each in proposed.ceilings],
        "one_clause": [asdict(each) for each in proposed.one_clause],
        "clause": proposed.clause,
        "department": proposed.department,
        "proposed_by": proposed.proposed_by,
        "proposed_on": proposed.on,
    }


def _purpose_of(proposed: AwardProposed) -> Purpose:
    party = proposed.beneficiary
    return Purpose(
        party.kind, canonical_id(party.kind, party.id), proposed.matter.key(),
        proposed.stacking_group,
    )  # fmt: skip
