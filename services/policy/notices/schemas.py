from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from services.policy.contract.events import Party


class NoticeView(BaseModel):
    """What is proposed for one applicant, published before it is decided."""

    id: UUID
    case: UUID
    programme: str
    title: str
    measure: int | None
    applicant: Party
    applicant_name: str
    amount_fen: int
    published_on: date
    from_: date = Field(alias="from")
    to: date
    days: int
    provisional: bool = Field(description="The days reach a year whose calendar is not published")
    plan_flags: list[str]


class NoticeList(BaseModel):
    items: list[NoticeView]
    next_cursor: str | None
