"""RFC 9457 answers: Chinese by default, English by Accept-Language, never an echo of the input."""

import re
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.kernel.database_faults import refusal_from_database
from services.kernel.errors import (
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from services.kernel.request_names import names_of, tags_of
from services.kernel.trace import current_trace_id

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 100
_OWN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_PLACE = re.compile(r"[0-9]{1,6}")
# What pydantic lists as allowed: 'a', 'b' or 'c', or bare numbers.
_ALLOWED = re.compile(r", | or ")
UNKNOWN_NAME = "?"


class ProblemError(BaseModel):
    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """What every refusal answers (RFC 9457)."""

    type: str = Field(examples=["urn:liangxin:problem:not-found"])
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None
    errors: list[ProblemError] = Field(default_factory=list[ProblemError])


def prefers_english(accept_language: str | None) -> bool:
    """Tell whether English stands before Chinese in an Accept-Language header."""
    best: dict[str, float] = {}
    for part in (accept_language or "").lower().split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        language = tag.split("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        best[language] = max(best.get(language, 0.0), weight)
    return best.get("en", 0.0) > best.get("zh", 0.0)


def problem_body(refusal: Refusal, *, english: bool, trace_id: str | None) -> bytes:
    """Give a refusal's problem+json document."""
    return orjson.dumps(
        {
            "type": f"urn:liangxin:problem:{refusal.code}",
            "title": refusal.title_en if english else refusal.title_zh,
            "status": refusal.status,
            "detail": refusal.en if english else refusal.zh,
            "code": refusal.code,
            "trace_id": trace_id,
            "errors": [
                {"pointer": e.pointer, "code": e.code, "detail": e.en if english else e.zh}
                for e in refusal.errors[:ERRORS_MAX]
            ],
        }
    )


def answer(request: Request, refusal: Refusal) -> Response:
    """Answer a refusal in the caller's language."""
    headers = dict(refusal.headers)
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    body = problem_body(
        refusal,
        english=prefers_english(request.headers.get("accept-language")),
        trace_id=current_trace_id(),
    )
    return Response(body, refusal.status, headers, MEDIA_TYPE)


def refusal_from_validation(
    errors: Sequence[Any],
    names: Collection[str] = (),
    tags: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Refusal:
    """Turn pydantic's findings into fields with pointers, without anything that was sent.

    `names` are those the schemas have; without them any that is shaped like one counts as theirs.
    `tags` are the values by which the schemas tell the kinds of a thing apart, by their field.
    """
    if any(e["type"] == "json_invalid" for e in errors):
        return Malformed(
            "请求体不是合法的JSON。", "The body is not valid JSON.", code="json-invalid"
        )
    # More than are shown are only counted: a body may hold a hundred thousand unknown names.
    fields = [_field_error(e, names, tags) for e in errors[:ERRORS_MAX]]
    if len(fields) == 1:
        (only,) = fields
        return Invalid(
            f"{only.pointer}：{only.zh}",
            f"{only.pointer}: {only.en}",
            code="invalid",
            errors=fields,
        )
    return Invalid(
        f"有{len(errors)}处内容不符合要求，请按errors逐项更正。",
        f"{len(errors)} field(s) do not fit; see errors.",
        code="invalid",
        errors=fields,
    )


_CHINESE = {
    "missing": ("缺少必填项。", "This field is required."),
    "extra_forbidden": ("不认识的字段，请对照接口文档。", "Unknown field; see the API document."),
    "int_type": (
        "须为整数，不接受小数、文本或布尔值。",
        "Must be an integer; no decimals, text or booleans.",
    ),
    "int_from_float": ("须为整数，不接受小数。", "Must be an integer, not a decimal."),
    "int_parsing": ("须为整数。", "Must be an integer."),
    "bool_type": ("须为true或false。", "Must be true or false."),
    "string_type": ("须为文本。", "Must be text."),
    "string_too_short": ("文本过短。", "The text is too short."),
    "string_too_long": ("文本过长。", "The text is too long."),
    "string_pattern_mismatch": ("文本格式不符。", "The text does not have the required form."),
    "dict_type": ("须为对象。", "Must be an object."),
    "list_type": ("须为数组。", "Must be an array."),
    "model_attributes_type": ("须为对象。", "Must be an object."),
    "date_from_datetime_parsing": ("日期须为YYYY-MM-DD。", "The date must be YYYY-MM-DD."),
    "date_parsing": ("日期须为YYYY-MM-DD。", "The date must be YYYY-MM-DD."),
    "date_type": ("日期须为YYYY-MM-DD。", "The date must be YYYY-MM-DD."),
    **dict.fromkeys(
        (
            "timezone_aware",
            "datetime_type",
            "datetime_parsing",
            "datetime_from_date_parsing",
            "datetime_object_invalid",
        ),
        (
            "须为带时区的时刻，写作2026-11-23T09:00:00+08:00。",
            "Must be a time with its zone, as 2026-11-23T09:00:00+08:00.",
        ),
    ),
    "uuid_parsing": ("须为UUID。", "Must be a UUID."),
    "enum": ("不在允许的取值之内。", "Not one of the allowed values."),
    "literal_error": ("不在允许的取值之内。", "Not one of the allowed values."),
    "greater_than": ("数值过小。", "The number is too small."),
    "greater_than_equal": ("数值过小。", "The number is too small."),
    "less_than": ("数值过大。", "The number is too large."),
    "less_than_equal": ("数值过大。", "The number is too large."),
}


_BOUNDS = {
    "string_too_short": ("min_length", "不少于", "at least"),
    "string_too_long": ("max_length", "不多于", "at most"),
}


def _field_error(
    error: Any, names: Collection[str], tags: Mapping[str, Collection[str]]
) -> FieldError:
    kind, context, location = str(error["type"]), error.get("ctx") or {}, list(error["loc"])
    is_unknown = kind == "extra_forbidden"
    zh, en = _words(kind, context)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        member = str(context["discriminator"]).strip("'")
        location.append(member)
        allowed = list(tags.get(member, ()))
        zh = f"须写明{member}，取其一：{'、'.join(allowed)}。"
        en = f"Must name `{member}`, one of: {', '.join(allowed)}."
    if kind == "value_error" and hasattr(context.get("error"), "zh"):
        zh, en, kind = context["error"].zh, context["error"].en, context["error"].code
    pointer = _pointer(location, names, is_unknown=is_unknown)
    return FieldError(pointer, kind.replace("_", "-"), zh, en)


def _words(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Say in both languages what does not fit, with the bound or the values that do."""
    if kind in ("enum", "literal_error") and "expected" in context:
        allowed = [each.strip("'") for each in _ALLOWED.split(str(context["expected"]))]
        return f"须为其中之一：{'、'.join(allowed)}。", f"Must be one of: {', '.join(allowed)}."
    if kind in _BOUNDS and _BOUNDS[kind][0] in context:
        name, word_zh, word_en = _BOUNDS[kind]
        count = context[name]
        return f"须{word_zh}{count}个字符。", f"Must have {word_en} {count} character(s)."
    for name, word_zh, word_en in (("ge", "不小于", "at least"), ("le", "不大于", "at most")):
        if name in context:
            return f"须{word_zh}{context[name]}。", f"Must be {word_en} {context[name]}."
    return _CHINESE.get(kind, ("内容不符合要求。", "Does not fit."))


def _pointer(location: Sequence[Any], names: Collection[str], *, is_unknown: bool) -> str:
    """Point at the field; a name that the caller made up is not repeated."""
    where, *path = [str(part) for part in location] or [""]
    shown = [p if _is_own(p, names) else UNKNOWN_NAME for p in path]
    if is_unknown and shown:
        shown[-1] = UNKNOWN_NAME
    return "/" + "/".join(shown) if where == "body" else "/".join([where, *shown])


def _is_own(part: str, names: Collection[str]) -> bool:
    """Tell whether a part of a location is a place in a list or a name of the schemas."""
    if _PLACE.fullmatch(part):
        return True
    return part in names if names else _OWN_NAME.fullmatch(part) is not None


def _from_validation(app: FastAPI, errors: Sequence[Any]) -> Refusal:
    is_told_apart = any(str(e["type"]).startswith("union_tag") for e in errors)
    tags = tags_of(app) if is_told_apart else {}
    return refusal_from_validation(errors, names_of(app), tags)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of an app a problem+json."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return answer(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, _from_validation(app, error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        refusal = refusal_from_status(error.status_code)
        refusal.headers |= _kept_headers(error.headers)
        return answer(request, refusal)

    async def broken_off(request: Request, _: Exception) -> Response:
        """Answer a caller who vanished before the end of the body: nothing here is wrong."""
        return answer(
            request,
            Malformed("请求未传完整。", "The request broke off.", code="request-broken-off"),
        )

    async def failed(request: Request, error: Exception) -> Response:
        if refusal := refusal_from_database(error):
            return answer(request, refusal)
        log.error("request failed", kind=type(error).__name__, exc_info=error)
        return answer(
            request,
            _Failure(
                "系统内部错误，已记录。请凭trace_id联系运维。",
                "Internal error, recorded; quote the trace_id.",
            ),
        )

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, broken_off)
    app.add_exception_handler(Exception, failed)


def _kept_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (headers or {}).items() if name.lower() == "allow"}


class _Failure(Refusal):
    status, default_code = 500, "internal"
    title_zh, title_en = "系统内部错误", "Internal error"


class _MethodNotAllowed(Refusal):
    status, default_code = 405, "method-not-allowed"
    title_zh, title_en = "不支持的方法", "Method not allowed"


_BY_STATUS: dict[int, tuple[type[Refusal], str, str]] = {
    401: (Unauthenticated, "请先取得访问令牌。", "Obtain an access token first."),
    403: (Forbidden, "无此权限。", "Not permitted."),
    404: (NotFound, "没有这个地址或记录。", "There is no such address or record."),
    405: (_MethodNotAllowed, "该地址不支持此方法。", "This address does not allow the method."),
    413: (TooLarge, "请求体过大。", "The body is too large."),
    415: (UnsupportedMedia, "不支持的内容类型。", "This content type is not supported."),
    429: (TooMany, "请求过于频繁，请稍后重试。", "Too many requests; try again later."),
}


def refusal_from_status(status: int) -> Refusal:
    """Word a plain HTTP status of the framework."""
    if status in _BY_STATUS:
        kind, zh, en = _BY_STATUS[status]
        return kind(zh, en)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(
            "暂时无法办理，请稍后重试。", "Temporarily unavailable; retry later.", retry_after_s=2
        )
    return Malformed("请求无法识别。", "The request cannot be understood.")
