"""Whether an answer is ground enough to propose an amount, on plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.kernel.errors import Conflict
from services.rulebook import Assessment, Fact


@dataclass(frozen=True)
class JudgedFact:
    """A fact that people judged for this case alone; `source` says who, and where it stands."""

    value: int
    source: Mapping[str, Any]


def require_not_refused(assessment: Assessment) -> None:
    """Propose for approval nothing that the rule refuses."""
    if assessment.outcome == "ineligible":
        failed = [c for c in assessment.conditions if c["outcome"] == "false"]
        says = "；".join(str(c["says"]) for c in failed)
        ids = ", ".join(str(c["id"]) for c in failed)
        raise Conflict(
            f"不符合条件，不能提请批准：{says}。",
            f"Not eligible, failed: {ids}.",
            code="not-eligible",
        )


def require_payable(assessment: Assessment, vocabulary: Mapping[str, Fact]) -> int:
    """Give the amount to propose, or say why there is none yet."""
    require_not_refused(assessment)
    if assessment.outcome == "unknown" or assessment.amount_status == "unknown-fact":
        raise unknown_grounds(assessment, vocabulary)
    if assessment.amount_fen is None:
        raise Conflict(
            "金额所依据的参数尚未确定，不能提请批准；请先报批该参数。",
            "The amount waits for a parameter that is not set; have it set first.",
            code="amount-pending-parameter",
        )
    if assessment.amount_fen == 0:
        raise Conflict(
            "按规则计算的金额为零，不能提请批准。",
            "The amount is zero; there is nothing to award.",
            code="amount-zero",
        )
    return assessment.amount_fen


def unknown_grounds(assessment: Assessment, vocabulary: Mapping[str, Fact]) -> Conflict:
    """Name the conditions that are open and the facts that are missing."""
    unknown = [c for c in assessment.conditions if c["outcome"] == "unknown"]
    says = [str(c["says"]) for c in unknown]
    ids = [str(c["id"]) for c in unknown]
    lacks = [_lack(str(m["fact"]), m["year"], vocabulary) for m in assessment.missing]
    return Conflict(
        f"尚不能判定，不能提请批准：待判定条件：{'；'.join(says) or '无'}；"
        f"缺少事实：{'、'.join(zh for zh, _ in lacks) or '无'}。",
        f"Not yet decidable: conditions {', '.join(ids) or 'none'};"
        f" missing facts {', '.join(en for _, en in lacks) or 'none'}.",
        code="facts-unknown",
    )


def _lack(name: str, year: int | None, vocabulary: Mapping[str, Fact]) -> tuple[str, str]:
    """Name a missing fact in Chinese and English."""
    fact = vocabulary.get(name)
    zh, en = (fact.title or "未命名的事实", fact.english or name) if fact else ("名录或称号", name)
    return (f"{zh}（{year}年）", f"{en} ({year})") if year else (zh, en)
