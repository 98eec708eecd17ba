"""How much of what was proposed is granted beside other aid, and where an award may go from here.

Sources: the plan's closing clause 从高、不重复; 配套 and 追加 are no duplicates of their base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from services.finance.aid.rules import LEVEL_NAMES, Level
from services.finance.money import yuan, yuan_in_english
from services.finance.moves import Words, event_not_allowed
from services.rulebook.stacking import (
    Aid,
    Clause,
    Cut,
    Position,
    StackingMode,
    StackingTerms,
    limits_from,
    room,
)

THING = ("资助", "The award")
NAMED_AIDS_MAX = 5


class AwardState(StrEnum):
    RESERVED = "reserved"
    REFUSED = "refused"
    AWARDED = "awarded"
    PAYING = "paying"
    PAID = "paid"
    VOIDED = "voided"
    RECOVERED = "recovered"


class AwardEvent(StrEnum):
    RECOVER = "recover"
    CONFIRM_RECOVERY = "confirm-recovery"
    CANCEL_RECOVERY = "cancel-recovery"


AWARD_STATE_NAMES = {
    AwardState.RESERVED: ("已预留", "reserved"),
    AwardState.REFUSED: ("不予安排", "refused"),
    AwardState.AWARDED: ("已核定", "awarded"),
    AwardState.PAYING: ("支付中", "paying"),
    AwardState.PAID: ("已支付", "paid"),
    AwardState.VOIDED: ("已作废", "voided"),
    AwardState.RECOVERED: ("已追回", "recovered"),
}
AWARD_EVENT_NAMES = {
    AwardEvent.RECOVER: ("追回", "recover"),
    AwardEvent.CONFIRM_RECOVERY: ("确认追回", "confirm-recovery"),
    AwardEvent.CANCEL_RECOVERY: ("取消追回", "cancel-recovery"),
}
STACKING_MODE_NAMES = {
    StackingMode.TOP_UP: ("补差", "top up to the highest"),
    StackingMode.HIGHEST_ONLY: ("不补差", "highest only"),
}

NEXT = {
    AwardState.RESERVED: frozenset({AwardState.REFUSED, AwardState.AWARDED, AwardState.VOIDED}),
    AwardState.REFUSED: frozenset({AwardState.RESERVED}),
    AwardState.AWARDED: frozenset({AwardState.PAYING, AwardState.VOIDED}),
    AwardState.PAYING: frozenset({AwardState.PAID, AwardState.AWARDED, AwardState.VOIDED}),
    AwardState.PAID: frozenset({AwardState.AWARDED, AwardState.VOIDED, AwardState.RECOVERED}),
    AwardState.VOIDED: frozenset[AwardState](),
    AwardState.RECOVERED: frozenset[AwardState](),
}
# What the ledger keeps on the reserved account of the award's line.
HOLDING = (AwardState.RESERVED, AwardState.AWARDED, AwardState.PAYING)
REPLACEABLE = (AwardState.RESERVED, AwardState.REFUSED)


@dataclass(frozen=True)
class Reason:
    """Why an award is not what was asked, in both languages, under a stable code."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Grant:
    """How much is granted beside other aid, why not more, and which aid was counted."""

    amount_fen: int
    reason: Reason | None
    counted: tuple[Aid, ...]


# What proposals were frozen with before they carried the words of their clause.
NO_WORDS = Clause("stacking", "从高、不重复")
NOTHING_ASKED = Reason(
    "nothing-to-grant",
    "拟给金额为零，无需安排资金。",
    "Nothing was proposed, so nothing is set aside.",
)
PAYMENT_RETURNED = Reason(
    "payment-returned", "款项已退回，可重新支付。", "The payment came back and can be paid anew."
)


def grant(asked_fen: int, asked: Position, standing: Sequence[Aid], terms: StackingTerms) -> Grant:
    """Grant what the rules of stacking leave, which are those that answers are given by."""
    if asked_fen <= 0:
        return Grant(0, NOTHING_ASKED, ())
    found = room(asked, asked_fen, standing, terms)
    if not found.cuts:
        return Grant(found.amount_fen, None, ())
    counted = {aid.id: aid for cut in found.cuts for aid in cut.counted}
    reason = _reason(asked_fen, found.cuts[0], terms.mode)
    return Grant(found.amount_fen, reason, tuple(counted[each] for each in sorted(counted)))


def told(aid: Aid) -> dict[str, Any]:
    """Say of counted aid what everyone concerned may know."""
    return {
        "aid_id": aid.id, "level": aid.level, "programme": aid.programme,
        "amount_fen": aid.amount_fen, "document": aid.document,
    }  # fmt: skip


def stored(aid: Aid) -> dict[str, Any]:
    """Keep counted aid whole, so that the reason can be given again."""
    return {
        **told(aid), "matter": aid.matter, "group": aid.group, "relation": aid.relation,
        "year": aid.year, "limits": [asdict(limit) for limit in aid.limits],
    }  # fmt: skip


def counted_from(kept: Mapping[str, Any], position: Position) -> Aid:
    """Read counted aid; what was kept early on was always of the award's own purpose."""
    return Aid(
        id=kept["aid_id"], level=kept["level"], programme=kept["programme"],
        amount_fen=kept["amount_fen"], document=kept["document"],
        matter=kept.get("matter", position.matter), group=kept.get("group", position.group),
        relation=kept.get("relation", position.relation), year=kept.get("year", position.year),
        limits=limits_from(kept.get("limits", ())),
    )  # fmt: skip


def move(state: str, target: AwardState) -> AwardState:
    """Give the state that follows, or refuse."""
    following = NEXT[AwardState(state)]
    if target not in following:
        names = [AWARD_STATE_NAMES[each] for each in following]
        raise event_not_allowed(THING, AWARD_STATE_NAMES[AwardState(state)], names)
    return target


def purpose_in_words(year: int, measure: int | None, programme: str) -> Words:
    """Name what a budget line is looked for by."""
    if measure is not None:
        return f"{year}年度第{measure}条措施", f"measure {measure} in {year}"
    return f"{year}年度项目{programme}", f"the programme {programme} in {year}"


def case_ended(outcome: str) -> Reason:
    """Say why what was held for a case is let go, or asked back."""
    zh, en = {
        "refused": ("案件决定不予资助", "the case was refused"),
        "withdrawn": ("申请人已撤回申请", "the case was withdrawn"),
        "revoked": ("资助决定已撤销", "the decision was revoked"),
    }[outcome]
    return Reason(f"case-{outcome}", f"{zh}。", f"{en.capitalize()}.")


def events_for(
    state: str, *, left_fen: int, prepared_by: str | None, subject: str
) -> frozenset[AwardEvent]:
    """Name what a treasurer could do: prepare a recovery, or confirm or cancel a prepared one."""
    if state != AwardState.PAID:
        return frozenset()
    if prepared_by is not None:
        confirm = {AwardEvent.CONFIRM_RECOVERY} if prepared_by != subject else set[AwardEvent]()
        return frozenset({AwardEvent.CANCEL_RECOVERY} | confirm)
    return frozenset({AwardEvent.RECOVER}) if left_fen > 0 else frozenset()


def _reason(asked_fen: int, cut: Cut, mode: StackingMode) -> Reason:
    """Word the strictest rule: what it counts, by which words, and what it leaves."""
    if cut.kind in {"competing", "own"}:
        return _set_off_reason(asked_fen, cut, mode)
    aid_zh, aid_en = _named(cut.counted)
    rule, rule_en = cut.rule.quoted, f"the rule {cut.rule.named}"
    if cut.kind == "one-clause":
        return Reason(
            "one-clause",
            f"已享受{aid_zh}；按{rule}，不能再享受本项。",
            f"There is {aid_en}; by {rule_en}, this one may not be received as well.",
        )
    total_fen = sum(aid.amount_fen for aid in cut.counted)
    before_zh = f"已获{aid_zh}，合计{yuan(total_fen)}；" if cut.counted else ""
    before_en = f"There is {aid_en}, {yuan_in_english(total_fen)} in all; " if cut.counted else ""
    if cut.left_fen:
        return Reason(
            "reduced-by-ceiling",
            f"{before_zh}按{rule}，拟给{yuan(asked_fen)}，核给{yuan(cut.left_fen)}。",
            f"{before_en}by {rule_en}, {yuan_in_english(cut.left_fen)} is left of"
            f" {yuan_in_english(asked_fen)}.",
        )
    return Reason(
        "covered-by-ceiling",
        f"{before_zh}按{rule}，已达限额，不再给予。",
        f"{before_en}by {rule_en}, nothing more is given.",
    )


def _set_off_reason(asked_fen: int, cut: Cut, mode: StackingMode) -> Reason:
    rule = cut.rule.quoted if cut.rule.source else cut.rule.says
    left_fen = cut.left_fen
    aid_zh, aid_en = _named(cut.counted)
    total_fen = sum(aid.amount_fen for aid in cut.counted)
    before_zh = f"同一事项已获{aid_zh}，合计{yuan(total_fen)}"
    before_en = f"For the same matter there is {aid_en}, {yuan_in_english(total_fen)} in all"
    if left_fen:
        return Reason(
            "reduced-by-other-aid",
            f"{before_zh}；拟给{yuan(asked_fen)}，按{rule}补差{yuan(left_fen)}。",
            f"{before_en}; of {yuan_in_english(asked_fen)}, {yuan_in_english(left_fen)} is left.",
        )
    if mode is StackingMode.HIGHEST_ONLY:
        return Reason(
            "covered-by-other-aid",
            f"{before_zh}；按{rule}（不补差），不再给予。",
            f"{before_en}; under highest-only nothing more is given.",
        )
    return Reason(
        "covered-by-other-aid",
        f"{before_zh}，不低于拟给的{yuan(asked_fen)}；按{rule}，不再给予。",
        f"{before_en}, no less than {yuan_in_english(asked_fen)}; nothing more is given.",
    )


def _named(counted: tuple[Aid, ...]) -> tuple[str, str]:
    zh: list[str] = []
    en: list[str] = []
    for aid in counted[:NAMED_AIDS_MAX]:
        level_zh, level_en = LEVEL_NAMES[Level(aid.level)]
        source_zh, source_en = aid.document or "本平台核定", aid.document or "granted here"
        zh.append(f"{level_zh}“{aid.programme}”{yuan(aid.amount_fen)}（{source_zh}）")
        en.append(f"{level_en} {aid.programme} {yuan_in_english(aid.amount_fen)} ({source_en})")
    more = len(counted) - NAMED_AIDS_MAX
    if more > 0:
        zh.append(f"另{more}笔")
        en.append(f"{more} more")
    return "、".join(zh), ", ".join(en)
