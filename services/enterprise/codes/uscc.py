"""统一社会信用代码 (GB 32100-2015): brought into canonical form, or refused with what is wrong."""

import unicodedata

from stdnum.cn import uscc

LENGTH = 18
DIGITS_ONLY = 8
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CONFUSABLE = "IOSVZ"
ORGANISATION = slice(8, 16)
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


class UsccInvalid(ValueError):
    """Says in both languages which position is wrong; never repeats what was sent."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


def canonical_uscc(text: str) -> str:
    """Give the code as registers write it: half width, no spaces, upper case, all checks passed."""
    code = _plain(text)
    _require_length(code)
    for position, character in enumerate(code, start=1):
        _require_allowed(position, character)
    if code[-1] != uscc.calc_check_digit(code):
        raise _check_digit_wrong(LENGTH, "校验码", "the check digit")
    if code[16] != organisation_check_digit(code[ORGANISATION]):
        raise _check_digit_wrong(
            17, "主体标识码的校验码", "the check digit of the organisation code"
        )
    return code


def organisation_check_digit(base: str) -> str:
    """Compute the ninth character of an organisation code from its first eight (GB 11714)."""
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(base, ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X"[-total % 11]


def _plain(text: str) -> str:
    """Fold full width to half; drop white space and invisible characters."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        each for each in folded if not each.isspace() and unicodedata.category(each) != "Cf"
    ).upper()


def _require_length(code: str) -> None:
    if len(code) != LENGTH:
        raise UsccInvalid(
            "uscc-length",
            f"统一社会信用代码应为{LENGTH}位，现为{len(code)}位。",
            f"A unified social credit code has {LENGTH} characters; this has {len(code)}.",
        )


def _require_allowed(position: int, character: str) -> None:
    if character in CONFUSABLE:
        raise UsccInvalid(
            "uscc-character",
            f"第{position}位是字母{character}；统一社会信用代码不使用I、O、S、V、Z。",
            f"Position {position} is the letter {character}; the code never uses I, O, S, V, Z.",
        )
    if character not in ALPHABET:
        raise UsccInvalid(
            "uscc-character",
            f"第{position}位不是统一社会信用代码可用的字符。",
            f"Position {position} is not a character of the code.",
        )
    if position <= DIGITS_ONLY and not character.isdigit():
        raise UsccInvalid(
            "uscc-character",
            f"第{position}位应为数字：前{DIGITS_ONLY}位只用数字。",
            f"Position {position} must be a digit: the first {DIGITS_ONLY} are digits only.",
        )


def _check_digit_wrong(position: int, zh: str, en: str) -> UsccInvalid:
    return UsccInvalid(
        "uscc-check-digit",
        f"第{position}位（{zh}）与其他各位不符，请核对是否录错。",
        f"Position {position}, {en}, does not fit the others; please look for a slip of typing.",
    )
