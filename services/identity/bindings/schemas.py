from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.identity.bindings.rules import BindingKind
from services.identity.clients.schemas import Uscc


class NewBinding(BaseModel):
    """A person, known to a trusted provider by `subject`, who may act for a firm."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str, Field(max_length=250)]
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    uscc: Uscc
    kind: BindingKind = BindingKind.STAFF
    valid_from: date | None = None
    valid_to: date | None = None
    document: Annotated[str, Field(max_length=200)] = ""


class BindingView(BaseModel):
    """A binding; the person is shown by an id that does not tell who it is."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    person: str
    uscc: str
    kind: str
    state: str
    valid_from: date
    valid_to: date | None
    document: str
    version: int
    created_at: datetime


class BindingList(BaseModel):
    items: list[BindingView]
    next_cursor: str | None


class BindingEvent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: Literal["revoke"]
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=500)] = ""
    data: Annotated[dict[str, Any], Field(max_length=0)] = {}
