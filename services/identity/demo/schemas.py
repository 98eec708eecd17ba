from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class ClockSetting(BaseModel):
    """The instant the business clock shall show; it runs on from there."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime


class ClockView(BaseModel):
    now: datetime
    today: str
    offset_s: int
    demonstration: bool = True


class SubjectTokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(min_length=1, max_length=100)]


class SubjectToken(BaseModel):
    """A token as the city's provider would give it to a person who signed in."""

    subject_token: str
    subject_token_type: str
    issuer: str
    demonstration: bool = True
