"""The life of a panel on plain values: its moves, its sheets, and the score of a case, exactly."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeVar

from services.kernel.actors import ROLE_NAMES, Role
from services.kernel.errors import Conflict, FieldError, Forbidden, Invalid, invalid_field
from services.rulebook.administration import BASIS_POINTS, sums_fault

HUNDREDTHS: Final = 100
THOUSANDTHS: Final = 1_000
EXPERTS_MAX: Final = 50
CASES_MAX: Final = 500
FORMAT: Final = "liangxin-panel-1"
ROUNDING: Final = "四舍五入至千分之一分（平台理解，以评审办法为准）"


class PanelState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class PanelEvent(StrEnum):
    CONFIRM = "confirm"
    ADMIT = "admit"
    DESCRIBE = "describe"
    RECUSE = "recuse"
    CLOSE = "close"
    REOPEN = "reopen"
    CANCEL = "cancel"


class SheetState(StrEnum):
    """What became of one expert before one case: points, or none for a stated reason."""

    SUBMITTED = "submitted"
    ABSTAINED = "abstained"
    RECUSED = "recused"


class SheetEvent(StrEnum):
    CORRECT = "correct"
    ABSTAIN = "abstain"
    RECUSE = "recuse"


class NoScore(StrEnum):
    """Why a case has no score: it is unknown, and never zero."""

    TOO_FEW_SHEETS = "too-few-sheets"
    NOT_IN_REVIEW = "not-in-review"
    ANOTHER_PANEL = "another-panel"


@dataclass(frozen=True)
class Move:
    to: PanelState
    who: frozenset[Role]


_S, _E = PanelState, PanelEvent
_DESK = frozenset({Role.REVIEWER})
_HEAD = frozenset({Role.APPROVER})
NEXT: Mapping[PanelState, Mapping[PanelEvent, Move]] = {
    _S.DRAFT: {
        _E.CONFIRM: Move(_S.OPEN, _HEAD),
        _E.CANCEL: Move(_S.CANCELLED, _DESK | _HEAD),
    },
    _S.OPEN: {
        _E.ADMIT: Move(_S.OPEN, _DESK),
        _E.DESCRIBE: Move(_S.OPEN, _DESK),
        _E.RECUSE: Move(_S.OPEN, _DESK | _HEAD),
        _E.CLOSE: Move(_S.CLOSED, _DESK),
        _E.CANCEL: Move(_S.CANCELLED, _HEAD),
    },
    _S.CLOSED: {_E.REOPEN: Move(_S.OPEN, _HEAD)},
    _S.CANCELLED: {},
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.DRAFT: ("待确认", "waiting for confirmation"),
    _S.OPEN: ("评审中", "open for sheets"),
    _S.CLOSED: ("评审结束", "closed"),
    _S.CANCELLED: ("已解散", "cancelled"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.CONFIRM: ("确认", "confirm"),
    _E.ADMIT: ("补入办件", "admit further cases"),
    _E.DESCRIBE: ("填写匿名摘要", "describe a case without its name"),
    _E.RECUSE: ("决定回避", "have an expert recused"),
    _E.CLOSE: ("结束评审", "close"),
    _E.REOPEN: ("重新评审", "reopen"),
    _E.CANCEL: ("解散", "cancel"),
}
SHEET_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    SheetState.SUBMITTED: ("已评分", "Submitted"),
    SheetState.ABSTAINED: ("弃权", "Abstained"),
    SheetState.RECUSED: ("回避", "Recused"),
}
SHEET_EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    SheetEvent.CORRECT: ("更正", "Correct"),
    SheetEvent.ABSTAIN: ("弃权", "Abstain"),
    SheetEvent.RECUSE: ("回避", "Recuse oneself"),
}
NO_SCORE_NAMES: Mapping[str, tuple[str, str]] = {
    NoScore.TOO_FEW_SHEETS: ("有效评分表不足", "Too few sheets count"),
    NoScore.NOT_IN_REVIEW: ("办件已不在审核中", "The case is no longer in review"),
    NoScore.ANOTHER_PANEL: ("由另一评审组评审", "Another panel judges the case"),
}
SHEET_MOVES: Mapping[SheetEvent, SheetState] = {
    SheetEvent.CORRECT: SheetState.SUBMITTED,
    SheetEvent.ABSTAIN: SheetState.ABSTAINED,
    SheetEvent.RECUSE: SheetState.RECUSED,
}
SUMS_NAMES: Mapping[str, tuple[str, str]] = {
    "weights-mixed": ("各项须全部设权重或全部不设。", "Give all criteria a weight, or none."),
    "weights-sum": ("权重之和须为10000（万分之一）。", "The weights must sum to 10000."),
    "points-sum": ("各项满分之和须等于总分。", "The points must sum to the total."),
}


@dataclass(frozen=True)
class Criterion:
    """What points are given for; with weights each counts by its share of the total."""

    id: str
    says: str
    max_points: int
    weight_bp: int | None = None


@dataclass(frozen=True)
class Terms:
    """By what a score is reckoned; what is not stated is None."""

    experts_min: int | None = None
    drop_extremes_from: int | None = None
    spread_flag_points: int | None = None


@dataclass(frozen=True)
class Judged:
    """What came of a case: `dropped` are the places of the sheets that were left out."""

    score_thousandths: int | None
    counted: int
    dropped: tuple[int, ...] = ()
    spread_thousandths: int | None = None
    is_spread_flagged: bool | None = None
    reason: NoScore | None = None


def move(state: PanelState, event: PanelEvent, roles: Iterable[str]) -> PanelState:
    """Give the state after an event, or refuse: not in this state, or not this role's."""
    found = NEXT[state].get(event)
    if found is None:
        raise _not_allowed(state, event)
    if not found.who & frozenset(roles):
        zh, en = EVENT_NAMES[event]
        names = [ROLE_NAMES[role] for role in sorted(found.who)]
        raise Forbidden(
            f"此状态下“{zh}”限以下角色办理：{'、'.join(name[0] for name in names)}。",
            f"In this state, to {en} is for: {', '.join(name[1] for name in names)}.",
            code="role-required",
        )
    return found.to


def _not_allowed(state: PanelState, event: PanelEvent) -> Conflict:
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    is_zh, is_en = STATE_NAMES[state]
    zh, en = EVENT_NAMES[event]
    return Conflict(
        f"专家评审组处于“{is_zh}”状态，不能{zh}；"
        f"可办理：{'、'.join(n[0] for n in names) or '无'}。",
        f"The panel is {is_en} and does not take {en};"
        f" allowed: {', '.join(n[1] for n in names) or 'none'}.",
        code="event-not-allowed",
    )


def require_open(state: PanelState) -> None:
    """Take sheets and their corrections while the panel is open, and at no other time."""
    if state is not PanelState.OPEN:
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"专家评审组处于“{zh}”状态，不收评分表，也不能更正。",
            f"The panel is {en}: no sheet is taken or corrected.",
            code="panel-not-open",
        )


def require_other_person(convened_by: str, subject: str) -> None:
    """Refuse the confirmation of a panel that one has convened."""
    if convened_by == subject:
        raise Forbidden(
            "专家评审组须由召集人以外的人确认。",
            "A panel is confirmed by another person than the one who convened it.",
            code="four-eyes",
        )


def require_not_expert(subject: str, experts: Collection[str]) -> None:
    """Whoever judges does not run the panel."""
    if subject in experts:
        raise Forbidden(
            "评审专家不能办理本评审组的组织事项。",
            "An expert of the panel does not run it.",
            code="own-panel",
        )


def require_reason(note: str, pointer: str = "/note") -> str:
    if not note.strip():
        raise invalid_field(
            pointer, "reason-required", "须说明理由。", "A reason is required."
        )  # fmt: skip
    return note.strip()


def require_criteria(criteria: Sequence[Criterion], total_points: int) -> None:
    """Refuse a sheet whose criteria do not make up its total."""
    ids = [each.id for each in criteria]
    if len(set(ids)) < len(ids):
        raise invalid_field(
            "/criteria", "criterion-twice", "评分项编号不得重复。", "A criterion is named twice."
        )
    maxima, weights = [c.max_points for c in criteria], [c.weight_bp for c in criteria]
    fault = sums_fault(maxima, weights, total_points)
    if fault is not None:
        zh, en = SUMS_NAMES[fault]
        raise invalid_field("/criteria", fault, zh, en)


def require_experts(subjects: Sequence[str], terms: Terms) -> None:
    """Refuse a panel that names a person twice, or fewer than it needs itself."""
    if len(set(subjects)) < len(subjects):
        raise invalid_field(
            "/experts", "expert-twice", "同一专家不得重复列入。", "An expert is named twice."
        )
    if terms.experts_min is not None and len(subjects) < terms.experts_min:
        raise invalid_field(
            "/experts", "too-few-experts", f"专家不得少于{terms.experts_min}人。",
            f"At least {terms.experts_min} experts are needed.",
        )  # fmt: skip


def require_points(points: Mapping[str, int], criteria: Sequence[Criterion]) -> None:
    """Refuse points that miss a criterion, name another one, or go beyond its maximum."""
    known = {each.id: each for each in criteria}
    errors = [
        FieldError("/points", "criterion-missing", f"缺少评分项“{each.says}”。",
                   "A criterion has no points.")
        for each in criteria if each.id not in points
    ]  # fmt: skip
    for index, (name, given) in enumerate(points.items()):
        at = f"/points/{index}"
        if name not in known:
            errors.append(
                FieldError(f"{at}/criterion", "criterion-unknown", "评分表没有这一项。",
                           "The sheet has no such criterion.")
            )  # fmt: skip
        elif given > known[name].max_points * HUNDREDTHS:
            most = known[name].max_points
            errors.append(
                FieldError(f"{at}/points_hundredths", "points-exceeded", f"本项至多{most}分。",
                           f"This criterion has at most {most} points.")
            )  # fmt: skip
    if errors:
        raise Invalid(errors[0].zh, errors[0].en, code=errors[0].code, errors=errors)


def sheet_total(
    points: Mapping[str, int], criteria: Sequence[Criterion], total_points: int
) -> Fraction:
    """Sum a sheet up in points, exactly; with weights, each criterion by its share of the total."""
    found = Fraction(0)
    for each in criteria:
        given = Fraction(points[each.id], HUNDREDTHS)
        if each.weight_bp is not None:
            given *= Fraction(each.weight_bp * total_points, BASIS_POINTS * each.max_points)
        found += given
    return found


def judge(totals: Sequence[Fraction], terms: Terms) -> Judged:
    """Reckon the score of a case from its sheets: extremes dropped where stated, then the mean.

    The order of the sheets does not matter. The spread is that of all sheets, dropped ones too.
    """
    if len(totals) < max(1, terms.experts_min or 1):
        return Judged(None, len(totals), reason=NoScore.TOO_FEW_SHEETS)
    order = sorted(range(len(totals)), key=lambda place: (totals[place], place))
    spread = totals[order[-1]] - totals[order[0]]
    limit = terms.spread_flag_points
    drops = terms.drop_extremes_from is not None and len(totals) >= terms.drop_extremes_from
    kept = order[1:-1] if drops else order
    mean = Fraction(sum(totals[place] for place in kept), len(kept))
    return Judged(
        score_thousandths=thousandths(mean), counted=len(totals),
        dropped=(order[0], order[-1]) if drops else (),
        spread_thousandths=thousandths(spread),
        is_spread_flagged=None if limit is None else spread > limit,
    )  # fmt: skip


def thousandths(value: Fraction) -> int:
    """Round points to a thousandth, halves up: what is published is what is ranked by."""
    return (value * THOUSANDTHS + Fraction(1, 2)).__floor__()


def whole_points(score_thousandths: int) -> int:
    """Give a score as the fact that rules ask for: whole points, rounded down."""
    return score_thousandths // THOUSANDTHS


def written(score_thousandths: int | None) -> str | None:
    """Write a score as people read it."""
    if score_thousandths is None:
        return None
    return f"{score_thousandths // THOUSANDTHS}.{score_thousandths % THOUSANDTHS:03d}"


def positions(scores: Sequence[int | None]) -> list[int | None]:
    """Give equals the same position, as competitions do: 1, 2, 2, 4; what is unknown has none."""
    known = [each for each in scores if each is not None]
    return [
        None if each is None else 1 + sum(1 for other in known if other > each) for each in scores
    ]


KeyT = TypeVar("KeyT")


def numbered(drawn: Mapping[KeyT, int], first: int = 1) -> dict[KeyT, int]:
    """Give cases or experts numbers in the order of what was drawn for them: they tell nothing."""
    order = sorted(drawn, key=lambda each: drawn[each])
    return {each: number for number, each in enumerate(order, first)}


_PLACES = ("浙江省", "宁波市", "慈溪市", "慈溪", "宁波", "浙江")
_FORMS = ("股份有限公司", "有限责任公司", "有限公司", "集团", "公司")
_CORE_CHARS_MIN = 2


def names_party(text: str, name: str, id_: str) -> bool:
    """Tell whether a text gives a party away: by its code, its name, or the name's own part."""
    told = _folded(text)
    return any(each in told for each in (_folded(id_), _folded(name), _core(_folded(name))) if each)


def _folded(text: str) -> str:
    seen = unicodedata.normalize("NFKC", text)
    return "".join(
        c for c in seen if not c.isspace() and unicodedata.category(c) != "Cf"
    ).casefold()


def _core(name: str) -> str:
    """Leave out of a firm's name its place and form: 慈溪市某某电器有限公司 is 某某电器."""
    rest = name
    for form in _FORMS:
        rest = rest.removesuffix(form)
    if rest == name:
        return ""
    for place in _PLACES:
        rest = rest.removeprefix(place)
    return rest if len(rest) >= _CORE_CHARS_MIN else ""


def require_nameless(pointer: str, text: str, parties: Iterable[tuple[str, str]]) -> None:
    """Refuse a text for experts that names an applicant; parties come as (name, id)."""
    if any(names_party(text, name, id_) for name, id_ in parties):
        raise invalid_field(
            pointer, "names-applicant", "评审材料不得出现申报单位的名称或代码。",
            "What experts read must not name an applicant.",
        )  # fmt: skip
