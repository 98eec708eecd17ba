"""Declaring aid of any level, and keeping our own in the same ledger."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid import queries, rules
from services.finance.aid.models import Aid
from services.finance.aid.rules import AidEvent, AidState, Level, Purpose, Relation
from services.finance.aid.schemas import AidBody
from services.finance.parties import FIRM, canonical_id
from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.database import insert
from services.kernel.errors import Conflict
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.contract.desk import LegacyCaseImported
from services.policy.contract.events import AwardProposed, CaseEnded


async def declare_aid(session: AsyncSession, actor: Actor, body: AidBody, *, now: datetime) -> Aid:
    """Enter what some level granted; the same aid is entered once."""
    if not actor.has(Role.TREASURER):
        rules.require_own_level(body.level, actor.town_code)
    rules.require_past(body.paid_on, city_day(now))
    group = body.stacking_group or body.programme
    purpose = Purpose(body.beneficiary.kind, body.beneficiary.id, body.matter.key(), group)
    await queries.lock_purpose(session, purpose)
    aid = Aid(
        id=new_id(),
        beneficiary_kind=purpose.beneficiary_kind,
        beneficiary_id=purpose.beneficiary_id,
        matter_kind=body.matter.kind,
        matter_id=body.matter.id,
        matter_period=body.matter.period,
        matter_key=purpose.matter_key,
        level=body.level,
        programme=body.programme,
        stacking_group=purpose.stacking_group,
        relation=Relation.COMPETES,
        year=body.paid_on.year,
        limits=[],
        amount_fen=body.amount_fen,
        paid_on=body.paid_on,
        document=body.document,
        state=AidState.DECLARED,
        version=1,
        declared_by=actor.subject,
        department=actor.department,
        created_at=now,
    )
    first = await queries.declared_before(session, aid)
    if first is not None:
        seen = await queries.may_see(session, actor, first.id)
        raise _exists(first.id if seen else None)
    session.add(aid)
    await session.flush()
    detail = {"level": aid.level, "amount_fen": aid.amount_fen}
    audit(session, actor, "aid.declare", "aid", aid.id, now=now, detail=detail)
    _announce(session, aid, now)
    return aid


async def withdraw_aid(
    session: AsyncSession, actor: Actor, aid_id: UUID, version: int, note: str, *, now: datetime
) -> Aid:
    """Take declared aid back with the reason; the entry stays, and counts no more."""
    aid = await queries.aid(session, actor, aid_id)
    if not actor.has(Role.TREASURER):
        rules.require_own_level(Level(aid.level), actor.town_code)
    await queries.lock_purpose(session, queries.purpose_of(aid))
    aid = await queries.aid(session, actor, aid_id, lock=True)
    check_version(version, aid.version)
    aid.state = rules.move(aid.state, AidEvent.WITHDRAW)
    aid.version += 1
    aid.withdrawn_note = note
    await session.flush()
    detail = {"amount_fen": aid.amount_fen}
    audit(session, actor, "aid.withdraw", "aid", aid.id, now=now, detail=detail)
    _announce(session, aid, now)
    return aid


async def enter_own(
    session: AsyncSession,
    award_id: UUID,
    proposed: AwardProposed,
    purpose: Purpose,
    amount_fen: int,
    *,
    is_first: bool,
    now: datetime,
) -> None:
    """Enter a reservation of ours, or enter it anew where an earlier attempt was let go."""
    aid = None if is_first else await queries.of_award(session, award_id)
    matter = proposed.matter
    terms: dict[str, Any] = {
        "beneficiary_kind": purpose.beneficiary_kind,
        "beneficiary_id": purpose.beneficiary_id,
        "matter_kind": matter.kind,
        "matter_id": matter.id,
        "matter_period": matter.period,
        "matter_key": purpose.matter_key,
        "stacking_group": purpose.stacking_group,
        "programme": proposed.programme,
        "relation": proposed.relation,
        "year": proposed.budget_year,
        "limits": [asdict(each) for each in proposed.ceilings],
        "amount_fen": amount_fen,
        "state": AidState.RESERVED,
    }
    if aid is not None:
        for name, value in terms.items():
            setattr(aid, name, value)
        aid.version += 1
        await session.flush()
        return
    origin = {"declared_by": SYSTEM.subject, "department": proposed.department, "created_at": now}
    terms |= {"id": new_id(), "award_id": award_id, "level": Level.CIXI, "version": 1, **origin}
    await insert(session, Aid, terms)


async def follow_award(
    session: AsyncSession,
    award_id: UUID,
    state: AidState,
    *,
    amount_fen: int | None = None,
    paid_on: date | None = None,
    document: str | None = None,
) -> None:
    """Bring our own entry to where its award now is."""
    aid = await queries.of_award(session, award_id)
    if aid is None:
        return
    aid.state = state
    aid.paid_on, aid.document = paid_on, document
    if amount_fen is not None:
        aid.amount_fen = amount_fen
    aid.version += 1
    await session.flush()


def _announce(session: AsyncSession, aid: Aid, now: datetime) -> None:
    """Tell of a firm's aid; whatever else may receive aid is asked of nobody by this."""
    if aid.beneficiary_kind == FIRM:
        announce(session, queries.state_of(aid), now=now)


async def enter_legacy(
    session: AsyncSession, event: LegacyCaseImported, *, now: datetime
) -> Aid | None:
    """Enter what the city paid before this platform as aid under its case's id; once.

    Where the same was declared by hand already, by the same document, that entry stands alone.
    """
    if event.amount_fen is None or await session.get(Aid, event.case_id) is not None:
        return None
    beneficiary_id = canonical_id(event.beneficiary.kind, event.beneficiary.id)
    purpose = Purpose(
        event.beneficiary.kind, beneficiary_id, event.matter.key(), event.stacking_group
    )
    await queries.lock_purpose(session, purpose)
    aid = Aid(
        id=event.case_id, beneficiary_kind=purpose.beneficiary_kind,
        beneficiary_id=purpose.beneficiary_id, matter_kind=event.matter.kind,
        matter_id=event.matter.id, matter_period=event.matter.period,
        matter_key=purpose.matter_key, level=Level.CIXI, programme=event.programme,
        stacking_group=purpose.stacking_group, relation=event.relation,
        year=(event.paid_on or event.decided_on).year, limits=[], amount_fen=event.amount_fen,
        paid_on=event.paid_on, document=event.document, state=AidState.DECLARED, version=1,
        declared_by=event.imported_by, department=event.department, created_at=now,
    )  # fmt: skip
    if await queries.declared_before(session, aid) is not None:
        return None
    session.add(aid)
    await session.flush()
    detail = {"level": aid.level, "amount_fen": aid.amount_fen, "case": str(event.case_id)}
    audit(session, SYSTEM, "aid.enter-legacy", "aid", aid.id, now=now, detail=detail)
    return aid


async def end_legacy(session: AsyncSession, event: CaseEnded, *, now: datetime) -> None:
    """Let aid of a case of earlier years count no more once that case is revoked."""
    known = await session.get(Aid, event.case_id)
    if known is None:
        return
    await queries.lock_purpose(session, queries.purpose_of(known))
    aid = await session.get_one(Aid, event.case_id, with_for_update=True, populate_existing=True)
    if aid.state != AidState.DECLARED:
        return
    aid.state = AidState.WITHDRAWN
    aid.version += 1
    aid.withdrawn_note = event.reason
    await session.flush()
    detail = {"amount_fen": aid.amount_fen, "outcome": event.outcome}
    audit(session, SYSTEM, "aid.withdraw", "aid", aid.id, now=now, detail=detail)


def _exists(first: UUID | None) -> Conflict:
    """Say that the aid is entered already, and where, if the caller may see that entry."""
    zh = "同一补助（相同对象、事项、层级、项目和文号）已登记"
    en = "This aid (same beneficiary, matter, level, programme, document) is entered already"
    if first is None:
        return Conflict(f"{zh}。", f"{en}.", code="aid-exists")
    address = f"/v1/finance/aid/{first}"
    return Conflict(
        f"{zh}，见{address}。",
        f"{en}: {address}.",
        code="aid-exists",
        headers={"Location": address},
    )
