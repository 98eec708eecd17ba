from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from services.kernel.days import Day
from services.policy.meetings.rules import MeetingEvent, MeetingState
from services.policy.plan.schemas import DepartmentView
from services.policy.tasks.rules import Every, TaskState
from services.policy.tasks.schemas import Code, DueBody, NoData, Prose, Support, Title, Version

LINES_MAX = 100
MEETING_EXAMPLE: dict[str, JsonValue] = {
    "held_on": "2026-11-20",
    "title": "“两新”工作联席会议",
    "minutes": "慈联席纪要〔2026〕3号",
    "attendees": ["zfb", "kjj", "jxj", "czj"],
    "agenda": ["政府性基金整合"],
    "decisions": [
        {
            "text": "提出政府性基金整合方案", "measure": 25, "lead": "czj", "support": ["jrb"],
            "working_days": 20, "done_when": "整合方案已报联席会议审议",
        }
    ],
}  # fmt: skip


class DecisionBody(DueBody):
    """What was decided, who carries it out, by when, and what will prove it."""

    model_config = ConfigDict(extra="forbid")

    text: Title
    text_en: Title | None = None
    measure: Annotated[int, Field(strict=True, ge=1, le=99)] | None = None
    lead: Code
    support: Support = Field(default_factory=list[str])
    every: Every | None = None
    done_when: Prose

    @model_validator(mode="after")
    def _has_a_day(self) -> "DecisionBody":
        stated = (self.due_on, self.working_days, self.every)
        if sum(each is not None for each in stated) != 1:
            raise PydanticCustomError("bad-value", "one of `due_on`, `working_days`, `every`")
        return self


class MeetingBody(BaseModel):
    """A meeting as its minutes tell it; a draft until it is published."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [MEETING_EXAMPLE]})

    held_on: Day
    title: Title
    minutes: Title | None = Field(None, description="The number of the minutes; to publish")
    attendees: Annotated[list[Code], Field(min_length=1, max_length=LINES_MAX)]
    agenda: Annotated[list[Title], Field(max_length=LINES_MAX)] = []
    decisions: Annotated[list[DecisionBody], Field(max_length=LINES_MAX)] = []
    synthetic: bool = False


class MeetingDeed(BaseModel):
    """An event of a meeting. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"event": "publish", "version": 1}]}
    )

    event: MeetingEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: NoData = Field(default_factory=NoData)


class DecisionView(BaseModel):
    """A decision, and the task that it has become once the minutes are published."""

    number: int
    text: str
    text_en: str | None
    measure: int | None
    lead: DepartmentView
    support: list[DepartmentView]
    due_on: date | None
    working_days: int | None
    every: Every | None
    done_when: str
    task: str | None
    state: TaskState | None


class MeetingSummary(BaseModel):
    id: UUID
    held_on: date
    title: str
    minutes: str | None
    attendees: list[DepartmentView]
    state: MeetingState
    decision_count: int
    version: int
    synthetic: bool
    changed_at: datetime


class MeetingView(MeetingSummary):
    agenda: list[str]
    decisions: list[DecisionView]
    allowed_events: list[MeetingEvent]


class MeetingList(BaseModel):
    items: list[MeetingSummary]
    next_cursor: str | None = None
