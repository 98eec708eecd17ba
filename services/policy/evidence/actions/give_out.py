"""Giving files out: by a link, for whoever may read the file, followed without a token."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.ids import new_id
from services.policy.base import storage_of
from services.policy.evidence import queries
from services.policy.evidence.models import Evidence
from services.policy.evidence.rules import LINK_MINUTES, link_over, require_scanned, sign_link
from services.policy.evidence.schemas import LinkView


async def issue_link(
    session: AsyncSession,
    actor: Actor,
    evidence_id: UUID,
    secret_key: str,
    *,
    now: datetime,
    system_now: datetime,
) -> LinkView:
    """Sign a link to a file; it runs by the system's clock, as tokens do."""
    file, _ = await queries.file(session, actor, evidence_id)
    require_scanned(file.reached)
    link_id = new_id()
    expires_at = (system_now + timedelta(minutes=LINK_MINUTES)).replace(microsecond=0)
    signed = {
        "link": link_id,
        "expires": int(expires_at.timestamp()),
        "signature": sign_link(secret_key, evidence_id, link_id, expires_at),
    }
    detail = {"link": str(link_id)}
    audit(session, actor, "evidence.link", "evidence", evidence_id, now=now, detail=detail)
    href = f"/v1/policy/evidence/{evidence_id}/content?{urlencode(signed)}"
    return LinkView(href=href, expires_at=expires_at)


async def open_content(
    session: AsyncSession, actor: Actor, evidence_id: UUID, link_id: UUID, *, now: datetime
) -> tuple[Evidence, AsyncIterator[bytes]]:
    """Open a file for a link that holds, and record that it was given out under it."""
    row = await session.get(Evidence, evidence_id)
    if row is None:
        raise link_over()
    content = await storage_of(session).blobs.read(row.sha256)
    detail = {"link": str(link_id), "sha256": row.sha256}
    audit(session, actor, "evidence.download", "evidence", evidence_id, now=now, detail=detail)
    return row, content
