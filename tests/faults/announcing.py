"""Announcements without a change: what firms are is told again, through the real outbox."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.enterprise.contract.events import FirmChanged
from services.enterprise.firms.actions import restate_firms
from services.kernel.clock import system_now
from services.kernel.database import create_engine, session_factory
from services.kernel.outbox import announce
from services.kernel.unit import commit
from tests.faults.ground import Ground
from tests.faults.load import Caller, register_firm

SERVICE = "enterprise"


class Announcer:
    """Writes to enterprise's outbox as its app role does; its relays know no difference."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions
        self.states: list[FirmChanged] = []

    async def read(self, firms: int) -> None:
        """Read what there is to announce."""
        async with self.sessions() as session:
            async for state in restate_firms(session):
                self.states.append(state)
                if len(self.states) == firms:
                    return

    async def announce(self, *states: FirmChanged) -> None:
        async with self.sessions() as session:
            for state in states:
                announce(session, state, now=system_now())
            await commit(session)


@asynccontextmanager
async def open_announcer(ground: Ground, caller: Caller, firms: int) -> AsyncGenerator[Announcer]:
    """Register firms, and open enterprise's database beside its processes, for a block."""
    for _ in range(firms):
        await register_firm(caller)
    url = ground.settings.service_url(SERVICE)
    engine = create_engine(url, pool_size=4, application="liangxin faults")
    try:
        announcer = Announcer(session_factory(engine))
        await announcer.read(firms)
        yield announcer
    finally:
        await engine.dispose()
