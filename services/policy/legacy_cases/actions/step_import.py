"""An import at work: the file is read into rows once, then every step answers for some of them."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.aside import read_aside
from services.kernel.clock import city_day
from services.kernel.database_faults import is_database_outage
from services.kernel.errors import FieldError, Refusal, TooLarge
from services.kernel.operations import RowError, Step
from services.kernel.row_files import Media, Row, rows_of
from services.kernel.savepoints import savepoint
from services.kernel.strict_json import canonical, digest
from services.kernel.tables import Operation
from services.policy.legacy_cases import queries, rules
from services.policy.legacy_cases.actions.enter_case import Import, enter_case
from services.policy.legacy_cases.rules import ROWS_A_STEP, ROWS_MAX, LegacyRow

ROW_FAILED = FieldError("", "row-failed", "此行无法入库。", "The row could not be stored.")
REF_USED = FieldError(
    "external_ref", "external-ref-used", "该编号已用于另一内容的办件。",
    "This ref was used for a case with another content.",
)  # fmt: skip


async def step_import(
    session: AsyncSession, operation: Operation, actor: Actor, now: datetime
) -> Step:
    """Read the file, or answer for the next rows of it."""
    work = operation.input
    if not work["is_read"]:
        media, content = Media(work["media"]), operation.content or b""
        rows = await read_aside(session, lambda: _read(media, content))
        operation.content = orjson.dumps(rows)
        operation.input = {**work, "is_read": True}
        return Step(0, len(rows), [], None if rows else dict(work["tally"]))
    rows = orjson.loads(operation.content or b"[]")
    total = len(rows)
    part = [_row(each) for each in rows[operation.done : operation.done + ROWS_A_STEP]]
    job = Import(session, actor, operation.id, now, rules.system_of(actor))
    tally = dict(work["tally"])
    errors = await _answer_for(job, part, tally, strict=work["media"] == Media.NDJSON)
    operation.input = {**work, "tally": tally}
    done = min(operation.done + ROWS_A_STEP, total)
    return Step(done, total, errors, tally if done == total else None)


async def _answer_for(
    job: Import, rows: list[Row], tally: dict[str, int], *, strict: bool
) -> list[RowError]:
    """Enter rows one by one, so that one stops no other; what is on record already is left."""
    errors: list[RowError] = []
    refs = [str(row.cells.get("external_ref", "")) for row in rows]
    known = await queries.known_refs(job.session, job.system, refs)
    for row in rows:
        sha256 = digest(canonical(row.cells))
        read = [row.fault] if row.fault else rules.read_row(row.cells, strict=strict)
        if isinstance(read, LegacyRow):
            if read.external_ref in known:
                is_same = known[read.external_ref] == sha256
                tally["unchanged" if is_same else "refused"] += 1
                errors += [] if is_same else _errors(row, [REF_USED])
                continue
            faults = rules.faults_of(read, city_day(job.now))
            read = faults or await _enter(job, row, read, sha256)
        if isinstance(read, list):
            tally["refused"] += 1
            errors += _errors(row, read)
        else:
            tally["created"] += 1
            known[read.external_ref] = sha256
    return errors


async def _enter(
    job: Import, row: Row, read: LegacyRow, sha256: str
) -> LegacyRow | list[FieldError]:
    try:
        async with savepoint(job.session):
            await enter_case(job, row.line, read, sha256)
    except Refusal as refusal:
        return refusal.errors or [FieldError("", refusal.code, refusal.zh, refusal.en)]
    except DBAPIError as error:
        if is_database_outage(error):
            raise
        return [ROW_FAILED]
    return read


def _errors(row: Row, faults: list[FieldError]) -> list[RowError]:
    """Name each field of a row once; the body of a case calls some by paths."""
    named: dict[str, FieldError] = {}
    for fault in faults:
        named.setdefault(fault.pointer.strip("/").replace("/", "_"), fault)
    return [RowError(row.line, name, each.code, each.zh, each.en) for name, each in named.items()]


def _read(media: Media, content: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for row in rows_of(media, content):
        if len(rows) >= ROWS_MAX:
            raise TooLarge(
                f"文件超过{ROWS_MAX}行，请拆分。",
                f"The file has more than {ROWS_MAX} rows; split it.", code="too-many-rows",
            )  # fmt: skip
        rows.append([row.line, row.cells, vars(row.fault) if row.fault else None])
    return rows


def _row(kept: list[Any]) -> Row:
    line, cells, fault = kept
    return Row(line, cells, FieldError(**fault) if fault else None)
