"""The life of cases written down a second time, on plain values: who may do what, and what follows.

Nothing is taken from the services' own tables: where the two differ, one of them is wrong.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

GROWTH, SOFTWARE = "digital-growth", "software-growth"
PROGRAMMES = (GROWTH, SOFTWARE)
# What the rules give the firm of a sequence, which grows beyond both caps.
FULL_FEN = {GROWTH: 30_000_000, SOFTWARE: 50_000_000}
OVERRIDDEN_FEN = 7_000_000
PART_FEN = 1_000_000
HAS_NOTICE = frozenset({SOFTWARE})

FIRM, REVIEWER, APPROVER = "firm", "reviewer", "approver"
WITHDRAWN = {"withdraw": "withdrawn"}
REVOKED = {"revoke": "revoked"}
DECISION = {"approve": "awarded", "refuse": "refused"}
# Where each event leads once everybody has heard; what `decide` leads to depends on its outcome.
LIFE = {
    "draft": {"submit": "submitted", **WITHDRAWN},
    "submitted": {"accept": "accepted", "return": "returned", **WITHDRAWN},
    "returned": {"complete": "submitted", **WITHDRAWN},
    "accepted": {"review": "in-review", **WITHDRAWN},
    "in-review": {"propose": "proposed", **WITHDRAWN},
    "proposed": {"propose": "proposed", "decide": "", **WITHDRAWN},
    "in-notice": {"object": "suspended", "decide": "", **WITHDRAWN},
    "suspended": WITHDRAWN,
    "awarded": REVOKED,
    "closed": REVOKED,
    "withdrawn": {},
    "refused": {},
    "revoked": {},
}
WHOSE = {
    "submit": FIRM, "complete": FIRM, "withdraw": FIRM, "object": FIRM, "confirm": FIRM,
    "decline": FIRM, "accept": REVIEWER, "return": REVIEWER, "review": REVIEWER,
    "propose": REVIEWER, "decide": APPROVER, "revoke": APPROVER,
}  # fmt: skip
OVER = ("closed", "withdrawn", "refused", "revoked")
STANDING = ("reserved", "awarded", "paying", "paid")
GRANTED = ("awarded", "paying", "paid", "recovered")
PAYMENTS = ("prepare", "check", "send", "settle", "give-back", "cancel")
RECOVERIES = ("recover", "recover-part", "confirm-recovery", "cancel-recovery")
HANDLING = ("dismiss", "uphold-review", "uphold-refuse")
TREASURERS = ("treasurer", "treasurer-b")


class Caller(NamedTuple):
    """Who calls: what he may do, and what keeps him from even knowing of the case."""

    name: str
    roles: frozenset[str] = frozenset()
    barred: int | None = None


# `both` reviews and approves: the one in whom four eyes could become two.
CALLERS = {
    caller.name: caller
    for caller in (
        Caller("own", frozenset({FIRM})),
        Caller("reviewer", frozenset({REVIEWER})),
        Caller("approver", frozenset({APPROVER})),
        Caller("approver-b", frozenset({APPROVER})),
        Caller("both", frozenset({REVIEWER, APPROVER})),
        Caller("firm-b", frozenset({FIRM}), 404),
        Caller("reviewer-b", frozenset({REVIEWER}), 404),
        Caller("institution", frozenset({FIRM}), 404),
        Caller("treasurer", barred=403),
        Caller("auditor", barred=403),
        Caller("registrar", barred=403),
        Caller("public", barred=401),
    )
}
READERS = ("own", "reviewer", "approver", "approver-b", "both", "auditor")


class Verdict(NamedTuple):
    """What must be answered; without a code any of that status will do."""

    status: int
    code: str | None = None

    @property
    def is_done(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST


DONE = Verdict(200)
NOT_ALLOWED = Verdict(409, "event-not-allowed")
FOUR_EYES = Verdict(403, "four-eyes")


@dataclass
class Award:
    """What finance has made of a case."""

    state: str
    amount: int
    batch: str | None = None
    prepared_by: str = ""
    recovered: int = 0
    waiting: int = 0
    waiting_by: str = ""

    @property
    def left(self) -> int:
        return self.amount - self.recovered

    @property
    def reserved(self) -> int:
        return self.amount if self.state in ("reserved", "awarded", "paying") else 0

    @property
    def paid(self) -> int:
        return self.left if self.state in ("paid", "recovered") else 0


@dataclass
class Case:
    """One case: its state, its proposal, its notice and its award."""

    programme: str
    state: str = "draft"
    attempt: int = 0
    outcome: str | None = None
    is_refused_money: bool = False
    reviewers: set[str] = field(default_factory=set[str])
    decided_by: str | None = None
    # The attempts to which the objections belong that wait for a word, the oldest first.
    objections: list[int] = field(default_factory=list[int])
    listed_at: int | None = None
    award: Award | None = None

    def is_notice_over(self, tick: int) -> bool:
        return self.listed_at is None or tick > self.listed_at

    def allowed(self, caller: str, tick: int) -> set[str]:
        """Give what a caller is to be shown as possible."""
        roles, allowed = CALLERS[caller].roles, set[str]()
        for event in LIFE[self.state]:
            mine = WHOSE[event] in roles
            if event == "decide":
                mine = mine and (self.state != "in-notice" or self.is_notice_over(tick))
            if event == "object":
                mine = mine and not self.is_notice_over(tick)
            if event == "propose":
                mine = mine and self.may_propose
            if WHOSE[event] == APPROVER:
                mine = mine and caller not in self.reviewers
            if mine:
                allowed.add(event)
        return allowed

    @property
    def may_propose(self) -> bool:
        return self.state != "proposed" or self.is_refused_money or self.outcome == "refuse"


@dataclass
class World:
    """The cases of one firm, what else it was given, and how often days went by."""

    cases: list[Case] = field(default_factory=list[Case])
    declared: set[str] = field(default_factory=set[str])
    tick: int = 0

    def verdict(self, case: Case, event: str, caller: str, way: str, *, stale: bool) -> Verdict:
        """Say what an event of a case must be answered with."""
        who = CALLERS[caller]
        if who.barred is not None:
            return Verdict(who.barred)
        if WHOSE[event] not in who.roles:
            return Verdict(403, "role-required")
        if event not in LIFE[case.state]:
            return NOT_ALLOWED
        if WHOSE[event] == APPROVER and caller in case.reviewers:
            return FOUR_EYES
        if event == "propose" and not case.may_propose:
            return NOT_ALLOWED
        if stale:
            return Verdict(412, "version-mismatch")
        if event == "object" and case.is_notice_over(self.tick):
            return Verdict(409, "objection-late")
        return self._decision(case, way) if event == "decide" else DONE

    def _decision(self, case: Case, way: str) -> Verdict:
        if case.state == "in-notice" and not case.is_notice_over(self.tick):
            return Verdict(409, "notice-running")
        if way == "refuse":
            return DONE
        if case.outcome == "refuse":
            return Verdict(409, "proposed-for-refusal")
        return Verdict(409, "reservation-refused") if case.is_refused_money else DONE

    def do(self, case: Case, event: str, caller: str, way: str) -> None:
        """Follow an event that was done, and what finance and the notice make of it."""
        if WHOSE[event] == REVIEWER:
            case.reviewers.add(caller)
        if event == "propose":
            self._propose(case, way)
            return
        case.state = DECISION[way] if event == "decide" else LIFE[case.state][event]
        if event == "object":
            case.objections.append(case.attempt)
        elif event == "decide":
            case.decided_by = caller
            if way == "approve" and case.award is not None:
                case.award.state = "awarded"
        if case.state in ("withdrawn", "refused", "revoked"):
            self._end(case)

    def _propose(self, case: Case, way: str) -> None:
        case.state, case.outcome = "proposed", "refuse" if way == "refuse" else "approve"
        case.attempt += 1
        case.listed_at, case.is_refused_money = None, False
        if way == "refuse":
            return
        asked = OVERRIDDEN_FEN if way == "override" else FULL_FEN[case.programme]
        granted = asked - self._beside(case)
        if granted <= 0:
            case.award, case.is_refused_money = Award("refused", 0), True
            return
        case.award = Award("reserved", granted)
        if case.programme in HAS_NOTICE:
            case.state, case.listed_at = "in-notice", self.tick

    def _beside(self, case: Case) -> int:
        """Sum what stands of other aid for the same firm and matter."""
        declared = FULL_FEN[case.programme] if case.programme in self.declared else 0
        return declared + sum(
            other.award.left
            for other in self.cases
            if other is not case and other.programme == case.programme
            and other.award is not None and other.award.state in STANDING
        )  # fmt: skip

    def _end(self, case: Case) -> None:
        award = case.award
        if award is not None and award.state in ("reserved", "awarded"):
            award.state = "voided"
            award.batch = "cancelled" if award.batch in ("prepared", "checked") else award.batch

    def may_open(self, programme: str) -> Verdict:
        same = [case for case in self.cases if case.programme == programme]
        is_open = any(case.state not in OVER for case in same)
        return Verdict(409, "case-exists") if is_open else Verdict(201)

    # The notice: what others say of it, and what a reviewer makes of that.

    def objection_verdict(self, case: Case) -> Verdict:
        in_time = case.state == "suspended" or (
            case.state == "in-notice" and not case.is_notice_over(self.tick)
        )
        return Verdict(201) if in_time else Verdict(409, "objection-late")

    def object_publicly(self, case: Case) -> None:
        case.objections.append(case.attempt)
        case.state = "suspended"

    def handling_verdict(self, caller: str) -> Verdict:
        return DONE if caller in ("reviewer", "both") else Verdict(403)

    def handle(self, case: Case, how: str, caller: str) -> None:
        """Follow what a reviewer made of the oldest objection that waits."""
        attempt = case.objections.pop(0)
        case.reviewers.add(caller)
        stands = case.state in ("in-notice", "suspended") and case.attempt == attempt
        if how == "dismiss" and stands and attempt not in case.objections:
            case.state, case.listed_at = "in-notice", self.tick
        elif how == "uphold-review" and stands:
            case.state = "in-review"
        elif how == "uphold-refuse" and stands:
            case.state, case.outcome = "proposed", "refuse"
