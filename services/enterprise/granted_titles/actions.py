"""Recording a title that was granted elsewhere, once, and taking it back."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.recognitions import RecognitionAnswered
from services.enterprise.firms.actions import advance, announce_firms, write_advance
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import lock_firms
from services.enterprise.granted_titles.models import GrantedTitle
from services.enterprise.granted_titles.rules import Outcome, Span, meet
from services.enterprise.recognitions.actions import end_recognition, enter_recognition
from services.enterprise.recognitions.models import Recognition
from services.enterprise.recognitions.queries import held_by
from services.enterprise.recognitions.rules import State
from services.enterprise.recognitions.schemas import NewRecognition
from services.enterprise.vocabulary.rules import recognition as known_recognition
from services.kernel.actors import SYSTEM
from services.kernel.clock import city_day
from services.kernel.outbox import announce
from services.policy.contract.grants import Grant

SourceKind = Literal["case", "recommendation"]


@dataclass(frozen=True)
class Source:
    """Who granted it: the case or the recommendation, the firm, the department that answers."""

    kind: SourceKind
    id: UUID
    uscc: str
    department: str | None


async def record_granted(
    session: AsyncSession, source: Source, grant: Grant, *, now: datetime
) -> None:
    """Record a title that was granted, unless it was heard of before, and tell what is held."""
    firm = (await lock_firms(session, [source.uscc])).get(source.uscc)
    if await session.get(GrantedTitle, (source.kind, source.id)) is not None:
        return
    outcome, row = await _outcome(session, source, firm, grant, now=now)
    session.add(
        GrantedTitle(
            source_kind=source.kind, source_id=source.id, recognition_id=row and row.id,
            outcome=outcome, heard_at=now,
        )
    )  # fmt: skip
    await session.flush()
    _answer(session, source, outcome, row, grant.recognition, now=now)


async def revoke_granted(
    session: AsyncSession, kind: SourceKind, source_id: UUID, note: str, on: date, *, now: datetime
) -> None:
    """Take back what was recorded for a source; what comes later for it is not recorded."""
    known = await session.get(GrantedTitle, (kind, source_id), with_for_update=True)
    if known is None:
        session.add(
            GrantedTitle(
                source_kind=kind, source_id=source_id, recognition_id=None,
                outcome=Outcome.REVOKED, heard_at=now,
            )
        )  # fmt: skip
        await session.flush()
        return
    if known.outcome != Outcome.RECORDED or known.recognition_id is None:
        return
    row = await session.get_one(Recognition, known.recognition_id)
    firm = (await lock_firms(session, [row.uscc]))[row.uscc]
    await session.refresh(row)
    known.outcome, known.heard_at = Outcome.REVOKED, now
    has_ended = row.valid_to is not None and on > row.valid_to
    if row.state == State.HELD and not has_ended:
        advance(firm, now)
        await write_advance(session, [firm])
        end_recognition(session, SYSTEM, row, State.REVOKED, max(on, row.valid_from), note, now=now)
        await announce_firms(session, [firm], now=now)
    source = Source(kind, source_id, row.uscc, row.department)
    _answer(session, source, Outcome.REVOKED, row, row.recognition, now=now)


async def _outcome(
    session: AsyncSession, source: Source, firm: Firm | None, grant: Grant, *, now: datetime
) -> tuple[Outcome, Recognition | None]:
    if firm is None:
        return Outcome.FIRM_UNKNOWN, None
    if known_recognition(grant.recognition) is None:
        return Outcome.RECOGNITION_UNKNOWN, None
    key = (source.uscc, grant.recognition)
    rows = {each.id: each for each in (await held_by(session, [key])).get(key, [])}
    spans = [
        Span(each.id, each.grade, each.valid_from, each.valid_to, each.revoked_on)
        for each in rows.values()
    ]
    meeting = meet(spans, grant)
    if meeting.held is not None:
        return Outcome.ALREADY_HELD, rows[meeting.held]
    actor = replace(SYSTEM, department=source.department)
    for id_ in meeting.give_way:
        old, since = rows[id_], max(grant.valid_from, rows[id_].valid_from)
        note = f"自{since}起由新的认定接替（{grant.document}）"
        end_recognition(session, actor, old, State.SUPERSEDED, since, note, now=now)
    await session.flush()
    new = NewRecognition.model_validate(grant.model_dump())
    row = await enter_recognition(session, actor, firm, new, now=now)
    await announce_firms(session, [firm], now=now)
    return Outcome.RECORDED, row


def _answer(
    session: AsyncSession,
    source: Source,
    outcome: Outcome,
    row: Recognition | None,
    recognition: str,
    *,
    now: datetime,
) -> None:
    event = RecognitionAnswered(
        source_kind=source.kind, source_id=source.id, uscc=source.uscc, recognition=recognition,
        outcome=outcome.value, recognition_id=row and row.id,
        valid_from=row and row.valid_from, valid_to=row and row.valid_to, on=city_day(now),
    )  # fmt: skip
    announce(session, event, now=now)
