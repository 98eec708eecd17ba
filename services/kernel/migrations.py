"""Schemas, roles and migrations: one owner that may not log in, one app role that may not alter.

Runs as a job of its own, as the administrator, never at a service's start.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.database import KERNEL_METADATA
from services.kernel.database_urls import driver_url
from services.kernel.service import Service

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"
VERSION_TABLE = "alembic_version"


async def migrate(service: Service, admin_url: str, *, app_password: str, profile: str) -> None:
    """Bring a schema to its newest version and give its app role exactly what it needs."""
    engine = create_async_engine(driver_url(admin_url))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, service, app_password, profile)
            await connection.commit()
    finally:
        await engine.dispose()


async def differences(service: Service, admin_url: str) -> list[Any]:
    """List what the models say and the migrated schema does not, or the other way round."""
    engine = create_async_engine(driver_url(admin_url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences, service)
    finally:
        await engine.dispose()


async def downgrade(service: Service, admin_url: str) -> None:
    """Take a service's schema back to nothing (used to prove that every step can be undone)."""
    engine = create_async_engine(driver_url(admin_url))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_downgrade, service)
            await connection.commit()
    finally:
        await engine.dispose()


def write_revision(service: Service, connection: Connection, message: str) -> None:
    """Write a new migration from the difference between models and schema."""
    with _as_owner(connection, service.name):
        config = _config(service, connection)
        config.attributes["metadata"] = _metadata_of(service)
        command.revision(config, message=message, autogenerate=True)


def _migrate(connection: Connection, service: Service, app_password: str, profile: str) -> None:
    _ensure_roles(connection, service.name, app_password)
    with _as_owner(connection, service.name):
        command.upgrade(_config(service, connection), "head")
        connection.execute(
            text(
                "INSERT INTO platform_setting (name, value) VALUES ('profile', :p)"
                " ON CONFLICT DO NOTHING"
            ),
            {"p": profile},
        )
        _grant(connection, service)


def _differences(connection: Connection, service: Service) -> list[Any]:
    with _as_owner(connection, service.name):
        migration = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": False,
                "compare_type": True,
                "include_object": _is_ours,
            },
        )
        return compare_metadata(migration, _metadata_of(service))


def _downgrade(connection: Connection, service: Service) -> None:
    with _as_owner(connection, service.name):
        command.downgrade(_config(service, connection), "base")


def _is_ours(_: Any, name: str | None, type_: str, *__: Any) -> bool:
    return not (type_ == "table" and name == VERSION_TABLE)


def _metadata_of(service: Service) -> MetaData:
    """Join the kernel's tables and the service's own, as one schema has them."""
    joined = MetaData(naming_convention=KERNEL_METADATA.naming_convention)
    for source in (KERNEL_METADATA, service.metadata):
        for table in source.sorted_tables:
            table.to_metadata(joined)
    return joined


def _config(service: Service, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(service.migrations))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def run_environment() -> None:
    """Run migrations inside the caller's connection; called by alembic's env.py."""
    config = context.config
    connection: Connection = config.attributes["connection"]
    context.configure(
        connection=connection,
        # What is compared, which only the writing of a new migration does.
        target_metadata=config.attributes.get("metadata"),
        version_table=VERSION_TABLE,
        include_object=_is_ours,
        transaction_per_migration=False,
        compare_type=True,
    )
    connection.execute(text(LOCK_TIMEOUT))
    context.run_migrations()


@contextmanager
def _as_owner(connection: Connection, service: str) -> Generator[None]:
    connection.execute(text(f"SET ROLE {service}_owner"))
    connection.execute(text(f"SET search_path = {service}"))
    try:
        yield
    finally:
        if not connection.get_transaction() or connection.in_transaction():
            connection.execute(text("RESET ROLE"))
            connection.execute(text("RESET search_path"))


def _ensure_roles(connection: Connection, service: str, app_password: str) -> None:
    """Make owner and app role; a password and a name are ours, never a caller's."""
    owner, app = f"{service}_owner", f"{service}_app"
    # Roles belong to the whole server: two databases may be set up at once.
    connection.execute(text("SELECT pg_advisory_xact_lock(7221)"))
    for role, login in ((owner, "NOLOGIN"), (app, "LOGIN")):
        exists = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role})
        if not exists:
            connection.execute(
                text(f"CREATE ROLE {role} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE")
            )
            connection.execute(text(f"GRANT {owner} TO CURRENT_USER"))
    escaped = app_password.replace("'", "''")
    connection.execute(text(f"ALTER ROLE {app} PASSWORD '{escaped}'"))
    connection.execute(text(f"ALTER ROLE {app} SET search_path = {service}"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {owner}"))
    connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {app}"))


def _grant(connection: Connection, service: Service) -> None:
    """Give the app role its rights anew; in one statement, as every start of a city does it."""
    app = f"{service.name}_app"
    _make_trigger_function(connection)
    statements = [f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service.name} TO {app}"]
    for table in (*KERNEL_METADATA.sorted_tables, *service.metadata.sorted_tables):
        statements.append(f"REVOKE ALL ON {table.name} FROM {app}")
        statements += [f"GRANT {grant} ON {table.name} TO {app}" for grant in _grants(table)]
        if changes := _refused_changes(table):
            statements.append(
                f"CREATE OR REPLACE TRIGGER append_only BEFORE {changes} ON {table.name}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    connection.execute(text(f"DO $$ BEGIN {'; '.join(statements)}; END $$"))


def _grants(table: Table) -> list[str]:
    if table.info.get("append_only"):
        return ["SELECT", "INSERT"]
    if "updatable" in table.info:
        return ["SELECT", "INSERT", f"UPDATE ({', '.join(table.info['updatable'])})"]
    return ["SELECT", "INSERT", "UPDATE", "DELETE"]


def _refused_changes(table: Table) -> str | None:
    """Say what a trigger refuses even to the owner, who has every grant."""
    if table.info.get("append_only"):
        return "UPDATE OR DELETE OR TRUNCATE"
    if "updatable" in table.info:
        kept = [
            column.name for column in table.columns if column.name not in table.info["updatable"]
        ]
        return f"UPDATE OF {', '.join(kept)} OR DELETE OR TRUNCATE"
    return None


def _make_trigger_function(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION '% rows are only ever added', TG_TABLE_NAME"
            " USING ERRCODE = '42501'; END $$"
        )
    )
