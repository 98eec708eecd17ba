"""Importing facts by the year and as of a day, many firms at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.codes.uscc import UsccInvalid, canonical_uscc
from services.enterprise.facts.actions import Statement, record_statements
from services.enterprise.facts.queries import OwnedKey, owned_values
from services.enterprise.facts.rules import Values, require_year, shown_name
from services.enterprise.firms.actions import announce_firms, require_begun
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import lock_firms
from services.enterprise.firms.rules import PROFILE_FACTS, clean_text
from services.enterprise.imports.actions.outcome import UNKNOWN_FIRM, Job, Outcome, told_of
from services.enterprise.imports.rules import (
    Kind,
    fact_columns,
    typed_fact,
)
from services.enterprise.vocabulary.queries import fact_not_owned, owned_facts
from services.enterprise.vocabulary.rules import FactValue, FieldFault, Period
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.days import parse_day
from services.kernel.errors import FieldError, Refusal
from services.kernel.row_files import Row, as_integer, as_text

SOURCE_CHARS_MAX = 500
Standing = dict[OwnedKey, dict[str, FactValue | None]]
HEADS = ("uscc", "year", "valid_from", "source")
ABSENT = object()


@dataclass(frozen=True)
class Stated:
    """A row that could be read: what it states of which firm."""

    line: int
    uscc: str
    statement: Statement


async def import_indicators(job: Job, rows: list[Row]) -> Outcome:
    """State facts of a year of a firm by each row."""
    return await _import(job, rows, Period.YEARLY)


async def import_day_facts(job: Job, rows: list[Row]) -> Outcome:
    """State facts of a firm from a day on by each row."""
    return await _import(job, rows, Period.DAY)


async def _import(job: Job, rows: list[Row], period: Period) -> Outcome:
    session, outcome = job.session, Outcome()
    owned = await owned_facts(session, job.actor)
    reader = RowReader(period, owned, city_day(job.now), strict=job.strict)
    stated = [each for row in rows if (each := reader.read(row, outcome)) is not None]
    firms = await lock_firms(session, {each.uscc for each in stated})
    known = [each for each in stated if each.uscc in firms]
    for each in stated:
        if each.uscc not in firms:
            outcome.refuse(each.line, [UNKNOWN_FIRM])
    standing = await _standing(session, firms, known)
    changes = [
        (each.uscc, change) for each in known if (change := _change(each, standing, outcome))
    ]
    await record_statements(session, job.actor, firms, changes, now=job.now)
    await _tell(job, firms, changes)
    return outcome


class RowReader:
    """Reads the cells of rows as statements, or says of each field what is wrong with it."""

    def __init__(self, period: Period, owned: frozenset[str], today: date, *, strict: bool) -> None:
        self._period = period
        self._owned = owned
        self._today = today
        self._strict = strict
        self._columns = frozenset(
            fact_columns(Kind.INDICATORS if period is Period.YEARLY else Kind.FACTS)
        )

    def read(self, row: Row, outcome: Outcome) -> Stated | None:
        faults: list[FieldError] = []
        head = {name: self._head(name, row, faults) for name in HEADS}
        values: Values = {}
        for name, cell in row.cells.items():
            if name in HEADS:
                continue
            try:
                values[name] = self._value(name, cell)
            except (FieldFault, Refusal) as fault:
                faults.append(told_of(shown_name(name), fault))
        if not faults and not values:
            faults.append(
                FieldError(
                    "", "nothing-stated", "此行没有陈述任何事实。", "The row states nothing."
                )
            )
        self._check_day(head, values, faults)
        if faults:
            outcome.refuse(row.line, faults)
            return None
        statement = Statement(values, head["source"], head["year"], head["valid_from"])
        return Stated(row.line, head["uscc"], statement)

    def _value(self, name: str, cell: Any) -> FactValue:
        if name in self._columns and name not in self._owned:
            raise fact_not_owned([name])
        return typed_fact(self._period, name, cell, strict=self._strict)

    def _head(self, name: str, row: Row, faults: list[FieldError]) -> Any:
        try:
            return self._read_head(name, row.cells.get(name))
        except (FieldFault, UsccInvalid, Refusal) as fault:
            faults.append(told_of(name, fault))
        return None

    def _read_head(self, name: str, cell: Any) -> Any:
        if name == "uscc":
            return canonical_uscc("" if cell is None else as_text(cell))
        if name == "source":
            return None if cell is None else clean_text(as_text(cell)[:SOURCE_CHARS_MAX])
        if name == "year":
            return self._year(cell)
        if self._period is Period.YEARLY:
            return None
        return self._today if cell is None else parse_day(as_text(cell))

    def _year(self, cell: Any) -> int | None:
        if self._period is not Period.YEARLY:
            return None
        year = cell if cell is None or self._strict else as_integer(cell)
        if isinstance(year, bool) or not isinstance(year, int):
            raise FieldFault("integer-expected", "年度须为4位整数。", "The year is an integer.")
        require_year(year, self._today)
        return year

    def _check_day(self, head: dict[str, Any], values: Values, faults: list[FieldError]) -> None:
        if head["valid_from"] is not None and values.keys() & set(PROFILE_FACTS):
            try:
                require_begun(values, head["valid_from"], self._today)
            except Refusal as fault:
                faults.append(told_of("valid_from", fault))


async def _standing(
    session: AsyncSession, firms: Mapping[str, Firm], stated: Iterable[Stated]
) -> Standing:
    """Give what the owners and the profiles say already, for the firms and periods of the rows."""
    asked = {(each.uscc, _period_of(each.statement)) for each in stated}
    standing = defaultdict(dict, await owned_values(session, asked))
    for uscc, period in asked:
        if isinstance(period, date):
            standing[uscc, period] |= {n: _shown(getattr(firms[uscc], n)) for n in PROFILE_FACTS}
    return standing


def _change(stated: Stated, standing: Standing, outcome: Outcome) -> Statement | None:
    """Leave only what the row says anew, and count the row for what it does."""
    said = stated.statement
    known = standing[stated.uscc, _period_of(said)]
    changed = {name: v for name, v in said.values.items() if known.get(name, ABSENT) != v}
    if not changed:
        outcome.unchanged += 1
        return None
    if changed.keys() & known.keys():
        outcome.updated += 1
    else:
        outcome.created += 1
    known.update(changed)
    return Statement(changed, said.source, said.year, said.valid_from)


def _shown(value: Any) -> FactValue | None:
    return value.isoformat() if isinstance(value, date) else value


async def _tell(job: Job, firms: Mapping[str, Firm], changes: list[tuple[str, Statement]]) -> None:
    """Record and announce each firm once, however many of its rows were in the step."""
    counts = Counter(uscc for uscc, _ in changes)
    for uscc, count in counts.items():
        audit(
            job.session, job.actor, "fact.import", "firm", uscc, now=job.now,
            detail={"statement_id": str(firms[uscc].last_statement_id), "statements": count},
        )  # fmt: skip
    if counts:
        await announce_firms(job.session, [firms[uscc] for uscc in counts], now=job.now)


def _period_of(statement: Statement) -> int | date:
    """Give the year, or the day; a statement has one of them."""
    return statement.year or cast("date", statement.valid_from)
