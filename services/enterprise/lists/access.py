"""Who may see which list: staff all, a firm those it is on, everybody the public ones."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, exists, or_, true
from sqlalchemy.orm import aliased

from services.enterprise.lists.models import ListItem, ListVersion
from services.enterprise.vocabulary.access import READERS, STAFF
from services.kernel.actors import Actor, Guard
from services.kernel.errors import Forbidden

READ_SCOPE = "enterprise:read"
ANYONE = Guard(*READERS, public=True, reads=True)


async def _reader(actor: Annotated[Actor, Depends(ANYONE)]) -> Actor:
    """Let everybody in without a token, and with one only who may read lists."""
    if actor.is_public or (actor.has(*READERS) and READ_SCOPE in actor.scopes):
        return actor
    raise Forbidden(
        "此令牌的角色或权限范围不能查阅名单。",
        "The token's role or scope does not read lists.",
        code="role-required",
    )


ListReader = Annotated[Actor, Depends(_reader)]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.has(*STAFF):
        return true()
    if actor.uscc is None:
        return ListVersion.public.is_(true())
    item = aliased(ListItem)
    mine = exists().where(item.version_id == ListVersion.id, item.uscc == actor.uscc)
    return or_(ListVersion.public.is_(true()), mine)


def items_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show a firm, of a list that is not public, itself only."""
    if actor.has(*STAFF) or actor.uscc is None:
        return true()
    version = aliased(ListVersion)
    public = exists().where(version.id == ListItem.version_id, version.public.is_(true()))
    return or_(public, ListItem.uscc == actor.uscc)
