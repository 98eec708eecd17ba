"""Entering a case of earlier years: marked as such, counted, and told to finance where it paid."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import invalid_field
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import (
    CaseState,
    ReservationState,
    SystemEvent,
    open_key,
    require_matter,
)
from services.policy.contract.desk import LegacyCaseImported
from services.policy.evaluations.access import owns
from services.policy.firms.queries import name_of
from services.policy.legacy_cases.models import LegacyCase
from services.policy.legacy_cases.rules import FIRM, LegacyRow
from services.policy.matches.actions.mark_due import mark_due
from services.policy.notices.rules import midnight
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import BENEFICIARY_NAMES, PlanProgramme


@dataclass(frozen=True)
class Import:
    """For whom a step works, and whose refs the rows bring."""

    session: AsyncSession
    actor: Actor
    operation_id: UUID
    now: datetime
    system: str


async def enter_case(job: Import, line: int, row: LegacyRow, row_sha256: str) -> Case:
    """Keep what a row says of a case that was decided before this platform."""
    session, now = job.session, job.now
    programme = library().programme_on(row.programme, row.decided_on) or library().programmes.get(
        row.programme
    )
    if programme is None:
        raise programme_unknown("/programme", row.programme, library().programmes)
    _require_owner(job.actor, programme)
    _require_applicant(row, programme)
    year = require_matter(row.matter(), programme, city_day(now))
    case = _case(job, row, programme, await _name(session, row))
    case.reference_year = year
    session.add(case)
    await session.flush()
    session.add(
        LegacyCase(
            case_id=case.id, operation_id=job.operation_id, line=line, row_sha256=row_sha256,
            document=row.document, decided_on=row.decided_on, paid_on=row.paid_on,
            amount_fen=row.amount_fen, department=job.actor.department,
            imported_by=job.actor.subject, imported_at=now,
        )
    )  # fmt: skip
    data = {
        "document": row.document,
        "decided_on": row.decided_on.isoformat(),
        "amount_fen": row.amount_fen,
    }
    by = Hand(job.actor, Role.REGISTRAR)
    changed_at = case.changed_at
    await record(session, case, SystemEvent.IMPORTED, was=None, now=now, by=by, data=data)
    case.changed_at = changed_at
    _tell(job, row, programme, case)
    if row.applicant_kind == FIRM and case.state == CaseState.CLOSED:
        await mark_due(session, case.applicant_id)
    return case


def _case(job: Import, row: LegacyRow, programme: PlanProgramme, name: str) -> Case:
    """Write the row down as a case whose life ended on the days that it names."""
    party, matter = row.party(), row.matter()
    is_paid = row.amount_fen is not None
    return Case(
        id=new_id(), plan=programme.plan.id, plan_version=programme.plan.version,
        programme=programme.id, measure=programme.measure.number, applicant_kind=party.kind,
        applicant_id=party.id, applicant_name=name, matter_kind=matter.kind, matter_id=matter.id,
        matter_period=matter.period, open_key=open_key(matter, programme), state=row.state,
        version=1, person_version=1, attempt=0, award_version=0, situation={}, assessment={},
        facts_known_until=job.now, legacy=True, external_ref=row.external_ref,
        external_system=job.system,
        reservation_state=ReservationState.RESERVED if is_paid else ReservationState.NONE,
        reservation_amount_fen=row.amount_fen, created_by=job.actor.subject,
        created_at=midnight(row.decided_on), changed_at=midnight(row.paid_on or row.decided_on),
    )  # fmt: skip


def _require_owner(actor: Actor, programme: PlanProgramme) -> None:
    if not owns(actor, programme):
        raise invalid_field(
            "/programme", "confidential-programme", "保密项目的历史办件由该项目的部门导入。",
            "Cases of a confidential programme are imported by a department that owns it.",
        )  # fmt: skip


def _require_applicant(row: LegacyRow, programme: PlanProgramme) -> None:
    beneficiary = programme.compiled.programme.beneficiary
    if row.applicant_kind != beneficiary:
        zh, en = BENEFICIARY_NAMES[beneficiary]
        raise invalid_field(
            "/applicant_kind", "applicant-kind", f"该项目的申报主体为{zh}。",
            f"This programme is for: {en}.",
        )  # fmt: skip


async def _name(session: AsyncSession, row: LegacyRow) -> str:
    """Name the applicant as it is registered, else as the row does: it may be no more."""
    known = await name_of(session, row.party().id) if row.applicant_kind == FIRM else None
    if known is None and row.applicant_name is None:
        raise invalid_field(
            "/applicant_name", "applicant-name-required", "该单位未登记，须写明名称。",
            "The applicant is not registered; name it.",
        )  # fmt: skip
    return known or row.applicant_name or ""


def _tell(job: Import, row: LegacyRow, programme: PlanProgramme, case: Case) -> None:
    """Announce the case; of a confidential programme only what finance counts as aid."""
    if programme.compiled.programme.confidential and row.amount_fen is None:
        return
    event = LegacyCaseImported(
        case_id=case.id, programme=programme.id, stacking_group=programme.stacking_group,
        relation=programme.compiled.programme.relation, beneficiary=row.party(),
        matter=row.matter(), state=row.state, document=row.document, decided_on=row.decided_on,
        paid_on=row.paid_on, amount_fen=row.amount_fen, department=job.actor.department,
        imported_by=job.actor.subject,
    )  # fmt: skip
    announce(job.session, event, now=job.now)
