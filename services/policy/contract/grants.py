"""What a decision gives beside money: a title, as the registry of firms is to record it."""

from datetime import date

from pydantic import BaseModel


class Grant(BaseModel):
    """A title with its days; without `valid_to` nobody has said how long it holds."""

    recognition: str
    grade: str | None = None
    issuer: str
    document: str
    valid_from: date
    valid_to: date | None = None
