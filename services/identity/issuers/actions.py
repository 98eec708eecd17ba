from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients.rules import require_public_keys
from services.identity.issuers import queries
from services.identity.issuers.models import TrustedIssuer
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.ids import new_id


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
    require_public_keys(jwks)
    row = await queries.issuer(session, issuer)
    if row is None:
        row = TrustedIssuer(id=new_id(), issuer=issuer, created_at=now, version=0)
        session.add(row)
    row.audience, row.jwks, row.version = audience, jwks, row.version + 1
    row.sealed_demo_key = sealed_demo_key
    await session.flush()
    audit(session, actor, "issuer.trust", "issuer", row.id, now=now)
    return row
