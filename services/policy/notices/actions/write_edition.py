"""Writing a list down as it stands in public: canonical text with its hash, only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.ids import new_id
from services.kernel.strict_json import canonical, digest
from services.policy.notices import queries
from services.policy.notices.models import NoticeEdition, NoticeItem
from services.policy.notices.rules import EditionReason, ItemState


async def write_edition(
    session: AsyncSession,
    notice_id: UUID,
    document: dict[str, Any],
    reason: EditionReason,
    *,
    now: datetime,
) -> NoticeEdition:
    """Publish a list as this text."""
    text = canonical(document)
    edition = NoticeEdition(
        id=new_id(), notice_id=notice_id, number=await queries.next_edition(session, notice_id),
        reason=reason, text=text, sha256=digest(text), published_at=now,
    )  # fmt: skip
    session.add(edition)
    await session.flush()
    return edition


async def rewrite(
    session: AsyncSession, item: NoticeItem, reason: EditionReason, *, now: datetime
) -> None:
    """Publish the list anew because of one item; what it says of the others stays as it was."""
    await session.flush()
    listed = await queries.notice(session, item.notice_id)
    document = listed.published
    own = str(item.case_id)
    if item.state == ItemState.REMOVED:
        document["items"] = [each for each in document["items"] if each["case"] != own]
    else:
        days = {"from": item.first_day.isoformat(), "to": item.last_day.isoformat()}
        document["items"] = [
            each | days if each["case"] == own else each for each in document["items"]
        ]
    await write_edition(session, item.notice_id, document, reason, now=now)
