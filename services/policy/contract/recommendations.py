"""How recommendations go: what the city proposes and an upper level decides on (推荐申报)."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import StateEvent
from services.policy.contract.events import Party
from services.policy.contract.grants import Grant


class RecommendationChanged(StateEvent, type="liangxin.policy.recommendation.changed.v1"):
    """How a recommendation stands: departments, numbers and days, never a person or a note.

    `title` is there once an upper level has granted one that a registry keeps; nothing before the
    upper level's document makes a recognition.
    """

    recommendation_id: UUID
    programme: str
    measure: int | None
    department: str
    applicant: Party
    year: int
    level: Literal["national", "provincial", "ningbo"]
    state: str
    upper_number: str | None
    letter_number: str | None
    result_document: str | None
    result_on: date | None
    title: Grant | None = None

    @property
    def aggregate(self) -> str:
        return f"recommendation:{self.recommendation_id}"
