from datetime import date

from pydantic import BaseModel


class LegacyRecord(BaseModel):
    """What is known of a case of earlier years: its document, its day, and what was paid."""

    document: str
    decided_on: date
    paid_on: date | None
    amount_fen: int | None
    department: str | None
