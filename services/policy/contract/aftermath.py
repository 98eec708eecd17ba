"""What policy announces of matters that follow a decision: ids, states and days, never a person."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent, StateEvent


class ObligationChanged(StateEvent, type="liangxin.policy.obligation.changed.v1"):
    """How an obligation of a decided case stands; `due_on` is null while nothing sets a day."""

    obligation_id: UUID
    case_id: UUID
    kind: str
    state: str
    on_failure: Literal["recover", "note"]
    due_on: date | None

    @property
    def aggregate(self) -> str:
        return f"obligation:{self.obligation_id}"


class ObligationReminded(DeedEvent, type="liangxin.policy.obligation.reminded.v1"):
    """Tells the applicant and the department that an obligation is nearly due or late."""

    obligation_id: UUID
    case_id: UUID
    alert: Literal["due-soon", "overdue", "approver"]
    department: str | None
    due_on: date
    on: date

    @property
    def aggregate(self) -> str:
        return f"obligation:{self.obligation_id}"


class RecoveryChanged(StateEvent, type="liangxin.policy.recovery.changed.v1"):
    """How a proposal to revoke an award and recover its money stands.

    Approved, its case is revoked: what finance does follows from the end of the case.
    """

    recovery_id: UUID
    case_id: UUID
    ground: str
    state: str
    respond_by: date | None

    @property
    def aggregate(self) -> str:
        return f"recovery:{self.recovery_id}"


class AppealChanged(StateEvent, type="liangxin.policy.appeal.changed.v1"):
    """How a reconsideration or litigation against a decision stands.

    `is_late` is null where the last day is not known; an undone decision is taken anew in the case
    `successor_id`. Whoever recovers money of the case learns from it that this may be disputed.
    """

    appeal_id: UUID
    case_id: UUID
    kind: Literal["reconsideration", "litigation"]
    against: Literal["approval", "refusal", "revocation"]
    state: str
    is_late: bool | None
    result: str | None
    successor_id: UUID | None

    @property
    def aggregate(self) -> str:
        return f"appeal:{self.appeal_id}"


class SelfEvaluationAsked(DeedEvent, type="liangxin.policy.evaluation.asked.v1"):
    """Asks the applicant of an awarded case to evaluate itself by a day (绩效自评)."""

    self_evaluation_id: UUID
    case_id: UUID
    due_on: date

    @property
    def aggregate(self) -> str:
        return f"evaluation:{self.self_evaluation_id}"


class CheckConcluded(DeedEvent, type="liangxin.policy.check.concluded.v1"):
    """A case that was drawn by lot was checked by two inspectors; what they found stays home."""

    check_id: UUID
    draw_id: UUID
    case_id: UUID
    outcome: Literal["passed", "failed"]
    checked_on: date

    @property
    def aggregate(self) -> str:
        return f"check:{self.check_id}"
