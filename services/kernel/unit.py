"""The unit of work: one request, one transaction, committed before the answer leaves.

Everything a write needs at its edge happens here once: who acts, may they, has this key been used,
commit with outbox and audit, retry of a lost race, and a record of what was refused.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import asyncpg
import structlog
from fastapi import APIRouter, Depends, Request, params
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.kernel.actors import PUBLIC, Actor, Guard, guards_of
from services.kernel.audit import audit, has_audit, write_audit
from services.kernel.clock import system_now
from services.kernel.crash import crash_point
from services.kernel.database import flush_changes
from services.kernel.database_faults import (
    RETRYABLE_SQLSTATES,
    refusal_from_database,
    sqlstate_of,
)
from services.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Refusal,
    Unauthenticated,
    UnsupportedMedia,
)
from services.kernel.idempotency import (
    NEVER,
    is_streamed,
    key_of,
    keyed_kind,
    request_digest,
    store_answer,
    stored_answer,
)
from services.kernel.outbox import Written, write_announcements
from services.kernel.problems import Problem
from services.kernel.strict_json import StrictRequest

if TYPE_CHECKING:
    from services.kernel.runtime import Runtime

log = structlog.get_logger()

RETRIES_MAX = 3
AFTER_COMMIT = "after_commit"
DATABASE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
WRITES = ("POST", "PUT", "PATCH", "DELETE")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Body(Enum):
    """Who reads a route's body: the framework as JSON or as it stands, or the handler."""

    JSON = "json"
    RAW = "raw"
    STREAMED = "streamed"


class UnguardedRoute(Exception):
    """A route that says nothing of who may call it does not start."""


class UnitRoute(APIRoute):
    """A route whose handler runs inside one unit of work."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        guards = list(guards_of(self.dependant))
        if len(guards) != 1:
            raise UnguardedRoute(
                f"{sorted(self.methods or ())} {self.path} has {len(guards)} guards; it needs one"
            )
        field = self.body_field
        body = Body.RAW
        if is_streamed(self.dependant):
            body = Body.STREAMED
        elif field is not None and not isinstance(field.field_info, params.Form):
            body = Body.JSON
        unit = Unit(self.path, guards[0], keyed_kind(self.dependant), handle, body)
        return unit.answer


class Unit:
    """How one route is run."""

    def __init__(
        self, path: str, guard: Guard, keyed: str | None, handle: Handler, body: Body
    ) -> None:
        self._body = body
        self._path = path
        self._guard = guard
        self._keyed = keyed
        self._handle = handle

    async def answer(self, plain: Request) -> Response:
        runtime: Runtime = plain.app.state.runtime
        request = StrictRequest(plain.scope, plain.receive)
        actor = PUBLIC
        try:
            actor = await _bearer(runtime, request, self._guard)
            self._guard.admit(actor, service=runtime.service.name, method=request.method)
            request.state.actor = actor
            request.require_legible_address()
            if self._body is not Body.STREAMED:
                await request.read_ahead()
            if self._body is Body.JSON and not request.is_json and await request.body():
                raise UnsupportedMedia(
                    "请以application/json提交。", "Send application/json.", code="json-expected"
                )
            return await self._with_retries(runtime, request, actor)
        except Refusal as refusal:
            await _record_refusal(runtime, request, actor, self._path, refusal)
            raise

    async def _with_retries(
        self, runtime: "Runtime", request: StrictRequest, actor: Actor
    ) -> Response:
        for attempt in range(RETRIES_MAX + 1):
            try:
                return await self._once(runtime, request, actor)
            except DATABASE_ERRORS as error:
                if sqlstate_of(error) in RETRYABLE_SQLSTATES and attempt < RETRIES_MAX:
                    await asyncio.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter
                elif refusal := refusal_from_database(error):
                    raise refusal from error
                else:
                    raise
        raise AssertionError("unreachable")

    async def _once(self, runtime: "Runtime", request: StrictRequest, actor: Actor) -> Response:
        key = self._key(request, actor)
        async with runtime.sessions() as session:
            request.state.session = session
            request.state.now = runtime.clock.now()
            sha = ""
            if key is not None:
                crash_point("unit:before-begin")
                sha = await request_digest(request)
                stored = await stored_answer(session, actor, self._path, key, sha)
                crash_point("unit:begun")
                if stored is not None:
                    return stored
            response = await self._handle(request)
            # A read leaves nothing behind, but for the record that something was handed out.
            if request.method not in WRITES and not has_audit(session):
                return response
            await flush_changes(session)
            if key is not None and response.status_code < 400:  # noqa: PLR2004
                await store_answer(
                    session,
                    actor,
                    self._path,
                    key,
                    sha,
                    response,
                    for_ever=self._keyed == "ever",
                    now=system_now(),
                )
            written = await commit(session)
        runtime.hand_to_relay(written)
        return response

    def _key(self, request: Request, actor: Actor) -> str | None:
        """Read the key where answers may be kept: the public has no name to keep them under."""
        if request.method != "POST" or self._keyed == NEVER:
            return None
        if actor.is_public and self._keyed is None:
            return None
        return key_of(request, required=self._keyed is not None)


async def commit(session: AsyncSession) -> Written:
    """Write what the transaction announced and recorded, then commit; give what it announced."""
    written = await write_announcements(session)
    crash_point("unit:announced")
    await write_audit(session)
    crash_point("unit:before-commit")
    await session.commit()
    crash_point("unit:committed")
    for work in session.info.pop(AFTER_COMMIT, ()):
        work()
    return written


def after_commit(session: AsyncSession, work: Callable[[], None]) -> None:
    """Have something done in this process once the transaction counts; it must not fail."""
    session.info.setdefault(AFTER_COMMIT, []).append(work)


async def _bearer(runtime: "Runtime", request: Request, guard: Guard) -> Actor:
    header = request.headers.get("authorization")
    if not header:
        return PUBLIC
    kind, _, token = header.partition(" ")
    if kind.lower() == "basic" and guard.public:
        # How a client proves who it is to the token endpoint, which reads it for itself.
        return PUBLIC
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Authorization须为Bearer令牌。",
            "Authorization must be a Bearer token.",
            code="token-malformed",
        )
    return await runtime.verifier.verify(token)


async def _record_refusal(
    runtime: "Runtime", request: Request, actor: Actor, path: str, refusal: Refusal
) -> None:
    """Record what was refused: wrong tokens, what is not theirs, moves against the rules."""
    if not isinstance(refusal, Unauthenticated | Forbidden | NotFound | Conflict):
        return
    if actor.is_public and not request.headers.get("authorization"):
        return
    try:
        async with runtime.sessions() as session:
            # The path with its ids is what an auditor asks for; the query may hold anything.
            audit(
                session,
                actor,
                f"{request.method} {path}",
                "request",
                request.url.path[:300],
                now=runtime.clock.now(),
                outcome="refused",
                detail={"code": refusal.code, "status": refusal.status},
            )
            await write_audit(session)
            await session.commit()
    except DATABASE_ERRORS as error:
        log.warning("a refusal could not be recorded", kind=type(error).__name__)


async def _session(request: Request) -> AsyncSession:
    return request.state.session


async def _now(request: Request) -> datetime:
    return request.state.now


async def _runtime(request: Request) -> "Runtime":
    return request.app.state.runtime


Session = Annotated[AsyncSession, Depends(_session)]
Now = Annotated[datetime, Depends(_now)]
CurrentRuntime = Annotated[Any, Depends(_runtime)]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "Refused",
        "content": {"application/problem+json": {}},
    },
    "5XX": {
        "model": Problem,
        "description": "Temporarily unavailable",
        "content": {"application/problem+json": {}},
        "headers": {
            "Retry-After": {
                "description": "With 503: seconds after which to ask again",
                "schema": {"type": "integer", "minimum": 1},
            }
        },
    },
}


def noun_router(service: str, noun: str, *, prefix: str | None = None) -> APIRouter:
    """Make a noun's router: `/v1/{service}/{noun}`, every route a unit of work."""
    return APIRouter(
        prefix=prefix if prefix is not None else f"/v1/{service}/{noun}",
        tags=[f"{service}:{noun}"],
        route_class=UnitRoute,
        responses=PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )


async def in_unit(
    runtime: "Runtime", work: Callable[[AsyncSession, datetime], Awaitable[Any]]
) -> Any:
    """Run work of the worker (a timer, a step of an operation) as one unit."""
    async with runtime.sessions() as session:
        result = await work(session, runtime.clock.now())
        await flush_changes(session)
        written = await commit(session)
    runtime.hand_to_relay(written)
    return result


__all__ = [
    "PROBLEMS",
    "CurrentRuntime",
    "Now",
    "Session",
    "UnitRoute",
    "after_commit",
    "commit",
    "in_unit",
    "noun_router",
]
