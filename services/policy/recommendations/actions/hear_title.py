"""Following the registry's word on a title that an upper level granted."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.recognitions import RecognitionAnswered
from services.policy.recommendations import queries
from services.policy.recommendations.actions.record import record
from services.policy.recommendations.rules import RecommendationState
from services.policy.titles.rules import ANSWERS


async def hear_title(session: AsyncSession, event: RecognitionAnswered, *, now: datetime) -> None:
    """Note what the registry holds; what the upper level granted stays granted."""
    found = await queries.recommendation_of_title(session, event.source_id)
    if found is None or found.title_state is None:
        return
    found.title_state = ANSWERS[event.outcome]
    found.title_record = event.recognition_id or found.title_record
    found.version += 1
    was = RecommendationState(found.state)
    data = {"recognition": event.recognition, "outcome": event.outcome}
    await record(session, found, f"title-{event.outcome}", was=was, now=now, data=data)
