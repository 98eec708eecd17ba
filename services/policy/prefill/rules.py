"""What a case is filled with, on plain values: what is held, by whose word, and what is asked.

A value that only the firm has stated, where its owner is silent, is provisional, and so is one that
its owner has not stated anew for longer than its register promises: the case goes on with it,
marked, and it is compared once the owner's statement arrives.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from services.policy.cases.rules import CaseState
from services.policy.firms.rules import KnownFirm, ListEntry, asked_of, ground_of
from services.policy.plan.rules import FactEntry
from services.rulebook import CompiledProgramme
from services.rulebook.nodes import Grade, Holds, Node, OnceEver, OnList, walk

_S = CaseState
# What was frozen is shown as it was frozen; before, as it is known today.
UNFROZEN = frozenset({_S.DRAFT, _S.SUBMITTED, _S.RETURNED, _S.ACCEPTED, _S.IN_REVIEW})
# Proposed and not decided: what rests on another fact than it was proposed on is proposed again.
UNDECIDED = frozenset({_S.PROPOSED, _S.IN_NOTICE, _S.SUSPENDED})
# Whose facts are still compared: nothing comes of it for what was refused or withdrawn.
COMPARED = (*UNFROZEN, *UNDECIDED, _S.DECIDED, _S.AWARDED, _S.CLOSED)


class PrefillKind(StrEnum):
    FACT = "fact"
    RECOGNITION = "recognition"
    LIST = "list"
    HISTORY = "history"


class PrefillState(StrEnum):
    """Whether a value is held, for the time being only, or not at all."""

    HELD = "held"
    PROVISIONAL = "provisional"
    MISSING = "missing"


class CheckOutcome(StrEnum):
    CONFIRMED = "confirmed"
    CHANGED = "changed"


KIND_NAMES: Mapping[str, tuple[str, str]] = {
    PrefillKind.FACT: ("事实", "Fact"),
    PrefillKind.RECOGNITION: ("认定", "Recognition"),
    PrefillKind.LIST: ("名录", "List"),
    PrefillKind.HISTORY: ("以往享受情况", "What was received before"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    PrefillState.HELD: ("已掌握", "Held"),
    PrefillState.PROVISIONAL: (
        "暂按企业申报或逾期未更新的登记，待主管部门陈述后核对",
        "Provisional: the firm's own word, or a register's that is out of date",
    ),
    PrefillState.MISSING: ("尚无", "Not held"),
}
OUTCOME_NAMES: Mapping[str, tuple[str, str]] = {
    CheckOutcome.CONFIRMED: ("核对一致", "Confirmed by the owner"),
    CheckOutcome.CHANGED: ("核对不一致", "The owner states otherwise"),
}


@dataclass(frozen=True)
class Check:
    """A provisional value beside what its owner has stated since."""

    name: str
    declared: Any
    stated: Any

    @property
    def outcome(self) -> CheckOutcome:
        same = self.declared == self.stated
        return CheckOutcome.CONFIRMED if same else CheckOutcome.CHANGED


def require_renewable(named: Iterable[str], facts: Mapping[str, FactEntry]) -> None:
    """Refuse a promise to renew what nobody states as of a day."""
    wrong = sorted(name for name in named if name not in facts or facts[name].period != "day")
    if wrong:
        raise ValueError(f"office file, renewals: not a fact as of a day: {', '.join(wrong)}")


def split_name(name: str) -> tuple[str, int | None]:
    """Part `fact:year` into the two."""
    fact, _, year = name.partition(":")
    return fact, int(year) if year else None


def value_in(facts: Mapping[str, Any], name: str) -> Any:
    """Read a value from a situation's facts as they are written down; None is unknown."""
    fact, year = split_name(name)
    value = facts.get(fact)
    if isinstance(value, Mapping):
        return None if year is None else value.get(str(year))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return value if year is None else None


def provisional_in(situation: Mapping[str, Any]) -> list[str]:
    """Name the provisional values of a case's situation, as `fact` or `fact:year`."""
    return sorted({*situation.get("declared", ()), *situation.get("stale", ())})


def settled(
    provisional: Iterable[str],
    still_declared: Iterable[str],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
) -> list[Check]:
    """Compare the provisional values whose owners have spoken, or whose firm took its word back."""
    waiting = set(still_declared)
    return [
        Check(name, value_in(before, name), value_in(now, name))
        for name in provisional
        if name not in waiting
    ]


def holdings_in(nodes: Iterable[Node]) -> Iterator[tuple[PrefillKind, str]]:
    """Name the titles, lists and earlier awards that expressions look at."""
    for part in (part for node in nodes for part in walk(node)):
        match part:
            case Holds(name) | Grade(name):
                yield PrefillKind.RECOGNITION, name
            case OnList(name):
                yield PrefillKind.LIST, name
            case OnceEver(name):
                yield PrefillKind.HISTORY, name
            case _:
                pass


def grounds_of(
    compiled: CompiledProgramme, firm: KnownFirm, year: int, on: date
) -> dict[str, dict[str, Any]]:
    """Write down what each value that a rule looks at rests on; what is unknown has no ground."""
    found: dict[str, dict[str, Any]] = {}
    for name in asked_of(compiled, year):
        ground = ground_of(name, firm.grounds)
        if ground is not None:
            found[name] = {
                "department": ground.department, "source": ground.source,
                "statement_id": str(ground.statement_id),
                "recorded_at": ground.recorded_at.isoformat(),
                "valid_from": ground.valid_from and ground.valid_from.isoformat(),
                "valid_to": None,
            }  # fmt: skip
    for kind, name in holdings_in(compiled.nodes):
        ground = _of_title(firm, name, on) if kind is PrefillKind.RECOGNITION else None
        if ground is None and kind is not PrefillKind.HISTORY:
            ground = _of_list(firm.lists, name)
        if ground is not None:
            found[f"{kind.value}/{name}"] = ground
    return found


def _of_title(firm: KnownFirm, name: str, on: date) -> dict[str, Any] | None:
    """Find the title that is valid on the day, the latest where there are several."""
    valid = [
        each
        for each in firm.state.recognitions
        if each.recognition == name
        and each.valid_from <= on
        and (each.valid_to is None or on <= each.valid_to)
        and (each.revoked_on is None or on < each.revoked_on)
    ]
    if not valid:
        return None
    title = max(valid, key=lambda each: each.valid_from)
    said = [each for each in (title.issuer, title.document) if each]
    return {
        "department": None, "source": " ".join(said) or None, "statement_id": None,
        "recorded_at": None, "valid_from": title.valid_from.isoformat(),
        "valid_to": title.valid_to and title.valid_to.isoformat(),
    }  # fmt: skip


def _of_list(entries: Iterable[ListEntry], name: str) -> dict[str, Any] | None:
    """Find the version of a list that says most: one that names the firm, else the latest."""
    versions = [each for each in entries if each.list == name]
    if not versions:
        return None
    version = max(versions, key=lambda each: (each.is_member, each.valid_from, each.recorded_at))
    return {
        "department": version.department, "source": version.document,
        "statement_id": str(version.version_id), "recorded_at": version.recorded_at.isoformat(),
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to and version.valid_to.isoformat(),
    }  # fmt: skip
