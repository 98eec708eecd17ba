"""免申即享 on plain values: what may be offered unasked, to whom, and until when.

Nothing is granted by it. A prepared case waits for the firm's one word; after that it is reviewed,
proposed and decided as any other, and a silent firm has not applied.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.enterprise.contract.events import Ground
from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar, Deadline
from services.kernel.errors import Conflict, Forbidden
from services.policy.cases.rules import FIRM, MatterKind
from services.policy.firms.rules import ground_of
from services.policy.plan.rules import FactEntry, PlanProgramme
from services.rulebook import Assessment

END_TIMER, REMIND_TIMER = "offers-end", "offers-remind"
CONFIRM_DAYS_MAX = 250


class BatchState(StrEnum):
    DRAFT = "draft"
    PREPARING = "preparing"
    OPEN = "open"
    ENDED = "ended"
    CANCELLED = "cancelled"


class BatchEvent(StrEnum):
    APPROVE = "approve"
    CANCEL = "cancel"
    CLOSE = "close"


class OfferState(StrEnum):
    """What became of an entitled firm's offer, or that it was left out."""

    PREPARED = "prepared"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    LEFT_OUT = "left-out"


class LeftOut(StrEnum):
    """Why a firm that is not plainly ineligible is offered nothing."""

    FACTS_UNKNOWN = "facts-unknown"
    MANUAL_CHECK = "manual-check"
    SELF_DECLARED = "self-declared"
    STALE_REGISTER = "stale-register"
    NO_LAWFUL_SOURCE = "no-lawful-source"
    AMOUNT_PENDING = "amount-pending-parameter"
    AMOUNT_ZERO = "amount-zero"
    CASE_EXISTS = "case-exists"
    DECLINED_BEFORE = "declined-before"
    APPLICATIONS_LIMIT = "applications-limit"


_S, _E = BatchState, BatchEvent
NEXT: Mapping[BatchState, Mapping[BatchEvent, BatchState]] = {
    _S.DRAFT: {_E.APPROVE: _S.PREPARING, _E.CANCEL: _S.CANCELLED},
    # What is being prepared is prepared to its end, unless the work on it has failed.
    _S.PREPARING: {_E.CLOSE: _S.ENDED},
    _S.OPEN: {_E.CLOSE: _S.ENDED},
    _S.ENDED: {},
    _S.CANCELLED: {},
}
LIVE = (_S.DRAFT, _S.PREPARING, _S.OPEN)
ANSWERS: Mapping[OfferState, tuple[str, str]] = {
    OfferState.CONFIRMED: ("企业已确认", "the firm has confirmed it"),
    OfferState.DECLINED: ("企业已放弃", "the firm has declined it"),
    OfferState.LAPSED: ("期满未确认，已失效", "it lapsed, since nobody answered in time"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.DRAFT: ("待批准", "a draft"),
    _S.PREPARING: ("准备中", "being prepared"),
    _S.OPEN: ("待企业确认", "open for confirmation"),
    _S.ENDED: ("已结束", "ended"),
    _S.CANCELLED: ("已取消", "cancelled"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.APPROVE: ("批准", "approve"),
    _E.CANCEL: ("取消", "cancel"),
    _E.CLOSE: ("结束", "close"),
}
OFFER_NAMES: Mapping[str, tuple[str, str]] = {
    OfferState.PREPARED: ("待企业确认", "Waits for the firm"),
    OfferState.CONFIRMED: ("企业已确认", "Confirmed by the firm"),
    OfferState.DECLINED: ("企业已放弃", "Declined by the firm"),
    OfferState.LAPSED: ("期满未确认", "Lapsed unanswered"),
    OfferState.LEFT_OUT: ("未列入", "Left out"),
}
REASON_NAMES: Mapping[str, tuple[str, str]] = {
    LeftOut.FACTS_UNKNOWN: (
        "缺少事实，条件无法判定",
        "A fact that a condition hangs on is unknown",
    ),
    LeftOut.MANUAL_CHECK: ("条件须人工核定", "A condition is for a person to check"),
    LeftOut.SELF_DECLARED: ("依据企业自行申报的事实", "It rests on the firm's own statement"),
    LeftOut.STALE_REGISTER: (
        "依据的登记逾期未更新",
        "A register that it rests on is out of date",
    ),
    LeftOut.NO_LAWFUL_SOURCE: (
        "所依据的事实未写明来源，或来自统计调查",
        "A fact that it rests on names no source, or comes from a statistical survey",
    ),
    LeftOut.AMOUNT_PENDING: ("金额所依据的参数未定", "The amount waits for a parameter"),
    LeftOut.AMOUNT_ZERO: ("按规则计算的金额为零", "The amount by the rule is zero"),
    LeftOut.CASE_EXISTS: (
        "同一事项已有在办或已批准的办件",
        "A case for the matter is open or was awarded",
    ),
    LeftOut.DECLINED_BEFORE: ("企业已就同一事项放弃", "The firm has declined it before"),
    LeftOut.APPLICATIONS_LIMIT: ("已达本批次限报数量", "It has filed as many as the call allows"),
}
# How the source of a statement says that it was taken from a survey (统计法: for statistics only).
_SURVEY: Final = re.compile(
    r"统计调查|统计报表|统计年报|统计直报|一套表|(?<!\d)10[1-7]-[12](?!\d)|微观数据"
    r"|microdata|statistical survey",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Lack:
    """What is in the way of an offer: a fact or condition, and whose it is."""

    fact: str | None
    year: int | None
    owner: str | None
    condition: str | None = None

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Judged:
    """What comes of asking about one firm; None is plainly not entitled and not listed."""

    state: OfferState | None
    reason: LeftOut | None = None
    lacks: tuple[Lack, ...] = ()


def move(state: BatchState, event: BatchEvent) -> BatchState:
    """Give the state after an event, or say which events the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    is_zh, is_en = STATE_NAMES[state]
    zh, en = EVENT_NAMES[event]
    raise Conflict(
        f"该批次处于“{is_zh}”状态，不能{zh}；可办理：{'、'.join(n[0] for n in names) or '无'}。",
        f"The batch is {is_en} and does not take {en};"
        f" allowed: {', '.join(n[1] for n in names) or 'none'}.",
        code="event-not-allowed",
    )


def require_lead(actor: Actor, programme: PlanProgramme) -> None:
    """Let only the department that leads a programme offer it."""
    if actor.department != programme.lead_code:
        raise Forbidden(
            "免申即享批次由项目的牵头部门发起。",
            "Offers are begun by the department that leads the programme.",
            code="not-your-department",
        )


def require_other_person(created_by: str, subject: str) -> None:
    if created_by == subject:
        raise Forbidden(
            "免申即享批次须由发起人以外的人批准。",
            "A batch of offers is approved by another person than the one who began it.",
            code="four-eyes",
        )


def require_approver(actor: Actor) -> None:
    if not actor.has(Role.APPROVER):
        raise Forbidden("此事项由审批人办理。", "This is for an approver.", code="role-required")


def require_offerable(programme: PlanProgramme, facts: Mapping[str, FactEntry]) -> None:
    """Refuse what the plan does not give unasked, and what no lawful fact decides."""
    rule = programme.compiled.programme
    stated = rule.without_application
    if stated is None or not stated.allowed:
        why = stated.because if stated else "方案未写明"
        # A plan gives its reason in Chinese, and is quoted.
        why_en = f'in its words, "{stated.because}"' if stated else "it does not say that it may"
        raise Conflict(
            f"该项目须经申报，不能免申即享：{why}。",
            f"The plan does not give this programme without an application: {why_en}.",
            code="application-needed",
        )
    if rule.beneficiary != FIRM or rule.matter != MatterKind.YEAR:
        raise Conflict(
            "免申即享只办理以企业为主体、按年度的项目；其他事项须由申请单位提出。",
            "Offers are for programmes of firms by the year; other matters must be applied for.",
            code="matter-not-known",
        )
    if rule.confidential:
        raise Conflict(
            "保密项目不办理免申即享批次。",
            "A confidential programme is not offered in batches.",
            code="confidential-programme",
        )
    _require_lawful(programme, facts)


def _require_lawful(programme: PlanProgramme, facts: Mapping[str, FactEntry]) -> None:
    surveyed = sorted(
        name for name in programme.compiled.facts if name in facts and facts[name].is_survey
    )
    if surveyed:
        listed = "、".join(f"{facts[name].zh}（{name}）" for name in surveyed)
        raise Conflict(
            f"统计调查数据不得用于免申即享：{listed}。",
            f"Survey data may not be used to grant anything: {', '.join(surveyed)}.",
            code="no-lawful-source",
        )


def judge(
    assessment: Assessment,
    declared: Iterable[str],
    unlawful: Iterable[str],
    stale: Iterable[str],
    *,
    facts: Mapping[str, FactEntry],
    manual: Mapping[str, str],
    has_amount: bool,
) -> Judged:
    """Tell what an answer is worth unasked; `manual` names the owner of conditions for people."""
    if assessment.outcome == "ineligible":
        return Judged(None)
    if assessment.outcome == "unknown" or assessment.amount_status == "unknown-fact":
        return _left_out(LeftOut.FACTS_UNKNOWN, map(_missing, assessment.missing))
    unknown = [str(c["id"]) for c in assessment.conditions if c["outcome"] == "unknown"]
    if unknown:
        reason = LeftOut.MANUAL_CHECK if set(unknown) <= manual.keys() else LeftOut.FACTS_UNKNOWN
        lacks = [Lack(None, None, manual.get(each), each) for each in unknown]
        return _left_out(reason, [*map(_missing, assessment.missing), *lacks])
    for reason, names in (
        (LeftOut.SELF_DECLARED, declared),
        (LeftOut.STALE_REGISTER, stale),
        (LeftOut.NO_LAWFUL_SOURCE, unlawful),
    ):
        if resting := list(names):
            return _left_out(reason, (_lack(name, facts) for name in resting))
    if has_amount and assessment.amount_fen is None:
        return Judged(OfferState.LEFT_OUT, LeftOut.AMOUNT_PENDING)
    if has_amount and assessment.amount_fen == 0:
        return Judged(OfferState.LEFT_OUT, LeftOut.AMOUNT_ZERO)
    return Judged(OfferState.PREPARED)


def unlawful_of(used: Iterable[str], grounds: Iterable[Ground]) -> list[str]:
    """Name the used values whose statement names no source, or says that it is from a survey."""
    known = tuple(grounds)
    return [name for name in used if not _is_lawful(ground_of(name, known))]


def last_day_of(on: date, days: int | None, calendar: Calendar) -> Deadline | None:
    """Give the last day for a firm's word; the day of the offer is not counted (民法典第201条)."""
    return None if days is None else calendar.add_working_days(on, days)


def remind_day_of(on: date, days: int, remind_days: int | None, calendar: Calendar) -> date | None:
    """Give the day on which silent firms are reminded, some working days before the last."""
    if remind_days is None or remind_days >= days:
        return None
    return calendar.add_working_days(on, days - remind_days).day


def require_not_at_work(state: BatchState, *, is_at_work: bool) -> None:
    """Close nothing while firms are still being compared."""
    if state is _S.PREPARING and is_at_work:
        raise Conflict(
            "批次仍在准备中，准备完毕后方可结束。",
            "The batch is still being prepared; it can be closed once that is over.",
            code="batch-preparing", retry_after_s=1,
        )  # fmt: skip


def require_waiting(
    state: OfferState, last_day: date | None, on: date, *, is_over: bool = False
) -> None:
    """Let a firm answer once, and in time."""
    if state is not OfferState.PREPARED:
        zh, en = ANSWERS.get(state, ("不在待确认状态", "it waits for no answer"))
        raise Conflict(f"本件{zh}，不再受理。", f"Nothing is to be answered: {en}.",
                       code="offer-answered")  # fmt: skip
    if is_over or (last_day is not None and on > last_day):
        raise Conflict(
            "确认期已届满，视为未申请；符合条件的仍可自行申报。",
            "The time to confirm is over; nothing was granted, and the firm may still apply.",
            code="offer-lapsed",
        )


def _is_lawful(ground: Ground | None) -> bool:
    # What rests on no statement rests on a title or a list, which name their documents.
    if ground is None:
        return True
    return bool(ground.source) and _SURVEY.search(ground.source or "") is None


def _left_out(reason: LeftOut, lacks: Iterable[Lack]) -> Judged:
    return Judged(OfferState.LEFT_OUT, reason, tuple(lacks))


def _missing(each: Mapping[str, Any]) -> Lack:
    return Lack(str(each["fact"]), each["year"], each["owner"])


def _lack(name: str, facts: Mapping[str, FactEntry]) -> Lack:
    fact, _, year = name.partition(":")
    entry = facts.get(fact)
    return Lack(fact, int(year) if year else None, entry.owner.name if entry else None)
