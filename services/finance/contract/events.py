"""What finance announces: the whole current state of awards, budget lines and declared aid."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.kernel.events import StateEvent

AwardState = Literal["reserved", "refused", "awarded", "paying", "paid", "voided", "recovered"]


class BudgetLine(BaseModel):
    id: UUID
    name: str
    year: int


class CompetingAid(BaseModel):
    """Aid for the same matter and group that was counted against an award."""

    aid_id: UUID
    level: str
    programme: str
    amount_fen: int
    document: str | None = None


class AwardChanged(StateEvent, type="liangxin.finance.award.changed.v1"):
    """An award as finance holds it; `amount_fen` was reserved of the proposed `asked_fen`.

    `document` is that of the payment; `recovery_due_fen` is what a revocation asks back.
    A payment that came back makes it `awarded` again, with the reason `payment-returned`.
    """

    award_id: UUID
    case_id: UUID
    attempt: int
    state: AwardState
    asked_fen: int
    amount_fen: int
    reason_code: str | None = None
    reason: str | None = None
    reason_en: str | None = None
    line: BudgetLine | None = None
    competing: list[CompetingAid] = Field(default_factory=list[CompetingAid])
    paid_fen: int = 0
    recovered_fen: int = 0
    recovery_due_fen: int = 0
    document: str | None = None

    @property
    def aggregate(self) -> str:
        return f"award:{self.award_id}"


class BudgetChanged(StateEvent, type="liangxin.finance.budget.changed.v1"):
    """A budget line: what may be spent in a year on a measure or a programme, once approved."""

    budget_id: UUID
    year: int
    measure: int | None = None
    programme: str | None = None
    name: str
    department: str
    amount_fen: int
    state: Literal["draft", "approved"]

    @property
    def aggregate(self) -> str:
        return f"budget:{self.budget_id}"


class AidChanged(StateEvent, type="liangxin.finance.aid.changed.v1"):
    """A firm's aid as it was declared, of any level, or withdrawn; our own follows its award."""

    aid_id: UUID
    beneficiary_id: str
    matter_key: str
    level: Literal["national", "provincial", "ningbo", "cixi", "town"]
    programme: str
    stacking_group: str
    relation: Literal["matches", "tops-up", "competes"]
    year: int
    amount_fen: int
    state: Literal["declared", "withdrawn"]

    @property
    def aggregate(self) -> str:
        return f"aid:{self.aid_id}"
