"""UUIDv7: ids that sort by the time they were made."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def next_id_after(previous: UUID | None) -> UUID:
    """Make an id that sorts after the given one, whatever the clock did in between."""
    fresh = uuid7()
    if previous is None or fresh > previous:
        return fresh
    return UUID(int=previous.int + 1)


def made_at(id_: UUID) -> datetime:
    """Read from a UUIDv7 when it was made."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
