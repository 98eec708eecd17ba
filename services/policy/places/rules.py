"""Who holds a place of a call, and what a call's budget still has, on plain values."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.errors import Conflict
from services.policy.cases.rules import CaseState, Outcome, ReservationState
from services.rulebook.reasons import yuan

# Beside what is proposed for approval: whose approval is under way, or was given.
HELD_IN = (
    CaseState.IN_NOTICE, CaseState.SUSPENDED, CaseState.DECIDED, CaseState.AWARDED,
    CaseState.CLOSED,
)  # fmt: skip
# What finance is asked for or holds is spoken for, in whatever state the case waits.
SPOKEN_FOR = (ReservationState.PENDING, ReservationState.RESERVED)


@dataclass(frozen=True)
class Claim:
    """What a case takes of its call's budget: what is held for it, else what it asks."""

    reservation: ReservationState
    asked_fen: int | None
    reserved_fen: int | None

    @property
    def amount_fen(self) -> int | None:
        """Give the amount; None is not known, and no zero."""
        if self.reservation is ReservationState.RESERVED and self.reserved_fen is not None:
            return self.reserved_fen
        return self.asked_fen


def holds_place(state: CaseState, outcome: str | None) -> bool:
    """Tell whether a case holds a place: it is proposed for approval, or further."""
    if state is CaseState.PROPOSED:
        return outcome == Outcome.APPROVE
    return state in HELD_IN


def require_free(quota: int, held: int, *, tied_within: int = 0) -> None:
    """Refuse a place where others hold them all, whatever an earlier ranking said.

    Where a call takes all who tie, so many are within as its ranking took.
    """
    if held >= max(quota, tied_within):
        raise Conflict(
            f"本批次限{quota}个名额，已有{held}件提请批准或已决定，没有余额；"
            "如有办件退出，请重新排序。",
            f"The call has {quota} places and {held} cases hold them; if one of them leaves, rank"
            " anew.",
            code="places-taken",
        )


def require_within(budget_fen: int, claims: Sequence[Claim], asked_fen: int) -> None:
    """Refuse what a call's budget no longer covers; what is not known counts as no number."""
    amounts = [each.amount_fen for each in claims]
    unknown = sum(1 for each in amounts if each is None)
    if unknown:
        raise Conflict(
            f"本批次有{unknown}件已提请的办件金额不明，不能核对预算；请待财政答复后再提请。",
            f"The amount of {unknown} proposed case(s) of the call is not known, so its budget"
            " cannot be checked; propose this one once finance has answered.",
            code="call-budget-unknown",
        )
    held = sum(each for each in amounts if each is not None)
    if held + asked_fen > budget_fen:
        left = max(0, budget_fen - held)
        raise Conflict(
            f"本批次预算{yuan(budget_fen)}元，已提请和已核定{yuan(held)}元，尚余{yuan(left)}元，"
            f"本件{yuan(asked_fen)}元超出余额；请待余额增加后再提请，或者由其他批次受理。",
            f"The call's budget is {yuan(budget_fen)} yuan, {yuan(held)} are proposed or held and"
            f" {yuan(left)} left; this case asks {yuan(asked_fen)}. Propose it once more is left,"
            " or have it taken under another call.",
            code="call-budget-exceeded",
        )
