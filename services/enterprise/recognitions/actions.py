"""Recording and revoking recognitions."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.base import reminder_days_of
from services.enterprise.contract.recognitions import RecognitionExpired, RecognitionExpiring
from services.enterprise.firms.actions import (
    advance,
    announce_firms,
    midnight,
    remind_of_day,
    write_advance,
)
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import lock_firm
from services.enterprise.recognitions.models import Recognition
from services.enterprise.recognitions.queries import find_recognition, held_by
from services.enterprise.recognitions.rules import State, moved, overlap, require_revocable
from services.enterprise.recognitions.schemas import NewRecognition, RecognitionEvent
from services.enterprise.vocabulary.queries import require_recognition_owned
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.timers import set_timer

ONE_DAY = timedelta(days=1)
EXPIRING_TIMER, EXPIRED_TIMER = "recognition-expiring", "recognition-expired"


async def record_recognition(
    session: AsyncSession, actor: Actor, uscc: str, new: NewRecognition, *, now: datetime
) -> Recognition:
    """Record a title that no other record of the same title overlaps."""
    firm = await lock_firm(session, actor, uscc)
    await require_recognition_owned(session, actor, new.recognition)
    held = await held_by(session, [(uscc, new.recognition)])
    if overlapping(held.get((uscc, new.recognition), []), new) is not None:
        raise recognition_overlaps()
    row = await enter_recognition(session, actor, firm, new, now=now)
    await announce_firms(session, [firm], now=now)
    return row


async def enter_recognition(
    session: AsyncSession, actor: Actor, firm: Firm, new: NewRecognition, *, now: datetime
) -> Recognition:
    """Add a checked title to a locked firm and set the timers of its first and last day."""
    advance(firm, now)
    await write_advance(session, [firm])
    row = Recognition(
        id=new_id(), statement_id=firm.last_statement_id, uscc=firm.uscc, state=State.HELD,
        version=1, recorded_at=now, stated_by=actor.subject, department=actor.department,
        **new.model_dump(),
    )  # fmt: skip
    session.add(row)
    today = city_day(now)
    if new.valid_from > today:
        await remind_of_day(session, firm.uscc, new.valid_from)
    if new.valid_to is not None and new.valid_to >= today:
        await remind_of_day(session, firm.uscc, new.valid_to + ONE_DAY)
        await watch_end(session, row, new.valid_to)
    audit(
        session, actor, "recognition.record", "firm", firm.uscc, now=now,
        detail={"recognition": new.recognition, "recognition_id": str(row.id)},
    )  # fmt: skip
    return row


async def move_recognition(
    session: AsyncSession,
    actor: Actor,
    uscc: str,
    id_: UUID,
    event: RecognitionEvent,
    *,
    now: datetime,
) -> Recognition:
    """Revoke a title from a day on."""
    firm = await lock_firm(session, actor, uscc)
    row = await find_recognition(session, uscc, id_)
    await require_recognition_owned(session, actor, row.recognition)
    check_version(event.version, row.version)
    state = moved(State(row.state), event.event)
    today = city_day(now)
    on = event.data.on or today
    require_revocable(on, row.valid_from, row.valid_to, today)
    advance(firm, now)
    await write_advance(session, [firm])
    end_recognition(session, actor, row, state, on, event.note, now=now)
    await announce_firms(session, [firm], now=now)
    return row


def end_recognition(
    session: AsyncSession,
    actor: Actor,
    row: Recognition,
    state: State,
    on: date,
    note: str | None,
    *,
    now: datetime,
) -> None:
    """Let a title of a locked firm hold no longer from a day on: revoked, or superseded."""
    row.state, row.revoked_on, row.revocation_note = state, on, note
    row.version += 1
    verb = "revoke" if state is State.REVOKED else "supersede"
    audit(
        session, actor, f"recognition.{verb}", "firm", row.uscc, now=now,
        detail={
            "recognition": row.recognition, "recognition_id": str(row.id), "on": on.isoformat(),
        },
    )  # fmt: skip


async def watch_end(session: AsyncSession, row: Recognition, valid_to: date) -> None:
    """Have it announced some days before a title ends, and once it has."""
    await set_timer(session, EXPIRED_TIMER, str(row.id), midnight(valid_to + ONE_DAY))
    reminded_on = max(valid_to - timedelta(days=reminder_days_of(session)), row.valid_from)
    await set_timer(session, EXPIRING_TIMER, str(row.id), midnight(reminded_on))


async def tell_of_expiring(session: AsyncSession, reference: str, now: datetime) -> None:
    """Announce that a title ends soon, unless it has ended otherwise."""
    row, today = await session.get(Recognition, UUID(reference)), city_day(now)
    if row is None or row.valid_to is None or not _stands(row) or today > row.valid_to:
        return
    event = RecognitionExpiring(
        recognition_id=row.id, uscc=row.uscc, recognition=row.recognition, grade=row.grade,
        valid_to=row.valid_to, on=today,
    )  # fmt: skip
    announce(session, event, now=now)


async def tell_of_expired(session: AsyncSession, reference: str, now: datetime) -> None:
    """Announce that a title has had its last day; the firm is told of anew by its own timer."""
    row, today = await session.get(Recognition, UUID(reference)), city_day(now)
    if row is None or row.valid_to is None or not _stands(row) or today <= row.valid_to:
        return
    event = RecognitionExpired(
        recognition_id=row.id, uscc=row.uscc, recognition=row.recognition, grade=row.grade,
        valid_to=row.valid_to, on=today,
    )  # fmt: skip
    announce(session, event, now=now)


def _stands(row: Recognition) -> bool:
    return row.state == State.HELD


def overlapping(held: Sequence[Recognition], new: NewRecognition) -> Recognition | None:
    """Find a record of the same title that holds on a day of the new one."""
    for each in held:
        span = (each.valid_from, each.valid_to, each.revoked_on)
        if overlap(span, (new.valid_from, new.valid_to)):
            return each
    return None


def recognition_overlaps() -> Conflict:
    return Conflict(
        "该企业同一认定已有有效期重叠的记录；如需更正，请先撤销原记录。",
        "The firm has a record of this title whose validity overlaps; revoke that one first.",
        code="recognition-overlaps",
    )
