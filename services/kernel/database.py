"""Engine, sessions and the base of every table.

No table names a schema: a service connects as its app role, whose search path is its own schema.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Connection, DateTime, MetaData, Text, Uuid, event, inspect
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
LENT = "lent_connection"
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


class UnitSession(AsyncSession):
    """A session that ends at once where its transaction has ended already."""

    async def __aexit__(self, *about: object) -> None:
        if self.sync_session.in_transaction():
            await super().__aexit__(*about)
        else:
            # There is nothing to wait for, so no task and no greenlet is made for it.
            self.sync_session.close()


def session_factory(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, class_=UnitSession, expire_on_commit=False, autoflush=False)


async def raw_connection(session: AsyncSession) -> Any:
    """Give the driver's own connection, in the session's transaction, for hot statements."""
    lent: tuple[Any, Any] = session.info.get(LENT, (None, None))
    if lent[0] is None or lent[0] is not session.sync_session.get_transaction():
        driver = await _driver_of(session)
        # Asked for once in a transaction: the way through the session costs as much as a query.
        lent = session.info[LENT] = (session.sync_session.get_transaction(), driver)
    return lent[1]


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


async def save(session: AsyncSession, entity: DeclarativeBase) -> None:
    """Write an entity: a new one by one statement on the driver, which is then known as read."""
    if not inspect(entity).transient:
        await session.flush()
        return
    known = vars(entity)
    known.update(await insert(session, type(entity), known))
    make_transient_to_detached(entity)
    session.add(entity)


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


async def _driver_of(session: AsyncSession) -> Any:
    # In one go: each call through the session takes a greenlet, with memory of its own.
    connection, adapted = await session.run_sync(_checked_out)
    driver = adapted.driver_connection
    if not driver.is_in_transaction():
        # The dialect begins a transaction with its own first statement only; without one, each
        # statement given to the driver would be committed at once.
        try:
            await _begin(adapted, driver)
        except BaseException:
            # Whether it begins after all is not known; such a connection serves nobody else.
            await session.run_sync(lambda _: connection.invalidate())
            raise
    return driver


def _checked_out(session: Session) -> tuple[Connection, Any]:
    connection = session.connection()
    return connection, connection.connection.dbapi_connection


async def _begin(adapted: Any, driver: Any) -> None:
    """Begin as the dialect would, which then commits or rolls back; no statement is needed."""
    transaction = driver.transaction()
    await transaction.start()
    adapted._transaction, adapted._started = transaction, True  # noqa: SLF001


def as_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)
