"""Writing what a payment document says: payees, clauses, subjects, and the exact total."""

from collections.abc import Sequence
from typing import Any

from services.kernel.errors import Conflict
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM
from services.policy.documents.rules import capital_amount, chinese_day, yuan
from services.policy.documents.schemas import CaseLine, Minutes
from services.policy.plan.rules import PlanProgramme

UNKNOWN = "未知"
PaymentRow = tuple[CaseLine, Case, PlanProgramme]


def write_payment(rows: Sequence[PaymentRow], minutes: Minutes, *, year: int) -> dict[str, Any]:
    """Write the content of a payment document; what is not known of a line says so."""
    amounts = [require_amount(case) for _, case, _ in rows]
    total_fen = sum(amounts)
    titles = dict.fromkeys(each.compiled.programme.title for _, _, each in rows)
    return {
        "title": f"关于下达{year}年度{_named(list(titles))}资金的通知",
        "addressee": "各有关单位",
        "opening": (
            f"经{chinese_day(minutes.held_on)}会议集体研究决定（会议纪要：{minutes.number}），"
            f"现将{_named(list(titles))}资金下达给你们。"
        ),
        "minutes": {"number": minutes.number, "held_on": minutes.held_on.isoformat()},
        "lines": [
            _line(position, row, amount_fen)
            for position, (row, amount_fen) in enumerate(zip(rows, amounts, strict=True), start=1)
        ],
        "total": {
            "fen": total_fen, "figures": yuan(total_fen), "capital": capital_amount(total_fen),
        },
    }  # fmt: skip


def require_amount(case: Case) -> int:
    """Pay what finance reserved, and nothing where it reserved nothing."""
    if case.reservation_amount_fen is None:
        raise Conflict(
            "有办件没有核定金额，不能下达资金。", "A case has no amount that finance holds.",
            code="amount-unknown",
        )  # fmt: skip
    return case.reservation_amount_fen


def _line(position: int, row: PaymentRow, amount_fen: int) -> dict[str, Any]:
    line, case, programme = row
    return {
        "position": position,
        "case": str(case.id),
        "attempt": case.attempt,
        "payee": case.applicant_name,
        "payee_id": case.applicant_id if case.applicant_kind == FIRM else None,
        "programme": programme.id,
        "matter": f"{programme.compiled.programme.title}；{programme.clause}",
        "clause": programme.clause,
        "amount_fen": amount_fen,
        "amount": yuan(amount_fen),
        "functional_subject": line.functional_subject or UNKNOWN,
        "economic_subject": line.economic_subject or UNKNOWN,
        "quota_document": line.quota_document or UNKNOWN,
    }


def _named(titles: list[str]) -> str:
    return f"“{titles[0]}”" if len(titles) == 1 else f"“{titles[0]}”等{len(titles)}个项目"
