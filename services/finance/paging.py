"""Lists in the order of ids, which are UUIDv7 and grow with time."""

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
        statement = statement.where(column < last_seen(page.after))
    return statement.order_by(column.desc()).limit(page.limit + 1)


def last_seen(after: list[Any] | None) -> UUID | None:
    """Read the id after which a page goes on; none on the first page."""
    if after is None:
        return None
    try:
        (text,) = after
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise Malformed(
            "cursor无法识别，请使用上一页返回的next_cursor。",
            "The cursor cannot be read; use next_cursor of the previous page.",
            code="cursor-invalid",
        ) from None
