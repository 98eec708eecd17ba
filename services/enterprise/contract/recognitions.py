"""What becomes of titles: recorded for whoever granted them, about to end, ended."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent


class RecognitionAnswered(DeedEvent, type="liangxin.enterprise.recognition.answered.v1"):
    """Tells whoever granted a title what the registry holds of it.

    `already-held` names the record that stood before, which the granting changes nothing of.
    """

    source_kind: Literal["case", "recommendation"]
    source_id: UUID
    uscc: str
    recognition: str
    outcome: Literal["recorded", "already-held", "firm-unknown", "recognition-unknown", "revoked"]
    recognition_id: UUID | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    on: date

    @property
    def aggregate(self) -> str:
        return f"{self.source_kind}:{self.source_id}"


class RecognitionExpiring(DeedEvent, type="liangxin.enterprise.recognition.expiring.v1"):
    """A title that still holds ends soon; a 复核 may be applied for."""

    recognition_id: UUID
    uscc: str
    recognition: str
    grade: str | None
    valid_to: date
    on: date

    @property
    def aggregate(self) -> str:
        return f"recognition:{self.recognition_id}"


class RecognitionExpired(DeedEvent, type="liangxin.enterprise.recognition.expired.v1"):
    """A title has had its last day."""

    recognition_id: UUID
    uscc: str
    recognition: str
    grade: str | None
    valid_to: date
    on: date

    @property
    def aggregate(self) -> str:
        return f"recognition:{self.recognition_id}"
