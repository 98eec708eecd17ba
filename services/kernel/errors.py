"""Refusals: what a rule says no to, in two languages, each with the HTTP status of its kind.

Rules and actions raise these; only problems.py turns them into answers.
"""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field that does not fit: JSON pointer, stable code, a sentence in each language."""

    pointer: str
    code: str
    zh: str
    en: str


class FieldFault(ValueError):
    """Says in both languages why a value does not fit; never repeats the value."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


@dataclass(eq=False)
class Refusal(Exception):
    """An answer of no that names what is the case, against which rule, and what to do."""

    zh: str
    en: str
    code: str = ""
    errors: list[FieldError] = field(default_factory=list[FieldError])
    retry_after_s: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    status: ClassVar[int] = 409
    default_code: ClassVar[str] = "conflict"
    title_zh: ClassVar[str] = "与当前状态冲突"
    title_en: ClassVar[str] = "Conflict with the current state"

    def __post_init__(self) -> None:
        super().__init__(self.en)
        self.code = self.code or self.default_code


class Malformed(Refusal):
    status, default_code = 400, "malformed"
    title_zh, title_en = "请求格式有误", "Malformed request"


class Unauthenticated(Refusal):
    status, default_code = 401, "unauthenticated"
    title_zh, title_en = "身份未经验证", "Not authenticated"


class Forbidden(Refusal):
    status, default_code = 403, "forbidden"
    title_zh, title_en = "无此权限", "Not permitted"


class NotFound(Refusal):
    """Also what may not be known of: the sentence never tells the two apart."""

    status, default_code = 404, "not-found"
    title_zh, title_en = "未找到", "Not found"


class Conflict(Refusal):
    pass


class VersionMismatch(Refusal):
    status, default_code = 412, "version-mismatch"
    title_zh, title_en = "版本已变化", "The version has changed"


class TooLarge(Refusal):
    status, default_code = 413, "too-large"
    title_zh, title_en = "内容过大", "Content too large"


class UnsupportedMedia(Refusal):
    status, default_code = 415, "unsupported-media-type"
    title_zh, title_en = "不支持的内容类型", "Unsupported media type"


class Invalid(Refusal):
    status, default_code = 422, "invalid"
    title_zh, title_en = "内容不符合要求", "Invalid content"


class VersionRequired(Refusal):
    status, default_code = 428, "version-required"
    title_zh, title_en = "须注明版本", "A version is required"


class TooMany(Refusal):
    status, default_code = 429, "too-many-requests"
    title_zh, title_en = "请求过于频繁", "Too many requests"


class Unavailable(Refusal):
    status, default_code = 503, "unavailable"
    title_zh, title_en = "暂时无法办理", "Temporarily unavailable"


def invalid_field(pointer: str, code: str, zh: str, en: str) -> Invalid:
    """Refuse one field of a body."""
    return Invalid(zh, en, code=code, errors=[FieldError(pointer, code, zh, en)])
