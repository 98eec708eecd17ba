"""Migrations: what the models say is what the schema has, up, down and up again."""

from dataclasses import replace

import asyncpg
import pytest

from services.kernel import migrations
from services.kernel.database_urls import app_password, plain_url
from services.kernel.service import Service
from services.kernel.settings import Profile
from tests.kernel.conftest import write_migration
from tests.kernel.probe import probe_service
from tests.kernel.running import Probe

TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'steps'"
SETTING = "SELECT value FROM steps.platform_setting WHERE name = 'profile'"


@pytest.fixture(scope="module")
async def service(probe: Probe, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Describe a service whose schema is made and unmade here."""
    steps = replace(probe_service(tmp_path_factory.mktemp("steps")), name="steps")
    await write_migration(steps, probe.runtime.settings.database_url)
    return steps


async def up(probe: Probe, service: Service, profile: Profile = Profile.DEMONSTRATION) -> None:
    url = probe.runtime.settings.database_url
    password = app_password(url, "steps_app")
    await migrations.migrate(service, url, app_password=password, profile=profile)


async def test_the_schema_is_what_the_models_say_however_often_it_is_made(
    probe: Probe, service: Service, admin_db: asyncpg.Connection
) -> None:
    url = probe.runtime.settings.database_url
    for _ in range(2):
        await up(probe, service)
        assert await migrations.differences(service, url) == []
    made = await admin_db.fetchval(TABLES)
    await migrations.downgrade(service, url)
    # What is left tells how far the schema was migrated: nowhere.
    assert await admin_db.fetchval(TABLES) == 1
    assert len(await migrations.differences(service, url)) > 10
    await up(probe, service)
    assert await admin_db.fetchval(TABLES) == made
    assert await migrations.differences(service, url) == []


async def test_a_difference_is_found(
    probe: Probe, service: Service, admin_db: asyncpg.Connection
) -> None:
    await up(probe, service)
    await admin_db.execute("ALTER TABLE steps.note ADD COLUMN extra text")
    try:
        found = await migrations.differences(service, probe.runtime.settings.database_url)
        assert [(d[0], d[3].name) for d in found] == [("remove_column", "extra")]
    finally:
        await admin_db.execute("ALTER TABLE steps.note DROP COLUMN extra")


async def test_the_profile_of_the_first_migration_stays(
    probe: Probe, service: Service, admin_db: asyncpg.Connection
) -> None:
    await up(probe, service)
    await up(probe, service, Profile.PRODUCTION)
    assert await admin_db.fetchval(SETTING) == "demonstration"


async def test_the_owner_cannot_log_in_and_the_app_role_owns_nothing(
    probe: Probe, service: Service, admin_db: asyncpg.Connection
) -> None:
    await up(probe, service)
    roles = await admin_db.fetch(
        "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname LIKE 'steps\\_%'"
    )
    assert {tuple(row) for row in roles} == {
        ("steps_app", True, False),
        ("steps_owner", False, False),
    }
    owned = await admin_db.fetchval(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'steps' AND tableowner <> 'steps_owner'"
    )
    assert owned == 0
    app = await asyncpg.connect(plain_url(probe.runtime.settings.service_url("steps")))
    try:
        assert await app.fetchval("SELECT current_schema()") == "steps"
    finally:
        await app.close()
