"""What a firm's profile may say, and how names are searched."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.enterprise.codes.industries import industry
from services.enterprise.codes.towns import is_division_code, town
from services.enterprise.vocabulary.rules import FactValue, FieldFault

NAME_CHARS_MAX = 200
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

# The columns of the profile that are facts, too; the others are of the registration alone.
FISCAL_JURISDICTION = "fiscal_jurisdiction"
PROFILE_FACTS = ("established_on", "industry_code", "town_code", "registration_authority_code")
# Whose word each field of the profile is: the fact whose owner may change it.
OWNED_AS: Mapping[str, str] = {
    "name": "registration_authority_code",
    "domicile_address": "registration_authority_code",
    "legal_form": "registration_authority_code",
    FISCAL_JURISDICTION: "is_city_level",
    **{each: each for each in PROFILE_FACTS},
}


@dataclass(frozen=True)
class Dated:
    """A value from a day on."""

    valid_from: date
    value: FactValue | None


def clean_text(text: str) -> str:
    """Compose a text (NFC) and trim it; refuse what cannot be seen, and text that is empty."""
    composed = unicodedata.normalize("NFC", text).strip()
    if not composed:
        raise FieldFault("text-empty", "不能为空。", "Must not be empty.")
    if any(unicodedata.category(each) in INVISIBLE for each in composed):
        raise FieldFault(
            "text-characters",
            "含有控制字符或不可见字符。",
            "Holds control or invisible characters.",
        )
    return composed


def check_name(text: str) -> str:
    name = clean_text(text)
    if len(name) > NAME_CHARS_MAX:
        raise FieldFault(
            "name-length",
            f"名称须为1至{NAME_CHARS_MAX}个字符。",
            f"A name has 1 to {NAME_CHARS_MAX} characters.",
        )
    return name


def check_industry(code: str) -> str:
    """Accept a division, group or class of GB/T 4754-2017."""
    if industry(code) is None:
        raise FieldFault(
            "industry-unknown",
            "不是GB/T 4754-2017的行业代码（大类2位、中类3位、小类4位）。",
            "Not a code of GB/T 4754-2017 (2, 3 or 4 digits).",
        )
    return code


def check_town(code: str) -> str:
    if town(code) is None:
        raise FieldFault(
            "town-unknown",
            "不是慈溪市镇（街道、园区）的9位代码，见代码表towns。",
            "Not the 9-digit code of a town or zone of Cixi; see the code list towns.",
        )
    return code


def check_division(code: str) -> str:
    if not is_division_code(code):
        raise FieldFault(
            "division-format",
            "须为6位或9位行政区划代码。",
            "Must be a division code of 6 or 9 digits.",
        )
    return code


PROFILE_CHECKS: Mapping[str, Callable[[str], str]] = {
    "industry_code": check_industry,
    "town_code": check_town,
    "registration_authority_code": check_division,
}


def registration_authority_of(uscc: str) -> str:
    """Read the registration authority's division: digits 3 to 8 (GB 32100-2015)."""
    return uscc[2:8]


def normal_name(name: str) -> str:
    """Fold width and case and drop spaces, so that a name is found however it is typed."""
    return "".join(unicodedata.normalize("NFKC", name).lower().split())


def name_tokens(normal: str) -> list[str]:
    """Cut a folded name into its characters and pairs of characters."""
    pairs = {normal[n : n + 2] for n in range(len(normal) - 1)}
    return sorted({*normal, *pairs})


def search_tokens(normal: str) -> list[str]:
    """Give the tokens that every name with this text in it has."""
    return name_tokens(normal) if len(normal) == 1 else [t for t in name_tokens(normal) if t[1:]]


def value_on(line: Sequence[Dated], on: date) -> FactValue | None:
    """Give the value in force on a day; the line is in order of its days."""
    value = None
    for each in line:
        if each.valid_from > on:
            break
        value = each.value
    return value


def rests_on_firm(owned: Sequence[Dated], declared: Sequence[Dated], on: date) -> bool:
    """Tell whether a value in force on a day has only the firm's own word behind it."""
    return value_on(owned, on) is None and value_on(declared, on) is not None


def joined_line(owned: Sequence[Dated], declared: Sequence[Dated]) -> list[Dated]:
    """Let the owner's word stand wherever there is one, and the firm's own where there is none."""
    joined: list[Dated] = []
    for day in sorted({each.valid_from for each in (*owned, *declared)}):
        value = value_on(owned, day)
        if value is None:
            value = value_on(declared, day)
        if value != (joined[-1].value if joined else None):
            joined.append(Dated(day, value))
    return joined
