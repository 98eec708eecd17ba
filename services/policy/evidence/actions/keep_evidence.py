"""Putting received content on record, and taking a record back; rows are only ever added."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.audit import audit
from services.kernel.blobs import storage_away
from services.kernel.errors import Refusal
from services.kernel.etags import check_version
from services.kernel.file_names import with_suffix_of
from services.kernel.file_types import SUFFIXES
from services.kernel.ids import new_id
from services.kernel.scanning import infected
from services.kernel.timers import set_timer
from services.policy.base import storage_of
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.evidence import queries
from services.policy.evidence.access import is_applicant
from services.policy.evidence.actions.receive_file import Received, find_case, require_takes
from services.policy.evidence.models import Evidence, EvidenceMark, EvidenceStep
from services.policy.evidence.queries import File
from services.policy.evidence.rules import EvidenceState, marks_of, require_withdrawable
from services.policy.evidence.schemas import About, EvidenceDeed

SCAN_TIMER = "scan-evidence"


async def keep_evidence(
    session: AsyncSession,
    actor: Actor,
    case_id: UUID,
    about: About,
    received: Received,
    *,
    now: datetime,
) -> tuple[File, Case, bool]:
    """Record a file for a case; the same file for the same material again is the one there is."""
    case = await find_case(session, actor, case_id, for_update=True)
    await require_takes(session, actor, case, about)
    row = _row(actor, case, about, received, now)
    existing = await queries.same_file(session, row)
    if existing is not None:
        return existing, case, False
    await hold_content(session, received.sha256)
    if not await storage_of(session).blobs.has(received.sha256):
        # Removed as nobody's, between its arrival and this lock.
        raise storage_away()
    session.add(row)
    await session.flush()
    if not row.internal:
        _mark(session, case, row, about)
    reached = {await _reach(session, row, EvidenceState.UPLOADED, actor, now)}
    if received.is_scanned:
        reached.add(await _reach(session, row, EvidenceState.SCANNED, SYSTEM, now))
    else:
        await set_timer(session, SCAN_TIMER, str(row.id), now)
    return File(row, frozenset(reached)), case, True


async def withdraw_evidence(
    session: AsyncSession, actor: Actor, evidence_id: UUID, deed: EvidenceDeed, *, now: datetime
) -> tuple[File, Case]:
    """Take a file back while its case still takes files; its record stays."""
    file, case = await queries.file(session, actor, evidence_id)
    # The case is locked, so that nobody submits it between what is checked and what is done.
    case = await find_case(session, actor, case.id, for_update=True)
    file, _ = await queries.file(session, actor, evidence_id)
    if is_applicant(actor, case):
        is_own = not file.row.internal
    else:
        is_own = file.row.internal and file.row.uploaded_by == actor.subject
    require_withdrawable(
        file.state, CaseState(case.state), is_internal=not is_applicant(actor, case), is_own=is_own
    )
    check_version(deed.version, file.version)
    state = await _reach(session, file.row, EvidenceState.WITHDRAWN, actor, now, deed.note)
    return File(file.row, file.reached | {state}), case


async def scan_again(session: AsyncSession, reference: str, now: datetime) -> None:
    """Have a file scanned that came while the scanner was away; malware is taken off record."""
    row = await queries.unscanned(session, UUID(reference))
    if row is None:
        return
    storage = storage_of(session)
    try:
        await storage.scanner.require_clean(await storage.blobs.read(row.sha256))
    except Refusal as refusal:
        if refusal.code != infected().code:
            raise
        await _reach(session, row, EvidenceState.WITHDRAWN, SYSTEM, now, refusal.zh)
        return
    await _reach(session, row, EvidenceState.SCANNED, SYSTEM, now)


async def hold_content(session: AsyncSession, sha256: str) -> None:
    """Keep content from being removed as nobody's, or from being referred to while it is."""
    lock = hashlib.sha256(f"evidence|{sha256}".encode()).digest()[:8]
    number = int.from_bytes(lock, "big", signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(number)))


def _row(actor: Actor, case: Case, about: About, received: Received, now: datetime) -> Evidence:
    is_own = is_applicant(actor, case)
    office = Role.REVIEWER if actor.has(Role.REVIEWER) else Role.APPROVER
    return Evidence(
        id=new_id(), case_id=case.id, material=about.material, internal=not is_own,
        name=with_suffix_of(about.name, SUFFIXES[received.file_type]),
        file_type=received.file_type, bytes=received.bytes, sha256=received.sha256,
        agent=about.agent, uploaded_by=actor.subject,
        role=case.applicant_kind if is_own else office, uploaded_at=now,
    )  # fmt: skip


def _mark(session: AsyncSession, case: Case, row: Evidence, about: About) -> None:
    applicant = cases.applicant_of(case)
    for kind, value in marks_of(row.sha256, about.invoices, about.agent):
        session.add(
            EvidenceMark(
                kind=kind, value=value, evidence_id=row.id, case_id=case.id,
                applicant=f"{applicant.kind}:{applicant.id}",
            )
        )  # fmt: skip


async def _reach(
    session: AsyncSession,
    row: Evidence,
    state: EvidenceState,
    actor: Actor,
    now: datetime,
    note: str = "",
) -> EvidenceState:
    """Add the state, and its record in the audit."""
    session.add(
        EvidenceStep(evidence_id=row.id, state=state, actor=actor.subject, note=note, at=now)
    )
    await session.flush()
    detail = {
        "case": str(row.case_id), "material": row.material, "internal": row.internal,
        "sha256": row.sha256, "bytes": row.bytes, "state": state,
    }  # fmt: skip
    audit(session, actor, f"evidence.{state}", "evidence", row.id, now=now, detail=detail)
    return state
