"""Pages of a list: a limit and an opaque keyset cursor."""

import base64
import binascii
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from services.kernel.errors import Malformed

PAGE_ROWS_DEFAULT = 50
PAGE_ROWS_MAX = 200
CURSOR_CHARS_MAX = 500


class PageRequest(BaseModel):
    """What part of a list was asked for; `after` is the sort key of the last row seen."""

    limit: int
    after: list[Any] | None = None


def _page(
    limit: Annotated[
        int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows a page")
    ] = PAGE_ROWS_DEFAULT,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARS_MAX, description="From next_cursor")
    ] = None,
) -> PageRequest:
    return PageRequest(limit=limit, after=_read(cursor) if cursor else None)


Page = Annotated[PageRequest, Depends(_page)]


def _read(cursor: str) -> list[Any]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        value = None
    if not isinstance(value, list) or not all(isinstance(v, str | int) for v in value):  # pyright: ignore[reportUnknownVariableType]
        raise Malformed(
            "cursor无法识别，请使用上一页返回的next_cursor。",
            "The cursor cannot be read; use next_cursor of the previous page.",
            code="cursor-invalid",
        )
    return value  # pyright: ignore[reportUnknownVariableType]


def cursor_after(key: list[Any]) -> str:
    """Make the cursor that continues after a row's sort key."""
    return (
        base64.urlsafe_b64encode(
            orjson.dumps([str(k) if not isinstance(k, int) else k for k in key])
        )
        .decode()
        .rstrip("=")
    )


def page_of(rows: list[Any], page: PageRequest, key: Any) -> dict[str, Any]:
    """Answer a page from `limit + 1` rows; `key(row)` gives the sort key as a list."""
    more = len(rows) > page.limit
    kept = rows[: page.limit]
    return {"items": kept, "next_cursor": cursor_after(key(kept[-1])) if more else None}
