"""Self-evaluation on plain values: indicators, answers that fit them, states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.errors import Conflict, invalid_field
from services.policy.aftermath.rules import Part, event_not_allowed


class IndicatorType(StrEnum):
    NUMBER = "number"
    TEXT = "text"


class RoundState(StrEnum):
    DRAFTED = "drafted"
    ASKED = "asked"


class RoundEvent(StrEnum):
    ASK = "ask"


class SheetState(StrEnum):
    ASKED = "asked"
    SUBMITTED = "submitted"
    ASSESSED = "assessed"


class SheetEvent(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    ASSESS = "assess"


class Grade(StrEnum):
    SATISFACTORY = "satisfactory"
    UNSATISFACTORY = "unsatisfactory"


ROUND, SHEET = "self-evaluation-round", "self-evaluation"
ROUND_NAMES, SHEET_NAMES = ("绩效自评通知", "Round"), ("绩效自评表", "Self-evaluation")
OPEN = (SheetState.ASKED, SheetState.SUBMITTED)
DRAFT_EVENT = "drafted"
_S, _E = SheetState, SheetEvent
NEXT: Mapping[SheetState, Mapping[SheetEvent, SheetState]] = {
    _S.ASKED: {_E.SUBMIT: _S.SUBMITTED},
    _S.SUBMITTED: {_E.RETURN: _S.ASKED, _E.ASSESS: _S.ASSESSED},
    _S.ASSESSED: {},
}
WHO: Mapping[SheetEvent, Part] = {
    _E.SUBMIT: Part.APPLICANT, _E.RETURN: Part.REVIEWER, _E.ASSESS: Part.REVIEWER,
}  # fmt: skip
NEEDS_NOTE = frozenset({_E.RETURN, _E.ASSESS})

TYPE_NAMES: Mapping[str, tuple[str, str]] = {
    IndicatorType.NUMBER: ("整数", "A whole number"), IndicatorType.TEXT: ("文字", "A text"),
}  # fmt: skip
ROUND_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    RoundState.DRAFTED: ("拟定", "Drafted"), RoundState.ASKED: ("已下发", "Asked"),
}  # fmt: skip
SHEET_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.ASKED: ("待填报", "Asked"), _S.SUBMITTED: ("已填报", "Submitted"),
    _S.ASSESSED: ("已评价", "Assessed"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    DRAFT_EVENT: ("拟定", "Drafted"), RoundEvent.ASK: ("下发", "Ask"),
    _E.SUBMIT: ("填报", "Submit"), _E.RETURN: ("退回", "Return"), _E.ASSESS: ("评价", "Assess"),
}  # fmt: skip
GRADE_NAMES: Mapping[str, tuple[str, str]] = {
    Grade.SATISFACTORY: ("达到预期", "Satisfactory"),
    Grade.UNSATISFACTORY: ("未达预期", "Unsatisfactory"),
}

Answer = int | str


@dataclass(frozen=True)
class Indicator:
    """One question of a sheet."""

    id: str
    type: IndicatorType


def move(state: SheetState, event: SheetEvent) -> SheetState:
    """Find where an event leads, or say what the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    raise event_not_allowed(SHEET_NAMES, SHEET_STATE_NAMES[state], EVENT_NAMES[event], names)


def require_drafted(state: RoundState) -> None:
    if state is not RoundState.DRAFTED:
        raise event_not_allowed(
            ROUND_NAMES, ROUND_STATE_NAMES[state], EVENT_NAMES[RoundEvent.ASK], ()
        )


def require_indicators(ids: Sequence[str]) -> None:
    """Ask nothing twice."""
    if len(set(ids)) != len(ids):
        raise invalid_field(
            "/indicators", "indicator-twice", "指标编号不得重复。", "No indicator is named twice."
        )


def require_answers(indicators: Sequence[Indicator], answers: Mapping[str, Answer]) -> None:
    """Take an answer of its type to every indicator, and none to what is not asked."""
    known = {each.id: each.type for each in indicators}
    missing = [name for name in known if name not in answers]
    if missing:
        raise invalid_field(
            "/data/answers", "answer-missing", f"尚有指标未填：{'、'.join(missing)}。",
            f"These indicators are not answered: {', '.join(missing)}.",
        )  # fmt: skip
    if answers.keys() - known.keys():
        raise invalid_field(
            "/data/answers", "indicator-unknown", "有未列入本表的指标。",
            "An indicator is answered that the sheet does not have.",
        )  # fmt: skip
    for name, type_ in known.items():
        if (type_ is IndicatorType.NUMBER) is not isinstance(answers[name], int):
            zh, en = TYPE_NAMES[type_]
            raise invalid_field(
                f"/data/answers/{name}", "answer-type", f"该指标须填{zh}。",
                f"This indicator is answered by: {en.lower()}.",
            )  # fmt: skip


def require_awarded(count: int) -> None:
    if not count:
        raise Conflict(
            "该批次没有获批的办件，无需自评。", "No case of this call was approved.",
            code="nothing-awarded",
        )  # fmt: skip


def is_overdue(state: SheetState, due_on: date, today: date) -> bool:
    return state is SheetState.ASKED and due_on < today
