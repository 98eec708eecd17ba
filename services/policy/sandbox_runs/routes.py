import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from services.kernel.errors import Conflict, Invalid
from services.kernel.exports import SUFFIXES, Format, parquet_bytes, wanted_format, xlsx_bytes
from services.kernel.operations import OperationView, operation_view
from services.kernel.pages import Page, page_of
from services.kernel.problems import prefers_english
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy.sandbox_runs import queries
from services.policy.sandbox_runs.access import RunReader, RunStarter
from services.policy.sandbox_runs.actions.begin_run import begin_run
from services.policy.sandbox_runs.rules import COLUMNS, FORMATS, XLSX_ROWS_MAX, Wanted
from services.policy.sandbox_runs.schemas import NewRun, RunList, RunView
from services.policy.wording import unknown_name

router = noun_router("policy", "sandbox-runs")

Overlay = Annotated[
    Literal["demonstration"] | None,
    Query(description="Fill parameters that are not set with sample values; marked as such"),
]
Outcomes = Annotated[
    list[Wanted] | None,
    Query(max_length=len(Wanted), description="In a file: who is this under either version"),
]
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The run, or every grant of it as the file that `Accept` asks for",
        "content": {str(each): {"schema": {"type": "string"}} for each in FORMATS},
    }
}


@router.post("", status_code=202)
async def post_sandbox_run(
    *,
    body: NewRun,
    actor: RunStarter,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
    overlay: Overlay = None,
) -> OperationView:
    """Try a changed plan over the whole city: cost, winners, losers; nothing is published by it."""
    operation = await begin_run(
        session, response, actor, body, demonstration=overlay is not None, now=now
    )
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)


@router.get("")
async def list_sandbox_runs(_: RunReader, session: Session, page: Page) -> RunList:
    """List the runs of the sandbox, the newest first."""
    found = page_of(await queries.runs(session, page), page, lambda row: [row[0].id])
    items = [queries.summary(*row) for row in found["items"]]
    return RunList(items=items, next_cursor=found["next_cursor"])


@router.get("/{run_id}", response_model=RunView, responses=FILES)
async def get_sandbox_run(
    *,
    run_id: UUID,
    _: RunReader,
    session: Session,
    request: Request,
    runtime: CurrentRuntime,
    outcome: Outcomes = None,
    programme: Annotated[
        str | None, Query(max_length=160, description="In a file: this programme's rows only")
    ] = None,
) -> Any:
    """Read a run and its result; XLSX and Parquet answer what each firm would receive.

    A file holds who is entitled under either version; `outcome` asks for others: who is refused,
    of whom it is unknown, who waits for a number.
    """
    run, operation = await queries.run(session, run_id)
    wanted = wanted_format(request.headers.get("accept"), FORMATS)
    if wanted is None:
        return queries.view(run, operation)
    if operation.state != "finished":
        raise Conflict(
            "测算尚未完成，完成后方可导出。",
            "The run is not over; it can be exported once it is.",
            code="run-not-finished",
        )
    names = [each["programme"] for each in (operation.result or {})["programmes"]]
    if programme is not None and programme not in names:
        raise unknown_name("query/programme", "programme-unknown", programme, names)
    sessions = runtime.sessions
    some = (
        queries.every_grant(sessions, run_id, programme)
        if outcome is None
        else queries.every_outcome(sessions, run_id, names, outcome, programme)
    )
    rows: list[Sequence[Any]] = []
    async for each in some:
        rows += each
        if len(rows) > XLSX_ROWS_MAX and (wanted is Format.XLSX or outcome is not None):
            raise _too_large()
    content = await asyncio.to_thread(_write, wanted, rows)
    name = f"sandbox-run-{run_id}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, wanted)


def _too_large() -> Invalid:
    return Invalid(
        f"结果超过{XLSX_ROWS_MAX}行，请用programme分项目导出，减少outcome，或导出Parquet。",
        f"There are more than {XLSX_ROWS_MAX} rows; ask by programme, for fewer outcomes, or for"
        " Parquet.",
        code="export-too-large",
    )


def _write(wanted: Format, rows: list[Sequence[Any]]) -> bytes:
    if wanted is Format.XLSX:
        return xlsx_bytes(list(COLUMNS), rows)
    return parquet_bytes(COLUMNS, rows)
