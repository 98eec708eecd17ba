"""A small service on the kernel, whose routes, reactions, timers and work can be told to fail."""

import asyncio
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.actors import SYSTEM, Actor, Guard, Role
from services.kernel.audit import audit
from services.kernel.database import raw_connection, service_base
from services.kernel.errors import Conflict, NotFound
from services.kernel.etags import check_version, require_match, set_etag
from services.kernel.events import DeedEvent, StateEvent
from services.kernel.idempotency import KEYED, KEYED_FOR_MONEY
from services.kernel.ids import new_id
from services.kernel.operations import OperationKind, RowError, Step, accept_operation
from services.kernel.outbox import announce
from services.kernel.pages import Page, page_of
from services.kernel.reactions import Reaction
from services.kernel.service import Service
from services.kernel.tables import Operation
from services.kernel.timers import TimerKind
from services.kernel.unit import Now, Session, noun_router

Base = service_base("probe")


class Note(Base):
    __tablename__ = "note"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    amount_fen: Mapped[int]
    version: Mapped[int]
    parent: Mapped[UUID | None] = mapped_column(
        ForeignKey("note.id", deferrable=True, initially="DEFERRED")
    )


class Line(Base):
    """A row for each effect, so that a second effect shows."""

    __tablename__ = "line"
    __table_args__ = ({"info": {"append_only": True}},)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[str]
    of: Mapped[str]


class NoteChanged(StateEvent, type="liangxin.probe.note.changed.v1"):
    id: UUID
    name: str

    @property
    def aggregate(self) -> str:
        return str(self.id)


class NoteCounted(DeedEvent, type="liangxin.probe.note.counted.v1"):
    note: str
    poison: bool = False

    @property
    def aggregate(self) -> str:
        return self.note


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class NewNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\s]+$")]
    amount_fen: Annotated[int, Field(strict=True, ge=0, le=10**15)] = 0
    on: date | None = None
    colour: Colour = Colour.RED
    tags: list[Annotated[str, Field(max_length=10)]] = []
    counts: dict[str, Annotated[int, Field(strict=True)]] = {}
    id: UUID | None = None
    is_final: bool = False
    parent: UUID | None = None


class NoteView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    amount_fen: int
    version: int


class NoteEvent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: str
    version: Annotated[int, Field(strict=True, ge=1)]


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fault: str
    name: str


Writer = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
Reader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]

router = noun_router("probe", "notes")
attempts: dict[str, int] = {}


async def write_note(session: AsyncSession, actor: Actor, new: NewNote, now: datetime) -> Note:
    note = Note(
        id=new.id or new_id(),
        name=new.name,
        amount_fen=new.amount_fen,
        version=1,
        parent=new.parent,
    )
    session.add(note)
    await session.flush()
    announce(session, NoteChanged(id=note.id, name=note.name, version=1), now=now)
    audit(session, actor, "note.write", "note", note.id, now=now)
    return note


@router.post("", status_code=201, dependencies=[KEYED])
async def post_note(
    body: NewNote, actor: Writer, session: Session, now: Now, response: Response
) -> NoteView:
    """Write a note."""
    note = await write_note(session, actor, body, now)
    response.headers["Location"] = f"/v1/probe/notes/{note.id}"
    set_etag(response, note.version)
    return NoteView.model_validate(note)


@router.post("/for-money", status_code=201, dependencies=[KEYED_FOR_MONEY])
async def post_money(body: NewNote, actor: Writer, session: Session, now: Now) -> NoteView:
    """Write a note whose answer is kept for ever."""
    return NoteView.model_validate(await write_note(session, actor, body, now))


@router.get("")
async def list_notes(_: Reader, session: Session, page: Page) -> dict[str, Any]:
    """List the notes, newest first."""
    query = select(Note).order_by(Note.id.desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(Note.id < UUID(page.after[0]))
    rows = [NoteView.model_validate(n) for n in await session.scalars(query)]
    return page_of(rows, page, lambda note: [str(note.id)])


@router.get("/{id}")
async def get_note(id: UUID, _: Reader, session: Session, response: Response) -> NoteView:
    """Read a note."""
    note = await session.get(Note, id)
    if note is None:
        raise NotFound("没有这条记录。", "There is no such note.")
    set_etag(response, note.version)
    return NoteView.model_validate(note)


@router.put("/{id}")
async def put_note(
    id: UUID,
    body: NewNote,
    _: Writer,
    session: Session,
    request: Request,
    response: Response,
) -> NoteView:
    """Replace a note of a known version."""
    note = await session.get_one(Note, id, with_for_update=True)
    require_match(request, note.version)
    note.name, note.version = body.name, note.version + 1
    await session.flush()
    set_etag(response, note.version)
    return NoteView.model_validate(note)


@router.get("/{id}/copy")
async def copy_note(id: UUID, actor: Reader, session: Session, now: Now) -> NoteView:
    """Hand a note out, which is recorded."""
    note = await session.get_one(Note, id)
    audit(session, actor, "note.copy", "note", id, now=now)
    return NoteView.model_validate(note)


@router.post("/{id}/events")
async def move_note(id: UUID, body: NoteEvent, _: Writer, session: Session, now: Now) -> NoteView:
    """Move a note to its next version, announcing its state and a deed."""
    note = await session.get_one(Note, id, with_for_update=True)
    check_version(body.version, note.version)
    if body.event != "count":
        raise Conflict("只可计数。", "It may only be counted.", code="event-not-allowed")
    note.version += 1
    await session.flush()
    announce(session, NoteChanged(id=note.id, name=note.name, version=note.version), now=now)
    announce(session, NoteCounted(note=str(note.id)), now=now)
    return NoteView.model_validate(note)


@router.post("/faults", status_code=201)
async def post_fault(body: Fault, actor: Writer, session: Session, now: Now) -> NoteView:
    """Write a note, then meet the fault that was asked for."""
    tries = attempts[body.name] = attempts.get(body.name, 0) + 1
    note = await write_note(session, actor, NewNote(name=body.name), now)
    if body.fault == "explode":
        raise RuntimeError(f"the secret of {body.name}")
    if body.fault == "slow":
        await session.execute(text("SELECT pg_sleep(0.15)"))
    if body.fault == "slow-after":
        await asyncio.sleep(0.15)
    if body.fault == "terminate":
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    if body.fault == "serialization" and tries <= 2:
        await session.execute(text("DO $$ BEGIN RAISE 'lost' USING ERRCODE = '40001'; END $$"))
    if body.fault == "serialization-of-the-driver" and tries <= 2:
        connection = await raw_connection(session)
        await connection.execute("DO $$ BEGIN RAISE 'lost' USING ERRCODE = '40001'; END $$")
    if body.fault == "deadlock":
        await session.execute(text("DO $$ BEGIN RAISE 'lost' USING ERRCODE = '40P01'; END $$"))
    return NoteView.model_validate(note)


work = noun_router("probe", "works")


@work.post("", status_code=202)
async def begin_work(
    body: Fault, actor: Writer, session: Session, now: Now, response: Response
) -> None:
    """Begin long work."""
    accept_operation(
        session,
        response,
        "probe",
        actor,
        body.fault,
        input_={"name": body.name},
        content=b"content",
        total=3,
        now=now,
    )


async def step_through(session: AsyncSession, operation: Operation, _: Actor, __: datetime) -> Step:
    """Take one of three steps; the second refuses a row twice over."""
    done = operation.done + 1
    await effect(session, "step", f"{operation.id}:{done}")
    refused = [RowError(2, "name", "taken", "重复", "twice")] * 2 if done == 2 else []
    return Step(done, 3, refused, {"steps": 3} if done == 3 else None)


async def step_into_fault(
    session: AsyncSession, operation: Operation, _: Actor, __: datetime
) -> Step:
    await effect(session, "step", f"{operation.id}:{operation.done + 1}")
    if operation.done == 1:
        raise RuntimeError("the secret of this step")
    return Step(operation.done + 1, 3, [])


async def count_note(session: AsyncSession, event: NoteCounted, now: datetime) -> None:
    """Count, and refuse what is poisoned."""
    await effect(session, "counted", event.note)
    audit(session, SYSTEM, "note.count", "note", event.note, now=now)
    if event.poison and attempts.get("cured", 0) == 0:
        raise ValueError("poisoned")


async def follow_note(session: AsyncSession, event: NoteChanged, _: datetime) -> None:
    await effect(session, "followed", f"{event.id}:{event.version}")


async def ring(session: AsyncSession, reference: str, _: datetime) -> None:
    attempts[reference] = attempts.get(reference, 0) + 1
    await effect(session, "rung", reference)
    if reference.startswith("failing") and attempts[reference] == 1:
        announce(session, NoteCounted(note=reference), now=_)
        raise RuntimeError("not yet")


async def tick(session: AsyncSession, _: str, __: datetime) -> None:
    await effect(session, "ticked", "tick")


async def effect(session: AsyncSession, what: str, of: str) -> None:
    await session.execute(insert(Line).values(id=new_id(), what=what, of=of))


def probe_service(migrations: Path, **changes: Any) -> Service:
    """Describe the probe; its migration is written when it is first run."""
    parts: dict[str, Any] = {
        "name": "probe",
        "title": "探针",
        "title_en": "Probe",
        "metadata": Base.metadata,
        "migrations": migrations,
        "routers": (router, work),
        "announces": (NoteChanged, NoteCounted),
        "reactions": (Reaction(NoteCounted, count_note), Reaction(NoteChanged, follow_note)),
        "timers": (TimerKind("ring", ring),),
        "operations": (
            OperationKind("three-steps", step_through),
            OperationKind("fault", step_into_fault),
        ),
    }
    return Service(**{**parts, **changes})
