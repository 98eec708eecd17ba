"""JSON as public money needs it: no NaN, no duplicate keys, bounded depth, no broken text.

Python's own parser takes NaN and Infinity, keeps the last of two equal keys and lets through lone
surrogates and NUL, which PostgreSQL then refuses; each is an error of the sender, so it is said.
"""

import hashlib
import json
import re
from typing import Any

import orjson
from fastapi import Request

from services.kernel.errors import Invalid, Malformed, Refusal

DEPTH_MAX = 32
INTEGER_MAX = 2**63 - 1
INTEGER_CHARS_MAX = 20
# What UTF-8 and PostgreSQL's text cannot hold; JSON can write it as an escape.
_ILLEGAL = re.compile("[\x00\ud800-\udfff]")


def loads(body: bytes) -> Any:
    """Parse a body strictly, or refuse it as malformed."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed(
            "json-encoding", "请求体须为UTF-8编码。", "The body must be UTF-8."
        ) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError:
        raise _malformed(
            "json-invalid", "请求体不是合法的JSON。", "The body is not valid JSON."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    _check(value, depth=0)
    return value


def canonical(value: Any) -> str:
    """Write a value so that equal values have equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def digest(text: str) -> str:
    """Give the SHA-256 of a canonical text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class StrictRequest(Request):
    """A request whose body is parsed strictly."""

    @property
    def is_json(self) -> bool:
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        return kind == "application/json" or (
            kind.startswith("application/") and kind.endswith("+json")
        )

    def require_legible_address(self) -> None:
        """Refuse characters that no store of ours can hold."""
        words = [self.scope["path"], *(w for pair in self.query_params.multi_items() for w in pair)]
        if any(_ILLEGAL.search(word) for word in words):
            raise _malformed(
                "address-text", "地址含有非法字符。", "The address holds an illegal character."
            )

    async def read_ahead(self) -> None:
        """Parse the body before the framework does, so that a refusal keeps its own words."""
        if self.is_json and await self.body():
            await self.json()

    async def json(self) -> Any:
        if not hasattr(self, "_strict_json"):
            self._strict_json = loads(await self.body())
        return self._strict_json


def _malformed(code: str, zh: str, en: str) -> Refusal:
    return Malformed(zh, en, code=code)


def _unfit(code: str, zh: str, en: str) -> Refusal:
    """Refuse what other parsers would let through: it can be read, but means nothing certain."""
    return Invalid(zh, en, code=code)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _unfit(
            "json-duplicate-key", "同一对象中有重复的键。", "An object has a duplicate key."
        )
    return result


def _constant(_: str) -> Any:
    raise _unfit("json-number", "不接受NaN或Infinity。", "NaN and Infinity are not accepted.")


def _integer(text: str) -> int:
    # Neither the database nor its JSON holds more than 64 bits.
    if len(text) > INTEGER_CHARS_MAX or abs(int(text)) > INTEGER_MAX:
        raise _unfit("json-number", "数字超出范围。", "The number is out of range.")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _unfit("json-number", "数字超出范围。", "The number is out of range.")
    return value


def _too_deep() -> Refusal:
    return _malformed("json-depth", "嵌套层次过深。", "The nesting is too deep.")


def _check(value: Any, *, depth: int) -> None:
    if isinstance(value, str):
        if _ILLEGAL.search(value):
            raise _unfit("json-text", "文本含有非法字符。", "A text holds an illegal character.")
        return
    if not isinstance(value, dict | list):
        return
    if depth == DEPTH_MAX:
        raise _too_deep()
    parts: Any = [*value, *value.values()] if isinstance(value, dict) else value
    for part in parts:
        _check(part, depth=depth + 1)
