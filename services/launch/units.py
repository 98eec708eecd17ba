"""Units of work on a service's database without the service: its own relay announces them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import Clock
from services.kernel.database import create_engine, session_factory
from services.kernel.moved_clock import load_clock
from services.kernel.settings import Settings
from services.kernel.unit import commit

Work = Callable[[AsyncSession, datetime], Awaitable[Any]]
InUnit = Callable[[Work], Awaitable[Any]]


@asynccontextmanager
async def units_of(settings: Settings, service: str) -> AsyncGenerator[InUnit]:
    """Open a service's database, as its app role and at its business time."""
    engine = create_engine(
        settings.service_url(service), pool_size=1, application=f"liangxin command {service}"
    )
    sessions, clock = session_factory(engine), Clock()

    async def in_unit(work: Work) -> Any:
        async with sessions() as session:
            result = await work(session, clock.now())
            await session.flush()
            await commit(session)
        return result

    try:
        await load_clock(clock, sessions)
        yield in_unit
    finally:
        await engine.dispose()
