from datetime import datetime
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.issuers import queries
from services.identity.issuers.models import TrustedIssuer
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.errors import invalid_field
from services.kernel.ids import new_id

KEY_TYPES = ("EC", "RSA", "OKP")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


async def trust_issuer(
    session: AsyncSession,
    actor: Actor,
    *,
    issuer: str,
    audience: str,
    jwks: dict[str, Any],
    now: datetime,
    sealed_demo_key: str | None = None,
) -> TrustedIssuer:
    """Trust a provider, or replace its keys."""
    _check(jwks)
    row = await queries.issuer(session, issuer)
    if row is None:
        row = TrustedIssuer(id=new_id(), issuer=issuer, created_at=now, version=0)
        session.add(row)
    row.audience, row.jwks, row.version = audience, jwks, row.version + 1
    row.sealed_demo_key = sealed_demo_key
    await session.flush()
    audit(session, actor, "issuer.trust", "issuer", row.id, now=now)
    return row


def _check(jwks: dict[str, Any]) -> None:
    keys: Any = jwks.get("keys")
    try:
        KeySet.import_key_set(jwks)  # pyright: ignore[reportArgumentType]
        fits = bool(keys) and all(
            k["kty"] in KEY_TYPES and not PRIVATE_MEMBERS & set(k) and "kid" in k for k in keys
        )
    except (JoseError, ValueError, TypeError, KeyError):
        fits = False
    if not fits:
        raise invalid_field(
            "/jwks",
            "jwks-invalid",
            "须为含kid的公钥集合，不得含私钥。",
            "Must be a set of public keys with kid, without private parts.",
        )
