from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.policy.overrides.rules import AMOUNT_FEN_MAX, REASON_CHARS_MAX, REASON_CHARS_MIN

Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=REASON_CHARS_MIN, max_length=REASON_CHARS_MAX
    ),
]


class Override(BaseModel):
    """A departure from the rule's result; without an amount, what the rule computes is proposed."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    amount_fen: Annotated[int, Field(strict=True, ge=1, le=AMOUNT_FEN_MAX)] | None = None


class OverrideView(BaseModel):
    """The latest departure of a case from its rule, with what the rule gave."""

    attempt: int
    reason: str
    rule_outcome: str
    rule_amount_fen: int | None
    amount_fen: int | None
    at: datetime
    # Named to officers and auditors only.
    by: str | None
