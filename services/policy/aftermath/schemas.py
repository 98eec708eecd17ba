from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.policy.aftermath.rules import MatterKind


class OpenMatter(BaseModel):
    """Something of a decided case that is not over yet."""

    kind: MatterKind
    id: UUID
    due_on: date | None = Field(description="Null where nothing sets a day")


class MatterLine(BaseModel):
    """What happened to a matter; an applicant sees the role and not the person."""

    number: int
    at: datetime
    event: str
    from_state: str | None
    to_state: str
    role: str
    actor: str | None
    note: str
    data: dict[str, Any]
