"""Versions of single resources: ETag out, If-Match in."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from services.kernel.errors import Malformed, VersionMismatch, VersionRequired

_VERSION = re.compile("[0-9]{1,18}")


async def _if_match(
    if_match: Annotated[str | None, Header(description="The ETag that was read; required")] = None,
) -> None:
    """Document the header; `require_match` checks it against the version that is there."""


MATCHED = Depends(_if_match)


def set_etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


def require_match(request: Request, version: int) -> None:
    """Refuse a change to a version that the caller has not seen."""
    given = request.headers.get("if-match")
    if given is None:
        raise VersionRequired(
            "修改须带If-Match请求头，其值为读取时的ETag。",
            "A change needs If-Match with the ETag that was read.",
        )
    text = given.strip().removeprefix("W/").strip('"')
    if text != "*" and not _VERSION.fullmatch(text):
        raise Malformed(
            "If-Match须为读取时返回的ETag。",
            "If-Match must be the ETag that was read.",
            code="etag-malformed",
        )
    if text != "*" and int(text) != version:
        raise VersionMismatch(
            f"记录已更新为第{version}版，请重新读取后再修改。",
            f"The record is now at version {version}; read it again first.",
        )


def check_version(given: int, version: int) -> None:
    """Refuse an event meant for another version of a resource with states."""
    if given != version:
        raise VersionMismatch(
            f"记录当前为第{version}版，而请求针对另一版本；请重新读取。",
            f"The record is at version {version}, the request is for another one; read it again.",
        )
