"""Reading awards."""

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.queries import standing
from services.finance.aid.rules import Level, Purpose, Relation
from services.finance.awards.access import visible_to
from services.finance.awards.models import Award, Recovery
from services.finance.awards.rules import NO_WORDS, AwardState, events_for, told
from services.finance.awards.schemas import (
    AwardDetail,
    AwardView,
    CeilingView,
    ClauseView,
    CompetingView,
    LineView,
    OneClauseView,
    RecoveryView,
    TermsView,
)
from services.finance.contract.events import AwardChanged, BudgetLine, CompetingAid
from services.finance.paging import newest_first
from services.finance.parties import FIRM, MatterView, PartyView, canonical_id
from services.kernel.actors import Actor, Role
from services.kernel.database import raw_connection
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest, in_portions
from services.rulebook.stacking import (
    Clause,
    Position,
    StackingMode,
    StackingTerms,
    is_contest,
    is_same_grant,
    limits_from,
    rules_from,
)

CASE_LOCKS = 0x66696E63  # the first half of the key: locks of cases, apart from all others

_HAS_ENDED = "SELECT EXISTS (SELECT 1 FROM ended_case WHERE case_id = $1)"
_IS_KNOWN = "SELECT EXISTS (SELECT 1 FROM award WHERE case_id = $1)"


async def lock_case(session: AsyncSession, case_id: UUID) -> None:
    """Let no one else act on what is heard of this case until this transaction ends."""
    half = int.from_bytes(case_id.bytes[-4:], "big", signed=True)
    connection = await raw_connection(session)
    await connection.execute("SELECT pg_advisory_xact_lock($1::int, $2::int)", CASE_LOCKS, half)


async def has_ended(session: AsyncSession, case_id: UUID) -> bool:
    connection = await raw_connection(session)
    return await connection.fetchval(_HAS_ENDED, case_id)


async def locked_of_case(session: AsyncSession, case_id: UUID) -> Award | None:
    """Find a case's award in order to change it."""
    connection = await raw_connection(session)
    if not await connection.fetchval(_IS_KNOWN, case_id):
        return None
    statement = select(Award).where(Award.case_id == case_id)
    return await session.scalar(
        statement.with_for_update().execution_options(populate_existing=True)
    )


async def locked(session: AsyncSession, award_ids: Iterable[UUID]) -> list[Award]:
    """Lock awards in order to change them, always in the order of their ids."""
    statement = select(Award).where(Award.id.in_(list(award_ids))).order_by(Award.id)
    rows = await session.scalars(
        statement.with_for_update().execution_options(populate_existing=True)
    )
    return list(rows)


async def award(session: AsyncSession, actor: Actor, award_id: UUID) -> Award:
    """Find an award that the caller may know of."""
    found = await session.scalar(select(Award).where(Award.id == award_id, visible_to(actor)))
    if found is None:
        raise not_found()
    return found


async def awards(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    state: AwardState | None,
    case_id: UUID | None,
    beneficiary: str | None,
) -> list[Award]:
    """List the awards that the caller may know of, the newest first."""
    statement = select(Award).where(visible_to(actor))
    if state is not None:
        statement = statement.where(Award.state == state)
    if case_id is not None:
        statement = statement.where(Award.case_id == case_id)
    if beneficiary is not None:
        written = (beneficiary, canonical_id(FIRM, beneficiary))
        statement = statement.where(Award.beneficiary_id.in_(written))
    return list(await session.scalars(newest_first(statement, Award.id, page)))


async def open_recovery(session: AsyncSession, award_id: UUID) -> Recovery | None:
    """Find the recovery that waits for a second treasurer."""
    return await session.scalar(
        select(Recovery).where(Recovery.award_id == award_id, Recovery.state == "prepared")
    )


async def recoveries(session: AsyncSession, award_id: UUID) -> list[Recovery]:
    rows = select(Recovery).where(Recovery.award_id == award_id).order_by(Recovery.number)
    return list(await session.scalars(rows))


async def restate_awards(session: AsyncSession) -> AsyncIterator[AwardChanged]:
    """Give the whole current state of every award."""
    async for row in in_portions(session, select(Award), Award.id):
        yield state_of(row)


def state_of(row: Award) -> AwardChanged:
    """Put an award's whole current state into the event that announces it."""
    return AwardChanged(
        award_id=row.id,
        case_id=row.case_id,
        attempt=row.attempt,
        version=row.version,
        state=AwardState(row.state).value,
        asked_fen=row.asked_fen,
        amount_fen=row.amount_fen,
        reason_code=row.reason_code,
        reason=row.reason_zh,
        reason_en=row.reason_en,
        line=_budget_line(row),
        competing=[CompetingAid(**aid) for aid in row.counted],
        paid_fen=row.paid_fen,
        recovered_fen=row.recovered_fen,
        recovery_due_fen=row.recovery_due_fen,
        document=row.document,
    )


def purpose_of(row: Award) -> Purpose:
    """Name the purpose under which other aid competes with an award."""
    return Purpose(row.beneficiary_kind, row.beneficiary_id, row.matter_key, row.stacking_group)


def position_of(row: Award) -> Position:
    """Say where an award stands, under the terms that were frozen with its proposal."""
    return Position(
        programme=row.programme, level=Level.CIXI, matter=row.matter_key,
        group=row.stacking_group, relation=Relation(row.relation).value, year=row.budget_year,
        limits=limits_from(row.ceilings),
    )  # fmt: skip


def terms_of(row: Award) -> StackingTerms:
    """Read the stacking terms of an award; an early one has no clause but the mode's source."""
    clause = Clause(**row.stacking_clause) if row.stacking_clause else NO_WORDS
    return StackingTerms(StackingMode(row.stacking_mode), clause, rules_from(row.one_clause))


def not_found() -> NotFound:
    return NotFound("没有这笔资助。", "There is no such award.")


def view(row: Award) -> AwardView:
    """Show an award in a list."""
    line = _budget_line(row)
    return AwardView(
        id=row.id,
        case_id=row.case_id,
        attempt=row.attempt,
        state=row.state,
        version=row.version,
        programme=row.programme,
        measure=row.measure,
        beneficiary=PartyView(kind=row.beneficiary_kind, id=row.beneficiary_id),
        payee=PartyView(kind=row.payee_kind, id=row.payee_id),
        matter=MatterView(kind=row.matter_kind, id=row.matter_id, period=row.matter_period),
        budget_year=row.budget_year,
        asked_fen=row.asked_fen,
        amount_fen=row.amount_fen,
        amount_kind=row.amount_kind,
        paid_fen=row.paid_fen,
        recovered_fen=row.recovered_fen,
        recovery_due_fen=row.recovery_due_fen,
        reason_code=row.reason_code,
        reason=row.reason_zh,
        reason_en=row.reason_en,
        line=LineView(**line.model_dump()) if line else None,
        terms=TermsView(
            relation=row.relation,
            stacking_group=row.stacking_group,
            stacking_mode=row.stacking_mode,
            stacking_source=row.stacking_source,
            stacking_clause=ClauseView(**row.stacking_clause) if row.stacking_clause else None,
            stacking_version=row.stacking_version,
            ceilings=[CeilingView(**each) for each in row.ceilings],
            one_clause=[OneClauseView(**each) for each in row.one_clause],
        ),
        competing=[CompetingView(**aid) for aid in row.counted],
        clause=row.clause,
        department=row.department,
        proposed_on=row.proposed_on,
        decided_on=row.decided_on,
        paid_on=row.paid_on,
        document=row.document,
        changed_at=row.changed_at,
    )


async def detail(session: AsyncSession, actor: Actor, row: Award) -> AwardDetail:
    """Show one award with its recoveries and what counts for its matter now."""
    found = await standing(session, purpose_of(row), besides_award=row.id)
    position = position_of(row)
    counted = [
        each for each in found if is_contest(position, each) or is_same_grant(position, each)
    ]
    asked_back = await recoveries(session, row.id)
    waiting = next((each for each in asked_back if each.state == "prepared"), None)
    events = events_for(
        row.state,
        left_fen=row.paid_fen - row.recovered_fen,
        subject=actor.subject,
        prepared_by=waiting.prepared_by if waiting else None,
    )
    return AwardDetail(
        **view(row).model_dump(),
        recoveries=[RecoveryView.model_validate(each) for each in asked_back],
        competing_now=[CompetingView(**told(each)) for each in counted],
        allowed_events=sorted(events) if actor.has(Role.TREASURER) else [],
    )


def _budget_line(row: Award) -> BudgetLine | None:
    if row.budget_id is None or row.budget_name is None:
        return None
    return BudgetLine(id=row.budget_id, name=row.budget_name, year=row.budget_year)
