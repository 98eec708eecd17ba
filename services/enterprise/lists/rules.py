"""What a version of a list may hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.enterprise.codes.uscc import UsccInvalid, canonical_uscc
from services.enterprise.contract.events import LIST_PART_ITEMS_MAX
from services.enterprise.vocabulary.rules import INTEGER_MAX, FieldFault
from services.kernel.errors import FieldError, Invalid

ITEMS_MAX = 100_000
EXTRA_FIELDS_MAX = 30
EXTRA_CHARS_MAX = 500
FAULTS_SHOWN_MAX = 100
LIST_ID = re.compile(r"[a-z][a-z0-9-]{1,63}", re.ASCII)


def check_list_id(text: str) -> str:
    if not LIST_ID.fullmatch(text):
        raise FieldFault(
            "list-id-format",
            "名单编号须为2至64个小写字母、数字和连字符，以字母开头。",
            "A list's id has 2 to 64 lower-case letters, digits and hyphens, a letter first.",
        )
    return text


def check_extra(extra: Mapping[str, Any]) -> None:
    """Let an item carry plain values beside its code: a rank, an amount, a remark."""
    if len(extra) > EXTRA_FIELDS_MAX:
        raise FieldFault(
            "item-too-wide", f"每项至多{EXTRA_FIELDS_MAX}个附加字段。",
            f"An item has at most {EXTRA_FIELDS_MAX} further fields.",
        )  # fmt: skip
    if not all(len(name) <= EXTRA_CHARS_MAX and _is_plain(each) for name, each in extra.items()):
        raise FieldFault(
            "item-value", "附加字段只接受短文本、整数和布尔值。",
            "Further fields hold short text, integers and booleans only.",
        )  # fmt: skip


def canonical_items(given: Sequence[str]) -> list[str]:
    """Bring the codes of all items into canonical form, or say which are wrong or named twice."""
    usccs: list[str] = []
    first_at: dict[str, int] = {}
    faults: list[FieldError] = []
    for position, text in enumerate(given):
        try:
            uscc = canonical_uscc(text)
        except UsccInvalid as fault:
            faults.append(_fault(position, fault.code, fault.zh, fault.en))
            continue
        if uscc in first_at:
            first = first_at[uscc] + 1
            zh, en = f"与第{first}项重复。", f"Repeats item {first}."
            faults.append(_fault(position, "item-duplicate", zh, en))
        first_at.setdefault(uscc, position)
        usccs.append(uscc)
    if faults:
        raise Invalid(
            f"名单中有{len(faults)}项不符合要求，请按errors逐项更正。",
            f"{len(faults)} items of the list do not fit; see errors.",
            code=faults[0].code if len({f.code for f in faults}) == 1 else "",
            errors=faults[:FAULTS_SHOWN_MAX],
        )
    return usccs


def in_parts(usccs: Sequence[str]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Cut a version into its parts: number, how many, and the codes; an empty list is one part."""
    parts = max(1, -(-len(usccs) // LIST_PART_ITEMS_MAX))
    for part in range(1, parts + 1):
        first = (part - 1) * LIST_PART_ITEMS_MAX
        yield part, parts, tuple(usccs[first : first + LIST_PART_ITEMS_MAX])


def _fault(position: int, code: str, zh: str, en: str) -> FieldError:
    number = position + 1
    return FieldError(
        f"/items/{position}/uscc", code, f"第{number}项：{zh}", f"Item {number}: {en}"
    )


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= EXTRA_CHARS_MAX
    if isinstance(value, int):
        return abs(value) <= INTEGER_MAX
    return value is None
