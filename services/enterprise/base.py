"""The base of this service's tables."""

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.database import service_base

Base = service_base("enterprise")

# Where a session of this service carries how many days before its end a title is told of.
REMINDER_DAYS = "recognition_reminder_days"


def reminder_days_of(session: AsyncSession) -> int:
    """Give the days before its end on which a title is announced as about to end."""
    return cast("int", session.info[REMINDER_DAYS])
