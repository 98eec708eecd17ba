from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SUBJECT_CHARS_MAX = 200
REASON_CHARS_MAX = 1000


class NewRecusal(BaseModel):
    """Who does not act on a case, and why; without `subject` oneself."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "与申请单位负责人系近亲属。"}]},
    )

    subject: Annotated[str, Field(min_length=1, max_length=SUBJECT_CHARS_MAX)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS_MAX, pattern=r"\S")]


class RecusalView(BaseModel):
    id: UUID
    case: UUID
    subject: str
    reason: str
    declared_by: str
    at: datetime


class RecusalList(BaseModel):
    items: list[RecusalView]
    next_cursor: str | None = None
