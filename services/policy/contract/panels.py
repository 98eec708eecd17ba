"""What policy announces of expert panels: scores by case, and that they no longer stand."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from services.kernel.events import DeedEvent


class PanelScore(BaseModel):
    """The score of a case in thousandths of a point; null is unknown, and never zero."""

    case_id: UUID
    score_thousandths: int | None
    is_spread_flagged: bool | None


class PanelClosed(DeedEvent, type="liangxin.policy.panel.closed.v1"):
    """A panel is closed: the score of each case, and the hash of the table that says how it came.

    A later edition replaces an earlier one. Of confidential programmes nothing is announced.
    """

    panel_id: UUID
    edition: int
    programme: str
    call_id: UUID | None
    scores: tuple[PanelScore, ...]
    sha256: str
    on: date

    @property
    def aggregate(self) -> str:
        return f"panel:{self.panel_id}"


class PanelReopened(DeedEvent, type="liangxin.policy.panel.reopened.v1"):
    """An approver has opened a closed panel again: the scores of this edition no longer stand."""

    panel_id: UUID
    edition: int
    programme: str
    call_id: UUID | None
    on: date

    @property
    def aggregate(self) -> str:
        return f"panel:{self.panel_id}"
