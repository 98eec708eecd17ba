"""The platform that a command looks into: where none has been, it says so and makes nothing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from services.kernel.database_faults import sqlstate_of
from services.kernel.settings import Settings
from services.launch.configuration import configured, data_folder, is_embedded

# What PostgreSQL says where `migrate` has never been: no role, no database, no schema, no table.
NEVER_MIGRATED = ("28000", "28P01", "3D000", "3F000", "42P01")


class NoPlatform(Exception):
    """No platform has been where a command looks for it; says where that is, and what to set."""


@asynccontextmanager
async def standing() -> AsyncGenerator[Settings]:
    """Give the settings of the platform that is here, without which there is nothing to do."""
    if is_embedded() and not (data_folder() / "postgres").is_dir():
        raise NoPlatform(
            f"{data_folder()} 中没有平台的数据：请以LIANGXIN_DATA指明平台的数据目录，或设置"
            "DATABASE_URL和NATS_URL。No platform has been in that folder: set LIANGXIN_DATA to"
            " the platform's data folder, or DATABASE_URL and NATS_URL."
        )
    try:
        async with configured() as settings:
            yield settings
    except (SQLAlchemyError, PostgresError, OSError) as error:
        if is_embedded() and isinstance(error, OSError):
            raise
        if not isinstance(error, OSError) and sqlstate_of(error) not in NEVER_MIGRATED:
            raise
        place = data_folder() if is_embedded() else "DATABASE_URL"
        raise NoPlatform(
            f"{place} 处没有平台的数据库，或无法连接：请以LIANGXIN_DATA或DATABASE_URL指明平台所在。"
            "No database of a platform answers there: set LIANGXIN_DATA or DATABASE_URL to where"
            " the platform is."
        ) from None
