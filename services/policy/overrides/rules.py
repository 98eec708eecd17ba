"""How far an officer may depart from a rule, on plain values."""

from dataclasses import dataclass

from services.kernel.errors import Conflict, Invalid, invalid_field
from services.rulebook.reasons import yuan

REASON_CHARS_MIN, REASON_CHARS_MAX = 10, 1000
AMOUNT_FEN_MAX = 10**15
AMOUNT = "/data/override/amount_fen"


@dataclass(frozen=True)
class RuleResult:
    """What a rule gave, what it computes with its conditions aside, and what it could ever pay.

    `computed_fen` is None where a fact is unknown; `most_fen` is the bound over all facts under the
    numbers in force.
    """

    outcome: str
    granted_fen: int | None
    computed_fen: int | None
    most_fen: int
    waits_for_number: bool


def require_departure(outcome: str, asked_fen: int | None) -> None:
    """Depart from the rule of a programme that gives no money, where there is something to."""
    if asked_fen is not None:
        raise invalid_field(
            AMOUNT, "amount-without-money", "该项目不给予资金，不填写金额。",
            "The programme gives no money; name no amount.",
        )  # fmt: skip
    if outcome == "eligible":
        raise nothing_overridden()


def nothing_overridden() -> Invalid:
    return invalid_field(
        "/data/override", "nothing-overridden", "与规则的结果相同，不必突破规则。",
        "This is what the rule gives; nothing is overridden.",
    )  # fmt: skip


def amount_of(result: RuleResult, asked_fen: int | None) -> int:
    """Give the amount to propose against the rule's result, or say why it cannot be proposed."""
    if result.waits_for_number:
        # A number that the city has not set is set by two people, not by one officer's reason.
        raise Conflict(
            "条件或金额所依据的参数尚未确定，不能以突破规则代替；请先报批该参数。",
            "A condition or the amount waits for a parameter that is not set; an override does not"
            " take its place. Have it set first.",
            code="amount-pending-parameter",
        )
    amount_fen = result.computed_fen if asked_fen is None else asked_fen
    if amount_fen is None:
        raise invalid_field(
            AMOUNT, "amount-required", "依据的事实未知，规则算不出金额，请写明金额。",
            "A fact is unknown and the rule computes no amount; name one.",
        )  # fmt: skip
    if amount_fen <= 0:
        raise Conflict(
            "按规则计算的金额为零，请写明金额。",
            "The rule computes zero; name the amount.", code="amount-zero",
        )  # fmt: skip
    if amount_fen > result.most_fen:
        raise invalid_field(
            AMOUNT, "amount-beyond-rule",
            f"该项目在任何情形下至多{yuan(result.most_fen)}元，突破规则也不能超过。",
            f"Whatever the facts, the rule pays at most {yuan(result.most_fen)} yuan; an override"
            " does not exceed that.",
        )  # fmt: skip
    if result.outcome == "eligible" and amount_fen == result.granted_fen:
        raise nothing_overridden()
    return amount_fen
