"""What the nouns with states share: the body of an event, and the refusals that answer one."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.kernel.errors import Conflict, Forbidden

NOTE_CHARS_MAX = 2000

Words = tuple[str, str]  # Chinese, English

Version = Annotated[int, Field(strict=True, ge=1, description="The version that was read")]
Note = Annotated[str, StringConstraints(max_length=NOTE_CHARS_MAX)]


class NoData(BaseModel):
    """The empty object: this event needs no data."""

    model_config = ConfigDict(extra="forbid")


def event_not_allowed(thing: Words, state: Words, allowed: Iterable[Words]) -> Conflict:
    """Refuse an event that the state does not know, naming what is possible now."""
    (zh, en), (state_zh, state_en) = thing, state
    events = sorted(allowed, key=lambda words: words[1])
    possible_zh = "、".join(words[0] for words in events) or "无"
    possible_en = ", ".join(words[1] for words in events) or "nothing"
    return Conflict(
        f"{zh}当前状态为“{state_zh}”，可办理：{possible_zh}。",
        f"{en} is {state_en}; possible now: {possible_en}.",
        code="event-not-allowed",
    )


def four_eyes(zh: str, en: str) -> Forbidden:
    """Refuse a second step to the person who took the first."""
    return Forbidden(zh, en, code="four-eyes")
