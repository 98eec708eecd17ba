"""When a recognition holds, and what may happen to it."""

from datetime import date
from enum import StrEnum

from services.enterprise.vocabulary.rules import FieldFault, nearest, recognition, recognitions
from services.kernel.errors import Conflict, invalid_field


class State(StrEnum):
    HELD = "held"
    REVOKED = "revoked"
    # Ended by another record of the same title that took its place.
    SUPERSEDED = "superseded"


class Move(StrEnum):
    REVOKE = "revoke"


STATES: dict[str, tuple[str, str]] = {
    State.HELD: ("有效期内或待生效", "Recorded"),
    State.REVOKED: ("已撤销", "Revoked"),
    State.SUPERSEDED: ("已由新的认定接替", "Superseded"),
}
NEXT: dict[State, dict[Move, State]] = {
    State.HELD: {Move.REVOKE: State.REVOKED},
    State.REVOKED: {},
    State.SUPERSEDED: {},
}


def moved(state: State, move: Move) -> State:
    """Give the state that an event leads to, or refuse it with what is allowed."""
    allowed = NEXT[state]
    if move not in allowed:
        shown = "、".join(allowed) or "无"
        raise Conflict(
            f"该认定处于{STATES[state][0]}状态，不能{move}；允许的操作：{shown}。",
            f"The recognition is {state}; it allows: {', '.join(allowed) or 'nothing'}.",
            code="event-not-allowed",
        )
    return allowed[move]


def check_recognition(id_: str) -> str:
    if recognition(id_) is None:
        meant = nearest(id_, [each.id for each in recognitions()])
        raise FieldFault(
            "recognition-unknown",
            f"没有这项认定。是否指{meant}？" if meant else "没有这项认定，见代码表recognitions。",
            f"There is no such recognition. Is {meant} meant?"
            if meant
            else "There is no such recognition; see the code list recognitions.",
        )
    return id_


def holds_on(day: date, valid_from: date, valid_to: date | None, revoked_on: date | None) -> bool:
    """Tell whether a title holds: its last day counts, the day of its revocation no longer."""
    return (
        valid_from <= day
        and (valid_to is None or day <= valid_to)
        and (revoked_on is None or day < revoked_on)
    )


def overlap(first: tuple[date, date | None, date | None], second: tuple[date, date | None]) -> bool:
    """Tell whether a title (from, to, revoked on) and a new one (from, to) hold on a common day."""
    valid_from, valid_to, revoked_on = first
    new_from, new_to = second
    begins = max(valid_from, new_from)
    return holds_on(begins, valid_from, valid_to, revoked_on) and (
        new_to is None or begins <= new_to
    )


def require_revocable(on: date, valid_from: date, valid_to: date | None, today: date) -> None:
    if on > today:
        raise invalid_field(
            "/data/on", "date-in-future",
            "撤销日不能晚于今天。", "The day of revocation cannot lie in the future.",
        )  # fmt: skip
    if on < valid_from or (valid_to is not None and on > valid_to):
        raise invalid_field(
            "/data/on", "date-outside-validity",
            "撤销日须在有效期内。", "The day of revocation must lie within the validity.",
        )  # fmt: skip
