from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients.models import Client, ClientSecret, FailedAttempt, PrincipalState
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest


async def clients(session: AsyncSession, page: PageRequest) -> Sequence[Client]:
    query = select(Client).order_by(Client.id.desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(Client.id < UUID(str(page.after[0])))
    return (await session.scalars(query)).all()


async def client(session: AsyncSession, id_: UUID, *, lock: bool = False) -> Client:
    found = await session.get(Client, id_, with_for_update=lock or None)
    if found is None:
        raise NotFound("没有这个客户端。", "There is no such client.")
    return found


async def client_by_name(session: AsyncSession, client_id: str) -> Client | None:
    return await session.scalar(select(Client).where(Client.client_id == client_id))


async def secrets_of(session: AsyncSession, id_: UUID) -> Sequence[ClientSecret]:
    query = (
        select(ClientSecret).where(ClientSecret.client_id == id_).order_by(ClientSecret.created_at)
    )
    return (await session.scalars(query)).all()


async def failed_attempt(
    session: AsyncSession, client_id: str, address: str
) -> FailedAttempt | None:
    return await session.get(FailedAttempt, (client_id, address))


async def principal_states(
    session: AsyncSession, principals: Collection[str]
) -> Sequence[PrincipalState]:
    query = select(PrincipalState).where(PrincipalState.principal.in_(principals))
    return (await session.scalars(query)).all()
