"""The life of a call, when it takes applications, and who comes first when places are few."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.parameters.rules import UNIT_NAMES, Number
from services.policy.plan.rules import BENEFICIARY_NAMES, PLAN_NOT_IN_FORCE, PlanProgramme
from services.rulebook.reasons import yuan


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
    # What was ranked may be ranked anew, while nothing of it was decided.
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
    """A case that stands for a place: eligible or not, with what it is ranked by."""

    case: UUID
    eligible: bool
    rank_by: int | None
    submitted_number: int


@dataclass(frozen=True)
class Place:
    """Where a case stands; `within` is None where a tie at the last place is undecided."""

    case: UUID
    position: int
    rank_by: int | None
    within: bool | None


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


def require_other_person(created_by: str, subject: str) -> None:
    """Refuse the publication of one's own draft."""
    if created_by == subject:
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
    """
    standing = sorted(
        (each for each in entries if each.eligible),
        key=lambda each: (each.rank_by is None, -(each.rank_by or 0), each.submitted_number),
    )
    if places is None or len(standing) <= places:
        return [_place(each, standing, within=True) for each in standing]
    last, next_ = standing[places - 1], standing[places]
    tied = _equal(last, next_) and ties is not Ties.FIRST_SUBMITTED
    ranked: list[Place] = []
    for number, each in enumerate(standing, 1):
        within: bool | None = number <= places
        if tied and _equal(each, last):
            within = True if ties is Ties.ALL else None
        ranked.append(_place(each, standing, within=within))
    return ranked


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
            f"有{missing}件尚无专家评审得分，不能排序；请先结束评审，或为其另组评审组。",
            f"{missing} case(s) have no score of a panel; close it first, or convene another one.",
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


def outside_quota(quota: int, position: int, ties: Ties) -> Conflict:
    """Say why a case has no place: others come before it, or a tie went to others."""
    zh = f"本批次限{quota}个名额，本件排第{position}位"
    en = f"The call has {quota} places and the case stands at {position}"
    if position <= quota:
        by_zh, by_en = TIES_NAMES[ties]
        zh, en = f"{zh}（并列），按“{by_zh}”", f"{en} with others; the rule for ties: {by_en}"
    return Conflict(f"{zh}，未入围。", f"{en}.", code="outside-quota")


def _equal(left: Entry, right: Entry) -> bool:
    return left.rank_by == right.rank_by


def _place(entry: Entry, standing: Sequence[Entry], *, within: bool | None) -> Place:
    """Give equals the same position, as competitions do: 1, 2, 2, 4."""
    position = 1 + next(i for i, each in enumerate(standing) if _equal(each, entry))
    return Place(entry.case, position, entry.rank_by, within)


@dataclass(frozen=True)
class Paragraphs:
    """A part of the notice as people read it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """What a call adds to its programme."""

    opens_on: date
    closes_on: date
    budget_fen: int | None
    quota: int | None
    ties: Ties
    per_applicant: int | None
    document: str | None
    contact: str
    asked: tuple[str, ...]
    held: tuple[str, ...]


def notice(
    programme: PlanProgramme, terms: Terms, numbers: Mapping[str, Number], today: date
) -> list[Paragraphs]:
    """Write the notice of a call: what the clause says, what is asked, and what is not yet set."""
    rule = programme.compiled.programme
    parts = [
        Paragraphs("申报依据", _grounds(programme, terms, today)),
        Paragraphs("申报对象", (BENEFICIARY_NAMES[rule.beneficiary][0],)),
        Paragraphs(
            "申报条件", tuple(_condition(each.says, each.source) for each in rule.conditions)
        ),
        Paragraphs("支持标准", _standard(programme, numbers)),
        Paragraphs("申报时间", (f"{terms.opens_on}至{terms.closes_on}（含首尾两日）",)),
        Paragraphs("名额与资金", _limits(programme, terms)),
        Paragraphs("申报材料", terms.asked or ("无需提交材料",)),
    ]
    if terms.held:
        parts.append(Paragraphs("免予提交（由部门自行核查）", terms.held))
    days = programme.notice_days
    parts.append(Paragraphs("公示", (f"公示{days}个工作日" if days else "不公示",)))
    parts.append(Paragraphs("咨询", (terms.contact,)))
    return parts


def _grounds(programme: PlanProgramme, terms: Terms, today: date) -> tuple[str, ...]:
    lines = [f"《{programme.plan.title}》{programme.clause}：{programme.measure.clause}"]
    if terms.document:
        lines.append(terms.document)
    if PLAN_NOT_IN_FORCE in programme.flags(today):
        lines.append("提示：该政策今日尚未施行或仍为征求意见稿，不能据以拨付资金。")
    return tuple(lines)


def _condition(says: str, source: str) -> str:
    return f"{says}（依据{source}）" if source else says


def _standard(programme: PlanProgramme, numbers: Mapping[str, Number]) -> tuple[str, ...]:
    rule = programme.compiled.programme
    if rule.amount is None:
        return ("本项目不直接给付资金",)
    lines = [f"按条款计算，{'为最高额' if rule.amount_kind == 'ceiling' else '为定额'}"]
    for name, declared in rule.parameters.items():
        value = numbers[name].value
        title = declared.title or name
        lines.append(f"{title}：{_written(declared.unit, value)}")
    return tuple(lines)


def _written(unit: str, value: int | None) -> str:
    if value is None:
        return "尚未确定，以正式文件为准"
    if unit == "fen":
        return f"{yuan(value)}元"
    if unit == "bp":
        return f"{value // 100}.{value % 100:02d}%"
    return f"{value}{UNIT_NAMES.get(unit, ('', ''))[0]}"


def _limits(programme: PlanProgramme, terms: Terms) -> tuple[str, ...]:
    rule = programme.compiled.programme
    lines = [
        f"名额{terms.quota}个；末位并列的：{TIES_NAMES[terms.ties][0]}"
        if terms.quota is not None
        else "不限名额",
        f"本批次预算{yuan(terms.budget_fen)}元" if terms.budget_fen else "预算另行安排",
    ]
    if terms.per_applicant is not None:
        lines.append(f"每个申报主体限报{terms.per_applicant}项")
    elif rule.applications is not None:
        lines.append(rule.applications.says)
    return tuple(lines)
