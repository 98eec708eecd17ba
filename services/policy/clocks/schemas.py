from datetime import date

from pydantic import BaseModel, Field

from services.policy.clocks.rules import Alert, ClockKind


class DueView(BaseModel):
    """The clock of a case: `on` is null where no limit is set, and while it is stopped.

    In a returned case it is the applicant's, in a suspended one the objection's; `paused` says that
    the office's others stand still.
    """

    clock: ClockKind
    on: date | None
    days: int | None = Field(description="The limit in working days; null: nobody has set one")
    source: str | None
    is_demonstration: bool = Field(description="The limit is a sample value, and no rule")
    provisional: bool = Field(description="It reaches a year whose holidays are not published")
    overdue: bool
    alert: Alert = Field(description="How far it has been told of: reminded, overdue, escalated")
    paused: bool
    days_left: int | None = Field(description="While it is stopped: the working days yet to run")
