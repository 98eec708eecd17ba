from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import queries, rules
from services.identity.clients.models import Client, ClientSecret, PrincipalState
from services.identity.clients.schemas import NewClient
from services.identity.contract.events import PrincipalChanged
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import system_now
from services.kernel.errors import Conflict
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.outbox import announce


async def register_client(
    session: AsyncSession, actor: Actor, new: NewClient, *, now: datetime
) -> tuple[Client, str | None]:
    """Register a client; give its secret, which is kept only as a hash."""
    bearings = {"uscc": new.uscc, "bank": new.bank, "institution": new.institution}
    rules.require_bearings(new.roles, bearings)
    if new.jwks is not None:
        rules.require_public_keys(new.jwks)
    if await queries.client_by_name(session, new.client_id) is not None:
        raise Conflict(
            "该client_id已被登记，请另取。",
            "This client_id is taken; choose another.",
            code="client-exists",
        )
    client = Client(
        id=new_id(),
        state=rules.ClientState.ACTIVE,
        version=1,
        created_at=now,
        **new.model_dump(exclude={"roles"}),
        roles=[str(r) for r in new.roles],
    )
    session.add(client)
    await session.flush()
    audit(
        session,
        actor,
        "client.register",
        "client",
        client.id,
        now=now,
        detail={"roles": client.roles},
    )
    secret = None if new.jwks else await add_secret(session, actor, client.id, now=now)
    return client, secret


async def add_secret(session: AsyncSession, actor: Actor, id_: UUID, *, now: datetime) -> str:
    """Give a client a new secret; the one before the last stops counting."""
    client = await queries.client(session, id_, lock=True)
    for old in list(await queries.secrets_of(session, client.id))[
        : -(rules.SECRETS_ACTIVE_MAX - 1)
    ]:
        await session.delete(old)
    secret = rules.make_secret()
    session.add(
        ClientSecret(
            id=new_id(), client_id=client.id, digest=rules.secret_digest(secret), created_at=now
        )
    )
    await session.flush()
    audit(session, actor, "client.secret.add", "client", client.id, now=now)
    return secret


async def move_client(
    session: AsyncSession,
    actor: Actor,
    id_: UUID,
    event: str,
    version: int,
    note: str,
    *,
    now: datetime,
) -> Client:
    """Suspend or resume a client; every service hears of it and refuses its tokens."""
    client = await queries.client(session, id_, lock=True)
    check_version(version, client.version)
    client.state = rules.move(rules.ClientState(client.state), event)
    client.version += 1
    await change_principal(
        session, client.client_id, active=client.state == rules.ClientState.ACTIVE, now=now
    )
    audit(session, actor, f"client.{event}", "client", client.id, now=now, detail={"note": note})
    return client


async def change_principal(
    session: AsyncSession, principal: str, *, active: bool, now: datetime
) -> None:
    """Stop every token the principal holds; it counts anew only if it is active."""
    state = await session.get(PrincipalState, principal, with_for_update=True)
    if state is None:
        state = PrincipalState(principal=principal, version=0)
        session.add(state)
    state.active, state.version = active, state.version + 1
    state.tokens_valid_from = rules.next_second(system_now(), state.tokens_valid_from)
    await session.flush()
    announce(session, _event(state), now=now)


async def restate_principals(session: AsyncSession) -> AsyncIterator[PrincipalChanged]:
    """Give the current state of every principal that was ever stopped."""
    for state in await session.scalars(select(PrincipalState)):
        yield _event(state)


def _event(state: PrincipalState) -> PrincipalChanged:
    return PrincipalChanged(
        principal=state.principal,
        active=state.active,
        tokens_valid_from=state.tokens_valid_from,
        version=state.version,
    )
