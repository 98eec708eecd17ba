"""Reading objections to facts, and what of a case's facts is not settled."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.cases.access import acts_for
from services.policy.cases.models import Case
from services.policy.contract.events import Party
from services.policy.evaluations.access import may_see
from services.policy.evidence.models import Evidence, EvidenceStep
from services.policy.evidence.rules import EvidenceState
from services.policy.fact_objections import rules
from services.policy.fact_objections.access import visible_to
from services.policy.fact_objections.models import FactObjection
from services.policy.fact_objections.rules import FactObjectionEvent, FactObjectionState
from services.policy.fact_objections.schemas import FactObjectionView
from services.policy.plan.actions.load_library import library
from services.policy.prefill.models import FactCheck
from services.policy.prefill.rules import CheckOutcome, provisional_in, split_name
from services.policy.prefill.schemas import CaseFacts, CheckView

Found = tuple[FactObjection, Case]


async def objection(session: AsyncSession, actor: Actor, objection_id: UUID) -> Found:
    """Find an objection that the caller may know of, with its case."""
    statement = (
        select(FactObjection, Case)
        .join(Case, Case.id == FactObjection.case_id)
        .where(FactObjection.id == objection_id, visible_to(actor))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("没有这项对事实的异议。", "There is no such objection to a fact.")
    return row[0], row[1]


async def locked(session: AsyncSession, objection_id: UUID) -> FactObjection:
    """Lock an objection whose case is locked."""
    return await session.get_one(
        FactObjection, objection_id, with_for_update=True, populate_existing=True
    )


async def objections(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    department: str | None = None,
    state: FactObjectionState | None = None,
) -> list[Found]:
    """List the objections that the caller may know of, the newest first."""
    statement = select(FactObjection, Case).join(Case, Case.id == FactObjection.case_id)
    statement = statement.where(visible_to(actor))
    for column, value in ((FactObjection.department, department), (FactObjection.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(FactObjection.id < UUID(str(page.after[0])))
    ordered = statement.order_by(FactObjection.id.desc()).limit(page.limit + 1)
    return [(row[0], row[1]) for row in await session.execute(ordered)]


async def objections_of(
    session: AsyncSession, case: Case, page: PageRequest
) -> list[FactObjection]:
    """List the objections of a case that the caller has found."""
    statement = select(FactObjection).where(FactObjection.case_id == case.id)
    if page.after is not None:
        statement = statement.where(FactObjection.id < UUID(str(page.after[0])))
    ordered = statement.order_by(FactObjection.id.desc()).limit(page.limit + 1)
    return list(await session.scalars(ordered))


async def open_objections(session: AsyncSession, case_id: UUID) -> dict[str, UUID]:
    """Give a case's open objections by the value that they are against."""
    statement = select(FactObjection.name, FactObjection.id).where(
        FactObjection.case_id == case_id, FactObjection.state == FactObjectionState.OPEN
    )
    rows = await session.execute(statement.order_by(FactObjection.id))
    return dict(rows.tuples().all())


async def require_uncontested(session: AsyncSession, case: Case) -> None:
    """Let nothing be proposed or decided on facts whose owner has yet to answer.

    A proposal freezes the facts, so one on contested facts would have to be made anew; and a
    refusal on a fact that the registry itself may correct would be wrong from its first day.
    """
    found = await open_objections(session, case.id)
    if found:
        raise rules.contested(_says(name) for name in found)


async def evidence_of(session: AsyncSession, case: Case, ids: Sequence[UUID]) -> int:
    """Count which of some files are the applicant's of this case, and not withdrawn."""
    is_withdrawn = exists().where(
        EvidenceStep.evidence_id == Evidence.id, EvidenceStep.state == EvidenceState.WITHDRAWN
    )
    statement = select(func.count()).where(
        Evidence.case_id == case.id, Evidence.id.in_(ids), Evidence.internal.is_(False),
        ~is_withdrawn,
    )  # fmt: skip
    return await session.scalar(statement) or 0


def view(row: FactObjection, case: Case, actor: Actor) -> FactObjectionView:
    """Show an objection, with what the caller may do about it."""
    fact, year = split_name(row.name)
    entry, programme = library().facts.get(fact), library().programmes.get(case.programme)
    # A registrar answers about a fact: what a confidential programme is, he need not know.
    is_shown = programme is None or may_see(actor, programme)
    return FactObjectionView(
        id=row.id, case=row.case_id, programme=case.programme if is_shown else None,
        applicant_name=case.applicant_name, fact=fact, title=entry.zh if entry else fact,
        title_en=entry.en if entry else fact, year=year, held=row.held, says=row.says,
        reason=row.reason, evidence=[UUID(str(each)) for each in row.evidence],
        department=row.department, state=FactObjectionState(row.state), version=row.version,
        lodged_at=row.lodged_at, answered_at=row.answered_at, answer=row.answer,
        statement_id=row.statement_id, stated=row.stated,
        allowed_events=_allowed(row, case, actor),
    )  # fmt: skip


def _allowed(row: FactObjection, case: Case, actor: Actor) -> list[FactObjectionEvent]:
    if row.state != FactObjectionState.OPEN:
        return []
    events: list[FactObjectionEvent] = []
    if actor.has(Role.REGISTRAR) and actor.department == row.department:
        events += [FactObjectionEvent.UPHOLD, FactObjectionEvent.DISMISS]
    if acts_for(actor, Party(kind=case.applicant_kind, id=case.applicant_id)):
        events.append(FactObjectionEvent.WITHDRAW)
    return events


def _says(name: str) -> tuple[str, str]:
    """Name a fact to a Chinese and to an English reader."""
    fact, year = split_name(name)
    entry = library().facts.get(fact)
    zh, en = (f"{entry.zh} {fact}", f"{entry.en} {fact}") if entry else (fact, fact)
    return (f"{zh}（{year}年）", f"{en} ({year})") if year else (zh, en)


async def checks_of(session: AsyncSession, found: Case) -> list[CheckView]:
    """List what became of the provisional facts of the latest proposal, or of the way to it."""
    statement = select(FactCheck).where(
        FactCheck.case_id == found.id, FactCheck.attempt == found.attempt
    )
    rows = await session.scalars(statement.order_by(FactCheck.id))
    return [
        CheckView(
            name=row.name, declared=row.declared, stated=row.stated,
            outcome=CheckOutcome(row.outcome), department=row.department, source=row.source,
            statement_id=row.statement_id, at=row.checked_at,
        )
        for row in rows
    ]  # fmt: skip


async def case_facts(session: AsyncSession, found: Case) -> CaseFacts:
    """Say what is not settled of a case's facts."""
    checks = await checks_of(session, found)
    confirmed = {each.name for each in checks}
    return CaseFacts(
        provisional=[n for n in provisional_in(found.situation) if n not in confirmed],
        changed=[each for each in checks if each.outcome is CheckOutcome.CHANGED],
        objected=list((await open_objections(session, found.id)).values()),
    )
