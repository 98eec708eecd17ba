"""Reading recognitions."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.firms.queries import after_id
from services.enterprise.granted_titles.models import GrantedTitle
from services.enterprise.granted_titles.rules import Outcome
from services.enterprise.recognitions.models import Recognition
from services.enterprise.recognitions.rules import NEXT, State, holds_on
from services.enterprise.recognitions.schemas import RecognitionSource, RecognitionView
from services.enterprise.vocabulary.queries import owned_recognitions
from services.enterprise.vocabulary.rules import recognition as named
from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest


async def recognitions_of(
    session: AsyncSession, uscc: str, page: PageRequest | None = None
) -> list[Recognition]:
    """List a firm's recognitions, the latest recorded first."""
    mine = select(Recognition).where(Recognition.uscc == uscc).order_by(Recognition.id.desc())
    if page is not None:
        mine = mine.limit(page.limit + 1)
        if (after := after_id(page)) is not None:
            mine = mine.where(Recognition.id < after)
    return list((await session.scalars(mine)).all())


async def find_recognition(session: AsyncSession, uscc: str, id_: UUID) -> Recognition:
    """Find one recognition of a firm; what is changed of it, the lock of the firm guards."""
    found = await session.scalar(
        select(Recognition).where(Recognition.id == id_, Recognition.uscc == uscc)
    )
    if found is None:
        raise NotFound("没有这项认定记录。", "There is no such recognition.")
    return found


async def held_by(
    session: AsyncSession, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Recognition]]:
    """Give what firms have of certain titles, by firm and title."""
    found: dict[tuple[str, str], list[Recognition]] = defaultdict(list)
    those = tuple_(Recognition.uscc, Recognition.recognition).in_(list(pairs))
    for each in await session.scalars(select(Recognition).where(those).order_by(Recognition.id)):
        found[each.uscc, each.recognition].append(each)
    return found


def holding(recognition: str, on: date) -> ColumnElement[bool]:
    """Filter for titles that hold on a day."""
    return and_(
        Recognition.recognition == recognition,
        Recognition.valid_from <= on,
        or_(Recognition.valid_to.is_(None), Recognition.valid_to >= on),
        or_(Recognition.revoked_on.is_(None), Recognition.revoked_on > on),
    )


async def recognition_views(
    session: AsyncSession, actor: Actor, rows: Sequence[Recognition], on: date
) -> list[RecognitionView]:
    """Show titles, and what the actor may do with each."""
    mine = await owned_recognitions(session, actor) if actor.has(Role.REGISTRAR) else frozenset()
    sources = await _sources(session, rows)
    return [_view(row, on, sources.get(row.id), may_move=row.recognition in mine) for row in rows]


async def _sources(
    session: AsyncSession, rows: Sequence[Recognition]
) -> dict[UUID, RecognitionSource]:
    """Find what titles were recorded for; most were stated by their department."""
    recorded = select(GrantedTitle).where(
        GrantedTitle.recognition_id.in_([row.id for row in rows]),
        GrantedTitle.outcome.in_((Outcome.RECORDED, Outcome.REVOKED)),
    )
    return {
        each.recognition_id: RecognitionSource.model_validate(
            {"kind": each.source_kind, "id": each.source_id}
        )
        for each in await session.scalars(recorded)
        if each.recognition_id is not None
    }


def _view(
    row: Recognition, on: date, source: RecognitionSource | None, *, may_move: bool
) -> RecognitionView:
    known = named(row.recognition)
    state = State(row.state)
    return RecognitionView(
        id=row.id, uscc=row.uscc, recognition=row.recognition,
        title=known.zh if known else row.recognition,
        title_en=known.en if known else row.recognition,
        grade=row.grade, issuer=row.issuer, document=row.document, valid_from=row.valid_from,
        valid_to=row.valid_to, state=state, revoked_on=row.revoked_on,
        revocation_note=row.revocation_note,
        holds=holds_on(on, row.valid_from, row.valid_to, row.revoked_on),
        department=row.department, source=source, version=row.version,
        allowed_events=list(NEXT[state]) if may_move else [],
        recorded_at=row.recorded_at, statement_id=row.statement_id,
    )  # fmt: skip
