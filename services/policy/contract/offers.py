"""What policy announces of offers (免申即享): batches, and what each firm answers."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent, StateEvent
from services.policy.contract.events import Matter


class OfferBatchChanged(StateEvent, type="liangxin.policy.offer_batch.changed.v1"):
    """How a batch of offers stands; counts of firms, never their names."""

    batch_id: UUID
    programme: str
    department: str
    matter: Matter
    state: str
    asked: int
    not_entitled: int
    waiting: int
    confirmed: int
    declined: int
    lapsed: int
    left_out: int
    last_day: date | None
    provisional: bool

    @property
    def aggregate(self) -> str:
        return f"offer-batch:{self.batch_id}"


class OfferMade(DeedEvent, type="liangxin.policy.offer.made.v1"):
    """A case was prepared for a firm that is entitled: it confirms once, or declines.

    `last_day` is the last day for its word; silence grants nothing. Null while no day is set.
    """

    batch_id: UUID
    case_id: UUID
    uscc: str
    programme: str
    matter: Matter
    amount_fen: int | None
    last_day: date | None
    provisional: bool

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class OfferReminded(DeedEvent, type="liangxin.policy.offer.reminded.v1"):
    """A firm has not answered yet, and its last day comes near."""

    batch_id: UUID
    case_id: UUID
    uscc: str
    programme: str
    last_day: date

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class OfferAnswered(DeedEvent, type="liangxin.policy.offer.answered.v1"):
    """What became of an offer; `lapsed` is no answer in time, which grants nothing."""

    batch_id: UUID
    case_id: UUID
    uscc: str
    programme: str
    outcome: Literal["confirmed", "declined", "lapsed"]
    on: date

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"
