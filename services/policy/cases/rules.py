"""The life of a case on plain values: states, who may do what in each, matters, and four eyes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.actors import ROLE_NAMES, Actor, Role
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.contract.events import Matter, Party
from services.policy.plan.rules import PlanProgramme

FIRM, INSTITUTION = "firm", "institution"
YEAR_FIRST = 2000
RESERVATION_RETRY_S = 1


class CaseState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    IN_REVIEW = "in-review"
    PROPOSED = "proposed"
    IN_NOTICE = "in-notice"
    SUSPENDED = "suspended"
    DECIDED = "decided"
    AWARDED = "awarded"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    REVOKED = "revoked"


class CaseEvent(StrEnum):
    """What a person does to a case."""

    SUBMIT = "submit"
    ACCEPT = "accept"
    RETURN = "return"
    COMPLETE = "complete"
    REVIEW = "review"
    PROPOSE = "propose"
    DECIDE = "decide"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    OBJECT = "object"
    CONFIRM = "confirm"
    DECLINE = "decline"


class SystemEvent(StrEnum):
    """What happens to a case beside the events above: its beginning, money, notice, steps."""

    CREATED = "created"
    IMPORTED = "imported"
    RESERVED = "reserved"
    RESERVATION_REFUSED = "reservation-refused"
    RESERVATION_ENDED = "reservation-ended"
    NOTICE_BEGUN = "notice-begun"
    NOTICE_ENDED = "notice-ended"
    SUSPENDED = "suspended"
    OBJECTION_UPHELD = "objection-upheld"
    OBJECTION_DISMISSED = "objection-dismissed"
    AWARDED = "awarded"
    PAID = "paid"
    PAYMENT_RETURNED = "payment-returned"
    RECOVERED = "recovered"
    STEP_PASSED = "step-passed"
    STEP_FAILED = "step-failed"
    STEP_RETURNED = "step-returned"
    RECUSED = "recused"
    # Of a case without money: the registry's word on its title, and its end.
    TITLE_RECORDED = "title-recorded"
    TITLE_NOT_RECORDED = "title-not-recorded"
    TITLE_REVOKED = "title-revoked"
    COMPLETED = "completed"
    OFFER_LAPSED = "offer-lapsed"
    FACTS_CHANGED = "facts-changed"
    FACTS_CONFIRMED = "facts-confirmed"
    FACT_OBJECTED = "fact-objected"
    FACT_OBJECTION_ANSWERED = "fact-objection-answered"
    PANEL_JUDGED = "panel-judged"
    PANEL_REOPENED = "panel-reopened"
    # Its decision was undone on appeal; this case follows the one that it ended.
    REOPENED = "reopened"


class ReservationState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    RESERVED = "reserved"
    REFUSED = "refused"


class Outcome(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"


class MatterKind(StrEnum):
    YEAR = "year"
    PROJECT = "project"


APPLICANT = frozenset({Role.FIRM, Role.INSTITUTION})
REVIEWER = frozenset({Role.REVIEWER})
APPROVER = frozenset({Role.APPROVER})
OFFICERS = REVIEWER | APPROVER


@dataclass(frozen=True)
class Move:
    """Where an event leads, and whose it is; `decide` leads to one of two states."""

    to: tuple[CaseState, ...]
    who: frozenset[Role]


_S, _E = CaseState, CaseEvent
_WITHDRAW = Move((_S.WITHDRAWN,), APPLICANT)
_DECIDE = Move((_S.DECIDED, _S.REFUSED), APPROVER)
_REVOKE = Move((_S.REVOKED,), APPROVER)

# The whole life of a case: what is not here cannot happen.
NEXT: Mapping[CaseState, Mapping[CaseEvent, Move]] = {
    _S.DRAFT: {
        _E.SUBMIT: Move((_S.SUBMITTED,), APPLICANT),
        _E.WITHDRAW: _WITHDRAW,
        # Of what was prepared unasked: one word submits it, and it was compared before.
        _E.CONFIRM: Move((_S.ACCEPTED,), APPLICANT),
        _E.DECLINE: _WITHDRAW,
    },
    _S.SUBMITTED: {
        _E.ACCEPT: Move((_S.ACCEPTED,), REVIEWER),
        _E.RETURN: Move((_S.RETURNED,), REVIEWER),
        _E.WITHDRAW: _WITHDRAW,
    },
    _S.RETURNED: {_E.COMPLETE: Move((_S.SUBMITTED,), APPLICANT), _E.WITHDRAW: _WITHDRAW},
    _S.ACCEPTED: {_E.REVIEW: Move((_S.IN_REVIEW,), REVIEWER), _E.WITHDRAW: _WITHDRAW},
    _S.IN_REVIEW: {_E.PROPOSE: Move((_S.PROPOSED,), REVIEWER), _E.WITHDRAW: _WITHDRAW},
    _S.PROPOSED: {
        _E.DECIDE: _DECIDE,
        # A next attempt, once finance has refused the last one.
        _E.PROPOSE: Move((_S.PROPOSED,), REVIEWER),
        _E.WITHDRAW: _WITHDRAW,
    },
    _S.IN_NOTICE: {
        _E.DECIDE: _DECIDE,
        _E.OBJECT: Move((_S.SUSPENDED,), APPLICANT),
        _E.WITHDRAW: _WITHDRAW,
    },
    # What leads back is how the objection is handled.
    _S.SUSPENDED: {_E.WITHDRAW: _WITHDRAW},
    _S.DECIDED: {_E.REVOKE: _REVOKE},
    _S.AWARDED: {_E.REVOKE: _REVOKE},
    _S.CLOSED: {_E.REVOKE: _REVOKE},
    _S.WITHDRAWN: {},
    _S.REFUSED: {},
    _S.REVOKED: {},
}
# How a case without money goes on by itself: it is closed once the registry holds its title, or at
# once where there is none to hold. What the registry could not record stays decided.
WITHOUT_MONEY: Mapping[CaseState, Mapping[SystemEvent, CaseState]] = {
    _S.PROPOSED: {SystemEvent.NOTICE_BEGUN: _S.IN_NOTICE},
    _S.DECIDED: {SystemEvent.TITLE_RECORDED: _S.CLOSED, SystemEvent.COMPLETED: _S.CLOSED},
}
FINISHED = frozenset({_S.CLOSED, _S.WITHDRAWN, _S.REFUSED, _S.REVOKED})
# How a case of earlier years may have ended.
LEGACY_STATES = (_S.CLOSED, _S.WITHDRAWN, _S.REFUSED, _S.REVOKED)
OPEN = tuple(state for state in CaseState if state not in FINISHED)
# A programme whose award was decided on has been received, for `once_ever`.
RECEIVED = (_S.DECIDED, _S.AWARDED, _S.CLOSED)
# What the applicant's money is known of by, for those who handle it.
AWARDED = (_S.AWARDED, _S.CLOSED)
# Open cases of which the database lets one stand: a returned payment opens a closed case again,
# whatever was begun since.
UNDECIDED = tuple(state for state in OPEN if state not in AWARDED)
# What a draft takes that was prepared unasked, and no other draft.
OFFER_EVENTS = frozenset({_E.CONFIRM, _E.DECLINE})
# Whose an event is.
OWNERS: Mapping[CaseEvent, frozenset[Role]] = {
    event: move.who for moves in NEXT.values() for event, move in moves.items()
}

# What a person reads instead of a code, Chinese and English.
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.DRAFT: ("草稿", "a draft"),
    _S.SUBMITTED: ("已提交", "submitted"),
    _S.RETURNED: ("已退回补正", "returned for completion"),
    _S.ACCEPTED: ("已受理", "accepted"),
    _S.IN_REVIEW: ("审核中", "in review"),
    _S.PROPOSED: ("已提请", "proposed"),
    _S.IN_NOTICE: ("公示中", "in public notice"),
    _S.SUSPENDED: ("已中止", "suspended"),
    _S.DECIDED: ("已决定", "decided"),
    _S.AWARDED: ("已核定", "awarded"),
    _S.CLOSED: ("已办结", "closed"),
    _S.WITHDRAWN: ("已撤回", "withdrawn"),
    _S.REFUSED: ("不予批准", "refused"),
    _S.REVOKED: ("已撤销", "revoked"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.SUBMIT: ("提交", "submit"),
    _E.ACCEPT: ("受理", "accept"),
    _E.RETURN: ("退回补正", "return"),
    _E.COMPLETE: ("补正", "complete"),
    _E.REVIEW: ("开始审核", "review"),
    _E.PROPOSE: ("提请", "propose"),
    _E.DECIDE: ("决定", "decide"),
    _E.WITHDRAW: ("撤回", "withdraw"),
    _E.REVOKE: ("撤销", "revoke"),
    _E.OBJECT: ("提出异议", "object"),
    _E.CONFIRM: ("确认", "confirm"),
    _E.DECLINE: ("放弃", "decline"),
}
MATTER_NAMES: Mapping[str, tuple[str, str]] = {
    MatterKind.YEAR: ("年度", "year"),
    MatterKind.PROJECT: ("具体事项", "project"),
}

# Finance's word on an award, and how far the case has come by it.
ADVANCED = {
    "awarded": _S.AWARDED,
    "paying": _S.AWARDED,
    "paid": _S.CLOSED,
}
ORDER = (_S.DECIDED, _S.AWARDED, _S.CLOSED)


def moves(state: CaseState, *, offered: bool) -> dict[CaseEvent, Move]:
    """Give what a state takes; of drafts, those prepared unasked take other events."""
    way = NEXT[state]
    if state is not _S.DRAFT:
        return dict(way)
    return {event: move for event, move in way.items() if (event in OFFER_EVENTS) is offered}


def move(
    state: CaseState, event: CaseEvent, roles: Iterable[str], *, offered: bool = False
) -> Move:
    """Find where an event leads, or refuse: not this role's, or not in this state."""
    require_role(event, roles)
    way = moves(state, offered=offered)
    if event not in way:
        raise not_allowed(state, event, offered=offered)
    return way[event]


def require_role(event: CaseEvent, roles: Iterable[str]) -> None:
    """Refuse who never does this event, whatever the state."""
    whose = OWNERS[event]
    if not whose & frozenset(roles):
        zh, en = EVENT_NAMES[event]
        names = [ROLE_NAMES[role] for role in sorted(whose)]
        raise Forbidden(
            f"“{zh}”限以下角色办理：{'、'.join(name[0] for name in names)}。",
            f"To {en} a case is for these roles: {', '.join(name[1] for name in names)}.",
            code="role-required",
        )


def not_allowed(state: CaseState, event: CaseEvent, *, offered: bool = False) -> Conflict:
    """Say what state a case is in, and what that state allows."""
    allowed = [EVENT_NAMES[each] for each in moves(state, offered=offered)]
    is_zh, is_en = STATE_NAMES[state]
    zh, en = EVENT_NAMES[event]
    return Conflict(
        f"办件处于“{is_zh}”状态，不能{zh}；此状态可办理："
        f"{'、'.join(name[0] for name in allowed) or '无'}。",
        f"The case is {is_en} and does not take {en}; allowed: "
        f"{', '.join(name[1] for name in allowed) or 'none'}.",
        code="event-not-allowed",
    )


def advance(state: CaseState, award_state: str) -> CaseState:
    """Follow finance's word forward, and back where a payment was returned.

    A case that is not decided goes nowhere by it.
    """
    if state is _S.CLOSED and award_state == "awarded":
        return _S.AWARDED
    target = ADVANCED.get(award_state)
    if target is None or state not in ORDER or ORDER.index(target) <= ORDER.index(state):
        return state
    return target


def require_no_stake(actor: Actor, applicant: Party) -> None:
    """Nobody handles the case of a firm that he is bound to."""
    if has_stake(actor, applicant):
        raise Forbidden(
            "与申请单位有关联的人员应当回避，不能办理本件。",
            "Whoever is bound to the applicant does not handle its case.",
            code="conflict-of-interest",
        )


def has_stake(actor: Actor, applicant: Party) -> bool:
    """Tell whether a person is bound to the applicant, in whatever role."""
    bound = {FIRM: actor.uscc, INSTITUTION: actor.institution}.get(applicant.kind)
    return bound is not None and bound == applicant.id


def require_other_person(approver: str, reviewers: Iterable[str]) -> None:
    """Let only a person decide who has not handled the case before."""
    if approver in set(reviewers):
        raise Forbidden(
            "审核过本件的人员不能作出决定，须由另一人审批。",
            "Whoever reviewed a case does not decide it; another person must.",
            code="four-eyes",
        )


def require_reason(note: str, zh: str, en: str) -> None:
    """Ask in the note for the reason of what nobody does to a case without one."""
    if not note.strip():
        raise invalid_field("/note", "note-required", zh, en)


def require_reason_to_revoke(note: str) -> None:
    require_reason(
        note,
        "撤销须在note中写明理由：撤销终止本件，已拨付的资金据此追回。",
        "A revocation states its reason in note: it ends the case, and money that was paid is"
        " asked back by it.",
    )


def require_reason_to_refuse(note: str, result: str | None, finance_said: str | None) -> None:
    """Refuse what the rule holds eligible with a reason only, finance's or one's own."""
    if result == "eligible" and not finance_said:
        require_reason(
            note,
            "规则结果为符合条件，不予批准须在note中写明理由，决定书据此载明。",
            "The rule's result is eligible; a refusal states its reason in note, and the decision"
            " document says it.",
        )


def require_matter(matter: Matter, programme: PlanProgramme, on: date) -> int | None:
    """Check a matter against what the programme is for; a year's gives the reference year."""
    kind = programme.compiled.programme.matter
    if matter.kind != kind:
        zh, en = MATTER_NAMES.get(kind, ("其他事项", kind))
        raise invalid_field(
            "/matter/kind", "matter-kind", f"该项目按{zh}申报。",
            f"This programme is applied for by {en}.",
        )  # fmt: skip
    if kind == MatterKind.YEAR:
        return _reference_year(matter, on)
    if matter.id is None or matter.period is not None:
        raise invalid_field(
            "/matter/id", "matter-id", "须写明事项编号。", "The matter needs an id."
        )
    return None


def _reference_year(matter: Matter, on: date) -> int:
    text = matter.period or ""
    is_year = len(text) == len("2025") and text.isascii() and text.isdigit()
    if matter.id is not None or not is_year or not YEAR_FIRST <= int(text) <= on.year:
        raise invalid_field(
            "/matter/period", "matter-period", f"须为{YEAR_FIRST}至{on.year}之间的年份，如“2025”。",
            f'Must be a year from {YEAR_FIRST} to {on.year}, such as "2025".',
        )  # fmt: skip
    return int(text)


def open_key(matter: Matter, programme: PlanProgramme) -> str:
    """Name what one applicant may have open once: a matter, or the programme if it is once only."""
    return "once" if programme.compiled.asks_history else matter.key()


def require_answered(state: ReservationState) -> None:
    """Decide nothing while finance is about to answer."""
    if state is ReservationState.PENDING:
        raise Conflict(
            "资金预留尚未答复，请稍候再作决定。", "Finance has not answered yet; decide shortly.",
            code="reservation-pending", retry_after_s=RESERVATION_RETRY_S,
        )  # fmt: skip


def require_reserved(state: ReservationState, reason: str | None, reason_en: str | None) -> None:
    """Approve only what finance holds the money for."""
    require_answered(state)
    if state is not ReservationState.RESERVED:
        raise Conflict(
            f"资金未能预留，不能批准：{(reason or '无预留').rstrip('。')}。可由审核人员待资金落实后"
            "重新提请，或者决定不予批准。",
            "No money is reserved, so it cannot be approved:"
            f" {(reason_en or 'nothing held').rstrip('.')}. A reviewer may propose it again once"
            " there is money, or it is decided to be refused.",
            code="reservation-refused",
        )
