from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class VersionView(BaseModel):
    """A wording of a programme; `current` is the one that answers today."""

    programme: str
    version: str
    plan: str
    plan_version: str
    in_force_from: date | None
    in_force_to: date | None
    recorded_at: datetime
    current: bool


class VersionList(BaseModel):
    items: list[VersionView]
    next_cursor: str | None = None


class VersionText(VersionView):
    """A wording with the whole rule, as cases freeze it."""

    rule_sha256: str
    rule: dict[str, Any]


class ChangeView(BaseModel):
    """A value that differs; parts with an id are named by it, null is not there."""

    pointer: str
    before: Any = Field(description="Null where it was not there")
    after: Any = Field(description="Null where it is no longer there")


class VersionDifference(BaseModel):
    """What changed from one wording to another."""

    programme: str
    from_version: str
    to_version: str
    changes: list[ChangeView]
