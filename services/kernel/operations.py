"""Long work: accepted at once, done by the worker in small transactions, with real progress.

A step commits its rows and its progress together, so that a crash continues where it stopped.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import ALL_ROLES, Actor, Guard, Role
from services.kernel.clock import system_now
from services.kernel.database import raw_connection
from services.kernel.database_faults import is_database_outage
from services.kernel.errors import NotFound, Refusal, Unavailable
from services.kernel.ids import new_id
from services.kernel.problems import prefers_english
from services.kernel.tables import Operation, OperationError
from services.kernel.unit import Now, Session, commit, noun_router

if TYPE_CHECKING:
    from services.kernel.runtime import Runtime

log = structlog.get_logger()

LEASE_S = 30
OperationReader = Annotated[Actor, Depends(Guard(*ALL_ROLES))]
RETRY_S = 1
POLL_S = 0.2
# In a row, of one step, while the database itself is there.
OUTAGES_MAX = 10
OPEN_STATES = ("accepted", "running")
ERRORS_SHOWN_MAX = 1000
# Asked at every poll, so on the driver itself; in turn, so that a long one does not keep a short
# one waiting.
_FREE = """
SELECT id FROM operation
WHERE state IN ('accepted', 'running') AND kind = ANY($1::text[])
      AND (lease_until IS NULL OR lease_until < $2)
ORDER BY id <= $3, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True)
class RowError:
    """A row that was refused: its line in the file, the field, and why."""

    line: int
    field: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Step:
    """What one step did: how far it is, which rows it refused, the result once it is over."""

    done: int
    total: int
    errors: list[RowError]
    result: dict[str, Any] | None = None


@dataclass(frozen=True)
class OperationKind:
    """Work of one kind: `step` goes on from `operation.done` and says how far it came."""

    kind: str
    step: Callable[[AsyncSession, Operation, Actor, datetime], Awaitable[Step]]


class OperationErrorView(BaseModel):
    line: int
    field: str
    code: str
    detail: str


class OperationView(BaseModel):
    """Where long work stands; `errors` shows at most the first thousand refused rows."""

    id: UUID
    kind: str
    state: str
    done: int
    total: int | None
    error_count: int
    errors: list[OperationErrorView]
    result: dict[str, Any] | None


def accept_operation(  # noqa: PLR0913  each is named
    session: AsyncSession,
    response: Response,
    service: str,
    actor: Actor,
    kind: str,
    *,
    input_: dict[str, Any],
    content: bytes | None,
    total: int | None,
    now: datetime,
) -> Operation:
    """Take long work on: 202 with the address where its progress stands."""
    operation = begin_operation(
        session, actor, kind, input_=input_, content=content, total=total, now=now
    )
    response.status_code = 202
    response.headers["Location"] = f"/v1/{service}/operations/{operation.id}"
    return operation


def begin_operation(
    session: AsyncSession,
    actor: Actor,
    kind: str,
    *,
    input_: dict[str, Any],
    content: bytes | None = None,
    total: int | None,
    now: datetime,
) -> Operation:
    """Begin long work as part of another change; the actor may follow it."""
    operation = Operation(
        id=new_id(),
        kind=kind,
        state="accepted",
        owner=actor.subject,
        actor=actor.to_json(),
        input=input_,
        content=content,
        total=total,
        created_at=now,
        done=0,
        error_count=0,
    )
    session.add(operation)
    return operation


async def operation_view(
    session: AsyncSession, operation: Operation, *, english: bool
) -> OperationView:
    errors = await session.scalars(
        select(OperationError)
        .where(OperationError.operation_id == operation.id)
        .order_by(OperationError.line, OperationError.field)
        .limit(ERRORS_SHOWN_MAX)
    )
    return OperationView(
        id=operation.id,
        kind=operation.kind,
        state=operation.state,
        done=operation.done,
        total=operation.total,
        error_count=operation.error_count,
        result=operation.result,
        errors=[
            OperationErrorView(
                line=e.line, field=e.field, code=e.code, detail=e.en if english else e.zh
            )
            for e in errors
        ],
    )


def operation_router(service: str) -> Any:
    """Serve the progress of a service's long work, to whoever began it and to auditors."""
    router = noun_router(service, "operations")

    @router.get("/{operation_id}")
    async def get_operation(
        operation_id: UUID, actor: OperationReader, session: Session, request: Request, _: Now
    ) -> OperationView:
        """Read how far long work has come, and which rows it refused."""
        operation = await session.get(Operation, operation_id)
        if operation is None or (operation.owner != actor.subject and not actor.has(Role.AUDITOR)):
            raise NotFound("没有这项操作。", "There is no such operation.")
        return await operation_view(
            session, operation, english=prefers_english(request.headers.get("accept-language"))
        )

    return router


class OperationRunner:
    """Takes operations on by lease, so that another instance goes on if this one dies."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._kinds = {k.kind: k for k in runtime.service.operations}
        self._last = UUID(int=0)
        self._outages: Counter[UUID] = Counter()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop."""
        while not stopping.is_set():
            worked = False
            try:
                worked = await self._advance()
            except Exception as error:  # noqa: BLE001  the runner outlives any one operation's fault
                log.warning(
                    "operation runner stumbled",
                    service=self._runtime.service.name,
                    kind=type(error).__name__,
                )
            if not worked:
                try:
                    await asyncio.wait_for(stopping.wait(), POLL_S)
                except TimeoutError:
                    continue

    async def _advance(self) -> bool:
        await self._runtime.let_hearing_go_first()
        operation_id = await self._claim()
        if operation_id is None:
            return False
        try:
            await self._step(operation_id)
        except Exception as error:
            is_outage = is_database_outage(error)
            if is_outage and await self._is_put_back(operation_id):
                raise
            log.error(
                "operation failed",
                operation_id=str(operation_id),
                kind=type(error).__name__,
                exc_info=error,
            )
            await self._fail(operation_id, _given_up() if is_outage else error)
        del self._outages[operation_id]
        return True

    async def _claim(self) -> UUID | None:
        now = system_now()
        async with self._runtime.sessions() as session, session.begin():
            connection = await raw_connection(session)
            operation_id = await connection.fetchval(_FREE, list(self._kinds), now, self._last)
            if operation_id is not None:
                self._last = operation_id
                lease = now + timedelta(seconds=LEASE_S)
                await session.execute(
                    update(Operation)
                    .where(Operation.id == operation_id)
                    .values(state="running", lease_until=lease)
                )
        return operation_id

    async def _step(self, operation_id: UUID) -> None:
        async with self._runtime.sessions() as session:
            operation = await session.get_one(Operation, operation_id, with_for_update=True)
            if operation.state not in OPEN_STATES:
                # Another instance took it over while this one slept past its lease.
                return
            actor = Actor.from_json(operation.actor)
            step = await self._kinds[operation.kind].step(
                session, operation, actor, self._runtime.clock.now()
            )
            await _write_errors(session, operation_id, step.errors)
            operation.error_count += len(step.errors)
            operation.done, operation.total = step.done, step.total
            # Released at once: the next step may be taken by any instance.
            operation.lease_until = None
            if step.result is not None:
                operation.state, operation.result, operation.content = "finished", step.result, None
                operation.finished_at = system_now()
            await session.flush()
            written = await commit(session)
        self._runtime.hand_to_relay(written)

    async def _fail(self, operation_id: UUID, error: Exception) -> None:
        refusal = error if isinstance(error, Refusal) else None
        async with self._runtime.sessions() as session, session.begin():
            operation = await session.get_one(Operation, operation_id, with_for_update=True)
            operation.state, operation.content, operation.lease_until = "failed", None, None
            operation.finished_at = system_now()
            reason = RowError(
                line=0,
                field="",
                code=refusal.code if refusal else "internal",
                zh=refusal.zh if refusal else "系统内部错误，已记录。",
                en=refusal.en if refusal else "Internal error, recorded.",
            )
            await _write_errors(session, operation_id, [reason])
            operation.error_count += 1

    async def _is_put_back(self, operation_id: UUID) -> bool:
        """Let the step be tried again, but not for ever where it may be the cause itself."""
        if self._outages[operation_id] >= OUTAGES_MAX:
            return False
        # While the database is away, that is no fault of the step.
        self._outages[operation_id] += await self._release(operation_id)
        return True

    async def _release(self, operation_id: UUID) -> bool:
        """Let the step be tried again at once; if even that fails, the lease runs out."""
        try:
            async with self._runtime.sessions() as session, session.begin():
                await session.execute(
                    update(Operation)
                    .where(Operation.id == operation_id)
                    .values(lease_until=system_now() + timedelta(seconds=RETRY_S))
                )
        except (SQLAlchemyError, OSError):
            return False
        return True


def _given_up() -> Unavailable:
    return Unavailable(
        "多次尝试均未完成，请稍后重新提交。",
        "Tried many times without success; submit it again later.",
        code="step-given-up",
    )


async def _write_errors(
    session: AsyncSession, operation_id: UUID, errors: Sequence[RowError]
) -> None:
    """Keep the refused rows; of two reasons for one field of one line, the first."""
    rows = [{"operation_id": operation_id, **vars(e)} for e in errors]
    if rows:
        await session.execute(insert(OperationError).on_conflict_do_nothing(), rows)


async def count_open_operations(session: AsyncSession) -> int:
    return (
        await session.scalar(
            select(func.count()).select_from(Operation).where(Operation.state.in_(OPEN_STATES))
        )
        or 0
    )
