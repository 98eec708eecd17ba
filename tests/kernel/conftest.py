"""The probe: a service made for these tests, on the same servers as the platform."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import structlog
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel import migrations, pulling, reactions
from services.kernel import runtime as runtimes
from services.kernel.bus import Bus
from services.kernel.database_urls import app_password, driver_url, plain_url
from services.kernel.ids import new_id
from services.kernel.logs import configure_logs
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from tests.conftest import TestPlatform
from tests.kernel.probe import probe_service
from tests.kernel.running import Probe

ROLES = {"reviewer": "jxj", "approver": "kjj", "auditor": "sjj", "firm": None}


@pytest.fixture(autouse=True)
def logbook() -> Iterator[io.StringIO]:
    """Keep what a test logs where it can read it, and off the screen."""
    before = structlog.get_config()
    book = io.StringIO()
    configure_logs("INFO", book)
    yield book
    structlog.configure(**before)


@pytest.fixture(scope="session")
async def probe(
    platform: TestPlatform, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Probe]:
    """Run the probe for the session, with a client for each of its roles."""
    settings = platform.service("identity").settings
    service = probe_service(tmp_path_factory.mktemp("migrations"))
    await write_migration(service, settings.database_url)
    await migrations.migrate(
        service,
        settings.database_url,
        app_password=app_password(settings.database_url, "probe_app"),
        profile=settings.profile,
    )
    bus = Bus(settings.nats_url, "probe")
    await bus.connect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtimes, "STREAM_LOOK_S", 0.2)
        patch.setattr(pulling, "STANDS_S", 1.0)
        patch.setattr(reactions, "RETRY_DELAYS_S", (0.05, 0.1, 0.15, 0.2))
        runtime = Runtime(service, settings, bus)
        await runtime.start()
        running = Probe(platform, runtime)
        for role, department in ROLES.items():
            await sign_in(running, role, department)
        await running.until_ready()
        yield running
        await running.close()
        await runtime.stop()
    await bus.close()


@pytest.fixture
async def admin_db(probe: Probe) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the administrator, whom no grant and no trigger of a role stops."""
    connection = await asyncpg.connect(plain_url(probe.runtime.settings.database_url))
    await connection.execute("SET search_path = probe")
    yield connection
    await connection.close()


@pytest.fixture
async def app_db(probe: Probe) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the probe's own role."""
    connection = await asyncpg.connect(plain_url(probe.runtime.database_url))
    yield connection
    await connection.close()


async def write_migration(service: Service, admin_url: str) -> None:
    engine = create_async_engine(driver_url(admin_url))

    def write(connection: Any) -> None:
        password = app_password(admin_url, f"{service.name}_app")
        migrations._ensure_roles(connection, service.name, password)
        migrations.write_revision(service, connection, "initial")

    async with engine.connect() as connection:
        await connection.run_sync(write)
        await connection.commit()
    await engine.dispose()


async def sign_in(probe: Probe, role: str, department: str | None) -> None:
    """Register a client of this role for the probe's scopes, and open it."""
    new = {
        "client_id": f"probe-{role}-{new_id().hex[-8:]}",
        "name": "探针",
        "roles": [role],
        "scopes": ["probe:read", "probe:write"],
        "department": department,
        "uscc": "91330282MA00T35T2N" if role == "firm" else None,
    }
    made = await probe.platform.client("admin").post("/v1/identity/clients", json=new)
    assert made.status_code == 201, made.text
    form = {"grant_type": "client_credentials", **json.loads(made.text)}
    form = {k: form[k] for k in ("grant_type", "client_id", "client_secret")}
    answer = await probe.platform.client("public").post("/oauth2/token", data=form)
    probe.open(role, answer.json()["access_token"])
