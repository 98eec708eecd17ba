"""Receiving a file: judged as a draft on this machine, kept under its hash, before any row."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.blobs import Draft, drafted, file_too_large, read_file
from services.kernel.crash import crash_point
from services.kernel.errors import Refusal
from services.kernel.file_types import FileType, type_of
from services.kernel.runtime import Runtime
from services.kernel.scanning import ScannerAway, infected
from services.kernel.storage import Storage
from services.kernel.unit import in_unit
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, require_no_stake
from services.policy.evidence.access import is_applicant
from services.policy.evidence.queries import count_of, materials_of
from services.policy.evidence.rules import (
    require_material,
    require_office,
    require_open,
    require_room,
)
from services.policy.evidence.schemas import About

log = structlog.get_logger()


@dataclass(frozen=True)
class Received:
    """Content that is kept and that no row refers to yet."""

    sha256: str
    bytes: int
    file_type: FileType
    is_scanned: bool


async def receive_file(
    runtime: Runtime, storage: Storage, actor: Actor, case_id: UUID, about: About, request: Request
) -> Received:
    """Take a file in; nothing of it stays if it is refused, or if its sender leaves."""
    async with runtime.sessions() as looking:
        # In a session of its own: no connection waits for a slow sender.
        await require_takes(looking, actor, await find_case(looking, actor, case_id), about)
    bytes_max = storage.file_bytes_max
    if int(request.headers.get("content-length", "0")) > bytes_max:
        raise file_too_large(bytes_max)
    async with drafted(storage.drafts, request.stream(), bytes_max=bytes_max) as draft:
        try:
            return await _keep(storage, draft)
        except Refusal as refusal:
            await _tell(runtime, actor, case_id, draft, refusal)
            raise


async def find_case(
    session: AsyncSession, actor: Actor, case_id: UUID, *, for_update: bool = False
) -> Case:
    """Find a case that the actor may add files to: his own, or one that he handles."""
    case = await cases.case(session, actor, case_id, for_update=for_update)
    if not is_applicant(actor, case):
        require_office(actor)
        require_no_stake(actor, cases.applicant_of(case))
    return case


async def require_takes(session: AsyncSession, actor: Actor, case: Case, about: About) -> None:
    """Refuse a file that the case does not take, before it is sent and once it is there."""
    is_internal = not is_applicant(actor, case)
    require_open(CaseState(case.state), is_internal=is_internal)
    require_material(about.material, await materials_of(session, case))
    require_room(await count_of(session, case.id))


async def _keep(storage: Storage, draft: Draft) -> Received:
    file_type = await asyncio.to_thread(type_of, draft.path)
    is_scanned = True
    try:
        await storage.scanner.require_clean(read_file(draft.path))
    except ScannerAway as away:
        log.warning("scanner away", kind=str(away))
        is_scanned = False
    await storage.blobs.keep(draft)
    crash_point("blob:kept")
    return Received(draft.sha256, draft.bytes, file_type, is_scanned)


async def _tell(
    runtime: Runtime, actor: Actor, case_id: UUID, draft: Draft, refusal: Refusal
) -> None:
    """Have it recorded who sent malware: of all refusals of content, the one to look into."""
    if refusal.code != infected().code:
        return

    async def record(session: AsyncSession, now: datetime) -> None:
        detail = {"code": refusal.code, "sha256": draft.sha256, "bytes": draft.bytes}
        audit(
            session, actor, "evidence.refused", "case", case_id, now=now, outcome="refused",
            detail=detail,
        )  # fmt: skip

    await in_unit(runtime, record)
