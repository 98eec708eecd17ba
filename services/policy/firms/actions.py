"""Keeping what enterprise announces of firms and lists."""

import orjson
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.kernel.database import raw_connection
from services.policy.firms.models import ListPart, ListVersion

# Every change of every firm comes by here, so it is one statement on the driver itself: what is
# newer is kept, and the firm is marked to be matched again.
_KEEP = """
WITH kept AS (
INSERT INTO firm AS f (uscc, version, name, town_code, state, statement_id, recorded_at, grounds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (uscc) DO UPDATE
SET version = EXCLUDED.version, name = EXCLUDED.name, town_code = EXCLUDED.town_code,
    state = EXCLUDED.state, statement_id = EXCLUDED.statement_id,
    recorded_at = EXCLUDED.recorded_at, grounds = EXCLUDED.grounds
WHERE f.version < EXCLUDED.version
RETURNING uscc
)
INSERT INTO match_due (uscc) SELECT uscc FROM kept
"""
_ADD_ITEMS = """
INSERT INTO list_item (version_id, uscc) SELECT $1, * FROM unnest($2::text[]) ON CONFLICT DO NOTHING
"""


async def keep_firm(session: AsyncSession, event: FirmChanged) -> None:
    """Replace what is known of a firm, if this is newer."""
    connection = await raw_connection(session)
    await connection.execute(
        _KEEP, event.uscc, event.version, event.name, event.town_code,
        event.model_dump_json(exclude={"grounds"}), event.statement_id, event.recorded_at,
        orjson.dumps([ground.model_dump(mode="json") for ground in event.grounds]).decode(),
    )  # fmt: skip


async def keep_list_part(session: AsyncSession, event: ListPublished) -> bool:
    """Keep a part of a version; tell whether it was the last, from which on the version counts."""
    await session.execute(
        insert(ListVersion)
        .values(
            id=event.version_id, list=event.list, valid_from=event.valid_from,
            valid_to=event.valid_to, complete=event.complete, parts=event.parts, heard=0,
            is_active=False, recorded_at=event.recorded_at,
            document=event.document, department=event.department,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    part = insert(ListPart).values(version_id=event.version_id, part=event.part)
    heard = await session.execute(part.on_conflict_do_nothing().returning(ListPart.part))
    if heard.first() is None:
        return False
    connection = await raw_connection(session)
    await connection.execute(_ADD_ITEMS, event.version_id, list(event.usccs))
    is_active = await session.scalar(
        update(ListVersion)
        .where(ListVersion.id == event.version_id)
        .values(heard=ListVersion.heard + 1, is_active=ListVersion.heard + 1 == ListVersion.parts)
        .returning(ListVersion.is_active)
    )
    return bool(is_active)
