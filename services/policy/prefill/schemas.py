from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.policy.plan.schemas import DepartmentView
from services.policy.prefill.rules import CheckOutcome, PrefillKind, PrefillState


class LawfulSource(BaseModel):
    """The lawful path by which the city may know a fact."""

    code: str
    says: str
    says_en: str


class CheckView(BaseModel):
    """A provisional value beside what its owner has stated since."""

    name: str
    declared: Any = None
    stated: Any = None
    outcome: CheckOutcome
    department: str | None
    source: str | None
    statement_id: UUID
    at: datetime


class PrefillItem(BaseModel):
    """A value that the rule looks at: by whose word it is held, from what, since when, until when.

    `asked` is true only of what nobody holds and the answer hangs on.
    """

    kind: PrefillKind
    name: str
    title: str
    title_en: str
    year: int | None
    value: Any = Field(None, description="null is unknown; of a title or list, whether it is held")
    grade: str | None = None
    unit: str | None = None
    state: PrefillState
    asked: bool
    conditions: list[str]
    owner: DepartmentView | None
    lawful_source: LawfulSource | None = None
    source: str | None = Field(description="What the statement itself names as its source")
    department: str | None = Field(description="Who stated it; null for the applicant's own word")
    statement_id: UUID | None
    recorded_at: datetime | None
    valid_from: date | None
    valid_to: date | None
    stale_since: date | None = Field(
        None, description="Since when its register owes a newer statement; null: it owes none"
    )
    objection: UUID | None = Field(description="The applicant's open objection to it")
    check: CheckView | None = None


class PrefillList(BaseModel):
    """What a case is filled with: as of today, and from its proposal on as it was frozen."""

    case: UUID
    frozen: bool
    facts_known_until: datetime
    items: list[PrefillItem]
    next_cursor: str | None = None


class CaseFacts(BaseModel):
    """What is not settled of a case's facts.

    `provisional` rests on the applicant's word alone, or on a statement that its register should
    have renewed; `changed` was stated otherwise by its owner since; `objected` are the applicant's
    open objections.
    """

    provisional: list[str]
    changed: list[CheckView]
    objected: list[UUID]
