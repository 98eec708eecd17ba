"""Importing what upper levels decided: each row is one result, and is answered for by itself."""

from copy import copy
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import UUID

from fastapi import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.aside import read_aside
from services.kernel.audit import audit
from services.kernel.database_faults import is_database_outage
from services.kernel.errors import FieldError, FieldFault, NotFound, Refusal, TooLarge
from services.kernel.operations import RowError, Step, accept_operation
from services.kernel.row_files import Media, Row, as_text, check_columns, columns_of, rows_of
from services.kernel.tables import Operation
from services.policy.recommendations import queries
from services.policy.recommendations.actions.move_recommendation import move_recommendation
from services.policy.recommendations.rules import RecommendationEvent
from services.policy.recommendations.schemas import NOTE_CHARS_MAX, RecommendationDeed

OPERATION = "import-results"
FILE_BYTES_MAX = 4 * 1024 * 1024
ROWS_MAX = 5_000
ROWS_A_STEP = 50
FIELD_CHARS_MAX = 100
REQUIRED = ("outcome", "document", "issuer", "decided_on")
DAYS_AND_GRADE = ("grade", "valid_from", "valid_to")
# A row names its recommendation by our id, or by the upper system's number and the programme.
NAMES = ("recommendation", "programme", "upper_number")
KNOWN = [*NAMES, *REQUIRED, *DAYS_AND_GRADE, "note"]
ROW_FAILED = FieldError("", "row-failed", "此行无法入库。", "The row could not be stored.")


async def accept_results(
    session: AsyncSession,
    response: Response,
    actor: Actor,
    media: Media,
    content: bytes,
    *,
    now: datetime,
) -> Operation:
    """Accept a file of results whose columns are known; its rows are answered for later."""
    check_columns(await read_aside(session, lambda: columns_of(media, content)), REQUIRED, KNOWN)
    total = await read_aside(session, lambda: sum(1 for _ in rows_of(media, content)))
    if total > ROWS_MAX:
        raise TooLarge(
            f"文件超过{ROWS_MAX}行，请拆分。", f"The file has more than {ROWS_MAX} rows; split it.",
            code="too-many-rows",
        )  # fmt: skip
    input_ = {"media": media, "moved": 0, "refused": 0}
    operation = accept_operation(
        session, response, "policy", actor, OPERATION,
        input_=input_, content=content, total=total, now=now,
    )  # fmt: skip
    detail = {"bytes": len(content), "content_sha256": sha256(content).hexdigest()}
    audit(session, actor, "recommendation.import", "operation", operation.id, now=now,
          detail=detail)  # fmt: skip
    await session.flush()
    return operation


async def step_results(
    session: AsyncSession, operation: Operation, actor: Actor, now: datetime
) -> Step:
    """Answer for the next rows of the file; one that is refused stops no other."""
    media, content = Media(operation.input["media"]), operation.content or b""
    first, total = operation.done, operation.total or 0
    rows = await read_aside(
        session, lambda: list(islice(rows_of(media, content), first, first + ROWS_A_STEP))
    )
    errors: list[RowError] = []
    for row in rows:
        errors += await _answer_for(session, actor, row, now)
    refused = len({error.line for error in errors})
    tally = {
        "moved": operation.input["moved"] + len(rows) - refused,
        "refused": operation.input["refused"] + refused,
    }
    operation.input = {**operation.input, **tally}
    done = min(first + ROWS_A_STEP, total)
    return Step(done, total, errors, tally if done == total else None)


async def _answer_for(
    session: AsyncSession, actor: Actor, row: Row, now: datetime
) -> list[RowError]:
    """Move one recommendation by its row, or say why not; what failed leaves nothing behind."""
    if row.fault is not None:
        return _told(row, [row.fault])
    pending = {n: copy(v) for n, v in session.info.items() if isinstance(v, list | dict)}
    try:
        async with session.begin_nested():
            await _move(session, actor, row, now)
            return []
    except Refusal as refusal:
        faults = refusal.errors or [FieldError("", refusal.code, refusal.zh, refusal.en)]
        found = _told(row, faults)
    except FieldFault as fault:
        found = _told(row, [FieldError("", fault.code, fault.zh, fault.en)])
    except DBAPIError as error:
        if is_database_outage(error):
            raise
        found = _told(row, [ROW_FAILED])
    for name, value in list(session.info.items()):
        if isinstance(value, list | dict):
            del session.info[name]
    session.info.update(pending)
    return found


async def _move(session: AsyncSession, actor: Actor, row: Row, now: datetime) -> None:
    cells = {name: as_text(cell) for name, cell in row.cells.items()}
    id_ = await _named(session, actor, cells)
    found = await queries.recommendation(session, actor, id_, for_update=True)
    data: dict[str, Any] = {
        name: cells[name] for name in (*REQUIRED, *DAYS_AND_GRADE) if name in cells
    }
    deed = RecommendationDeed(
        event=RecommendationEvent.RESULT, version=found.version,
        note=cells.get("note", "")[:NOTE_CHARS_MAX], data=data,
    )  # fmt: skip
    await move_recommendation(session, actor, id_, deed, now=now)


async def _named(session: AsyncSession, actor: Actor, cells: dict[str, str]) -> UUID:
    """Find which recommendation a row is about."""
    if "recommendation" in cells:
        try:
            return UUID(cells["recommendation"])
        except ValueError:
            raise FieldFault(
                "id-format", "recommendation须为推荐申报的编号。", "Must be a recommendation's id."
            ) from None
    if "programme" not in cells or "upper_number" not in cells:
        raise FieldFault(
            "recommendation-unnamed",
            "须写明recommendation，或同时写明programme和upper_number。",
            "Name it by recommendation, or by programme and upper_number.",
        )
    number = cells["upper_number"]
    found = await queries.by_upper_number(session, actor, cells["programme"], number)
    if found is None:
        raise NotFound(
            "没有以此编号申报的一件推荐申报，或有多件。",
            "No one recommendation was filed under this number.",
        )
    return found


def _told(row: Row, faults: list[FieldError]) -> list[RowError]:
    """Lay faults at the doors of the row's fields, one for each."""
    named: dict[str, FieldError] = {}
    for fault in faults:
        name = fault.pointer.removeprefix("/data").strip("/")[:FIELD_CHARS_MAX]
        named.setdefault(name, fault)
    return [RowError(row.line, name, f.code, f.zh, f.en) for name, f in named.items()]
