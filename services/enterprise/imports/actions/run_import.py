"""An import at work: the file is read into rows once, then every step answers for some of them."""

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from datetime import datetime
from itertools import islice

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.imports.actions.import_facts import import_day_facts, import_indicators
from services.enterprise.imports.actions.import_firms import import_firms
from services.enterprise.imports.actions.import_recognitions import import_recognitions
from services.enterprise.imports.actions.outcome import Job, Outcome
from services.enterprise.imports.queries import drop_orphans, drop_rows, waiting_rows
from services.enterprise.imports.rules import Kind
from services.kernel.actors import Actor
from services.kernel.aside import read_aside
from services.kernel.database import raw_connection
from services.kernel.database_faults import is_database_outage
from services.kernel.errors import FieldError
from services.kernel.operations import Step
from services.kernel.row_files import Media, Row, rows_of
from services.kernel.strict_json import canonical
from services.kernel.tables import Operation

ROW_FAILED = FieldError("", "row-failed", "此行无法入库。", "The row could not be stored.")
ROWS_A_STEP = 200
ROWS_READ_AT_ONCE = 2000

Work = Callable[[Job, list[Row]], Awaitable[Outcome]]
WORK: Mapping[Kind, Work] = {
    Kind.FIRMS: import_firms,
    Kind.INDICATORS: import_indicators,
    Kind.FACTS: import_day_facts,
    Kind.RECOGNITIONS: import_recognitions,
}
_KEEP = """
INSERT INTO import_row (operation_id, position, line, cells, fault)
SELECT $1, t.position, t.line, t.cells::jsonb, t.fault::jsonb
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS t (position, line, cells, fault)
"""


async def step_import(
    session: AsyncSession, operation: Operation, actor: Actor, now: datetime
) -> Step:
    """Read the file, or answer for the next rows of it."""
    if operation.content is not None:
        total = await _read(session, operation, Media(operation.input["media"]), operation.content)
        operation.content = None
        result = dict(operation.input["tally"]) if total == 0 else None
        return Step(0, total, [], result)
    total = operation.total or 0
    rows = await waiting_rows(session, operation.id, operation.done, ROWS_A_STEP)
    kind = Kind(operation.input["kind"])
    job = Job(session, actor, now, strict=operation.input["media"] == Media.NDJSON)
    outcome = await _answer_for(job, WORK[kind], rows)
    done = min(operation.done + ROWS_A_STEP, total)
    await drop_rows(session, operation.id, done)
    tally = {name: n + operation.input["tally"][name] for name, n in outcome.tally().items()}
    operation.input = {**operation.input, "tally": tally}
    return Step(done, total, outcome.errors, tally if done == total else None)


async def forget_orphans(session: AsyncSession, _: str, __: datetime) -> None:
    """Let go of the rows of failed imports."""
    await drop_orphans(session)


async def _read(session: AsyncSession, operation: Operation, media: Media, content: bytes) -> int:
    """Keep every row with its line."""
    rows = rows_of(media, content)
    total = 0
    while some := await read_aside(session, lambda: list(islice(rows, ROWS_READ_AT_ONCE))):
        columns = (
            list(range(total + 1, total + len(some) + 1)),
            [row.line for row in some],
            [canonical(row.cells) for row in some],
            [canonical(vars(row.fault)) if row.fault else None for row in some],
        )
        connection = await raw_connection(session)
        await connection.execute(_KEEP, operation.id, *columns)
        total += len(some)
    return total


async def _answer_for(job: Job, work: Work, rows: list[Row]) -> Outcome:
    """Work on all rows at once; if the database refuses, one by one, so that one stops no other."""
    readable = [row for row in rows if row.fault is None]
    outcome = await _attempt(job, work, readable)
    if outcome is None:
        outcome = Outcome()
        for row in readable:
            alone = await _attempt(job, work, [row])
            if alone is None:
                outcome.refuse(row.line, [ROW_FAILED])
            else:
                outcome.add(alone)
    for row in rows:
        if row.fault is not None:
            outcome.refuse(row.line, [row.fault])
    return outcome


async def _attempt(job: Job, work: Work, rows: list[Row]) -> Outcome | None:
    """Try rows in a savepoint; what they announced and recorded goes with them if it fails."""
    session = job.session
    before = {name: copy(pending) for name, pending in session.info.items()}
    try:
        async with session.begin_nested():
            return await work(job, rows)
    except DBAPIError as error:
        if is_database_outage(error):
            raise
    session.info.clear()
    session.info.update(before)
    return None
