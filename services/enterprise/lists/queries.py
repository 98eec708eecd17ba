"""Reading lists."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.firms.queries import after_text
from services.enterprise.lists.access import items_visible_to, visible_to
from services.enterprise.lists.models import ListItem, ListVersion, PublishedList
from services.enterprise.lists.schemas import ItemView, ListView, VersionView
from services.kernel.actors import Actor
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest

VERSIONS_SHOWN_MAX = 100


async def lists_page(session: AsyncSession, actor: Actor, page: PageRequest) -> list[ListView]:
    """List the lists that the actor may know of, each with its latest versions."""
    known = (
        select(PublishedList)
        .where(
            PublishedList.id.in_(select(ListVersion.list).where(visible_to(actor))),
            PublishedList.id > after_text(page),
        )
        .order_by(PublishedList.id)
        .limit(page.limit + 1)
    )
    lists = (await session.scalars(known)).all()
    versions = await _latest_versions(session, actor, [each.id for each in lists])
    return [
        ListView(list=each.id, department=each.department, versions=versions[each.id])
        for each in lists
    ]


async def find_version(
    session: AsyncSession, actor: Actor, list_id: str, version_id: UUID
) -> ListVersion:
    """Find a version that the actor may know of."""
    version = await session.scalar(
        select(ListVersion).where(
            ListVersion.id == version_id, ListVersion.list == list_id, visible_to(actor)
        )
    )
    if version is None:
        raise NotFound(
            "没有这份名单，或无权查看。", "There is no such list, or it is not yours to see."
        )
    return version


async def items_page(
    session: AsyncSession, actor: Actor, version: ListVersion, page: PageRequest
) -> list[ListItem]:
    """List the items of a version in its own order."""
    after = page.after[0] if page.after else -1
    shown = (
        select(ListItem)
        .where(
            ListItem.version_id == version.id,
            ListItem.position > (after if isinstance(after, int) else -1),
            items_visible_to(actor),
        )
        .order_by(ListItem.position)
        .limit(page.limit + 1)
    )
    return list((await session.scalars(shown)).all())


async def usccs_of(session: AsyncSession, version_id: UUID) -> list[str]:
    """Give the codes on a version in its own order."""
    codes = select(ListItem.uscc).where(ListItem.version_id == version_id)
    return list((await session.scalars(codes.order_by(ListItem.position))).all())


async def memberships(
    session: AsyncSession, actor: Actor, uscc: str
) -> list[tuple[ListVersion, ListItem]]:
    """List the versions that a firm is on, the newest first."""
    on = (
        select(ListVersion, ListItem)
        .join(ListItem, ListItem.version_id == ListVersion.id)
        .where(ListItem.uscc == uscc, visible_to(actor))
        .order_by(ListVersion.id.desc())
        .limit(VERSIONS_SHOWN_MAX)
    )
    return [(version, item) for version, item in await session.execute(on)]


def version_view(version: ListVersion) -> VersionView:
    columns = {
        name: getattr(version, name) for name in VersionView.model_fields if name != "version_id"
    }
    return VersionView(version_id=version.id, **columns)


def item_view(item: ListItem) -> ItemView:
    return ItemView(**item.extra | {"uscc": item.uscc})


async def _latest_versions(
    session: AsyncSession, actor: Actor, lists: list[str]
) -> dict[str, list[VersionView]]:
    newest = func.row_number().over(partition_by=ListVersion.list, order_by=ListVersion.id.desc())
    numbered = (
        select(ListVersion.id, newest.label("number"))
        .where(ListVersion.list.in_(lists), visible_to(actor))
        .subquery()
    )
    chosen = (
        select(ListVersion)
        .join(numbered, numbered.c.id == ListVersion.id)
        .where(numbered.c.number <= VERSIONS_SHOWN_MAX)
        .order_by(ListVersion.id.desc())
    )
    found: dict[str, list[VersionView]] = defaultdict(list)
    for version in await session.scalars(chosen):
        found[version.list].append(version_view(version))
    return found
