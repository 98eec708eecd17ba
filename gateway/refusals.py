"""What the gateway itself says no to, in two languages."""

from gateway.paths import IMPORTS, Work
from services.kernel.errors import (
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

RETRY_SECONDS = 2
MIB = 1024 * 1024


class Failed(Refusal):
    status, default_code = 500, "internal"
    title_zh, title_en = "系统内部错误", "Internal error"


def unsafe_path() -> Refusal:
    return Malformed(
        "地址中含有不允许的字符（编码斜杠、点段、反斜杠、空字符或非UTF-8编码）。",
        "The path holds characters that are not allowed"
        " (encoded slash, dot segment, backslash, NUL or bytes that are not UTF-8).",
        code="path-unsafe",
    )


def unknown_path() -> Refusal:
    return NotFound(
        "没有这个地址，可用的地址见 /openapi.json。",
        "There is no such address; see /openapi.json for those that exist.",
    )


def body_too_large(bytes_max: int, service: str, work: Work) -> Refusal:
    """Say the limit of this kind of work, and where the service takes more, if it does."""
    limit = f"{bytes_max // MIB} MiB" if bytes_max % MIB == 0 else f"{bytes_max} bytes"
    zh, en = f"请求体超过{limit}的上限。", f"The body exceeds {limit}."
    imports = IMPORTS.get(service, ())
    if work is Work.UPLOAD:
        zh = f"文件超过{limit}的上限；请压缩图片或分成几个文件后重新上传。"
        en = f"The file exceeds {limit}; compress its pictures or split it, and send it again."
    elif work is Work.IMPORT:
        zh, en = f"导入文件超过{limit}的上限，请拆分。", f"The import exceeds {limit}; split it."
    elif imports:
        zh = f"请求体超过{limit}的上限；批量数据请用 {'、'.join(imports)}。"
        en = f"The body exceeds {limit}; send bulk data to {' or '.join(imports)}."
    return TooLarge(zh, en, code="body-too-large")


def too_many(retry_after_s: int) -> Refusal:
    return TooMany(
        f"请求次数超过每分钟上限，请在{retry_after_s}秒后重试。",
        f"More requests than allowed in a minute; retry in {retry_after_s} s.",
        code="rate-limited",
        retry_after_s=retry_after_s,
    )


def too_many_at_once() -> Refusal:
    return TooMany(
        "同时进行的请求过多，请待前面的请求答复后再试。",
        "Too many requests at once; wait for earlier ones to be answered.",
        code="too-many-at-once",
        retry_after_s=1,
    )


def service_busy(service: str) -> Refusal:
    return Unavailable(
        f"服务 {service} 正忙，请稍后重试。",
        f"The service {service} is busy; retry later.",
        code="service-busy",
        retry_after_s=1,
    )


def service_unavailable(service: str, retry_after_s: int = RETRY_SECONDS) -> Refusal:
    return Unavailable(
        f"服务 {service} 暂时无法应答，请稍后用同一Idempotency-Key重试。",
        f"The service {service} cannot answer now; retry later with the same Idempotency-Key.",
        code="service-unavailable",
        retry_after_s=retry_after_s,
    )


def out_of_time(service: str) -> Refusal:
    return Unavailable(
        f"服务 {service} 未在时限内答复，结果未知；请稍后用同一Idempotency-Key重试。",
        f"The service {service} did not answer in time and the outcome is not known;"
        " retry later with the same Idempotency-Key.",
        code="time-limit",
        retry_after_s=RETRY_SECONDS,
    )


def metrics_closed() -> Refusal:
    return Unauthenticated("须持监控令牌访问。", "A metrics token is required.")


def failed() -> Refusal:
    return Failed(
        "系统内部错误，已记录。请凭trace_id联系运维。",
        "Internal error, recorded; quote the trace_id.",
    )
