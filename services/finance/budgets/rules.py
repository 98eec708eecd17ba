"""When a budget line may be spent from, and which line an award is taken from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from services.finance.moves import Words, event_not_allowed, four_eyes

THING = ("预算指标", "The budget line")


class BudgetState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"


class BudgetEvent(StrEnum):
    APPROVE = "approve"


BUDGET_STATE_NAMES = {
    BudgetState.DRAFT: ("待批准", "draft"),
    BudgetState.APPROVED: ("已批准", "approved"),
}
BUDGET_EVENT_NAMES = {BudgetEvent.APPROVE: ("批准", "approve")}

NEXT = {
    BudgetState.DRAFT: {BudgetEvent.APPROVE: BudgetState.APPROVED},
    BudgetState.APPROVED: {},
}


@dataclass(frozen=True)
class Line:
    """An approved budget line and what is left on it."""

    id: UUID
    name: str
    year: int
    available_fen: int


@dataclass(frozen=True)
class Shortage:
    """Why no line can bear an award; the figures in `detail` are not for the applicant."""

    code: str
    zh: str
    en: str
    detail: dict[str, str | int] = field(default_factory=dict[str, str | int])


def move(state: str, event: BudgetEvent) -> BudgetState:
    """Give the state that follows, or refuse."""
    following = NEXT[BudgetState(state)]
    if event not in following:
        names = [BUDGET_EVENT_NAMES[each] for each in following]
        raise event_not_allowed(THING, BUDGET_STATE_NAMES[BudgetState(state)], names)
    return following[event]


def require_another_person(created_by: str, subject: str) -> None:
    """Refuse the approval of one's own line."""
    if created_by == subject:
        raise four_eyes(
            "预算指标须由编制人以外的人批准。", "A budget line is approved by a second person."
        )


def choose_line(lines: Sequence[Line], amount_fen: int, purpose: Words) -> Line | Shortage:
    """Take the first line that holds enough; lines come in the order of their making."""
    if not lines:
        zh, en = purpose
        return Shortage(
            "no-budget-line",
            f"{zh}没有已批准的预算指标。",
            f"There is no approved budget line for {en}.",
        )
    for line in lines:
        if line.available_fen >= amount_fen:
            return line
    most = max(lines, key=lambda line: line.available_fen)
    return Shortage(
        "budget-exhausted",
        f"预算不足：预算指标“{most.name}”暂不足以安排。",
        f"The budget is exhausted: the line {most.name} cannot bear this.",
        {"line": str(most.id), "available_fen": most.available_fen, "needed_fen": amount_fen},
    )
