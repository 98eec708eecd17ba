"""What may be done to many cases at once, and how each item is answered, on plain values."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.kernel.errors import FieldError, Invalid, Refusal, TooMany
from services.policy.cases.rules import EVENT_NAMES, OFFICERS, OWNERS, CaseEvent

ITEMS_MAX = 500
ITEMS_A_STEP = 10
OPEN_BATCHES_MAX = 5
RETRY_S = 5
# What officers do; an applicant's own events are never another's to do.
EVENTS = frozenset(event for event, whose in OWNERS.items() if whose <= OFFICERS)


def require_officers_event(event: CaseEvent) -> None:
    """Take only what officers do to cases."""
    if event not in EVENTS:
        names = [EVENT_NAMES[each] for each in CaseEvent if each in EVENTS]
        zh = f"批量办理限于：{'、'.join(name[0] for name in names)}。"
        en = f"A batch is for: {', '.join(name[1] for name in names)}."
        raise Invalid(
            zh, en, code="event-not-batched",
            errors=[FieldError("/event", "event-not-batched", zh, en)],
        )  # fmt: skip


def require_once(cases: Iterable[UUID]) -> None:
    """Refuse a case that is named twice: its second item could not know the next version."""
    seen = set[UUID]()
    for position, case in enumerate(cases):
        if case in seen:
            zh, en = "同一办件只能列一次。", "A case is listed once only."
            pointer = f"/items/{position}/case"
            raise Invalid(
                zh, en, code="case-twice", errors=[FieldError(pointer, "case-twice", zh, en)]
            )
        seen.add(case)


def require_room(open_batches: int) -> None:
    if open_batches >= OPEN_BATCHES_MAX:
        raise TooMany(
            f"您已有{OPEN_BATCHES_MAX}批正在办理，请待其完成。",
            f"You have {OPEN_BATCHES_MAX} batches under way; wait until one is over.",
            code="batches-under-way", retry_after_s=RETRY_S,
        )  # fmt: skip


def lock_order(cases: Iterable[UUID]) -> list[int]:
    """Give the places in the order in which cases are locked everywhere: none waits across."""
    numbered = sorted((str(case), position) for position, case in enumerate(cases))
    return [position for _, position in numbered]


def problem_of(refusal: Refusal) -> Mapping[str, Any]:
    """Word a refusal as the single event would have answered it, in both languages."""
    return {
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.zh,
        "detail_en": refusal.en,
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": e.zh, "detail_en": e.en}
            for e in refusal.errors
        ],
    }
