"""Lists from the newest to the oldest: ids are UUIDv7, so they are the order."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from services.kernel.errors import Malformed
from services.kernel.pages import PageRequest


def newest_first(
    statement: Select[Any], column: InstrumentedAttribute[UUID], page: PageRequest
) -> Select[Any]:
    """Ask for one page, and one row more that tells whether another page follows."""
    if page.after is not None:
        statement = statement.where(column < _last_seen(page.after))
    return statement.order_by(column.desc()).limit(page.limit + 1)


def _last_seen(after: list[Any]) -> UUID:
    try:
        (text,) = after
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise Malformed(
            "cursor无法识别，请使用上一页返回的next_cursor。",
            "The cursor cannot be read; use next_cursor of the previous page.",
            code="cursor-invalid",
        ) from None
