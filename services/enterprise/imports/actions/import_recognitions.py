"""Importing recognitions, many firms at once."""

from services.enterprise.codes.uscc import UsccInvalid, canonical_uscc
from services.enterprise.firms.actions import announce_firms
from services.enterprise.firms.queries import lock_firms
from services.enterprise.imports.actions.import_firms import body_of
from services.enterprise.imports.actions.outcome import UNKNOWN_FIRM, Job, Outcome, told_of
from services.enterprise.recognitions.actions import (
    enter_recognition,
    overlapping,
    recognition_overlaps,
)
from services.enterprise.recognitions.models import Recognition
from services.enterprise.recognitions.queries import held_by
from services.enterprise.recognitions.schemas import NewRecognition
from services.enterprise.vocabulary.queries import owned_recognitions, recognition_not_owned
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.row_files import Row, as_text


async def import_recognitions(job: Job, rows: list[Row]) -> Outcome:
    """Record a title by each row; one that is on record already changes nothing."""
    session, actor, now = job.session, job.actor, job.now
    outcome = Outcome()
    owned = await owned_recognitions(session, actor)
    read = [each for row in rows if (each := _read(row, owned, outcome, strict=job.strict))]
    firms = await lock_firms(session, {uscc for _, uscc, _ in read})
    held = await held_by(session, {(uscc, new.recognition) for _, uscc, new in read})
    changed: set[str] = set()
    for line, uscc, new in read:
        if uscc not in firms:
            outcome.refuse(line, [UNKNOWN_FIRM])
            continue
        known = held[uscc, new.recognition]
        rival = overlapping(known, new)
        if rival is None:
            known.append(await enter_recognition(session, actor, firms[uscc], new, now=now))
            changed.add(uscc)
            outcome.created += 1
        elif _is_the_same(rival, new):
            outcome.unchanged += 1
        else:
            outcome.refuse(line, [told_of("recognition", recognition_overlaps())])
    if changed:
        await announce_firms(session, [firms[uscc] for uscc in sorted(changed)], now=now)
    return outcome


def _read(
    row: Row, owned: frozenset[str], outcome: Outcome, *, strict: bool
) -> tuple[int, str, NewRecognition] | None:
    try:
        cell = row.cells.get("uscc")
        uscc = canonical_uscc("" if cell is None else as_text(cell))
    except (UsccInvalid, FieldFault) as fault:
        outcome.refuse(row.line, [told_of("uscc", fault)])
        return None
    new = body_of(NewRecognition, row, outcome, strict=strict, leave_out=("uscc",))
    if new is None:
        return None
    if new.recognition not in owned:
        outcome.refuse(row.line, [told_of("recognition", recognition_not_owned(new.recognition))])
        return None
    return row.line, uscc, new


def _is_the_same(known: Recognition, new: NewRecognition) -> bool:
    return all(getattr(known, name) == value for name, value in new.model_dump().items())
