"""The measures row by row: what of each is accounted for, executable, tested, and in use."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from rich.console import Console
from rich.table import Table

from services.kernel.clock import city_day, system_now
from services.launch.commands.counting import NOTHING, Counts, Names, counted, names_of
from services.launch.commands.operating import sessions_of
from services.launch.standing import NoPlatform, standing
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import Decisions, in_force
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Library, Measure, ParameterEntry, PlanProgramme, uncovered
from services.policy.records import RECORDS

MEASURES: Final = 30
WIDTH_MIN: Final = 170


async def print_coverage(console: Console) -> int:
    """Print a row for each measure; 1 where a phrase or a measure is not accounted for."""
    # A table of ten columns is read in a file or a wide window; half words help nobody.
    console = Console(width=max(console.width, WIDTH_MIN))
    on = city_day(system_now())
    plans = library()
    names = [names_of(each, plans, on) for each in _measures(plans)]
    try:
        counts, approved = await _looked_up(names)
    except NoPlatform:
        counts, approved = NOTHING, {}
    return write_coverage(console, plans, approved, counts, on)


async def _looked_up(names: Collection[Names]) -> tuple[Counts, Decisions]:
    async with standing() as settings:
        counts = NOTHING
        for service in ("enterprise", "policy", "finance"):
            async with sessions_of(settings, service) as sessions, sessions() as session:
                counts = counts.joined(await counted(session, service, names))
        async with sessions_of(settings, "policy") as sessions, sessions() as session:
            return counts, await decisions(session)


def write_coverage(
    console: Console, plans: Library, approved: Decisions, counts: Counts, on: date
) -> int:
    table = Table(title=f"{plans.main.title}", caption=_caption(counts))
    headings = (
        "no.", "measure", "phrases", "programmes", "conditions", "examples", "tasks",
        "parameters set", "unset", "records",
    )  # fmt: skip
    for heading in headings:
        is_text = heading in ("measure", "records")
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    measures = _measures(plans)
    unmapped = 0
    for measure in measures:
        unmapped += len(uncovered(measure.clause, (each.text for each in measure.phrases)))
        table.add_row(*_row(measure, plans, approved, counts, on))
    console.print(table)
    _print_unset(console, plans, approved, on)
    numbers = {each.number for each in measures}
    lacking = [str(number) for number in range(1, MEASURES + 1) if number not in numbers]
    phrases = sum(len(each.phrases) for each in measures)
    reasons = sum(each.why_not is not None for m in measures for each in m.phrases)
    console.print(
        f"{len(measures)} measures, {phrases} phrases: {phrases - reasons} served,"
        f" {reasons} with a written reason why not, {unmapped} unmapped"
    )
    if lacking:
        console.print(f"no file for measure {', '.join(lacking)}")
    return 1 if lacking or unmapped else 0


def _row(
    measure: Measure, plans: Library, approved: Decisions, counts: Counts, on: date
) -> list[str]:
    programmes = [plans.programmes[name] for name in dict.fromkeys(measure.programmes)]
    rules = [each.compiled.programme for each in programmes]
    entries = _parameters(measure, programmes, plans)
    known = [each for each in entries if in_force(each, approved, on) is not None]
    return [
        str(measure.number),
        measure.heading.strip(),
        f"{len(measure.phrases)}/{len(measure.phrases)}",
        str(len(programmes)),
        str(sum(len(rule.conditions) for rule in rules)),
        str(sum(len(rule.examples) for rule in rules)),
        str(len(measure.tasks)),
        str(len(known)),
        str(len(entries) - len(known)),
        _records(measure, (name for rule in rules for name in rule.records), counts),
    ]


def _measures(plans: Library) -> list[Measure]:
    """List the measures of the main plan by their numbers."""
    found = [each for each in plans.measures if each.plan == plans.main]
    return sorted(found, key=lambda each: each.number or 0)


def _records(measure: Measure, names: Iterable[str], counts: Counts) -> str:
    """Write how many records of each kind are the measure's own, and how many serve all alike."""
    number = measure.number or 0
    # What there is of a measure is told, whether or not its rules name the kind.
    besides = [kind for kind in RECORDS if counts.own.get((number, kind))]
    kinds = list(dict.fromkeys([*names, *besides]))
    own = {kind: counts.own.get((number, kind)) for kind in kinds}
    told = [f"{RECORDS[kind][0]} {found:,}" for kind, found in own.items() if found is not None]
    told.extend(
        f"共用/shared {RECORDS[kind][0]} {counts.shared[kind]:,}"
        for kind in kinds
        if kind in counts.shared
    )
    waiting = [
        RECORDS[kind][0] for kind in kinds if own[kind] is None and kind not in counts.shared
    ]
    if waiting:
        told.append(f"none yet: {'、'.join(waiting)}")
    return "\n".join(told)


def _parameters(
    measure: Measure, programmes: Iterable[PlanProgramme], plans: Library
) -> list[ParameterEntry]:
    """List the numbers that a measure's rules ask for, and those that its phrases lead to."""
    named = [
        programme.parameter_id(name)
        for programme in programmes
        for name in programme.compiled.programme.parameters
    ]
    named.extend(name for phrase in measure.phrases for name in phrase.parameters)
    return [plans.parameters[name] for name in dict.fromkeys(named)]


def _print_unset(console: Console, plans: Library, approved: Decisions, on: date) -> None:
    table = Table(title="parameters that are unset")
    for heading in ("parameter", "meaning", "unit", "clause"):
        table.add_column(heading, overflow="fold")
    for entry in plans.parameters.values():
        if in_force(entry, approved, on) is None:
            table.add_row(entry.id, entry.zh, str(entry.unit), entry.clause)
    console.print(table)


def _caption(counts: Counts) -> str:
    if not counts.shared:
        return "no records are counted: no platform has run on this data yet"
    return (
        "records: the measure's own, by its programmes, its number, or the titles and lists that"
        " its rules look at; shared ones serve several measures alike, with their total"
    )
