"""Engine, sessions and the base of every table.

No table names a schema: a service connects as its app role, whose search path is its own schema.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Text,
    Uuid,
    event,
    inspect,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlalchemy.pool import QueuePool
from sqlalchemy.util.concurrency import greenlet_spawn

from services.kernel.database_urls import driver_url

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
TIMEOUTS = {
    "statement_timeout": "5s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "10s",
}
POOL_WAIT_S = 3
# Beyond the server's own limit: a server that has stopped answering keeps no limit at all.
ANSWER_WAIT_S = 6

Entity = TypeVar("Entity", bound=DeclarativeBase)
KERNEL_METADATA = MetaData(naming_convention=NAMING)


class KernelBase(DeclarativeBase):
    """The tables that every service's schema has."""

    metadata = KERNEL_METADATA
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        int: BigInteger,
        str: Text,
        UUID: Uuid,
    }


def service_base(name: str) -> type[DeclarativeBase]:
    """Make the declarative base of one service's own tables."""

    class ServiceBase(DeclarativeBase):
        metadata = MetaData(naming_convention=NAMING, info={"service": name})
        type_annotation_map = KernelBase.type_annotation_map

    return ServiceBase


def create_engine(url: str, *, pool_size: int, application: str) -> AsyncEngine:
    """Connect with the limits that keep one slow request from stopping the others."""
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=False,
        # An error's text reaches the log; what was written stays out of it.
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": POOL_WAIT_S,
            "command_timeout": ANSWER_WAIT_S,
            "server_settings": {**TIMEOUTS, "application_name": application, "jit": "off"},
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool connect anew in place of a connection that the server has ended.

    The socket has told so already: asking the server instead would cost each unit a round trip.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


class Lease:
    """A connection of the pool, lent to one session: to the driver's statements and the ORM's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pooled = engine.raw_connection()
        self._adapted: Any = self._pooled.dbapi_connection
        self.driver: Any = self._adapted.driver_connection

    @cached_property
    def bind(self) -> Connection:
        """The same connection as the ORM wants it; many a unit never asks."""
        return Connection(self._engine, self._pooled)

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open on it."""
        return self._adapted._started  # noqa: SLF001  the dialect shows it nowhere else

    async def begin(self) -> None:
        """Begin as the dialect would with its own first statement; none is needed."""
        transaction = self.driver.transaction()
        await transaction.start()
        self._adapted._transaction, self._adapted._started = transaction, True  # noqa: SLF001

    async def commit(self) -> None:
        if self.is_open:
            await self._adapted._commit_and_discard()  # noqa: SLF001  as the dialect does

    async def rollback(self) -> None:
        if self.is_open:
            await self._adapted._rollback_and_discard()  # noqa: SLF001  as the dialect does

    @property
    def is_kept(self) -> bool:
        """Whether the pool has room for it, so that nothing is closed."""
        pool = cast("QueuePool", self._engine.pool)
        return pool.checkedin() < pool.size()

    def give_back(self) -> None:
        if "bind" in vars(self):
            self.bind.close()
        else:
            self._pooled.close()

    def throw_away(self) -> None:
        """End a connection of which nobody knows whether a transaction is open on it."""
        self._pooled.invalidate()
        self.give_back()


class LeasedSession(Session):
    """The ORM's session, which works on the connection that its unit has taken."""

    lease: Lease | None = None

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return self.take().bind

    def take(self) -> Lease:
        """Take a connection once; the pool may have to connect, so in a greenlet."""
        if self.lease is None:
            self.lease = Lease(cast("Engine", self.bind))
        return self.lease

    def end(self) -> None:
        """Close where there is something to close: many a unit has asked the driver alone."""
        if self.identity_map or self.new or self.in_transaction():
            self.close()


class UnitSession(AsyncSession):
    """A session of one unit: its transaction begins and ends on the driver itself.

    The way through the ORM takes a greenlet with memory of its own for each of the two, and as
    much time as two queries.
    """

    sync_session_class = LeasedSession

    async def driver(self) -> Any:
        """Give the driver's own connection, in this session's transaction."""
        lease = self._session.lease or await greenlet_spawn(self._session.take)
        if not lease.is_open:
            # Without one, each statement given to the driver would be committed at once.
            await self._or_throw_away(lease.begin())
        return lease.driver

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Commit what is done inside, or roll it back."""
        try:
            yield
        except BaseException:
            await self.rollback()
            raise
        await self.commit()

    async def commit(self) -> None:
        session = self._session
        await flush_changes(self)
        if session.lease is not None:
            await self._or_throw_away(session.lease.commit())
        if session.in_transaction():
            # Nothing is left to be sent, so it waits for nothing.
            session.commit()
        await self._give_back()

    async def rollback(self) -> None:
        session = self._session
        if session.lease is not None:
            await self._or_throw_away(session.lease.rollback())
        session.rollback()
        await self._give_back()

    async def close(self) -> None:
        lease = self._session.lease
        if lease is not None:
            await self._or_throw_away(lease.rollback())
        self._session.close()
        await self._give_back()

    async def __aexit__(self, *_: object) -> None:
        lease = self._session.lease
        if lease is not None and lease.is_open:
            await asyncio.shield(asyncio.create_task(self.close()))
        else:
            # There is nothing to wait for, so no task is made for it.
            self._session.end()
            await self._give_back()

    @property
    def _session(self) -> LeasedSession:
        return cast("LeasedSession", self.sync_session)

    async def _or_throw_away(self, ending: Coroutine[Any, Any, None]) -> None:
        try:
            await ending
        except BaseException:
            # What became of it is not known; such a connection serves nobody else.
            lease, self._session.lease = self._session.lease, None
            cast("Lease", lease).throw_away()
            self._session.close()
            raise

    async def _give_back(self) -> None:
        lease, self._session.lease = self._session.lease, None
        if lease is not None and lease.is_kept:
            lease.give_back()
        elif lease is not None:
            await greenlet_spawn(lease.give_back)


def session_factory(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, class_=UnitSession, expire_on_commit=False, autoflush=False)


async def raw_connection(session: AsyncSession) -> Any:
    """Give the driver's own connection, in the session's transaction, for hot statements."""
    lease = cast("LeasedSession", session.sync_session).lease
    if lease is not None and lease.is_open:
        return lease.driver
    return await cast("UnitSession", session).driver()


def as_read(session: AsyncSession, entity: type[Entity], row: Mapping[str, Any]) -> Entity:
    """Give the entity of a row that the driver has read: known to the session, and unchanged."""
    key = tuple(row[column.name] for column in inspect(entity).primary_key)
    held = session.sync_session.identity_map.get(identity_key(entity, key))
    if held is None:
        known = entity()
        # All at once: what makes it detached below takes the values for unchanged.
        vars(known).update(row)
        make_transient_to_detached(known)
        session.add(known)
        return known
    for name, value in row.items():
        set_committed_value(held, name, value)
    return held


def fresh(entity: type[Entity], values: Mapping[str, Any]) -> Entity:
    """Give a new entity of values that stand in no row yet; `save` writes it."""
    made = entity()
    # All at once: to set them one by one takes as long as to write the row.
    vars(made).update(values)
    return made


async def save(session: AsyncSession, entity: DeclarativeBase) -> None:
    """Write an entity, once where it is new: by one statement, and unknown to the session.

    Whoever looks for it later in the same unit is given the row, as after any commit.
    """
    if inspect(entity).transient:
        await insert(session, type(entity), vars(entity))
    else:
        await session.flush()


async def insert(
    session: AsyncSession, entity: type[DeclarativeBase], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a new row by one statement on the driver, and give what its columns hold.

    What is not given is NULL: nothing is left to a default of the database.
    """
    columns = _columns_of(entity)
    values = {name: given.get(name) for name in columns.attributes}
    connection = await raw_connection(session)
    await connection.execute(columns.insert, *columns.encoded(values))
    return values


class _Columns:
    """The columns of an entity as one INSERT wants them."""

    def __init__(self, entity: type[DeclarativeBase]) -> None:
        table: Any = entity.__table__
        self.attributes = [column.name for column in table.columns]
        self._as_json = frozenset(c.name for c in table.columns if isinstance(c.type, JSONB))
        places = ", ".join(f"${n}" for n in range(1, len(self.attributes) + 1))
        names = ", ".join(f'"{name}"' for name in self.attributes)
        self.insert = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608  names of ours

    def encoded(self, values: Mapping[str, Any]) -> list[Any]:
        return [
            orjson.dumps(value).decode() if name in self._as_json and value is not None else value
            for name, value in values.items()
        ]


@cache
def _columns_of(entity: type[DeclarativeBase]) -> _Columns:
    return _Columns(entity)


async def flush_changes(session: AsyncSession) -> None:
    """Flush where there is something to flush; to find out by flushing costs ten times as much."""
    if session.new or session.dirty or session.deleted:
        await session.flush()


def as_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)
