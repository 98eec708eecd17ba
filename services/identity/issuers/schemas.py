from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class NewIssuer(BaseModel):
    """A provider to trust, with its public keys, which are given and never fetched."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str, Field(pattern=r"^https://[^\s]{3,200}$")]
    audience: Annotated[str, Field(min_length=1, max_length=200)]
    jwks: dict[str, Any]


class IssuerView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    issuer: str
    audience: str
    jwks: dict[str, Any]
    version: int
    created_at: datetime


class IssuerList(BaseModel):
    items: list[IssuerView]
    next_cursor: None = None
