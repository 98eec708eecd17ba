"""Freezing a list, and drawing from it once the seed that it names has become public."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.policy.aftermath.actions import By, record, require_other_person
from services.policy.appeals.queries import officers
from services.policy.calls.rules import require_own_department
from services.policy.checks import queries, rules
from services.policy.checks.models import CaseCheck, CheckDraw
from services.policy.checks.rules import (
    CHECK,
    DRAW,
    DRAWN_EVENT,
    PLANNED_EVENT,
    CheckState,
    DrawState,
    Lot,
)
from services.policy.checks.schemas import DrawDeed, NewDraw
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.self_evaluations.queries import awarded_cases, call_of


async def plan_draw(
    session: AsyncSession, actor: Actor, call_id: UUID, new: NewDraw, *, now: datetime
) -> CheckDraw:
    """Freeze the call's awarded cases and the inspectors, before the seed is known to anybody."""
    call = await call_of(session, actor, call_id)
    programme = library().programmes.get(call.programme)
    if programme is None:
        raise programme_unknown("/call", call.programme, library().programmes)
    require_own_department(actor.department, programme)
    rules.require_pool(new.inspectors)
    rules.require_coming(new.seed_on, city_day(now))
    listed = [case.id for case in await awarded_cases(session, call.id)]
    rules.require_list(len(listed))
    row = CheckDraw(
        id=new_id(), call_id=call.id, cases=sorted(str(each) for each in listed),
        list_sha256=rules.list_sha256(listed), inspectors=sorted(new.inspectors),
        share_bp=new.share_bp, count=new.count, seed_source=new.seed_source, seed_on=new.seed_on,
        state=DrawState.PLANNED, planned_by=actor.subject, version=1, created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(row)
    data = {"cases": len(listed), "list_sha256": row.list_sha256}
    by = By(actor, Role.REVIEWER)
    await record(session, DRAW, row, PLANNED_EVENT, was=None, now=now, by=by, data=data)
    return row


async def draw_lots(
    session: AsyncSession, actor: Actor, draw_id: UUID, deed: DrawDeed, *, now: datetime
) -> CheckDraw:
    """Draw as another person than who froze the list, with the public value of the day."""
    row = await queries.draw(session, actor, draw_id, for_update=True)
    was, today = DrawState(row.state), city_day(now)
    rules.require_planned(was)
    require_other_person(actor, row.planned_by)
    check_version(deed.version, row.version)
    rules.require_seed_day(row.seed_on, today)
    listed = [UUID(each) for each in row.cases]
    seed_hash = rules.seed_sha256(row.list_sha256, deed.data.seed)
    row.seed, row.seed_sha256 = deed.data.seed, seed_hash
    pool = set(row.inspectors)
    excluded = {case: sorted(await officers(session, case) & pool) for case in listed}
    number = rules.picks(len(listed), share_bp=row.share_bp, count=row.count)
    lots = rules.draw(listed, seed_hash, number, row.inspectors, excluded)
    rules.require_inspectors(lots)
    row.state, row.drawn_by, row.drawn_on, row.changed_at = (
        DrawState.DRAWN, actor.subject, today, now,
    )  # fmt: skip
    row.version += 1
    by = By(actor, Role.APPROVER, deed.note)
    data = {"seed": row.seed, "drawn": [str(lot.case) for lot in lots]}
    await record(session, DRAW, row, deed.event, was=was, now=now, by=by, data=data)
    for lot in lots:
        await _begin(session, row, lot, excluded[lot.case], by, now)
    return row


async def _begin(
    session: AsyncSession, row: CheckDraw, lot: Lot, excluded: list[str], by: By, now: datetime
) -> None:
    check = CaseCheck(
        id=new_id(), draw_id=row.id, case_id=lot.case, position=lot.position,
        inspectors=list(lot.inspectors), excluded=excluded, state=CheckState.DRAWN, version=1,
        created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(check)
    await record(session, CHECK, check, DRAWN_EVENT, was=None, now=now, by=by)
