"""Recording what happened to a recommendation: history, audit, announcement, in one transaction."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor
from services.kernel.audit import audit
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.pages import in_portions
from services.policy.contract.grants import Grant
from services.policy.contract.recommendations import RecommendationChanged
from services.policy.recommendations import queries
from services.policy.recommendations.models import Recommendation, RecommendationHistory
from services.policy.recommendations.rules import FIRM, RecommendationState


@dataclass(frozen=True)
class Hand:
    """Who did it, in which role, and what was said."""

    actor: Actor = SYSTEM
    role: str = "system"
    note: str = ""


OURS = Hand()


async def record(
    session: AsyncSession,
    found: Recommendation,
    event: str,
    *,
    was: RecommendationState | None,
    now: datetime,
    by: Hand = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row to the history and one to the audit, and announce how it stands now."""
    detail = data or {}
    found.changed_at = now
    session.add(found)
    await session.flush()
    session.add(
        RecommendationHistory(
            id=new_id(), recommendation_id=found.id,
            number=await queries.next_number(session, found.id), event=event, from_state=was,
            to_state=found.state, role=by.role, actor=by.actor.subject, note=by.note,
            data=detail, at=now,
        )
    )  # fmt: skip
    await session.flush()
    told = {"from": was, "to": found.state, "version": found.version, **detail}
    audit(session, by.actor, f"recommendation.{event}", "recommendation", found.id, now=now,
          detail=told)  # fmt: skip
    announce(session, changed(found), now=now)


def changed(found: Recommendation) -> RecommendationChanged:
    """Word how a recommendation stands."""
    return RecommendationChanged.model_validate(
        {
            "recommendation_id": found.id,
            "version": found.version,
            "programme": found.programme,
            "measure": found.measure,
            "department": found.department,
            "applicant": queries.applicant_of(found),
            "year": found.year,
            "level": found.level,
            "state": found.state,
            "upper_number": found.upper_number,
            "letter_number": found.letter_number,
            "result_document": found.result_document,
            "result_on": found.result_on,
            "title": _title(found),
        }
    )


def _title(found: Recommendation) -> Grant | None:
    """Give what the registry of firms is to record; nothing before the upper level granted it."""
    is_granted = found.state == RecommendationState.GRANTED and found.applicant_kind == FIRM
    if not is_granted or found.recognition is None or found.valid_from is None:
        return None
    return Grant(
        recognition=found.recognition, grade=found.grade, issuer=found.result_issuer or "",
        document=found.result_document or "", valid_from=found.valid_from,
        valid_to=found.valid_to,
    )  # fmt: skip


async def restate_recommendations(session: AsyncSession) -> AsyncIterator[RecommendationChanged]:
    """Give the current state of every recommendation, for listeners that begin late."""
    async for row in in_portions(session, select(Recommendation), Recommendation.id):
        yield changed(row)
