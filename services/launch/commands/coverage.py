"""The measures row by row: what of each is accounted for, executable, tested, and in use."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from asyncpg import PostgresError
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day, system_now
from services.launch.commands.operating import sessions_of
from services.launch.configuration import configured
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import Decisions, in_force
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Library, Measure, ParameterEntry, PlanProgramme, uncovered
from services.policy.records import RECORDS

MEASURES: Final = 30
WIDTH_MIN: Final = 170
# Where the records of a kind are kept; nothing keeps a kind that is not here yet.
TABLES: Final = {
    "enterprise.firms": "firm",
    "enterprise.facts": "fact_statement",
    "enterprise.recognitions": "recognition",
    "enterprise.lists": "list_version",
    "policy.cases": "policy_case",
    "policy.calls": "call",
    "policy.recommendations": "recommendation",
    "policy.panels": "panel",
    "policy.tasks": "task",
    "policy.meetings": "meeting",
    "finance.budgets": "budget",
    "finance.awards": "award",
    "finance.payouts": "payout",
    "finance.aid": "aid",
}
# Of a database that no platform has used yet: no role, no table.
UNREACHED: Final = (DBAPIError, PostgresError, OSError)
Counts = Mapping[str, int]


async def print_coverage(console: Console) -> int:
    """Print a row for each measure; 1 where a phrase or a measure is not accounted for."""
    # A table of ten columns is read in a file or a wide window; half words help nobody.
    console = Console(width=max(console.width, WIDTH_MIN))
    on = city_day(system_now())
    async with configured() as settings:
        counts: dict[str, int] = {}
        for service in ("enterprise", "policy", "finance"):
            async with sessions_of(settings, service) as sessions, sessions() as session:
                counts.update(await _counted(session, service))
        async with sessions_of(settings, "policy") as sessions, sessions() as session:
            approved = await _approved(session)
    return write_coverage(console, library(), approved, counts, on)


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
    measures = [each for each in plans.measures if each.plan == plans.main]
    unmapped = 0
    for measure in sorted(measures, key=lambda each: each.number or 0):
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
        _records((name for rule in rules for name in rule.records), counts),
    ]


def _records(names: Iterable[str], counts: Counts) -> str:
    """Write how many records there are of each kind that serves a measure."""
    kinds = list(dict.fromkeys(names))
    told = [f"{RECORDS[name][0]} {counts[name]:,}" for name in kinds if name in counts]
    waiting = [RECORDS[name][0] for name in kinds if name not in counts]
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
    return "" if counts else "no records are counted: no platform has run on this data yet"


async def _counted(session: AsyncSession, service: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, table in TABLES.items():
        if name.startswith(f"{service}."):
            try:
                counted = await session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
                counts[name] = counted or 0
            except UNREACHED:
                return {}
    return counts


async def _approved(session: AsyncSession) -> Decisions:
    try:
        return await decisions(session)
    except UNREACHED:
        return {}
