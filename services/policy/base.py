from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.calendar import Calendar
from services.kernel.database import service_base
from services.kernel.storage import Storage

Base = service_base("policy")

# Where a session of this service carries the working-day calendar that its process was told to use.
CALENDAR = "calendar"
# Where it carries the secret that personal data is sealed under.
SECRET_KEY = "secret_key"  # noqa: S105  the name of a place, not a secret


# And the storage of its evidence.
STORAGE = "storage"


def calendar_of(session: AsyncSession) -> Calendar:
    """Give the working-day calendar of the process that the session belongs to."""
    return cast("Calendar", session.info[CALENDAR])


def secret_key_of(session: AsyncSession) -> str:
    """Give the secret that personal data is sealed under."""
    return cast("str", session.info[SECRET_KEY])


def storage_of(session: AsyncSession) -> Storage:
    """Give the storage of evidence of the process that the session belongs to."""
    return cast("Storage", session.info[STORAGE])
