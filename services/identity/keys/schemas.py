from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class KeyView(BaseModel):
    """A signing key's public part; the oldest one without an end signs."""

    model_config = ConfigDict(from_attributes=True)

    kid: str
    public_jwk: dict[str, Any]
    created_at: datetime
    usable_until: datetime | None


class KeyList(BaseModel):
    items: list[KeyView]
    next_cursor: None = None
