from datetime import date

from pydantic import BaseModel, Field

from services.policy.plan.schemas import PlanView
from services.rulebook import Restriction


class ShortfallView(BaseModel):
    """What is lacking, by a stable code and in words, and the field of the plan that takes it."""

    code: str
    field: str
    says: str
    says_en: str
    programme: str | None
    condition: str | None


class RestrictionView(BaseModel):
    """A restriction of competition in a rule, and what excepts it; null where nothing does yet."""

    programme: str
    condition: str | None = Field(description="Null where it stands in what is paid")
    restricts: Restriction
    says: str
    article: str | None
    reason: str | None
    expires: date | None


class CompetitionReviewView(BaseModel):
    """The record of the fair-competition review; null is not done or not known."""

    drafted_by: str | None
    market_opinion: str | None
    finding: str | None
    article: str | None
    expires: date | None


class GateView(BaseModel):
    """Whether a plan may go live on the day, and everything that keeps it from that."""

    plan: PlanView
    on: date
    passed: bool
    competition_review: CompetitionReviewView
    shortfalls: list[ShortfallView]
    restrictions: list[RestrictionView]


class PlanList(BaseModel):
    items: list[PlanView]
    next_cursor: str | None = None
