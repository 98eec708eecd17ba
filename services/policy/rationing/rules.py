"""More demand than budget, on plain values: a share for all, the best first, who comes first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

BASIS_POINTS = 10_000


class Oversubscription(StrEnum):
    """How more demand than budget is met."""

    PRO_RATA = "pro-rata"
    RANKED = "ranked"
    FIRST_COME = "first-come"


@dataclass(frozen=True)
class Demand:
    """What a firm would receive from a budget, and its rank; None is not known."""

    amount_fen: int
    rank: Fraction | None = None


def rank_of(text: str | None) -> Fraction | None:
    """Read a rank as it was kept."""
    return None if text is None else Fraction(text)


@dataclass(frozen=True)
class Shared:
    """What becomes of a budget that is too small."""

    served: tuple[int, int]
    paid_fen: int | None
    share_bp: int | None = None
    tied: int = 0
    unranked: int = 0


def pro_rata(demands: Sequence[Demand], budget_fen: int) -> Shared:
    """Give everyone the same share of what is due, rounded down to the fen."""
    total = sum(each.amount_fen for each in demands)
    paid = sum(each.amount_fen * budget_fen // total for each in demands) if total else 0
    share = budget_fen * BASIS_POINTS // total if total else BASIS_POINTS
    return Shared((len(demands), len(demands)), paid, share_bp=share)


def ranked(demands: Sequence[Demand], budget_fen: int) -> Shared:
    """Serve in full who ranks highest; a tie that the rest does not cover is left to people."""
    by_rank: dict[Fraction, list[int]] = {}
    for each in demands:
        if each.rank is not None:
            by_rank.setdefault(each.rank, []).append(each.amount_fen)
    served = paid = tied = 0
    for rank in sorted(by_rank, reverse=True):
        amounts = by_rank[rank]
        if paid + sum(amounts) > budget_fen:
            tied = len(amounts) if len(amounts) > 1 else 0
            break
        served += len(amounts)
        paid += sum(amounts)
    unranked = sum(each.rank is None for each in demands)
    return Shared((served, served), paid, tied=tied, unranked=unranked)


def first_come(demands: Sequence[Demand], budget_fen: int) -> Shared:
    """Nobody has applied yet: tell how many are reached at the least and at the most."""
    amounts = sorted(each.amount_fen for each in demands)
    most, least = _reach(amounts, budget_fen), _reach(reversed(amounts), budget_fen)
    return Shared((least, most), None)


def _reach(amounts: Iterable[int], budget_fen: int) -> int:
    count = 0
    for amount in amounts:
        budget_fen -= amount
        if budget_fen < 0:
            break
        count += 1
    return count


SHARERS = {
    Oversubscription.PRO_RATA: pro_rata,
    Oversubscription.RANKED: ranked,
    Oversubscription.FIRST_COME: first_come,
}
