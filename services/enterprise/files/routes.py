"""Searching firms, taking the found ones away as a file, and reading one firm's file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from services.enterprise.files.queries import count_firms, every_firm, firm_file, search_firms
from services.enterprise.files.rules import EXPORT_ROWS_MAX, FORMATS
from services.enterprise.files.schemas import FirmFile, FirmPage, FirmRow, Search, search_of
from services.enterprise.firms.access import FirmPath, Reader
from services.enterprise.firms.queries import after_text, find_firm
from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Invalid
from services.kernel.etags import set_etag
from services.kernel.exports import (
    SUFFIXES,
    Format,
    csv_head,
    csv_lines,
    ndjson_lines,
    wanted_format,
    xlsx_bytes,
)
from services.kernel.pages import Page, page_of
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router

router = noun_router("enterprise", "firms")

COLUMNS = tuple(FirmRow.model_fields)
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page, or the whole list as the file that `Accept` asks for",
        "content": {str(each): {"schema": {"type": "string"}} for each in FORMATS},
    }
}
Found = Annotated[Search, Depends(search_of)]


@router.get("", response_model=FirmPage, responses=FILES)
async def list_firms(  # noqa: PLR0917  FastAPI hands each of these over by name
    search: Found,
    actor: Reader,
    session: Session,
    now: Now,
    page: Page,
    request: Request,
    runtime: CurrentRuntime,
) -> Any:
    """Search firms; a firm finds itself. CSV, NDJSON and XLSX answer the whole list at once."""
    on = city_day(now)
    wanted = wanted_format(request.headers.get("accept"), FORMATS)
    if wanted is not None:
        found = await count_firms(session, actor, search, on, limit=EXPORT_ROWS_MAX + 1)
        _require_exportable(found)
        return await _file(runtime, actor, search, on, wanted)
    rows = await search_firms(
        session, actor, search, on, after=after_text(page), limit=page.limit + 1
    )
    return page_of(rows, page, lambda row: [row.uscc])


@router.get("/{uscc}")
async def get_firm(
    uscc: FirmPath, actor: Reader, session: Session, now: Now, response: Response
) -> FirmFile:
    """Read one firm's file: profile, facts with their sources, recognitions and lists."""
    firm = await find_firm(session, actor, uscc)
    set_etag(response, firm.version)
    return await firm_file(session, actor, firm, city_day(now))


def _require_exportable(found: int) -> None:
    """Refuse what would have to be cut off: a file that looks whole must be whole."""
    if found > EXPORT_ROWS_MAX:
        raise Invalid(
            f"结果超过{EXPORT_ROWS_MAX}行，请缩小查询范围后导出。",
            f"More than {EXPORT_ROWS_MAX} rows are found; narrow the search.",
            code="export-too-large",
        )


async def _file(runtime: Any, actor: Actor, search: Search, on: date, wanted: Format) -> Response:
    """Write the found firms; the body comes after the request's own session is closed."""

    async def rows() -> AsyncIterator[list[Sequence[Any]]]:
        async for some in every_firm(runtime.sessions, actor, search, on):
            yield [[getattr(row, name) for name in COLUMNS] for row in some]

    headers = {"Content-Disposition": f'attachment; filename="firms.{SUFFIXES[wanted]}"'}
    if wanted is Format.XLSX:
        everything = [row async for some in rows() for row in some]
        workbook = await asyncio.to_thread(xlsx_bytes, COLUMNS, everything)
        return Response(workbook, 200, headers, wanted)
    write: Callable[[list[Sequence[Any]]], str | bytes] = csv_lines
    if wanted is Format.NDJSON:
        write = lambda some: ndjson_lines(COLUMNS, some)  # noqa: E731

    async def body() -> AsyncIterator[str | bytes]:
        if wanted is Format.CSV:
            yield csv_head(COLUMNS)
        async for some in rows():
            yield write(some)

    return StreamingResponse(body(), 200, headers, wanted)
