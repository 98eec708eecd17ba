"""Publishing versions of lists."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import ListPublished
from services.enterprise.lists.models import ListVersion, PublishedList
from services.enterprise.lists.queries import usccs_of
from services.enterprise.lists.rules import canonical_items, in_parts
from services.enterprise.lists.schemas import NewVersion
from services.enterprise.vocabulary.queries import require_facts_owned
from services.enterprise.vocabulary.rules import Keeper
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.database import raw_connection
from services.kernel.errors import Forbidden
from services.kernel.ids import next_id_after
from services.kernel.outbox import announce
from services.kernel.strict_json import canonical

# One statement whatever the number of items; positions count from 0.
_INSERT = """
INSERT INTO list_item (version_id, position, uscc, extra)
SELECT $1, t.number - 1, t.uscc, t.extra::jsonb
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS t (uscc, extra, number)
"""


async def publish_version(
    session: AsyncSession, actor: Actor, list_id: str, new: NewVersion, *, now: datetime
) -> ListVersion:
    """Publish a version of a list as a whole; it may name firms that are not registered yet."""
    usccs = canonical_items([item.uscc for item in new.items])
    published = await _lock_list(session, actor, list_id, now)
    version_id = next_id_after(published.last_version_id)
    published.last_version_id = version_id
    version = ListVersion(
        id=version_id, list=list_id, item_count=len(usccs), published_at=now,
        stated_by=actor.subject, department=published.department,
        **new.model_dump(exclude={"items"}),
    )  # fmt: skip
    session.add(version)
    await session.flush()
    extras = [canonical(item.model_extra or {}) for item in new.items]
    connection = await raw_connection(session)
    await connection.execute(_INSERT, version_id, usccs, extras)
    audit(
        session, actor, "list.publish", "list", list_id, now=now,
        detail={"version_id": str(version_id), "items": len(usccs), "complete": new.complete},
    )  # fmt: skip
    for event in _events(version, usccs):
        announce(session, event, now=now)
    return version


async def restate_lists(session: AsyncSession) -> AsyncIterator[ListPublished]:
    """Give every version of every list again, for listeners that begin late."""
    ids = (await session.scalars(select(ListVersion.id).order_by(ListVersion.id))).all()
    for version_id in ids:
        version = await session.get_one(ListVersion, version_id)
        for event in _events(version, await usccs_of(session, version_id)):
            yield event
        session.expunge(version)


def _events(version: ListVersion, usccs: Sequence[str]) -> list[ListPublished]:
    return [
        ListPublished(
            list=version.list, version_id=version.id, valid_from=version.valid_from,
            valid_to=version.valid_to, complete=version.complete, part=part, parts=parts,
            usccs=codes, recorded_at=version.published_at,
            document=version.document, department=version.department,
        )
        for part, parts, codes in in_parts(usccs)
    ]  # fmt: skip


async def _lock_list(
    session: AsyncSession, actor: Actor, list_id: str, now: datetime
) -> PublishedList:
    """Lock a list of the actor's department; open it if the department may and it is new."""
    locked = select(PublishedList).where(PublishedList.id == list_id).with_for_update()
    known = await session.scalar(locked)
    if known is None:
        await require_facts_owned(session, actor, [Keeper.LISTS])
        opened = upsert(PublishedList).values(
            id=list_id, department=actor.department, created_at=now
        )
        await session.execute(opened.on_conflict_do_nothing())
        known = (await session.scalars(locked)).one()
    if known.department != actor.department:
        raise Forbidden(
            "该名单由其他部门发布。",
            "Another department publishes this list.",
            code="list-not-owned",
        )
    return known
