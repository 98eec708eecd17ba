"""What the nouns with states share: the body of an event, and the refusals that answer one."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.kernel.errors import Conflict, Forbidden

NOTE_CHARS_MAX = 2000

Version = Annotated[int, Field(strict=True, ge=1, description="The version that was read")]
Note = Annotated[str, StringConstraints(max_length=NOTE_CHARS_MAX)]


class NoData(BaseModel):
    """The empty object: this event needs no data."""

    model_config = ConfigDict(extra="forbid")


def event_not_allowed(thing: tuple[str, str], state: str, allowed: Iterable[str]) -> Conflict:
    """Refuse an event that the state does not know, naming what is possible now."""
    zh, en = thing
    events = sorted(allowed)
    return Conflict(
        f"{zh}当前状态为{state}，可办理：{'、'.join(events) or '无'}。",
        f"{en} is {state}; possible now: {', '.join(events) or 'nothing'}.",
        code="event-not-allowed",
    )


def four_eyes(zh: str, en: str) -> Forbidden:
    """Refuse a second step to the person who took the first."""
    return Forbidden(zh, en, code="four-eyes")
