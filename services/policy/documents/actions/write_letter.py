"""Writing what a letter of recommendation says: who is recommended for what, and our finding."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, Forbidden
from services.policy.cases.rules import FIRM, require_no_stake
from services.policy.documents.rules import chinese_day
from services.policy.plan.rules import PlanProgramme
from services.policy.recommendations import queries
from services.policy.recommendations.actions.take_letter import programme_of, require_lettered
from services.policy.recommendations.models import Recommendation
from services.policy.recommendations.rules import LEVEL_NAMES


async def write_letter(
    session: AsyncSession,
    actor: Actor,
    recommendation_id: UUID,
    *,
    addressee: str,
    department: str,
    replaces: bool,
) -> dict[str, Any]:
    """Write the content of a letter from the recommendation as it stands."""
    found = await queries.recommendation(session, actor, recommendation_id)
    require_no_stake(actor, queries.applicant_of(found))
    reviews = await queries.may_review(session, actor, found.id)
    if not actor.has(Role.APPROVER) and not reviews:
        raise Forbidden(
            "本件不由您办理。", "This recommendation is not yours to handle.",
            code="not-your-recommendation",
        )  # fmt: skip
    require_lettered(found, replaces=replaces)
    programme = programme_of(found)
    title = programme.compiled.programme.title
    return {
        "title": f"关于推荐{found.applicant_name}申报“{title}”的函",
        "addressee": addressee,
        "recommendation": str(found.id),
        "programme": found.programme,
        "applicant": found.applicant_name,
        "applicant_id": found.applicant_id,
        "level": found.level,
        "clause": programme.clause,
        "opening": _opening(found, programme),
        "review": _review(found, department),
        "closing": f"现予推荐{found.applicant_name}申报“{title}”，请予审核。",
    }


def _opening(found: Recommendation, programme: PlanProgramme) -> str:
    """Say who has filed what, where and under which number."""
    if found.upper_number is None or found.filed_on is None:
        raise _incomplete()
    code = f"（统一社会信用代码：{found.applicant_id}）" if found.applicant_kind == FIRM else ""
    return (
        f"根据《{programme.plan.title}》{programme.clause}，{found.applicant_name}{code}"
        f"申报{found.year}年度“{programme.compiled.programme.title}”"
        f"（{LEVEL_NAMES[found.level][0]}），已于{chinese_day(found.filed_on)}"
        f"通过{found.upper_system}提交，申报编号为{found.upper_number}。"
    )


def _review(found: Recommendation, department: str) -> str:
    """Say what our own review found, in its own words."""
    if found.finding is None or found.reviewed_on is None:
        raise _incomplete()
    finding = found.finding.rstrip("。；; ")
    return (
        f"{department}于{chinese_day(found.reviewed_on)}完成初审，初审通过。初审意见：{finding}。"
    )


def _incomplete() -> Conflict:
    return Conflict(
        "推荐申报尚无上级申报编号或初审意见，不能据以拟推荐函。",
        "The recommendation has no number of the upper system or no finding yet, so no letter can"
        " be written of it.",
        code="recommendation-not-reviewed",
    )
