"""Drawing lots on plain values: who is drawn follows from the list and a seed, and from no person.

The list is frozen and hashed first; the seed is a public value of a later day. Whoever has both
draws the same cases and the same inspectors.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.aftermath.rules import event_not_allowed

FULL_BP: Final = 10_000
INSPECTORS_EACH: Final = 2


class DrawState(StrEnum):
    PLANNED = "planned"
    DRAWN = "drawn"


class DrawEvent(StrEnum):
    DRAW = "draw"


class CheckState(StrEnum):
    DRAWN = "drawn"
    REPORTED = "reported"
    PASSED = "passed"
    FAILED = "failed"


class CheckEvent(StrEnum):
    REPORT = "report"
    CONFIRM = "confirm"
    RETURN = "return"


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


DRAW, CHECK = "check-draw", "check"
DRAW_NAMES, CHECK_NAMES = ("抽查计划", "Draw"), ("抽查件", "Check")
PLANNED_EVENT, DRAWN_EVENT = "planned", "drawn"
OPEN = (CheckState.DRAWN, CheckState.REPORTED)
_S, _E = CheckState, CheckEvent
# What `confirm` leads to is what was reported.
NEXT: Mapping[CheckState, tuple[CheckEvent, ...]] = {
    _S.DRAWN: (_E.REPORT,),
    _S.REPORTED: (_E.CONFIRM, _E.RETURN),
    _S.PASSED: (),
    _S.FAILED: (),
}
DRAW_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    DrawState.PLANNED: ("已定名单待摇号", "Planned"), DrawState.DRAWN: ("已抽取", "Drawn"),
}  # fmt: skip
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.DRAWN: ("待检查", "Drawn"), _S.REPORTED: ("已报待复核", "Reported"),
    _S.PASSED: ("合格", "Passed"), _S.FAILED: ("不合格", "Failed"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    PLANNED_EVENT: ("定名单", "Planned"), DRAWN_EVENT: ("抽中", "Drawn"),
    DrawEvent.DRAW: ("摇号", "Draw"), _E.REPORT: ("报检查结果", "Report"),
    _E.CONFIRM: ("复核确认", "Confirm"), _E.RETURN: ("退回", "Return"),
}  # fmt: skip
OUTCOME_NAMES: Mapping[str, tuple[str, str]] = {
    CheckOutcome.PASSED: ("合格", "Passed"), CheckOutcome.FAILED: ("不合格", "Failed"),
}  # fmt: skip


@dataclass(frozen=True)
class Lot:
    """A case that was drawn, and who inspects it."""

    case: UUID
    position: int
    inspectors: tuple[str, ...]


def list_sha256(cases: Collection[UUID]) -> str:
    """Hash the list that lots are drawn from; its order says nothing."""
    return _hash("\n".join(sorted(str(each) for each in cases)))


def picks(cases: int, *, share_bp: int | None, count: int | None) -> int:
    """Give how many are drawn: a share rounded up, or a number; one at least, all at most."""
    wanted = count if count is not None else -(-cases * (share_bp or 0) // FULL_BP)
    return min(cases, max(1, wanted))


def seed_sha256(list_hash: str, seed: str) -> str:
    """Bind the public seed to the list that it was not known for."""
    return _hash(f"{list_hash}|{seed}")


def draw(
    cases: Collection[UUID],
    seed_hash: str,
    number: int,
    inspectors: Sequence[str],
    excluded: Mapping[UUID, Collection[str]],
) -> list[Lot]:
    """Draw cases and inspectors; whoever handled a case is not among its inspectors."""
    ordered = sorted(cases, key=lambda case: (_hash(f"{seed_hash}|{case}"), str(case)))
    return [
        Lot(case, position, _inspectors(case, seed_hash, inspectors, excluded.get(case, ())))
        for position, case in enumerate(ordered[:number], start=1)
    ]


def _inspectors(
    case: UUID, seed_hash: str, pool: Sequence[str], excluded: Collection[str]
) -> tuple[str, ...]:
    free = [subject for subject in pool if subject not in excluded]
    free.sort(key=lambda subject: (_hash(f"{seed_hash}|{case}|{subject}"), subject))
    return tuple(free[:INSPECTORS_EACH])


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def require_list(cases: int) -> None:
    if not cases:
        raise Conflict(
            "该批次没有获批的办件，无可抽查。", "No case of this call was approved.",
            code="nothing-awarded",
        )  # fmt: skip


def require_pool(subjects: Sequence[str]) -> None:
    if len(set(subjects)) != len(subjects):
        raise invalid_field(
            "/inspectors", "inspector-twice", "检查人员不得重复。", "No inspector is named twice."
        )


def require_coming(seed_on: date, today: date) -> None:
    """Name a seed that nobody knows yet: of a day after the list is frozen."""
    if seed_on <= today:
        raise invalid_field(
            "/seed_on", "seed-known", f"公开数值须产生于名单确定之后（晚于{today}）。",
            f"The public value must be of a day after the list is frozen ({today}).",
        )  # fmt: skip


def require_planned(state: DrawState) -> None:
    if state is not DrawState.PLANNED:
        raise event_not_allowed(
            DRAW_NAMES, DRAW_STATE_NAMES[state], EVENT_NAMES[DrawEvent.DRAW], ()
        )


def require_seed_day(seed_on: date, today: date) -> None:
    if today < seed_on:
        raise Conflict(
            f"公开数值于{seed_on}产生，此前不能摇号。",
            f"The public value is of {seed_on}; nothing is drawn before that.",
            code="seed-not-yet",
        )


def require_inspectors(lots: Sequence[Lot]) -> None:
    """Draw nothing where a case would not have two who never handled it."""
    if any(len(lot.inspectors) < INSPECTORS_EACH for lot in lots):
        raise Conflict(
            "有被抽中的办件，未办理过它的检查人员不足两名；请增列检查人员后重新定名单。",
            "A drawn case has fewer than two inspectors who never handled it; plan anew with more.",
            code="inspectors-few",
        )


def require_event(state: CheckState, event: CheckEvent) -> None:
    if event not in NEXT[state]:
        names = [EVENT_NAMES[each] for each in NEXT[state]]
        raise event_not_allowed(CHECK_NAMES, STATE_NAMES[state], EVENT_NAMES[event], names)


def require_inspector(subject: str, inspectors: Collection[str]) -> None:
    if subject not in inspectors:
        raise Forbidden(
            "抽查由抽中的两名检查人员办理。",
            "A check is done by the two inspectors who were drawn.",
            code="not-your-check",
        )


def require_other_inspector(subject: str, reported_by: str | None) -> None:
    if subject == reported_by:
        raise Forbidden(
            "检查结果须由另一名检查人员复核。",
            "What one inspector reports the other one confirms.",
            code="four-eyes",
        )


def require_checked_on(checked_on: date, drawn_on: date, today: date) -> None:
    if not drawn_on <= checked_on <= today:
        raise invalid_field(
            "/data/checked_on", "day-out-of-order",
            f"检查日须在{drawn_on}（摇号之日）至今日之间。",
            f"It was checked between the draw ({drawn_on}) and today.",
        )  # fmt: skip
