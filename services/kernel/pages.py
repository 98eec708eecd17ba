"""Pages of a list: a limit and an opaque keyset cursor.

A cursor is sealed for the list that gave it, so that a query may trust what it holds.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.kernel.errors import Malformed

PAGE_ROWS_DEFAULT = 50
PAGE_ROWS_MAX = 200
CURSOR_CHARS_MAX = 500
SEAL_BYTES = 12
PORTION_ROWS = 500
ItemT = TypeVar("ItemT")
RowT = TypeVar("RowT")


class PageRequest(BaseModel):
    """What part of a list was asked for; `after` is the sort key of the last row seen."""

    limit: int
    after: list[Any] | None = None
    seal_key: bytes = Field(b"", repr=False, exclude=True)


Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX, description="From next_cursor")]


async def _page(
    request: Request, limit: Limit = PAGE_ROWS_DEFAULT, cursor: Cursor = None
) -> PageRequest:
    return _asked(request, limit, cursor)


async def _long_page(
    request: Request, limit: Limit = PAGE_ROWS_MAX, cursor: Cursor = None
) -> PageRequest:
    return _asked(request, limit, cursor)


Page = Annotated[PageRequest, Depends(_page)]
# For lists that belong to the release and are read as a whole.
LongPage = Annotated[PageRequest, Depends(_long_page)]


def _asked(request: Request, limit: int, cursor: str | None) -> PageRequest:
    secret = request.app.state.runtime.settings.secret_key
    key = hmac.digest(secret.encode(), b"cursor|" + request.scope["route"].path.encode(), "sha256")
    return PageRequest(limit=limit, after=_read(cursor, key) if cursor else None, seal_key=key)


def _read(cursor: str, key: bytes) -> list[Any]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    seal, text = raw[:SEAL_BYTES], raw[SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(key, text)):
        raise Malformed(
            "cursor无法识别，请使用上一页返回的next_cursor。",
            "The cursor cannot be read; use next_cursor of the previous page.",
            code="cursor-invalid",
        )
    return orjson.loads(text)


def _cursor_after(row_key: list[Any], key: bytes) -> str:
    """Make the cursor that continues after a row's sort key."""
    text = orjson.dumps([k if isinstance(k, int) else str(k) for k in row_key])
    return base64.urlsafe_b64encode(_seal(key, text) + text).decode().rstrip("=")


def _seal(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()[:SEAL_BYTES]


def page_of_known(items: Iterable[ItemT], page: PageRequest, key: str) -> dict[str, Any]:
    """Answer a page of a list that is at hand, in the order of the named attribute."""
    last = page.after[0] if page.after else ""
    rows = sorted(
        (each for each in items if getattr(each, key) > last), key=lambda each: getattr(each, key)
    )
    return page_of(rows[: page.limit + 1], page, lambda row: [getattr(row, key)])


def page_of(rows: list[Any], page: PageRequest, key: Any) -> dict[str, Any]:
    """Answer a page from `limit + 1` rows; `key(row)` gives the sort key as a list."""
    more = len(rows) > page.limit
    kept = rows[: page.limit]
    return {
        "items": kept,
        "next_cursor": _cursor_after(key(kept[-1]), page.seal_key) if more else None,
    }


async def in_portions(
    session: AsyncSession, statement: Select[tuple[RowT]], key: InstrumentedAttribute[Any]
) -> AsyncIterator[RowT]:
    """Walk all that a statement finds in the order of a key; the session forgets each portion."""
    following = statement
    while rows := (await session.scalars(following.order_by(key).limit(PORTION_ROWS))).all():
        for row in rows:
            yield row
        following = statement.where(key > getattr(rows[-1], key.key))
        session.expunge_all()
