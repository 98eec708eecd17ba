"""Which number is in force on a day, and what a proposal of a new one must satisfy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.plan.rules import (
    DatedParameter,
    Library,
    ParameterEntry,
    ParameterValue,
    PlanProgramme,
    Unit,
)

SAMPLE_SOURCE = "示范数值，非政策规定"

# What was approved of each parameter, by day.
Decisions = Mapping[str, tuple[DatedParameter, ...]]


class ParameterState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class ParameterEvent(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


NEXT = {
    ParameterState.PROPOSED: {
        ParameterEvent.APPROVE: ParameterState.APPROVED,
        ParameterEvent.REJECT: ParameterState.REJECTED,
    },
    ParameterState.APPROVED: {},
    ParameterState.REJECTED: {},
}


# What a person reads instead of a code, Chinese and English.
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    ParameterState.PROPOSED: ("待批准", "waiting for approval"),
    ParameterState.APPROVED: ("已批准", "approved"),
    ParameterState.REJECTED: ("已驳回", "rejected"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    ParameterEvent.APPROVE: ("批准", "approve"),
    ParameterEvent.REJECT: ("驳回", "reject"),
}
UNIT_NAMES: Mapping[str, tuple[str, str]] = {
    Unit.FEN: ("分", "fen"),
    Unit.BASIS_POINTS: ("万分之一", "basis points"),
    Unit.COUNT: ("个", "a count"),
    Unit.POINTS: ("分值", "points"),
    Unit.YEARS: ("年", "years"),
    Unit.DAYS: ("天", "days"),
    Unit.MONTHS: ("个月", "months"),
    Unit.MODE: ("方式", "a mode"),
}
MODE_NAMES: Mapping[str, tuple[str, str]] = {
    "top-up": ("补差额", "top-up"),
    "highest-only": ("只享受最高一项", "highest-only"),
    "counted": ("计入", "counted"),
    "not-counted": ("不计入", "not-counted"),
}


@dataclass(frozen=True)
class Number:
    """A number as an answer used it; None is not set."""

    id: str
    value: int | None
    source: str | None
    valid_from: date | None
    is_sample: bool = False


def move(state: ParameterState, event: ParameterEvent) -> ParameterState:
    """Give the state after an event, or say which events the state allows."""
    if event not in NEXT[state]:
        names = [EVENT_NAMES[each] for each in NEXT[state]]
        allowed = "、".join(name[0] for name in names) or "无"
        allowed_en = ", ".join(name[1] for name in names) or "none"
        is_zh, is_en = STATE_NAMES[state]
        zh, en = EVENT_NAMES[event]
        raise Conflict(
            f"参数提案处于“{is_zh}”状态，不能{zh}；可办理：{allowed}。",
            f"The proposal is {is_en} and does not take {en}; allowed: {allowed_en}.",
            code="event-not-allowed",
        )
    return NEXT[state][event]


def in_force(entry: ParameterEntry, decisions: Decisions, on: date) -> DatedParameter | None:
    """Find what holds on a day: the latest decision, else what the plan says, else nothing."""
    for known in (decisions.get(entry.id, ()), entry.values):
        begun = [each for each in known if each.valid_from <= on]
        if begun:
            return max(begun, key=lambda each: each.valid_from)
    return None


def next_day(entry: ParameterEntry, decisions: Decisions, day: date) -> date | None:
    """Give the next day from which another decision holds; a number of today ends there."""
    later = [each.valid_from for each in decisions.get(entry.id, ()) if each.valid_from > day]
    return min(later, default=None)


def stacking_mode(library: Library, decisions: Decisions, on: date) -> DatedParameter | None:
    """Find whether later, higher aid pays the difference on a day, and by whose word."""
    return in_force(library.parameters[library.stacking.mode], decisions, on)


def numbers_of(
    programme: PlanProgramme, library: Library, decisions: Decisions, on: date, *, samples: bool
) -> dict[str, Number]:
    """Give each of a programme's numbers on a day; samples fill only what nobody has set."""
    found: dict[str, Number] = {}
    for name in programme.compiled.programme.parameters:
        entry = library.parameters[programme.parameter_id(name)]
        dated = in_force(entry, decisions, on)
        if dated is not None and isinstance(dated.value, int):
            found[name] = Number(entry.id, dated.value, dated.source, dated.valid_from)
        elif samples and entry.sample is not None:
            found[name] = Number(entry.id, entry.sample, SAMPLE_SOURCE, None, is_sample=True)
        else:
            found[name] = Number(entry.id, None, None, None)
    return found


def require_value(entry: ParameterEntry, value: object) -> ParameterValue:
    """Refuse a value that has not the unit of the parameter or lies outside its bounds."""
    if entry.unit is Unit.MODE:
        if isinstance(value, str) and value in entry.allowed:
            return value
        allowed = "、".join(MODE_NAMES.get(mode, ("其他方式", mode))[0] for mode in entry.allowed)
        raise invalid_field(
            "/value",
            "value-not-allowed",
            f"须为其中之一：{allowed}。",
            f"Must be one of: {', '.join(entry.allowed)}.",
        )
    unit_zh, unit_en = UNIT_NAMES[entry.unit]
    low, high = entry.low or 0, entry.high
    if isinstance(value, int) and not isinstance(value, bool):
        if low <= value and (high is None or value <= high):
            return value
        raise invalid_field(
            "/value", "value-out-of-bounds",
            f"须在{low}与{high}之间（单位：{unit_zh}）。" if high is not None
            else f"须不小于{low}（单位：{unit_zh}）。",
            f"Must be between {low} and {high} (unit: {unit_en})." if high is not None
            else f"Must be at least {low} (unit: {unit_en}).",
        )  # fmt: skip
    raise invalid_field(
        "/value", "value-type", f"须为整数（单位：{unit_zh}）。",
        f"Must be a whole number (unit: {unit_en}).",
    )  # fmt: skip


@dataclass(frozen=True)
class Stakes:
    """What a number for a past day would touch: a value that held then, cases frozen under it."""

    value_in_force: bool
    cases: int

    @property
    def is_nothing(self) -> bool:
        return not self.value_in_force and not self.cases


def stakes(
    entry: ParameterEntry, decisions: Decisions, valid_from: date, today: date, cases: int
) -> Stakes:
    """Say what would be touched; our own reading gives way to the city's word for any day."""
    if valid_from >= today:
        return Stakes(value_in_force=False, cases=0)
    dated = in_force(entry, decisions, valid_from)
    return Stakes(value_in_force=dated is not None and not dated.reading, cases=cases)


def require_open_day(touched: Stakes, valid_from: date, today: date, *, permitted: bool) -> None:
    """Refuse to change, without permission, a past in which something was decided.

    What was decided stays decided in any case: a case keeps the numbers it was frozen with.
    """
    if permitted or touched.is_nothing:
        return
    zh, en = _touched(touched, valid_from)
    raise _without_permission(zh, en, today)


def require_permission(valid_from: date, today: date, *, permitted: bool) -> None:
    """Refuse to propose a number for a day before today without permission."""
    if valid_from < today and not permitted:
        zh, en = f"生效日{valid_from}早于今日", f"{valid_from} is before today"
        raise _without_permission(zh, en, today)


def _without_permission(zh: str, en: str, today: date) -> Conflict:
    return Conflict(
        f"{zh}，无追溯许可不能设定；请自{today}或以后生效，或者提供追溯许可（backdating：理由和依据文件）。",
        f"{en}, so the past is not changed without permission; let it begin {today} or later, or"
        " give the permission (backdating: reason and document).",
        code="valid-from-past",
    )


def day_taken(standing: str | None) -> Conflict:
    """Say what already stands for a day, and what can be done in that state."""
    if standing == ParameterState.APPROVED:
        zh = "该参数在同一生效日已有批准的取值，已批准的不能驳回，请另选生效日。"
        en = (
            "This parameter already has an approved value for that day, which cannot be rejected"
            " any more; choose another day."
        )
    else:
        zh = "该参数在同一生效日已有待审批的提案，请待其审批或由另一人驳回后再提，或者另选生效日。"
        en = (
            "This parameter already has a proposal for that day that waits for approval; have it"
            " decided, or rejected by another person, or choose another day."
        )
    return Conflict(zh, en, code="parameter-day-taken")


def require_past_day(valid_from: date, today: date) -> None:
    """Refuse a permission for a day that needs none: it would be recorded as if the past moved."""
    if valid_from >= today:
        raise invalid_field(
            "/backdating", "backdating-without-past",
            "追溯许可只用于今日以前的生效日，请删去该项或更正生效日。",
            "Permission is for a day before today; leave it out, or correct `valid_from`.",
        )  # fmt: skip


def _touched(touched: Stakes, valid_from: date) -> tuple[str, str]:
    zh = [f"{valid_from}当日已有生效的取值"] if touched.value_in_force else []
    en = [f"a value was already in force on {valid_from}"] if touched.value_in_force else []
    if touched.cases:
        zh.append(f"其间已有{touched.cases}件办件按当时的取值提请或决定")
        en.append(f"cases proposed or decided meanwhile: {touched.cases}")
    text = " and ".join(en)
    return "，且".join(zh), text[0].upper() + text[1:]


def require_other_person(proposed_by: str, decided_by: str) -> None:
    """Let a number come into force by two people only."""
    if proposed_by == decided_by:
        raise Forbidden(
            "参数须由提出人以外的人批准。",
            "A parameter is approved by another person than the one who proposed it.",
            code="four-eyes",
        )
