"""Bringing an answer into the form in which examples keep it: the same bytes on every run."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
# Rules and plans are versioned by the beginning of their hash.
VERSION = re.compile(r'(?<=["@])[0-9a-f]{12}(?=")')
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
TRACE_ID = re.compile(r"\b[0-9a-f]{32}\b")
TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
RECEIPT = re.compile(r"YY[0-9]{8}-[0-9A-F]{8}")
SHOWN_RECEIPT = "YY20261123-0A1B2C3D"
SHOWN_INSTANT = "2026-11-23T01:00:00Z"
SHOWN_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SHOWN_TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
HEADERS = ("location", "etag", "idempotency-replayed", "retry-after", "www-authenticate")
# Numbers and keys that differ from run to run, by their name.
VARYING: dict[str, Any] = {
    "iat": 1795395600,
    "exp": 1795396200,
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "offset_s": 0,
    "now": "2026-11-23T09:00:00+08:00",
    # Every complete list of the city that the firm is not on, whoever published it.
    "not_held": [],
    # The first line that holds enough: which one it is depends on who else has made one.
    "line": {
        "id": "01936b2c-0000-7000-a000-000000000001",
        "name": "数字经济制造业企业增长奖励",
        "year": 2026,
    },
}
KEPT = {VARYING["now"], VARYING["line"]["id"]}


def with_real(text: str, real: Mapping[str, str]) -> str:
    """Put the ids of this run in the place of those that an example shows."""
    for shown, actual in real.items():
        text = text.replace(shown, actual)
    return text


def normal(value: Any, real: Mapping[str, str]) -> Any:
    """Show known ids as the examples do, number unknown ones, and fix what is of the moment."""
    text = json.dumps(_without_varying(value), ensure_ascii=False)
    for shown, actual in real.items():
        text = text.replace(actual, shown)
    text = INSTANT.sub(lambda m: m[0] if m[0] in KEPT else SHOWN_INSTANT, text)
    text = TOKEN.sub(SHOWN_TOKEN, SHA256.sub("0" * 64, text))
    text = VERSION.sub("0" * 12, text)
    text = RECEIPT.sub(SHOWN_RECEIPT, TRACE_ID.sub(SHOWN_TRACE_ID, text))
    return json.loads(_numbered(text, KEPT | set(real)))


def _numbered(text: str, known: set[str]) -> str:
    numbers: dict[str, str] = {}

    def shown(match: re.Match[str]) -> str:
        if match[0] in known:
            return match[0]
        return numbers.setdefault(match[0], f"01936b2c-0000-7000-9000-{len(numbers) + 1:012x}")

    return UUID.sub(shown, text)


def _without_varying(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _fixed(key, child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_varying(child) for child in value]
    return value


def _fixed(key: str, child: Any) -> Any:
    """Fix a value that varies, where it is of the shape that is meant."""
    is_meant = key in VARYING and type(child) is type(VARYING[key])
    return VARYING[key] if is_meant else _without_varying(child)


def mine(items: list[Any], real: Mapping[str, str]) -> Iterator[Any]:
    """Keep the items of a list that speak of what the example set up."""
    for item in items:
        text = json.dumps(item, ensure_ascii=False)
        if any(actual in text for actual in real.values()):
            yield item
