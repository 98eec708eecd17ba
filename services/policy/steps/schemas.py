from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.kernel.days import Day
from services.kernel.errors import FieldFault
from services.policy.documents.rules import MINUTES_PATTERN
from services.policy.documents.schemas import Minutes
from services.policy.plan.schemas import DepartmentView
from services.policy.steps.rules import Before, StepEvent, StepKind, StepState

NOTE_CHARS_MAX = 2000
Version = Annotated[int, Field(strict=True, ge=1)]


class Report(BaseModel):
    """What an audit or a check on the site rests on: a file of the case, or a number, and a day."""

    model_config = ConfigDict(extra="forbid")

    evidence: UUID | None = None
    number: Annotated[str, Field(pattern=MINUTES_PATTERN)] | None = None
    on: Day

    @model_validator(mode="after")
    def names_one(self) -> "Report":
        if self.evidence is None and self.number is None:
            raise FieldFault(
                "report-unnamed", "须写明报告文号，或报告材料的编号。",
                "Name the report by its number, or by the file that holds it.",
            )  # fmt: skip
        return self


class StepData(BaseModel):
    """What was found; a report for an audit and a check on the site, minutes for a decision."""

    model_config = ConfigDict(extra="forbid")

    finding: Annotated[str, Field(min_length=1, max_length=NOTE_CHARS_MAX)] | None = None
    report: Report | None = None
    minutes: Minutes | None = None


class StepDeed(BaseModel):
    """An event of a step; to pass or fail needs a finding, to return a note that says why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "pass", "version": 2, "note": "",
                    "data": {"finding": "材料齐全，情况属实。"},
                }
            ]
        },
    )  # fmt: skip

    event: StepEvent
    version: Version
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    data: StepData = Field(default_factory=StepData)


class StepView(BaseModel):
    """A desk's part of a step; what was found, and by whom, is shown to officers."""

    id: UUID
    case: UUID
    ordinal: int
    kind: StepKind
    before: Before
    department: DepartmentView | None
    town_code: str | None
    state: StepState
    days: int | None = Field(description="The limit in working days; null: nobody has set one")
    days_source: str | None
    due_on: date | None
    provisional: bool
    opened_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    finding: str | None
    ref: str | None
    ref_on: date | None
    evidence: UUID | None
    returns: int = Field(description="How often it went back to the applicant")
    version: int
    allowed_events: list[StepEvent]


class StepList(BaseModel):
    items: list[StepView]
    next_cursor: str | None = None
