"""What policy announces of the clocks and steps of cases."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent, StateEvent


class CaseReminded(DeedEvent, type="liangxin.policy.case.reminded.v1"):
    """Tells that a deed of a case is due soon, late, or so late that its approver is told.

    Nothing follows from it by itself: no money, no title, no step. The programme and the
    departments of what is confidential are not named.
    """

    case_id: UUID
    clock: Literal["accept", "completion", "review", "step", "objection", "decide"]
    alert: Literal["due-soon", "overdue", "escalated"]
    role: Literal["applicant", "reviewer", "approver"]
    programme: str | None
    departments: tuple[str, ...]
    town_code: str | None = None
    due_on: date
    provisional: bool
    on: date

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class StepChanged(StateEvent, type="liangxin.policy.step.changed.v1"):
    """How a step of a case stands, and whose desk it is; findings stay with the case."""

    step_id: UUID
    case_id: UUID
    kind: str
    state: str
    department: str | None
    town_code: str | None

    @property
    def aggregate(self) -> str:
        return f"step:{self.step_id}"
