from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.bindings.access import visible_to
from services.identity.bindings.models import Binding
from services.identity.bindings.rules import BindingState
from services.kernel.actors import Actor
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest


async def bindings(session: AsyncSession, actor: Actor, page: PageRequest) -> Sequence[Binding]:
    query = (
        select(Binding).where(visible_to(actor)).order_by(Binding.id.desc()).limit(page.limit + 1)
    )
    if page.after:
        query = query.where(Binding.id < UUID(str(page.after[0])))
    return (await session.scalars(query)).all()


async def binding(session: AsyncSession, actor: Actor, id_: UUID, *, lock: bool = False) -> Binding:
    query = select(Binding).where(visible_to(actor), Binding.id == id_)
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound("没有这项授权。", "There is no such binding.")
    return found


async def bindings_in_force(session: AsyncSession, person: str, on: date) -> Sequence[Binding]:
    query = select(Binding).where(
        Binding.person == person,
        Binding.state == BindingState.ACTIVE,
        Binding.valid_from <= on,
        or_(Binding.valid_to.is_(None), Binding.valid_to >= on),
    )
    return (await session.scalars(query.order_by(Binding.uscc).limit(200))).all()
