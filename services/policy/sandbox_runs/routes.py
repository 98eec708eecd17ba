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
from services.policy.sandbox_runs.rules import COLUMNS, FORMATS, XLSX_ROWS_MAX, cells
from services.policy.sandbox_runs.schemas import NewRun, RunList, RunView

router = noun_router("policy", "sandbox-runs")

Overlay = Annotated[
    Literal["demonstration"] | None,
    Query(description="Fill parameters that are not set with sample values; marked as such"),
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
    run_id: UUID, _: RunReader, session: Session, request: Request, runtime: CurrentRuntime
) -> Any:
    """Read a run and its result; XLSX and Parquet answer what each firm would receive."""
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
    if wanted is Format.XLSX and await queries.count_grants(session, run_id) > XLSX_ROWS_MAX:
        raise Invalid(
            f"结果超过{XLSX_ROWS_MAX}行，请导出Parquet。",
            f"There are more than {XLSX_ROWS_MAX} rows; export Parquet.",
            code="export-too-large",
        )
    rows: list[Sequence[Any]] = []
    async for some in queries.every_grant(runtime.sessions, run_id):
        rows += [cells(*each) for each in some]
    content = await asyncio.to_thread(_write, wanted, rows)
    name = f"sandbox-run-{run_id}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, wanted)


def _write(wanted: Format, rows: list[Sequence[Any]]) -> bytes:
    if wanted is Format.XLSX:
        return xlsx_bytes(list(COLUMNS), rows)
    return parquet_bytes(COLUMNS, rows)
