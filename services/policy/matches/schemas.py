from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from services.policy.contract.events import MissingFact, NearMiss
from services.policy.matches.rules import Kind

AmountStatus = Literal["set", "pending-parameter", "unknown-fact"]


class MatchView(BaseModel):
    """Where a firm stands under a programme, as it was matched last.

    Of one that is near, `near` says what lacks and how much, and `worth_fen` what it would receive;
    of one that is unknown, `missing` says which fact, of which year, and who states it.
    """

    uscc: str
    name: str
    programme: str
    title: str
    measure: int | None
    kind: Kind
    outcome: Literal["eligible", "ineligible", "unknown"]
    amount_fen: int | None
    amount_status: AmountStatus
    worth_fen: int | None = None
    worth_status: AmountStatus | None = None
    near: list[NearMiss]
    missing: list[MissingFact]
    flags: list[str] = Field(description="`plan-not-in-force`: nothing is paid of it yet")
    until_day: date | None = Field(
        description="The last day on which it may be had: of the window or of force; null if unset"
    )
    version: str
    on: date
    since: date


class FirmMatches(BaseModel):
    """Where a firm stands; what it is plainly not entitled to is left out.

    `version` and `on` are null as long as the firm was not matched yet.
    """

    uscc: str
    name: str
    version: int | None
    on: date | None
    items: list[MatchView]
    next_cursor: str | None = None


class MatchList(BaseModel):
    items: list[MatchView]
    next_cursor: str | None = None
