"""Drawing up the two versions of a run: the plan in force, and the plan as changed.

What does not fit is refused with the place in the request, and the nearest name that exists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.kernel.errors import FieldError, Invalid, invalid_field
from services.policy.evaluations.queries import open_vocabulary, refusal_of
from services.policy.matches.rules import is_matched
from services.policy.parameters.rules import Decisions, numbers_of, require_value, stacking_mode
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import ParameterEntry, PlanProgramme
from services.policy.sandbox_runs.rules import Asked, Version, version_of
from services.policy.sandbox_runs.schemas import (
    AmountChange,
    Change,
    ConditionChange,
    MeasureChange,
    NewRun,
    ParameterChange,
    ProgrammeChange,
)
from services.policy.wording import unknown_name
from services.rulebook import (
    CompiledProgramme,
    RuleError,
    compile_programme,
    load_programme,
)
from services.rulebook.errors import pointer_to
from services.rulebook.stacking import StackingMode

FIRM = "firm"
BESIDE: Mapping[str, Any] = {"examples": [], "evidence": [], "competition": []}


@dataclass(frozen=True)
class Scenario:
    """The plan in force and the plan as changed; what is left out of both has its reason."""

    before: Version
    after: Version
    left_out: tuple[PlanProgramme, ...]

    @property
    def names(self) -> list[str]:
        """Name every programme of either version, in the order in which outcomes are kept."""
        return sorted(self.before.programmes.keys() | self.after.programmes.keys())


@dataclass(frozen=True)
class Ground:
    """The numbers in force when a run began, by parameter; what is sampled; the stacking mode."""

    numbers: Mapping[str, int | None]
    sampled: frozenset[str]
    mode: str | None
    plans: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "numbers": dict(self.numbers),
            "sampled": sorted(self.sampled),
            "mode": self.mode,
            "plans": dict(self.plans),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Ground":
        return Ground(data["numbers"], frozenset(data["sampled"]), data["mode"], data["plans"])


def ground_of(decisions: Decisions, on: date, *, demonstration: bool) -> Ground:
    """Write down what a run stands on, so that all its steps stand on the same."""
    numbers: dict[str, int | None] = {}
    sampled: set[str] = set()
    for programme in library().programmes_on(on).values():
        found = numbers_of(programme, library(), decisions, on, samples=demonstration)
        for number in found.values():
            numbers[number.id] = number.value
            sampled |= {number.id} if number.is_sample else set()
    mode = stacking_mode(library(), decisions, on)
    plans = {plan.id: plan.version for plan in library().plans.values()}
    return Ground(numbers, frozenset(sampled), str(mode.value) if mode else None, plans)


def draw_up(request: NewRun, ground: Ground, on: date) -> Scenario:
    """Make both versions, or say which change does not fit."""
    known = library().programmes_on(on)
    asked = {p.id: p for p in known.values() if _is_asked(p)}
    left_out = tuple(p for p in known.values() if p.id not in asked)
    before = {name: _asked(programme, ground) for name, programme in asked.items()}
    drawing = _Drawing(known, dict(before), ground.mode, set())
    for index, change in enumerate(request.changes):
        drawing.apply(change, pointer_to("changes", index))
    for index, budget in enumerate(request.budgets):
        pointer = pointer_to("budgets", index)
        if budget.programme is not None:
            names = before.keys() | drawing.programmes.keys()
            _require_known(budget.programme, names, f"{pointer}/programme", "programme-unknown")
        elif budget.measure is not None:
            drawing.require_measure(budget.measure, f"{pointer}/measure")
    stacking = library().stacking
    return Scenario(
        version_of(before.values(), stacking.terms(_mode(ground.mode))),
        version_of(drawing.programmes.values(), stacking.terms(_mode(drawing.mode))),
        left_out,
    )


def _is_asked(programme: PlanProgramme) -> bool:
    """Ask what all who read runs may see, and what firms are matched with."""
    is_confidential = programme.compiled.programme.confidential
    return not is_confidential and is_matched(programme, library().facts)


def _mode(mode: str | None) -> StackingMode:
    """Take the mode that never pays too much where none is in force."""
    return StackingMode(mode) if mode else StackingMode.HIGHEST_ONLY


def _asked(programme: PlanProgramme, ground: Ground) -> Asked:
    values = {
        name: ground.numbers.get(programme.parameter_id(name))
        for name in programme.compiled.programme.parameters
    }
    sampled = tuple(name for name in values if programme.parameter_id(name) in ground.sampled)
    return Asked(
        programme.compiled, programme.measure.number, programme.stacking_group, values, sampled
    )


@dataclass
class _Drawing:
    """The changed plan while changes are made to it, one after the other."""

    known: Mapping[str, PlanProgramme]
    programmes: dict[str, Asked]
    mode: str | None
    touched: set[tuple[str, str]]

    def apply(self, change: Change, pointer: str) -> None:
        match change:
            case ParameterChange():
                self._once("parameter", change.parameter, f"{pointer}/parameter")
                self._parameter(change, pointer)
            case ConditionChange():
                self._condition(change, pointer)
            case AmountChange():
                self._once("amount", change.programme, f"{pointer}/programme")
                asked = self._programme(change.programme, f"{pointer}/programme")
                self._rewrite(asked, {"amount": change.amount}, {"/amount": f"{pointer}/amount"})
            case ProgrammeChange():
                self._draft(change.programme, f"{pointer}/programme", None)
            case MeasureChange():
                self._measure(change, pointer)

    def require_measure(self, number: int, pointer: str) -> None:
        numbers = {m.number for m in library().measures} | {
            asked.measure for asked in self.programmes.values()
        }
        if number not in numbers:
            raise invalid_field(
                pointer, "measure-unknown", "没有这条措施。", "There is no such measure."
            )

    def _once(self, kind: str, name: str, pointer: str) -> None:
        if (kind, name) in self.touched:
            raise invalid_field(
                pointer, "changed-twice", "同一对象只能改动一次。",
                "The same thing can be changed once only.",
            )  # fmt: skip
        self.touched.add((kind, name))

    def _programme(self, name: str, pointer: str) -> Asked:
        _require_known(name, self.programmes, pointer, "programme-unknown")
        return self.programmes[name]

    def _parameter(self, change: ParameterChange, pointer: str) -> None:
        entries = library().parameters
        _require_known(change.parameter, entries, f"{pointer}/parameter", "parameter-unknown")
        entry = entries[change.parameter]
        value = None if change.value is None else _value(entry, change.value, pointer)
        if entry.id == library().stacking.mode:
            self.mode = None if value is None else str(value)
            return
        if entry.programme not in self.programmes:
            raise invalid_field(
                f"{pointer}/parameter", "not-asked",
                "该参数所属项目不在企业测算范围内。",
                "The parameter's programme is not one that firms are asked about.",
            )  # fmt: skip
        asked = self.programmes[entry.programme]
        name = entry.id.removeprefix(f"{asked.id}.")
        values = {**asked.values, name: value if isinstance(value, int) else None}
        sampled = tuple(each for each in asked.sampled if each != name)
        self.programmes[asked.id] = replace(asked, values=values, sampled=sampled)

    def _condition(self, change: ConditionChange, pointer: str) -> None:
        self._once(f"condition of {change.programme}", change.condition, f"{pointer}/condition")
        asked = self._programme(change.programme, f"{pointer}/programme")
        conditions = asked.compiled.programme.eligibility
        ids = [each.id for each in conditions]
        _require_known(change.condition, ids, f"{pointer}/condition", "condition-unknown")
        place = ids.index(change.condition)
        written = [_written(each) for each in conditions]
        if change.when is None:
            del written[place]
        else:
            written[place] |= {"when": change.when, "manual": False, "flag": None}
            written[place] |= {"says": change.says} if change.says else {}
        places = {pointer_to("eligibility", place, "when"): f"{pointer}/when"}
        self._rewrite(asked, {"eligibility": written}, places | {"/eligibility": f"{pointer}/when"})

    def _rewrite(self, asked: Asked, parts: Mapping[str, Any], places: Mapping[str, str]) -> None:
        """Write a programme anew with other parts; faults point to where the change stands."""
        # Proof and exceptions name conditions, and decide nothing.
        data = {**_written(asked.compiled.programme), **parts, **BESIDE}
        try:
            compiled = compile_programme(load_programme(data), asked.compiled.vocabulary)
        except RuleError as error:
            raise _refusal(error, places) from None
        self.programmes[asked.id] = replace(asked, compiled=compiled)

    def _draft(self, data: Mapping[str, Any], pointer: str, measure: int | None) -> None:
        try:
            programme = load_programme(data)
            compiled = compile_programme(programme, open_vocabulary())
        except RuleError as error:
            raise refusal_of(error, pointer, "规则有误", "The rule does not fit") from None
        self._once("programme", programme.id, f"{pointer}/id")
        if programme.beneficiary != FIRM:
            raise invalid_field(
                f"{pointer}/beneficiary", "not-for-firms", "测算对象是企业，须为firm。",
                "The sandbox asks about firms; must be firm.",
            )  # fmt: skip
        replaced = self.known.get(programme.id)
        number = measure or programme.measure or (replaced.measure.number if replaced else None)
        values = {name: each.value for name, each in programme.parameters.items()}
        self.programmes[programme.id] = Asked(
            compiled, number, programme.stacking_group or _group(compiled, replaced), values
        )

    def _measure(self, change: MeasureChange, pointer: str) -> None:
        self._once("measure", str(change.measure), f"{pointer}/measure")
        self.require_measure(change.measure, f"{pointer}/measure")
        for name in [n for n, a in self.programmes.items() if a.measure == change.measure]:
            del self.programmes[name]
        for index, draft in enumerate(change.programmes):
            self._draft(draft, f"{pointer}/programmes/{index}", change.measure)


def _group(compiled: CompiledProgramme, replaced: PlanProgramme | None) -> str:
    return replaced.stacking_group if replaced else compiled.programme.id


def _written(part: Any) -> dict[str, Any]:
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _value(entry: ParameterEntry, value: int | str, pointer: str) -> int | str:
    try:
        return require_value(entry, value)
    except Invalid as refusal:
        raise _moved(refusal, {"/value": f"{pointer}/value"}) from None


def _moved(refusal: Invalid, places: Mapping[str, str]) -> Invalid:
    """Point to where the fault stands in this request."""
    errors = [
        FieldError(places.get(each.pointer, each.pointer), each.code, each.zh, each.en)
        for each in refusal.errors
    ]
    return Invalid(refusal.zh, refusal.en, code=refusal.code, errors=errors)


def _refusal(error: RuleError, places: Mapping[str, str]) -> Invalid:
    return _moved(refusal_of(error, "", "规则有误", "The rule does not fit"), places)


def _require_known(name: str, known: Iterable[str], pointer: str, code: str) -> None:
    words = set(known)
    if name not in words:
        raise unknown_name(pointer, code, name, words)
