"""Objections to held facts on plain values: who may object to what, and who answers."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from services.kernel.actors import ROLE_NAMES, Role
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.cases.rules import APPLICANT, STATE_NAMES, CaseState
from services.policy.plan.rules import FactEntry
from services.policy.wording import NAMES_SHOWN_MAX

REASON_CHARS_MAX = 2000


class FactObjectionState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class FactObjectionEvent(StrEnum):
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"


_S, _E = FactObjectionState, FactObjectionEvent
OWNERS: Mapping[FactObjectionEvent, frozenset[Role]] = {
    _E.UPHOLD: frozenset({Role.REGISTRAR}),
    _E.DISMISS: frozenset({Role.REGISTRAR}),
    _E.WITHDRAW: APPLICANT,
}
TO: Mapping[FactObjectionEvent, FactObjectionState] = {
    _E.UPHOLD: _S.UPHELD,
    _E.DISMISS: _S.DISMISSED,
    _E.WITHDRAW: _S.WITHDRAWN,
}
NAMES: Mapping[str, tuple[str, str]] = {
    _S.OPEN: ("待主管部门答复", "Waits for the owner's answer"),
    _S.UPHELD: ("成立，事实已更正", "Upheld: the fact was corrected"),
    _S.DISMISSED: ("不成立", "Dismissed"),
    _S.WITHDRAWN: ("已撤回", "Withdrawn"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.UPHOLD: ("认定成立", "uphold"),
    _E.DISMISS: ("认定不成立", "dismiss"),
    _E.WITHDRAW: ("撤回", "withdraw"),
}
# Facts can be objected to as long as the case may still be decided otherwise.
OBJECTED_IN = frozenset(
    {
        CaseState.DRAFT,
        CaseState.SUBMITTED,
        CaseState.RETURNED,
        CaseState.ACCEPTED,
        CaseState.IN_REVIEW,
        CaseState.PROPOSED,
        CaseState.IN_NOTICE,
        CaseState.SUSPENDED,
    }
)


def require_open_case(state: CaseState) -> None:
    if state not in OBJECTED_IN:
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"办件处于“{zh}”状态，不再受理对事实的异议；对决定不服的，依决定书载明的途径。",
            f"The case is {en}; its facts are not objected to any more. Against a decision there"
            " are the remedies that it names.",
            code="case-closed",
        )


def require_held(name: str, held: Any, asked: Iterable[str]) -> None:
    """Let only what the case rests on be objected to; what is not held is stated instead."""
    known = sorted(set(asked))
    if name not in known:
        close = [*map(_dated, get_close_matches(name, known, n=NAMES_SHOWN_MAX))]
        hint = f"；是否指{'、'.join(zh for zh, _ in close)}" if close else ""
        hint_en = f"; did you mean {', '.join(en for _, en in close)}" if close else ""
        raise invalid_field(
            "/fact", "fact-not-of-this-case",
            f"本件不涉及该事实或该年度，见办件的预填事实{hint}。",
            "The case does not rest on this fact or year; see the facts that it is filled with"
            f"{hint_en}.",
        )  # fmt: skip
    if held is None:
        raise Conflict(
            "该事实尚无记录，无须异议；请直接向企业库自行申报，或由主管部门陈述。",
            "Nothing is held of this fact: state it yourself, or have its owner state it.",
            code="fact-not-held",
        )


def _dated(name: str) -> tuple[str, str]:
    """Write `fact:year` as the two fields of a request."""
    fact, _, year = name.partition(":")
    return (f"{fact}（{year}年）", f"{fact} ({year})") if year else (fact, fact)


def checked_claim(entry: FactEntry, says: Any) -> Any:
    """Read what the applicant holds right as a value of the fact; None is that it is unknown."""
    if says is None:
        return None
    is_right = {
        "int": type(says) is int,
        "bool": type(says) is bool,
        "text": isinstance(says, str),
        "date": isinstance(says, str),
    }.get(entry.type, False)
    in_bounds = type(says) is not int or (
        (entry.low is None or says >= entry.low) and (entry.high is None or says <= entry.high)
    )
    if not is_right or not in_bounds or (entry.values and says not in entry.values):
        raise invalid_field(
            "/says", "fact-value", f"与该事实的类型或取值范围不符：{entry.zh}。",
            f"Does not fit the type or the bounds of the fact: {entry.en}.",
        )  # fmt: skip
    return says


def require_another_value(says: Any, held: Any) -> None:
    if says == held:
        raise invalid_field(
            "/says", "fact-same", "与已掌握的事实相同，没有可更正之处。",
            "The same as what is held; there is nothing to correct.",
        )  # fmt: skip


def require_whose(event: FactObjectionEvent, roles: Iterable[str]) -> None:
    """Registrars answer, applicants take back."""
    whose = OWNERS[event]
    if not whose & frozenset(roles):
        zh, en = EVENT_NAMES[event]
        names = [ROLE_NAMES[role] for role in sorted(whose)]
        raise Forbidden(
            f"“{zh}”限以下角色办理：{'、'.join(name[0] for name in names)}。",
            f"To {en} an objection is for: {', '.join(name[1] for name in names)}.",
            code="role-required",
        )


def require_open(state: FactObjectionState) -> None:
    if state is not _S.OPEN:
        zh, en = NAMES[state]
        raise Conflict(
            f"该异议的状态为“{zh}”，不再办理。",
            f"This objection is not to be handled any more: {en.lower()}.",
            code="objection-closed",
        )


def require_reason(note: str) -> str:
    reason = note.strip()
    if not reason:
        raise invalid_field(
            "/note", "reason-required", "请在note中写明理由。", "Give the reason in note."
        )
    return reason


def statement_unfit() -> Conflict:
    return Conflict(
        "该陈述不是本部门对这项事实作出的现行陈述；请先在企业库更正事实，再以其statement_id答复。",
        "That statement is not your department's current one of this fact: correct the fact first,"
        " then answer with its statement_id.",
        code="statement-unfit",
    )


def contested(names: Iterable[tuple[str, str]]) -> Conflict:
    """Refuse to propose or decide on facts that are contested, named in both languages."""
    listed = list(names)
    return Conflict(
        f"申请单位对以下事实提出异议，主管部门尚未答复：{'、'.join(zh for zh, _ in listed)}。",
        "The applicant objects to facts whose owner has not answered:"
        f" {', '.join(en for _, en in listed)}.",
        code="fact-objected",
    )
