"""Keyed requests: the same key and body gets the stored answer, whoever retries and however often.

The lock is an advisory one inside the transaction: an in-flight row would be invisible to rivals.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.errors import Conflict, Invalid, Malformed
from services.kernel.strict_json import StrictRequest, canonical, digest
from services.kernel.tables import StoredAnswer

KEY_CHARS_MAX = 128
KEPT_DAYS = 7
FORGOTTEN_ROWS_MAX = 20_000
STORED_HEADERS = ("content-type", "location", "etag")

_TAKE = "SELECT pg_try_advisory_xact_lock($1)"
_FIND = """
SELECT request_sha256, status, headers::text AS headers, body FROM stored_answer
WHERE principal = $1 AND route = $2 AND key = $3
"""
_STORE = """
INSERT INTO stored_answer (principal, route, key, request_sha256, status, headers, body,
                           kept_for_ever, stored_at)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)
"""


async def _required(
    idempotency_key: Annotated[
        str | None, Header(description="Chosen by the caller, one for each intended effect")
    ] = None,
) -> None:
    """Document the header; the unit of work checks it before anything else runs."""


async def _required_for_money(
    idempotency_key: Annotated[
        str | None, Header(description="Chosen by the caller; kept as long as the ledger")
    ] = None,
) -> None:
    """Document the header; answers are kept as long as the ledger."""


async def _never_kept() -> None:
    """Mark a route whose answer holds a secret."""


async def _streamed() -> None:
    """Mark a route that reads its body as it comes, and keeps what it says by its content."""


KEYED = Depends(_required)
KEYED_FOR_MONEY = Depends(_required_for_money)
# A secret is kept as a hash only, so the answer that tells it cannot be given twice.
ANSWER_NEVER_KEPT = Depends(_never_kept)
# A key would need the whole body in memory; content that comes again is known by its hash.
STREAMED = Depends(_streamed)
NEVER = "never"


def keyed_kind(dependant: Dependant) -> str | None:
    """Tell whether a route requires a key, and whether its answers are kept for ever."""
    for child in dependant.dependencies:
        if child.call is _required:
            return "week"
        if child.call is _required_for_money:
            return "ever"
        if child.call in (_never_kept, _streamed):
            return NEVER
    return None


def is_streamed(dependant: Dependant) -> bool:
    """Tell whether the body of a route is its handler's to read."""
    return any(child.call is _streamed for child in dependant.dependencies)


def key_of(request: Request, *, required: bool) -> str | None:
    """Read the key, or refuse where it must be there."""
    key = request.headers.get("idempotency-key")
    if not key:
        if required:
            raise Malformed(
                "此操作须带Idempotency-Key请求头：每个意图一个键，重试时沿用同一个键。",
                "This needs the header Idempotency-Key: one for each intent, the same on retries.",
                code="idempotency-key-missing",
            )
        return None
    if len(key) > KEY_CHARS_MAX or not key.isprintable() or not key.isascii():
        raise Malformed(
            "Idempotency-Key须为1至128个可打印ASCII字符。",
            "The key is 1 to 128 printable ASCII characters.",
            code="idempotency-key-malformed",
        )
    return key


def principal_of(actor: Actor) -> str:
    """Name the bearer with all that its row filters go by: an answer is kept for one such alone."""
    bearings = [
        actor.client_id, actor.uscc, actor.department, actor.institution, actor.bank,
        actor.town_code,
    ]  # fmt: skip
    return f"{actor.subject}|{digest(canonical(bearings))[:32]}"


async def request_digest(request: StrictRequest) -> str:
    """Hash what was asked: canonical JSON where it is JSON, the bytes otherwise."""
    body = await request.body()
    if request.is_json and body:
        body = canonical(await request.json()).encode()
    return digest(f"{request.url.path}?{request.url.query}|" + hashlib.sha256(body).hexdigest())


async def stored_answer(
    session: AsyncSession, actor: Actor, route: str, key: str, request_sha256: str
) -> Response | None:
    """Take the key for this transaction; give the stored answer if the effect has happened."""
    principal = principal_of(actor)
    lock = hashlib.sha256(f"{principal}|{route}|{key}".encode()).digest()[:8]
    connection = await raw_connection(session)
    # Two statements: one alone would look for the answer as of before it had the lock.
    taken = await connection.fetchval(_TAKE, int.from_bytes(lock, "big", signed=True))
    row = await connection.fetchrow(_FIND, principal, route, key) if taken else None
    if not taken:
        raise Conflict(
            "同一Idempotency-Key的请求正在办理，请稍候重试。",
            "A request with this key is in flight; retry shortly.",
            code="idempotency-in-flight",
            retry_after_s=1,
        )
    if row is None:
        return None
    if row["request_sha256"] != request_sha256:
        raise Invalid(
            "该Idempotency-Key已用于另一内容的请求，请换新键。",
            "This key was used for another content; choose a new key.",
            code="idempotency-key-reused",
        )
    headers = {**orjson.loads(row["headers"]), "Idempotency-Replayed": "true"}
    return Response(row["body"], row["status"], headers)


async def store_answer(
    session: AsyncSession,
    actor: Actor,
    route: str,
    key: str,
    request_sha256: str,
    response: Response,
    *,
    for_ever: bool,
    now: datetime,
) -> None:
    """Keep the answer in the transaction of its effect."""
    headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
    connection = await raw_connection(session)
    await connection.execute(
        _STORE, principal_of(actor), route, key, request_sha256, response.status_code,
        orjson.dumps(headers).decode(), bytes(response.body), for_ever, now,
    )  # fmt: skip


async def forget_old_answers(session: AsyncSession, now: datetime) -> None:
    """Delete answers past their week, in slices that hold no lock for long."""
    old = (
        select(StoredAnswer.principal, StoredAnswer.route, StoredAnswer.key)
        .where(
            StoredAnswer.stored_at < now - timedelta(days=KEPT_DAYS), ~StoredAnswer.kept_for_ever
        )
        .limit(FORGOTTEN_ROWS_MAX)
        .subquery()
    )
    await session.execute(
        delete(StoredAnswer).where(
            StoredAnswer.principal == old.c.principal,
            StoredAnswer.route == old.c.route,
            StoredAnswer.key == old.c.key,
        )
    )
