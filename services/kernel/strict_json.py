"""JSON as public money needs it: no NaN, no duplicate keys, bounded depth, no broken text.

Python's own parser takes NaN and Infinity, keeps the last of two equal keys and lets through lone
surrogates and NUL, which PostgreSQL then refuses; each is an error of the sender, so it is said.
"""

import hashlib
import json
from typing import Any

import orjson
from fastapi import Request

from services.kernel.errors import Invalid, Malformed, Refusal

DEPTH_MAX = 32
NUMBER_DIGITS_MAX = 40


def loads(body: bytes) -> Any:
    """Parse a body strictly, or refuse it as malformed."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed(
            "json-encoding", "请求体须为UTF-8编码。", "The body must be UTF-8."
        ) from None
    _check_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except (json.JSONDecodeError, RecursionError):
        raise _malformed(
            "json-invalid", "请求体不是合法的JSON。", "The body is not valid JSON."
        ) from None


def canonical(value: Any) -> str:
    """Write a value so that equal values have equal bytes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # orjson stops at 64 bits; a longer integer is refused later, by the field's own rule.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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

    async def read_ahead(self) -> None:
        """Parse the body before the framework does, so that a refusal keeps its own words."""
        if self.is_json and await self.body():
            await self.json()

    async def json(self) -> Any:
        if not hasattr(self, "_strict_json"):
            value = loads(await self.body())
            _check_text(value)
            self._strict_json = value
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
    if len(text) > NUMBER_DIGITS_MAX:
        raise _unfit("json-number", "数字过长。", "The number is too long.")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _unfit("json-number", "数字超出范围。", "The number is out of range.")
    return value


def _check_depth(text: str) -> None:
    """Bound the nesting before parsing: brackets inside strings only make this stricter."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise _malformed("json-depth", "嵌套层次过深。", "The nesting is too deep.")
        elif char in "]}":
            depth -= 1


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise _unfit("json-text", "文本含有非法字符。", "A text holds an illegal character.")
    elif isinstance(value, dict):
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            _check_text(item)
