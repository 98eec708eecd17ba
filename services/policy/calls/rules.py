"""The life of a call, when it takes applications, and who comes first when places are few."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Programme


class CallState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    RANKED = "ranked"
    CANCELLED = "cancelled"


class CallEvent(StrEnum):
    PUBLISH = "publish"
    RANK = "rank"
    CANCEL = "cancel"
    PUBLISH_LIST = "publish-list"
    SETTLE = "settle"
    LIMIT = "limit"


class NoticeBy(StrEnum):
    """Whether a call's proposed cases stand in public notice one by one, or all in one list."""

    EACH = "each"
    LIST = "list"


class Ties(StrEnum):
    """What happens to equals where places run out; nobody guesses it."""

    UNDECIDED = "undecided"
    ALL = "all"
    FIRST_SUBMITTED = "first-submitted"


class RankBy(StrEnum):
    """What decides who comes first: the programme's own rule, or the score of a panel."""

    RULE = "rule"
    PANEL_SCORE = "panel-score"


_S, _E = CallState, CallEvent
NEXT: Mapping[CallState, Mapping[CallEvent, CallState]] = {
    _S.DRAFT: {
        _E.PUBLISH: _S.PUBLISHED,
        _E.CANCEL: _S.CANCELLED,
        _E.LIMIT: _S.DRAFT,
    },
    _S.PUBLISHED: {
        _E.RANK: _S.RANKED,
        _E.CANCEL: _S.CANCELLED,
        _E.LIMIT: _S.PUBLISHED,
        _E.PUBLISH_LIST: _S.PUBLISHED,
    },
    # What was ranked may be ranked anew; who was proposed or decided on keeps his place.
    _S.RANKED: {_E.RANK: _S.RANKED, _E.SETTLE: _S.RANKED, _E.PUBLISH_LIST: _S.RANKED},
    _S.CANCELLED: {},
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.DRAFT: ("草稿", "a draft"),
    _S.PUBLISHED: ("已发布", "published"),
    _S.RANKED: ("已排序", "ranked"),
    _S.CANCELLED: ("已取消", "cancelled"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.PUBLISH: ("发布", "publish"),
    _E.RANK: ("排序", "rank"),
    _E.CANCEL: ("取消", "cancel"),
    _E.SETTLE: ("确定并列", "settle a tie"),
    _E.LIMIT: ("限定申报数量", "limit applications"),
    _E.PUBLISH_LIST: ("公示名单", "publish the list"),
}
NOTICE_NAMES: Mapping[str, tuple[str, str]] = {
    NoticeBy.EACH: ("逐件公示", "each case by itself"),
    NoticeBy.LIST: ("本批次一并公示", "all in one list"),
}
TIES_NAMES: Mapping[str, tuple[str, str]] = {
    Ties.UNDECIDED: ("由审批人说明理由确定", "decided by an approver with a reason"),
    Ties.ALL: ("并列的一并入围", "all equals are within"),
    Ties.FIRST_SUBMITTED: ("先提交者优先", "who submitted first"),
}


RANK_BY_NAMES: Mapping[str, tuple[str, str]] = {
    RankBy.RULE: ("按条款规定的指标", "by the programme's own rule"),
    RankBy.PANEL_SCORE: ("按专家评审得分（千分之一分）", "by the panel's score, in thousandths"),
}
# What is an approver's alone, whoever wrote the call.
APPROVERS_ONLY = frozenset({_E.PUBLISH, _E.PUBLISH_LIST, _E.SETTLE, _E.LIMIT})
# And of them, what nobody does to a call of his own.
OTHERS_ONLY = frozenset({_E.PUBLISH, _E.LIMIT})


@dataclass(frozen=True)
class Entry:
    """A case that stands for a place: eligible or not, with what it is ranked by.

    A case that was proposed for approval or decided on holds its place, whatever its rank is now.
    """

    case: UUID
    eligible: bool
    rank_by: int | None
    submitted_number: int
    held: bool = False


@dataclass(frozen=True)
class Place:
    """Where a case stands; `within` is None where a tie at the last place is undecided."""

    case: UUID
    position: int
    rank_by: int | None
    within: bool | None
    held: bool = False


def move(state: CallState, event: CallEvent) -> CallState:
    """Give the state after an event, or say which events the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    is_zh, is_en = STATE_NAMES[state]
    zh, en = EVENT_NAMES[event]
    raise Conflict(
        f"申报批次处于“{is_zh}”状态，不能{zh}；可办理：{'、'.join(n[0] for n in names) or '无'}。",
        f"The call is {is_en} and does not take {en};"
        f" allowed: {', '.join(n[1] for n in names) or 'none'}.",
        code="event-not-allowed",
    )


def require_own_department(department: str | None, programme: PlanProgramme) -> None:
    """Let only a department that leads or supports the programme call for it."""
    if department not in programme.department_codes:
        raise Forbidden(
            "只能为本部门牵头或配合的项目发布申报批次。",
            "A department calls only for programmes that it leads or supports.",
            code="not-your-department",
        )


def require_draft(state: CallState) -> None:
    """Change drafts only: whoever applies relies on what was published."""
    if state is not CallState.DRAFT:
        is_zh, is_en = STATE_NAMES[state]
        raise Conflict(
            f"申报批次处于“{is_zh}”状态，不能修改；如须更正，请取消后另行编制。",
            f"The call is {is_en}, and only a draft can be changed; to correct it, cancel it and"
            " write another one.",
            code="call-not-draft",
        )


def only_approvers_limit(rule: Programme) -> bool:
    """Tell whether the text sets no limit of applications, so that only an approver sets one."""
    return rule.applications is not None and rule.applications.count is None


def require_other_person(subject: str, *writers: str | None) -> None:
    """Refuse the publication of one's own draft, or of one that one has changed."""
    if subject in writers:
        raise Forbidden(
            "申报批次须由编制人以外的人发布。",
            "A call is published by another person than the one who wrote it.",
            code="four-eyes",
        )


def require_notice(notice: NoticeBy, programme: PlanProgramme) -> None:
    """Refuse a list for public notice under a programme that has none."""
    if notice is NoticeBy.LIST and programme.notice_days == 0:
        raise invalid_field(
            "/notice", "no-notice", "该项目不公示，没有名单可公示。",
            "The programme has no public notice, so there is no list of one.",
        )  # fmt: skip


def require_window(opens_on: date, closes_on: date) -> None:
    if closes_on < opens_on:
        raise invalid_field(
            "/window/closes_on", "window-order", "截止日不能早于开始日。",
            "The last day is not before the first.",
        )  # fmt: skip


def require_open(state: CallState, opens_on: date, closes_on: date, today: date) -> None:
    """Refuse an application outside the window; its first and last day count."""
    if state is not CallState.PUBLISHED:
        is_zh, is_en = STATE_NAMES[state]
        raise Conflict(
            f"申报批次处于“{is_zh}”状态，不受理申报。",
            f"The call is {is_en} and takes no applications.", code="call-not-open",
        )  # fmt: skip
    if not opens_on <= today <= closes_on:
        raise Conflict(
            f"申报时间为{opens_on}至{closes_on}（含首尾两日），今日不受理。",
            f"Applications are taken from {opens_on} to {closes_on}, both included.",
            code="call-not-open",
        )


def rank(entries: Iterable[Entry], places: int | None, ties: Ties) -> list[Place]:
    """Order the eligible by what counts, most first; who is not known to count comes last.

    Without a number of places everyone is within. A tie at the last place is settled by the stated
    rule; where it says that a person decides, all who are equal there are neither in nor out.
    Who holds a place keeps it, and the others are ranked for what is left.
    """
    standing = sorted(
        (each for each in entries if each.eligible or each.held),
        key=lambda each: (each.rank_by is None, -(each.rank_by or 0), each.submitted_number),
    )
    within = _within(standing, places, ties)
    held = [each for each in standing if each.held]
    if places is not None and not all(within[each.case] for each in held):
        others = [each for each in standing if not each.held]
        within = _within(others, max(0, places - len(held)), ties)
        within |= {each.case: True for each in held}
    return [_place(each, standing, within=within[each.case]) for each in standing]


def _within(standing: Sequence[Entry], places: int | None, ties: Ties) -> dict[UUID, bool | None]:
    """Give the places to the first of a ranking."""
    if places is None or len(standing) <= places:
        return {each.case: True for each in standing}
    within: dict[UUID, bool | None] = {
        each.case: number <= places for number, each in enumerate(standing, 1)
    }
    if places and _equal(standing[places - 1], standing[places]):
        tied = [each.case for each in standing if _equal(each, standing[places - 1])]
        if ties is not Ties.FIRST_SUBMITTED:
            within |= dict.fromkeys(tied, True if ties is Ties.ALL else None)
    return within


def settle(ranked: Sequence[Place], quota: int, chosen: Collection[UUID]) -> list[Place]:
    """Give the places that a tie left open to whom a person chose: all of them, and no others."""
    tied = {each.case for each in ranked if each.within is None}
    if not tied:
        raise Conflict(
            "没有待确定的并列。", "No tie is left to settle.", code="no-tie"
        )  # fmt: skip
    left = quota - sum(1 for each in ranked if each.within)
    if not set(chosen) <= tied or len(set(chosen)) != left:
        raise invalid_field(
            "/data/cases", "tie-choice", f"须从并列的办件中选定{left}件。",
            f"Choose {left} of the cases that tie, and no others.",
        )  # fmt: skip
    return [
        each if each.within is not None else replace(each, within=each.case in chosen)
        for each in ranked
    ]


def require_approver(*, is_approver: bool, event: CallEvent) -> None:
    """Leave to approvers what a reviewer does not decide."""
    if event in APPROVERS_ONLY and not is_approver:
        zh, en = EVENT_NAMES[event]
        raise Forbidden(
            f"申报批次的“{zh}”由审批人办理。",
            f"To {en} is for an approver.", code="role-required",
        )  # fmt: skip


def require_results(missing: int) -> None:
    """Rank nothing by scores of which one is unknown: it is no zero, and might be the first."""
    if missing:
        raise Conflict(
            f"有{missing}件尚无专家评审得分，不能排序；请先结束评审，或为其另组评审组；"
            "退回后未补正的，可说明理由不计入（without_returned）。",
            f"{missing} case(s) have no score of a panel; close it first, or convene another one;"
            " what was returned and is not completed may be left out with a reason"
            " (`without_returned`).",
            code="panel-results-missing",
        )


def require_score(score: int | None) -> None:
    """Refuse a case that no panel has given a score: unknown is not zero, and no place follows."""
    if score is None:
        raise Conflict(
            "本件没有专家评审得分，不能提请批准。",
            "The case has no score of a panel, so it cannot be proposed.",
            code="panel-result-missing",
        )


def require_ranked_by(ranked: int | None, score: int | None) -> None:
    """Refuse a place that was given on another score than the one that stands."""
    if ranked != score:
        raise Conflict(
            "排序后评审得分已变动，须重新排序。",
            "The score has changed since the ranking; rank anew.",
            code="ranking-outdated",
        )


def outside_quota(quota: int, position: int, ties: Ties, *, held: int = 0) -> Conflict:
    """Say why a case has no place: others come before it, hold theirs already, or won a tie."""
    zh = f"本批次限{quota}个名额，本件排第{position}位"
    en = f"The call has {quota} places and the case stands at {position}"
    if held:
        zh = f"{zh}，排序时另有{held}件已提请批准或已决定，名额为其保留"
        en = f"{en}; {held} cases that do not come before it held their places already"
    elif position <= quota:
        by_zh, by_en = TIES_NAMES[ties]
        zh, en = f"{zh}（并列），按“{by_zh}”", f"{en} with others; the rule for ties: {by_en}"
    return Conflict(f"{zh}，未入围。", f"{en}.", code="outside-quota")


def _equal(left: Entry, right: Entry) -> bool:
    return left.rank_by == right.rank_by


def _place(entry: Entry, standing: Sequence[Entry], *, within: bool | None) -> Place:
    """Give equals the same position, as competitions do: 1, 2, 2, 4."""
    position = 1 + next(i for i, each in enumerate(standing) if _equal(each, entry))
    return Place(entry.case, position, entry.rank_by, within, entry.held)
