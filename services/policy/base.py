from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.calendar import Calendar
from services.kernel.database import service_base

Base = service_base("policy")

# Where a session of this service carries the working-day calendar that its process was told to use.
CALENDAR = "calendar"


def calendar_of(session: AsyncSession) -> Calendar:
    """Give the working-day calendar of the process that the session belongs to."""
    return cast("Calendar", session.info[CALENDAR])
