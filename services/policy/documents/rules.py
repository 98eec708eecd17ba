"""Documents on plain values: kinds, states, amounts in words, masked names, validity."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from services.kernel.errors import Conflict, Forbidden, NotFound
from services.policy.cases.rules import CaseState

LINES_MAX = 500
CODE_CHARS = 20
CODE_GROUP = 5
# Crockford's alphabet: no letter that is read as a digit. 20 characters hold 100 random bits.
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 发文字号: the short name of the office, the year in 〔〕 and the number.
NUMBER_PATTERN: Final = r"^[\u4e00-\u9fff]{2,20}〔20[0-9]{2}〕[1-9][0-9]{0,4}号$"
MINUTES_PATTERN: Final = r"^\S(?:.{0,78}\S)?$"


class DocumentKind(StrEnum):
    APPROVAL = "decision-approval"
    REFUSAL = "decision-refusal"
    REVOCATION = "decision-revocation"
    PAYMENT = "payment"
    LETTER = "recommendation-letter"


class DocumentState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    WITHDRAWN = "withdrawn"


class DocumentEvent(StrEnum):
    ISSUE = "issue"
    WITHDRAW = "withdraw"


class Validity(StrEnum):
    """What a document that somebody holds in hand is worth today."""

    VALID = "valid"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    REVOKED = "revoked"
    PARTLY_REVOKED = "partly-revoked"


KIND_NAMES: Mapping[str, tuple[str, str]] = {
    DocumentKind.APPROVAL: ("决定书（批准）", "Decision: approval"),
    DocumentKind.REFUSAL: ("决定书（不予批准）", "Decision: refusal"),
    DocumentKind.REVOCATION: ("决定书（撤销）", "Decision: revocation"),
    DocumentKind.PAYMENT: ("资金下达文件", "Payment document"),
    DocumentKind.LETTER: ("推荐函", "Letter of recommendation"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    DocumentState.DRAFT: ("拟稿", "Draft"),
    DocumentState.ISSUED: ("已签发", "Issued"),
    DocumentState.WITHDRAWN: ("已收回", "Withdrawn"),
}
VALIDITY_NAMES: Mapping[str, tuple[str, str]] = {
    Validity.VALID: ("有效", "Valid"),
    Validity.WITHDRAWN: ("已收回", "Withdrawn"),
    Validity.REPLACED: ("已被新文书替代", "Replaced by a newer document"),
    Validity.REVOKED: ("所载决定已撤销", "Its decision was revoked"),
    Validity.PARTLY_REVOKED: ("部分所载决定已撤销", "Some of its decisions were revoked"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    DocumentEvent.ISSUE: ("签发", "issue"),
    DocumentEvent.WITHDRAW: ("收回", "withdraw"),
}
NEXT: Mapping[DocumentState, Mapping[DocumentEvent, DocumentState]] = {
    DocumentState.DRAFT: {
        DocumentEvent.ISSUE: DocumentState.ISSUED,
        DocumentEvent.WITHDRAW: DocumentState.WITHDRAWN,
    },
    DocumentState.ISSUED: {DocumentEvent.WITHDRAW: DocumentState.WITHDRAWN},
    DocumentState.WITHDRAWN: {},
}
# What a document may be made of: the states of a case in which its decision stands.
CASES_OF: Mapping[DocumentKind, frozenset[CaseState]] = {
    DocumentKind.APPROVAL: frozenset({CaseState.DECIDED, CaseState.AWARDED, CaseState.CLOSED}),
    DocumentKind.REFUSAL: frozenset({CaseState.REFUSED}),
    DocumentKind.REVOCATION: frozenset({CaseState.REVOKED}),
    DocumentKind.PAYMENT: frozenset({CaseState.DECIDED, CaseState.AWARDED}),
    # Its ground is a recommendation, and no case.
    DocumentKind.LETTER: frozenset(),
}
DECISION_OF: Mapping[CaseState, DocumentKind] = {
    state: kind
    for kind, states in CASES_OF.items()
    if kind is not DocumentKind.PAYMENT
    for state in states
}


def move(state: DocumentState, event: DocumentEvent) -> DocumentState:
    """Find where an event leads, or say what the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    is_zh, is_en = STATE_NAMES[state]
    zh, en = EVENT_NAMES[event]
    raise Conflict(
        f"文书处于“{is_zh}”状态，不能{zh}；可办理：{'、'.join(n[0] for n in names) or '无'}。",
        f"The document is {is_en.lower()} and does not take {en};"
        f" allowed: {', '.join(n[1] for n in names) or 'none'}.",
        code="event-not-allowed",
    )


def require_other_person(drafted_by: str, issuer: str) -> None:
    """Whoever drafted a document does not issue it."""
    if drafted_by == issuer:
        raise Forbidden(
            "拟稿人不能签发自己拟的文书，须由另一人签发。",
            "Whoever drafted a document does not issue it; another person must.",
            code="four-eyes",
        )


def require_case_state(kind: DocumentKind, state: CaseState) -> None:
    """Make a document only of a decision that stands."""
    if state in CASES_OF[kind]:
        return
    raise Conflict(
        f"办件当前的状态不能据以制发{KIND_NAMES[kind][0]}。",
        f"The present state of the case is no ground for this document: {KIND_NAMES[kind][1]}.",
        code="case-not-decided",
    )


def require_one_department(leads: Iterable[str]) -> str:
    """Name the one department that leads all programmes of a document, and issues it."""
    found = sorted(set(leads))
    if len(found) != 1:
        raise Conflict(
            "所列办件由不同部门牵头，请按牵头部门分别拟文。",
            "The cases are led by different departments; draft one document for each.",
            code="departments-differ",
        )
    return found[0]


def validity(
    state: DocumentState, kind: DocumentKind, cases: Iterable[CaseState], *, is_replaced: bool
) -> Validity:
    """Say what an issued document is worth, after what became of it and of its cases."""
    if is_replaced:
        return Validity.REPLACED
    if state is DocumentState.WITHDRAWN:
        return Validity.WITHDRAWN
    revoked = [each is CaseState.REVOKED for each in cases]
    if kind in (DocumentKind.REFUSAL, DocumentKind.REVOCATION) or not any(revoked):
        return Validity.VALID
    return Validity.REVOKED if all(revoked) else Validity.PARTLY_REVOKED


def plain_code(text: str) -> str:
    """Read a verification code as people write it; what cannot be one is like an unknown one."""
    code = text.upper().replace("-", "").replace(" ", "")
    if len(code) != CODE_CHARS or set(code) - set(CODE_ALPHABET):
        raise code_unknown()
    return code


def grouped_code(code: str) -> str:
    return "-".join(code[at : at + CODE_GROUP] for at in range(0, len(code), CODE_GROUP))


def code_unknown() -> NotFound:
    return NotFound(
        "没有这个验证码的文书：请核对文书上的验证码，仍不符的，文书不是本平台制发的。",
        "No document has this code: check it against the paper; if it still fails, the paper is"
        " none of ours.",
        code="verification-code-unknown",
    )


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


NAME_CHARS_SHORT = 4


def masked_name(name: str) -> str:
    """Show so much of a name that its holder knows it, and nobody else learns it."""
    if len(name) <= NAME_CHARS_SHORT:
        return name[:1] + "*" * (len(name) - 1)
    return f"{name[:2]}***{name[-2:]}"


def yuan(fen: int) -> str:
    """Write fen as yuan with two decimals, in groups of three."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02}"


DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
PLACES: Final = ("", "拾", "佰", "仟")
FEN_MAX: Final = 10**18 - 1


def capital_amount(fen: int) -> str:
    """Write an amount in Chinese capitals as on a voucher (支付结算办法附一)."""
    if not 0 <= fen <= FEN_MAX:
        raise ValueError("the amount is outside what can be written in capitals")
    whole, rest = divmod(fen, 100)
    tenths, hundredths = divmod(rest, 10)
    text = f"{_capital(whole)}元" if whole or not rest else ""
    if tenths:
        text += f"{DIGITS[tenths]}角"
    elif hundredths and whole:
        text += "零"
    return text + (f"{DIGITS[hundredths]}分" if hundredths else "整")


def _capital(number: int) -> str:
    for base, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= base:
            high, low = divmod(number, base)
            # A place that is empty before other digits is read as one 零.
            gap = "零" if 0 < low < base // 10 else ""
            return f"{_capital(high)}{unit}{gap}{_capital(low) if low else ''}"
    if not number:
        return DIGITS[0]
    digits = f"{number}"
    places = zip(digits, range(len(digits) - 1, -1, -1), strict=True)
    written = "".join("零" if d == "0" else DIGITS[int(d)] + PLACES[p] for d, p in places)
    return re.sub("零+", "零", written).rstrip("零")


def chinese_day(day: date) -> str:
    """Write a day as official documents do, without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"
