"""Where a path leads and what it may cost: pure decisions on the request line."""

import re
from enum import Enum

# The second segment names the service (contract.md, "paths"); these are served by another one.
SEGMENT_OWNERS = {"demo": "identity"}
TOKEN_PATH = "/oauth2/token"  # noqa: S105  a path, no secret
AUTHORIZATION_SERVER_PATH = "/.well-known/oauth-authorization-server"
STREAM_PATH = "/v1/messages/stream"

_PLAIN = re.compile(rb"/[A-Za-z0-9_/-]*")
_UNSAFE = re.compile(
    rb"%2f|%5c|%00|[\\\x00-\x20\x7f-\xff]|(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE
)
_ESCAPES = re.compile(rb"%(?![0-9a-fA-F]{2})")
_IMPORT = re.compile(r"/v1/[a-z][a-z-]*/(?:(?:cases|recommendations)/)?imports/?")
# Where rows are sent in files, by service.
IMPORTS = {
    "enterprise": ("/v1/enterprise/imports",),
    "policy": ("/v1/policy/cases/imports", "/v1/policy/recommendations/imports"),
}
# A file that proves something, under the thing that it proves; and such a file, given out.
_UPLOAD = re.compile(r"/v1/[a-z][a-z-]*/(?:[^/]+/)+evidence/?")
_DOWNLOAD = re.compile(r"/v1/[a-z][a-z-]*/(?:[^/]+/)+content")
_EXPORT = re.compile(r"/v1/[a-z][a-z-]*/(?:.*/)?exports(?:/.*)?")
_EXPORT_TYPE = re.compile(rb"text/csv|ndjson|parquet|spreadsheetml")
_SHOWN = re.compile(r"[a-z][a-z-]{0,39}|v[0-9]{1,2}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|")
SHAPE_SEGMENTS_MAX = 12


class Work(Enum):
    """How long an answer may take and how much it may be sent."""

    PLAIN = "plain"
    IMPORT = "import"
    UPLOAD = "upload"
    EXPORT = "export"
    DOWNLOAD = "download"
    STREAM = "stream"


def is_safe(raw_path: bytes) -> bool:
    """Tell whether all parsers read a path alike: no encoded slash, dot segment, NUL, backslash."""
    if _PLAIN.fullmatch(raw_path):
        return True
    if not raw_path.startswith(b"/") or _UNSAFE.search(raw_path):
        return False
    return b"%" not in raw_path or (not _ESCAPES.search(raw_path) and _is_utf8(raw_path))


def service_of(path: str) -> str | None:
    """Name the service that owns a path, or None for the gateway's own and unknown ones."""
    if path.startswith("/v1/"):
        segment = path[4:].partition("/")[0]
        return SEGMENT_OWNERS.get(segment, segment) or None
    if path.startswith("/oauth2/") or path == AUTHORIZATION_SERVER_PATH:
        return "identity"
    return None


def work_of(method: str, path: str, accept: bytes | None) -> Work:
    """Tell imports, files, exports and the live stream from plain requests."""
    if method == "POST":
        if path.endswith(("/imports", "/imports/")) and _IMPORT.fullmatch(path):
            return Work.IMPORT
        is_upload = path.endswith(("/evidence", "/evidence/")) and _UPLOAD.fullmatch(path)
        return Work.UPLOAD if is_upload else Work.PLAIN
    if path == STREAM_PATH:
        return Work.STREAM
    if accept is not None and _EXPORT_TYPE.search(accept):
        return Work.EXPORT
    if path.endswith("/content") and _DOWNLOAD.fullmatch(path):
        return Work.DOWNLOAD
    if "/exports" in path and _EXPORT.fullmatch(path):
        return Work.EXPORT
    return Work.PLAIN


def shape_of(path: str) -> str:
    """Give a path for the log: words and UUIDs stay, whatever else a segment holds is hidden."""
    segments = path.split("/")[:SHAPE_SEGMENTS_MAX]
    return "/".join([s if _SHOWN.fullmatch(s) else "{}" for s in segments])


def _is_utf8(raw_path: bytes) -> bool:
    octets = re.sub(rb"%(..)", lambda m: bytes.fromhex(m[1].decode()), raw_path)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
