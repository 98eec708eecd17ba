"""What an operator does: migrations, events, audit."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.actors import SYSTEM
from services.kernel.audit import audit
from services.kernel.bus import Bus
from services.kernel.clock import system_now
from services.kernel.database import create_engine, session_factory
from services.kernel.database_urls import plain_url, with_database
from services.kernel.migrations import differences, downgrade
from services.kernel.outbox import CHANNEL, announce
from services.kernel.reactions import retry_parked
from services.kernel.runtime import Runtime
from services.kernel.sealer import verify_chain
from services.kernel.settings import Settings
from services.kernel.tables import ParkedEvent
from services.kernel.unit import commit
from services.launch.configuration import configured
from services.launch.platform import ensure_database, prepare_database
from services.launch.registry import SERVICES
from services.launch.standing import standing

ANNOUNCED_BATCH = 500
UNPUBLISH = """
UPDATE outbox SET published_at = NULL, attempts = 0, next_attempt_at = clock_timestamp()
WHERE written_at >= $1
"""


async def migrate_all() -> None:
    """Bring every schema to its newest version."""
    async with configured() as settings:
        await prepare_database(settings)


async def check_migrations(console: Console) -> int:
    """Migrate a scratch database up, compare it with the models, take it down and up again."""
    async with configured() as settings:
        name = f"liangxin_check_{system_now().timestamp():.0f}"
        url = with_database(settings.database_url, name)
        scratch = settings.model_copy(update={"database_url": url, "service_urls": {}})
        await ensure_database(url)
        try:
            return await _check(console, scratch)
        finally:
            await _drop(settings.database_url, name)


async def _check(console: Console, settings: Settings) -> int:
    faults = 0
    await prepare_database(settings)
    for service in SERVICES.values():
        found = await differences(service, settings.database_url)
        faults += len(found)
        console.print(f"{service.name}: {found or 'models and migrations agree'}")
        await downgrade(service, settings.database_url)
    await prepare_database(settings)
    for service in SERVICES.values():
        faults += len(await differences(service, settings.database_url))
    console.print(
        "every migration was undone and made again" if not faults else f"{faults} differences"
    )
    return 1 if faults else 0


async def _drop(admin_url: str, name: str) -> None:
    connection = await asyncpg.connect(plain_url(with_database(admin_url, "postgres")), timeout=5)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


async def republish(console: Console, service: str, since: str) -> None:
    """Mark outbox rows as unpublished again; the relays of the running platform send them."""
    instant = (
        datetime.fromisoformat(since)
        if since
        else datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    )
    async with standing() as settings:
        for name in [service] if service else SERVICES:
            connection = await asyncpg.connect(plain_url(settings.service_url(name)), timeout=5)
            try:
                done = await connection.execute(UNPUBLISH, instant)
                await connection.execute("SELECT pg_notify($1, current_schema())", CHANNEL)
            finally:
                await connection.close()
            console.print(
                f"{name}: {done.removeprefix('UPDATE ')} announcements will be sent again"
            )


async def restate(console: Console, name: str) -> None:
    """Announce the current state of everything a service owns."""
    service = SERVICES[name]
    async with standing() as settings, sessions_of(settings, name) as sessions:
        announced = 0
        for restater in service.restaters:
            async with sessions() as reading, sessions() as writing:
                async for event in restater(reading):
                    announce(writing, event, now=system_now())
                    announced += 1
                    if announced % ANNOUNCED_BATCH == 0:
                        # A reading transaction that idles for long is ended by the server.
                        await commit(reading)
                        await commit(writing)
                await commit(writing)
        console.print(f"{name}: {announced} states announced")


async def parked(console: Console, name: str, *, retry: bool) -> int:
    """List parked events, or react to them again one by one."""
    async with standing() as settings, sessions_of(settings, name) as sessions:
        async with sessions() as session:
            query = (
                select(ParkedEvent).where(ParkedEvent.retried_at.is_(None)).order_by(ParkedEvent.id)
            )
            rows = list(await session.scalars(query))
        failed = 0
        for row in rows:
            outcome = row.reason
            if retry:
                outcome = await _retry(settings, name, row.id)
                failed += outcome != "done"
            console.print(f"{row.parked_at:%Y-%m-%d %H:%M} {row.type} {row.reaction}: {outcome}")
        console.print(f"{name}: {len(rows)} parked")
    return 1 if failed else 0


async def _retry(settings: Settings, name: str, id_: UUID) -> str:
    bus = Bus(settings.nats_url, "liangxin parked")
    runtime = Runtime(SERVICES[name], settings, bus)
    try:
        async with runtime.sessions() as session:
            row = await session.get_one(ParkedEvent, id_, with_for_update=True)
            await retry_parked(
                session, row, runtime.reactions_to(row.type), now=runtime.clock.now()
            )
            audit(session, SYSTEM, "event.retry", "parked-event", row.id, now=system_now())
            await session.flush()
            await commit(session)
    except Exception as error:  # noqa: BLE001  shown to the operator, and the row stays parked
        return f"{type(error).__name__}: {error}"
    finally:
        await runtime.engine.dispose()
    return "done"


async def verify_audit(console: Console, checkpoints: Path | None) -> int:
    """Recompute every chain against its exported checkpoints."""
    faults = 0
    async with standing() as settings:
        for name in SERVICES:
            with Progress(console=console, transient=True) as progress:
                task = progress.add_task(f"{name}", total=None)
                report = await verify_chain(
                    name,
                    settings.service_url(name),
                    settings.audit_key,
                    checkpoints or settings.data / "checkpoints",
                    lambda done, t=task, p=progress: p.update(t, completed=done),
                )
            faults += not report.holds
            console.print(
                f"{name}: {report.sealed} rows hold, {report.unsealed} not sealed yet"
                if report.holds
                else f"{name}: {report.fault}"
            )
    return 1 if faults else 0


@asynccontextmanager
async def sessions_of(
    settings: Settings, name: str
) -> AsyncGenerator[async_sessionmaker[AsyncSession]]:
    """Open a service's database as its app role."""
    engine = create_engine(
        settings.service_url(name), pool_size=2, application=f"liangxin command {name}"
    )
    try:
        yield session_factory(engine)
    finally:
        await engine.dispose()
