"""Where an applicant stands under a programme, in short: entitled, near it, or not known.

For lists of firms and programmes, where whole explanations would cost too much: only what failed,
or is not known, is looked into.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from services.rulebook.assess import CompiledProgramme
from services.rulebook.compile import Outcome
from services.rulebook.evaluate import World, value_of
from services.rulebook.explain import KNOWN, Cause, Miss, cause_of, near_misses, plain
from services.rulebook.findings import AmountStatus, Verdict
from services.rulebook.nodes import Floor, Node
from services.rulebook.programme import Condition
from services.rulebook.situation import FactValue, JsonObject, Situation

StandingKind: TypeAlias = Literal["entitled", "near", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Entitled to an amount; near it, with what lacks and what it would pay; or what is missing."""

    kind: StandingKind
    amount_fen: int | None
    amount_status: AmountStatus
    near: tuple[JsonObject, ...] = ()
    missing: tuple[JsonObject, ...] = ()


def standing_of(
    compiled: CompiledProgramme,
    situation: Situation,
    verdict: Verdict,
    parameters: Mapping[str, int | None],
) -> Standing | None:
    """Tell where a verdict leaves the applicant.

    None where there is nothing to tell: it failed by more than a little, no condition of it is
    known to hold yet, or it waits for a number of the city's alone.
    """
    if verdict.outcome is True:
        return _entitled(compiled, World(situation, parameters), verdict.amount_fen)
    if verdict.outcome is False:
        return _near(compiled, World(situation, parameters), verdict)
    return _unknown(compiled, World(situation, parameters), verdict)


def _entitled(compiled: CompiledProgramme, world: World, amount_fen: int | None) -> Standing:
    if amount_fen is not None:
        return Standing("entitled", amount_fen, "set")
    cause = cause_of(compiled.amount, world) if compiled.amount else KNOWN
    return Standing("entitled", None, _status(cause), missing=_missing(compiled, cause))


def _near(compiled: CompiledProgramme, world: World, verdict: Verdict) -> Standing | None:
    """Take what is known in full, and of which all that failed did so narrowly."""
    entries: list[JsonObject] = []
    facts: dict[str, FactValue] = dict(world.situation.facts)
    for condition, node, outcome in _deciding(compiled, verdict):
        if outcome is None:
            return None
        if outcome is True:
            continue
        misses = near_misses(node, world)
        if not misses:
            return None
        for miss in misses:
            entries.append(_entry(condition, miss))
            _grant(facts, miss, world.situation.year)
    situation = replace(world.situation, facts=facts)
    amount_fen, status = _worth(compiled, World(situation, world.parameters))
    return Standing("near", amount_fen, status, near=tuple(entries))


def _unknown(compiled: CompiledProgramme, world: World, verdict: Verdict) -> Standing | None:
    """Name what is missing to what is known to hold in part; of the rest nobody has said a word."""
    if True not in verdict.checks:
        return None
    deciding = list(_deciding(compiled, verdict))
    if not any(outcome for _, _, outcome in deciding):
        return None
    cause = KNOWN
    for _, node, outcome in deciding:
        if outcome is None:
            cause |= cause_of(node, world)
    missing = _missing(compiled, cause)
    return Standing("unknown", None, "unknown-fact", missing=missing) if missing else None


def _deciding(
    compiled: CompiledProgramme, verdict: Verdict
) -> Iterator[tuple[Condition, Node, Outcome]]:
    for (condition, node), outcome in zip(compiled.checks, verdict.checks, strict=True):
        if condition.decides:
            yield condition, node, outcome


def _worth(compiled: CompiledProgramme, world: World) -> tuple[int | None, AmountStatus]:
    """Compute what would be paid if what lacks were just made up for."""
    if compiled.amount is None:
        return 0, "set"
    value: Any = value_of(Floor(compiled.amount), world)
    if value is not None:
        return max(0, int(value)), "set"
    return None, _status(cause_of(compiled.amount, world))


def _grant(facts: dict[str, FactValue], miss: Miss, year: int) -> None:
    """Give the fact the value that suffices, or the first fact of a sum; else the facts stay."""
    name, _, rest = miss.fact.partition(" ")
    known = facts.get(name)
    is_sum = not rest or rest.startswith(("+ ", "- "))
    lacking = miss.needed - miss.actual
    if not is_sum or not isinstance(lacking, int):
        return
    if isinstance(known, Mapping):
        if (actual := known.get(year)) is not None:
            facts[name] = {**known, year: actual + lacking}
    elif isinstance(known, int):
        facts[name] = known + lacking


def _status(cause: Cause) -> AmountStatus:
    return "pending-parameter" if cause.parameters else "unknown-fact"


def _missing(compiled: CompiledProgramme, cause: Cause) -> tuple[JsonObject, ...]:
    return tuple(
        {"fact": name, "year": year, "owner": compiled.vocabulary.owner_of(name)}
        for name, year in sorted(cause.missing, key=lambda lack: (lack.fact, lack.year or 0))
    )


def _entry(condition: Condition, miss: Miss) -> JsonObject:
    return {
        "condition": condition.id,
        "fact": miss.fact,
        "needed": plain(miss.needed),
        "actual": plain(miss.actual),
        "lacking": plain(miss.lacking),
        "lacking_bp": miss.lacking_bp,
    }
