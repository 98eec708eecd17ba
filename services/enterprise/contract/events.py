"""What enterprise announces: the whole current state of a firm, and each version of a list."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.kernel.events import DeedEvent, StateEvent

LIST_PART_ITEMS_MAX = 10_000


class DatedValue(BaseModel):
    """A value as of the day, valid from that day until the next one."""

    value: bool | int | str | None
    valid_from: date


class DatedCode(BaseModel):
    code: str
    valid_from: date


class Ground(BaseModel):
    """What a firm's current facts rest on: one statement, by whom, from what, recorded when.

    `facts` names facts as of a day by their name, facts of a year as `fact:year`. Without a
    department it is the firm's own word.
    """

    statement_id: UUID
    department: str | None = None
    source: str | None = None
    recorded_at: datetime
    valid_from: date | None = None
    facts: list[str]


class HeldRecognition(BaseModel):
    """A title with its days; revoked ones stay, with the day of revocation."""

    recognition: str
    grade: str | None = None
    valid_from: date
    valid_to: date | None = None
    revoked_on: date | None = None
    id: UUID | None = None
    issuer: str | None = None
    document: str | None = None


class FirmChanged(StateEvent, type="liangxin.enterprise.firm.changed.v1"):
    """A firm's whole current state as enterprise holds it.

    `yearly` maps a fact to its years, `daily` a fact to its dated values in order. Absent is
    unknown. `declared` names what rests only on the firm's own word: facts as of a day by their
    name, facts of a year as `fact:year`. `grounds` says what the current values rest on.
    `statement_id` is the newest statement the state includes; ids only grow within a firm.
    """

    uscc: str
    name: str
    industry_code: str | None = None
    town_code: str | None = None
    registration_authority_code: str | None = None
    established_on: date | None = None
    fiscal_jurisdictions: list[DatedCode] = Field(default_factory=list[DatedCode])
    yearly: dict[str, dict[str, bool | int | str]] = Field(default_factory=dict)
    daily: dict[str, list[DatedValue]] = Field(default_factory=dict)
    recognitions: list[HeldRecognition] = Field(default_factory=list[HeldRecognition])
    declared: list[str] = Field(default_factory=list[str])
    grounds: list[Ground] = Field(default_factory=list[Ground])
    statement_id: UUID
    recorded_at: datetime
    synthetic: bool = False

    @property
    def aggregate(self) -> str:
        return f"firm:{self.uscc}"


class ListPublished(DeedEvent, type="liangxin.enterprise.list.published.v1"):
    """One part of a version of a list; the version counts once all its parts were heard.

    `complete` says that who is not on it is known not to be; `version_id` is the statement, too.
    """

    list: str
    version_id: UUID
    valid_from: date
    valid_to: date | None = None
    complete: bool
    part: int
    parts: int
    usccs: tuple[str, ...]
    recorded_at: datetime
    document: str | None = None
    department: str | None = None

    @property
    def aggregate(self) -> str:
        return f"list:{self.list}"
