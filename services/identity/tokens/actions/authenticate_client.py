"""How a client proves who it is: by secret, or by an assertion signed with its own key."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import queries
from services.identity.clients.models import Client, FailedAttempt
from services.identity.clients.rules import ClientState, secret_matches
from services.identity.tokens import rules
from services.identity.tokens.models import UsedAssertion
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.tokens import as_instant

ASSERTION_CHARS_MAX = 4096
# Where failures are counted whatever place they come from; places are hashes.
ANYWHERE = "*"


@dataclass(frozen=True)
class Proof:
    """What a caller gave to prove which client it is."""

    client_id: str
    secret: str | None = None
    assertion: str | None = None


def read_proof(authorization: str | None, form: Mapping[str, str]) -> Proof:
    """Read the proof from the Authorization header or the form."""
    if form.get("client_assertion"):
        if form.get("client_assertion_type") != rules.ASSERTION_TYPE:
            raise rules.OAuthError(
                "invalid_request",
                "client_assertion_type不受支持。",
                "Unsupported client_assertion_type.",
            )
        return Proof(
            form.get("client_id") or _issuer_of(form["client_assertion"]),
            assertion=form["client_assertion"],
        )
    if authorization and authorization.lower().startswith("basic "):
        try:
            name, _, secret = (
                base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            )
        except (binascii.Error, UnicodeDecodeError):
            raise rules.invalid_client() from None
        return Proof(unquote_plus(name), secret=unquote_plus(secret))
    if form.get("client_id") and form.get("client_secret"):
        return Proof(form["client_id"], secret=form["client_secret"])
    raise rules.invalid_client()


async def authenticate(
    session: AsyncSession, proof: Proof, *, address: str, audiences: list[str], now: datetime
) -> Client:
    """Give the client whose proof holds; lock out who fails too often, at a place or anywhere."""
    if not rules.CLIENT_ID.fullmatch(proof.client_id):
        raise rules.invalid_client()
    place = hashlib.sha256(address.encode()).hexdigest()[:16]
    client = await queries.client_by_name(session, proof.client_id)
    failed = await queries.failed_attempt(session, proof.client_id, place)
    anywhere = await queries.failed_attempt(session, proof.client_id, ANYWHERE)
    is_locked = _stands(failed, now) or _stands(anywhere, now)
    holds = await _proof_holds(session, client, proof, audiences, now)
    if client is None or not holds or is_locked or client.state != ClientState.ACTIVE:
        if not is_locked:
            # What comes in while the lock stands does not prolong it.
            await _count_failure(session, proof.client_id, place, now, rules.FAILURES_MAX)
            await _count_failure(
                session, proof.client_id, ANYWHERE, now, rules.FAILURES_ANYWHERE_MAX
            )
        _record_refusal(session, proof.client_id, now)
        raise rules.invalid_client()
    if failed is not None:
        await session.delete(failed)
    return client


async def _proof_holds(
    session: AsyncSession, client: Client | None, proof: Proof, audiences: list[str], now: datetime
) -> bool:
    if proof.secret is not None:
        secrets = await queries.secrets_of(session, client.id) if client else []
        return secret_matches(proof.secret, [s.digest for s in secrets])
    if client is None or client.jwks is None or proof.assertion is None:
        return False
    return await _assertion_holds(session, client, proof.assertion, audiences, now)


async def _assertion_holds(
    session: AsyncSession, client: Client, assertion: str, audiences: list[str], now: datetime
) -> bool:
    claims = decode(assertion, client.jwks or {}, rules.ASSERTION_ALGORITHMS)
    if (
        claims is None
        or claims.get("iss") != client.client_id
        or claims.get("sub") != client.client_id
    ):
        return False
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]  # pyright: ignore[reportUnknownVariableType]
    expires, jti = claims.get("exp"), claims.get("jti")
    if not any(a in named for a in audiences) or not isinstance(expires, int):
        return False
    if not isinstance(jti, str) or not jti.isprintable() or not 0 < len(jti) <= rules.JTI_CHARS_MAX:
        return False
    if not now.timestamp() < expires <= now.timestamp() + rules.ASSERTION_S_MAX:
        return False
    used = insert(UsedAssertion).values(
        client_id=client.client_id, jti=jti, expires_at=as_instant(expires)
    )
    return (
        await session.execute(used.on_conflict_do_nothing().returning(UsedAssertion.jti))
    ).scalar() is not None


def decode(token: str, jwks: dict[str, Any], algorithms: list[str]) -> dict[str, Any] | None:
    """Verify a foreign token against given keys only; those it names itself are not looked at."""
    if len(token) > ASSERTION_CHARS_MAX:
        return None
    try:
        return dict(jwt.decode(token, KeySet.import_key_set(jwks), algorithms=algorithms).claims)  # pyright: ignore[reportArgumentType]
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def unverified_claims(token: str) -> dict[str, Any]:
    """Read claims only to find whose key to verify them with."""
    try:
        part = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _issuer_of(assertion: str) -> str:
    return str(unverified_claims(assertion).get("iss", ""))[:100]


def _stands(failed: FailedAttempt | None, now: datetime) -> bool:
    return failed is not None and failed.locked_until is not None and failed.locked_until > now


async def _count_failure(
    session: AsyncSession, client_id: str, place: str, now: datetime, most: int
) -> None:
    """Count within the window; the last that is let through locks."""
    lock_for = timedelta(seconds=rules.LOCK_S)
    is_recent = FailedAttempt.failed_at > now - lock_for
    statement = insert(FailedAttempt).values(
        client_id=client_id, address=place, failures=1, failed_at=now, locked_until=None
    )
    failures = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["client_id", "address"],
            set_={
                "failures": case((is_recent, FailedAttempt.failures + 1), else_=1),
                "failed_at": now,
            },
        ).returning(FailedAttempt.failures)
    )
    if (failures or 0) >= most:
        row = await session.get_one(FailedAttempt, (client_id, place), populate_existing=True)
        row.locked_until, row.failures = now + lock_for, 0


def _record_refusal(session: AsyncSession, client_id: str, now: datetime) -> None:
    caller = Actor(client_id, client_id, frozenset())
    audit(session, caller, "token.request", "client", client_id, now=now, outcome="refused")
