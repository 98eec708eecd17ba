"""What counts as aid for the same matter, who may declare which level, and until when it counts."""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from services.finance.moves import event_not_allowed
from services.kernel.errors import Forbidden, invalid_field

THING = ("补助记录", "The aid")


class Level(StrEnum):
    NATIONAL = "national"
    PROVINCIAL = "provincial"
    NINGBO = "ningbo"
    CIXI = "cixi"
    TOWN = "town"


class AidState(StrEnum):
    """Declared aid counts until withdrawn; our own follows its award."""

    DECLARED = "declared"
    WITHDRAWN = "withdrawn"
    RESERVED = "reserved"
    AWARDED = "awarded"
    PAID = "paid"
    VOID = "void"


class AidEvent(StrEnum):
    WITHDRAW = "withdraw"


class Relation(StrEnum):
    """How a programme stands to other aid: only what competes is set off (从高、不重复)."""

    MATCHES = "matches"
    TOPS_UP = "tops-up"
    COMPETES = "competes"


LEVEL_NAMES = {
    Level.NATIONAL: ("国家级", "national"),
    Level.PROVINCIAL: ("省级", "provincial"),
    Level.NINGBO: ("宁波市级", "Ningbo"),
    Level.CIXI: ("慈溪市级", "Cixi"),
    Level.TOWN: ("镇（街道）级", "town"),
}
AID_STATE_NAMES = {
    AidState.DECLARED: ("已申报登记", "declared"),
    AidState.WITHDRAWN: ("已撤回", "withdrawn"),
    AidState.RESERVED: ("已预留", "reserved"),
    AidState.AWARDED: ("已核定", "awarded"),
    AidState.PAID: ("已支付", "paid"),
    AidState.VOID: ("已作废", "void"),
}
RELATION_NAMES = {
    Relation.MATCHES: ("配套", "matches"),
    Relation.TOPS_UP: ("追加", "tops up"),
    Relation.COMPETES: ("从高、不重复", "competes"),
}

AID_EVENT_NAMES = {AidEvent.WITHDRAW: ("撤回", "withdraw")}

COUNTED = (AidState.DECLARED, AidState.RESERVED, AidState.AWARDED, AidState.PAID)
NEXT = {AidState.DECLARED: {AidEvent.WITHDRAW: AidState.WITHDRAWN}}


@dataclass(frozen=True)
class Purpose:
    """What makes two grants aid for the same thing: who, what for, and the stacking group."""

    beneficiary_kind: str
    beneficiary_id: str
    matter_key: str
    stacking_group: str

    def lock_keys(self) -> "LockKeys":
        """Give the keys of the locks under which aid is granted or declared.

        All groups of a matter share one, so that one document declared twice at once is found, too.
        """
        who = f"aid\x1f{self.beneficiary_kind}\x1f{self.beneficiary_id}"
        return LockKeys(
            _lock_key(f"{who}\x1f{self.matter_key}"), _lock_key(who), _lock_key(f"{who}\x1f\x1f")
        )


class LockKeys(NamedTuple):
    """One matter of a beneficiary, all of them, and what they have left under a year's ceiling."""

    matter: int
    beneficiary: int
    ceiling: int


def _lock_key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def move(state: str, event: AidEvent) -> AidState:
    """Give the state that follows, or refuse."""
    following = NEXT.get(AidState(state), {})
    if event not in following:
        names = [AID_EVENT_NAMES[each] for each in following]
        raise event_not_allowed(THING, AID_STATE_NAMES[AidState(state)], names)
    return following[event]


def require_past(paid_on: date, today: date) -> None:
    """Refuse aid that was not paid yet."""
    if paid_on > today:
        raise invalid_field(
            "/paid_on",
            "date-in-future",
            "日期不能晚于当前业务日期。",
            "The day must not be after the current business day.",
        )


def own_level(town_code: str | None) -> Level:
    """Name the level whose aid a registrar keeps: the city's, or a town's."""
    return Level.CIXI if town_code is None else Level.TOWN


def require_own_level(level: Level, town_code: str | None) -> None:
    """Refuse a registrar who declares or withdraws what another level granted."""
    own = own_level(town_code)
    if level is not own:
        zh, en = LEVEL_NAMES[own]
        raise Forbidden(
            f"登记部门只能申报、撤回本级补助：{zh}。",
            f"A registrar declares and withdraws aid of the own level only: {en}.",
            code="level-not-own",
        )
