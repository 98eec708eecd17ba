"""How a moved business clock reaches every service of the demonstration."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.clock import Clock
from services.kernel.events import StateEvent
from services.kernel.tables import HeardClock


class ClockMoved(StateEvent, type="liangxin.identity.clock.moved.v1"):
    """The demonstration's business clock now runs this far from system time."""

    offset_s: int

    @property
    def aggregate(self) -> str:
        return "clock"


async def hear_clock(session: AsyncSession, event: ClockMoved, _: datetime) -> None:
    values = {"offset_s": event.offset_s, "version": event.version}
    statement = insert(HeardClock).values(id=1, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_=values, where=HeardClock.version < event.version
        )
    )


async def load_clock(clock: Clock, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Set a process's business clock to what its service has heard."""
    async with sessions() as session:
        heard = await session.scalar(select(HeardClock))
    if heard is not None:
        clock.follow(heard.offset_s, heard.version)
