"""Importing firms: new ones are registered, known ones must be the same."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.enterprise.firms.actions import (
    PROFILE_FIELDS,
    announce_firms,
    day_fault,
    enter_firms,
    facts_stated_by,
    firm_exists,
)
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import fiscal_jurisdictions, lock_firms
from services.enterprise.firms.rules import FISCAL_JURISDICTION
from services.enterprise.firms.schemas import NewFirm
from services.enterprise.imports.actions.outcome import Job, Outcome, told_of
from services.enterprise.imports.rules import BOOLEAN_FIELDS
from services.enterprise.vocabulary.queries import fact_not_owned, owned_facts
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.clock import city_day
from services.kernel.errors import FieldError
from services.kernel.problems import refusal_from_validation
from services.kernel.row_files import Row, as_boolean, as_text

B = TypeVar("B", bound=BaseModel)


async def import_firms(job: Job, rows: list[Row]) -> Outcome:
    """Register a firm by each row; a row that repeats what is known changes nothing."""
    session, now = job.session, job.now
    outcome = Outcome()
    owned = await owned_facts(session, job.actor)
    read = [each for row in rows if (each := _read(row, outcome, job, owned)) is not None]
    if not read:
        return outcome
    entered = await enter_firms(session, job.actor, [new for _, new in read], now=now)
    firms = await lock_firms(session, {new.uscc for _, new in read})
    codes = {(u, c.code) for u, c in await fiscal_jurisdictions(session, firms)}
    waiting = set(entered)
    for line, new in read:
        if new.uscc in waiting:
            waiting.remove(new.uscc)
            outcome.created += 1
        elif _is_the_same(firms[new.uscc], new, codes):
            outcome.unchanged += 1
        else:
            outcome.refuse(line, [told_of("uscc", firm_exists())])
    if entered:
        await announce_firms(session, list(entered.values()), now=now)
    return outcome


def body_of(
    body: type[B], row: Row, outcome: Outcome, *, strict: bool, leave_out: tuple[str, ...] = ()
) -> B | None:
    """Read a row as the body that the route for one of its kind takes."""
    faults: list[FieldError] = []
    cells: dict[str, Any] = {}
    for name, cell in row.cells.items():
        if name in leave_out:
            continue
        try:
            cells[name] = cell if strict else _typed(name, cell)
        except FieldFault as fault:
            faults.append(told_of(name, fault))
    try:
        made = body.model_validate(cells)
    except ValidationError as invalid:
        named = {fault.pointer for fault in faults}
        found = refusal_from_validation(invalid.errors()).errors
        faults += [fault for fault in found if fault.pointer not in named]
        made = None
    if faults:
        outcome.refuse(row.line, faults)
        return None
    return made


def _read(
    row: Row, outcome: Outcome, job: Job, owned: frozenset[str]
) -> tuple[int, NewFirm] | None:
    new = body_of(NewFirm, row, outcome, strict=job.strict)
    if new is None:
        return None
    if fault := day_fault(new, city_day(job.now)):
        outcome.refuse(row.line, fault.errors)
        return None
    # The file as a whole was let in for the profile; only this field may be another department's.
    if missing := facts_stated_by(new) - owned:
        outcome.refuse(row.line, [told_of(FISCAL_JURISDICTION, fact_not_owned(sorted(missing)))])
        return None
    return row.line, new


def _typed(name: str, cell: Any) -> Any:
    return as_boolean(cell) if name in BOOLEAN_FIELDS else as_text(cell)


def _is_the_same(firm: Firm, new: NewFirm, codes: set[tuple[str, str]]) -> bool:
    """Tell whether a row says of a registered firm only what its profile says."""
    said = {name: getattr(new, name) for name in PROFILE_FIELDS}
    return all(value is None or getattr(firm, name) == value for name, value in said.items()) and (
        new.fiscal_jurisdiction is None or (new.uscc, new.fiscal_jurisdiction) in codes
    )
