"""Calls of documents and archives: what a case ends in."""

import itertools
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from services.kernel.ids import new_id
from services.policy.archives.models import CaseArchive
from services.policy.documents.models import Document, DocumentCase
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell, Side
from tests.contracts.world import REVIEWER, World

DOCUMENTS = "/v1/policy/documents"
CASES = "/v1/policy/cases"
_numbers = itertools.count(1)


def body(case: dict[str, Any], kind: str = "payment") -> dict[str, Any]:
    minutes = {"number": "测试纪要", "held_on": "2026-11-20"} if kind == "payment" else None
    return {
        "kind": kind, "number": f"慈阵文〔2026〕{next(_numbers)}号",
        "cases": [{"case": case["id"]}], "minutes": minutes,
    }  # fmt: skip


async def document(world: World, state: str, kind: str = "payment") -> dict[str, Any]:
    """Draft a document of an awarded case, and have another person issue it."""
    case = await world.case("awarded")
    drafted = await world.post(REVIEWER, DOCUMENTS, body(case, kind))
    if state == "draft":
        return drafted
    path = f"{DOCUMENTS}/{drafted['id']}/events"
    return await world.post("approver", path, event("issue", 1))


async def _copied(world: World, case: dict[str, Any], entity: Any, like: UUID, **own: Any) -> UUID:
    """Copy a row to the institution's case: no programme of today is for an institution."""
    id_ = new_id()
    async with world.platform.service("policy").sessions() as session, session.begin():
        row = await session.get_one(entity, like)
        values = {column.key: getattr(row, column.key) for column in entity.__table__.columns}
        await session.execute(insert(entity).values(values | {"id": id_} | own))
        if entity is Document:
            statement = select(DocumentCase).where(DocumentCase.document_id == like)
            line = (await session.scalars(statement)).one()
            known = {c.key: getattr(line, c.key) for c in DocumentCase.__table__.columns}
            of = {"document_id": id_, "case_id": UUID(case["id"])}
            await session.execute(insert(DocumentCase).values(known | of))
    return id_


async def _decision(world: World) -> dict[str, Any]:
    return await document(world, "issued", "decision-approval")


async def _institutions_document(world: World) -> dict[str, Any]:
    like = await world.kept("decision", lambda: _decision(world), fresh=False)
    case = await world.institutions_case("withdrawn")
    own = {"code": new_id().hex[:20].upper(), "number": f"慈院文〔2026〕{next(_numbers)}号"}
    return {"id": str(await _copied(world, case, Document, UUID(like["id"]), **own))}


async def _found(world: World, cell: Cell) -> dict[str, Any]:
    """Give a document to look at: a decision, or a payment to treasurers."""
    if cell.role == "institution":
        return await world.kept(
            "institution's decision", lambda: _institutions_document(world), fresh=False
        )
    if cell.role == "treasurer":
        state = "issued" if cell.side is Side.AWARDED else "draft"
        return await world.kept(f"payment {state}", lambda: document(world, state), fresh=False)
    return await world.kept("decision", lambda: _decision(world), fresh=False)


@call("GET /v1/policy/documents")
async def _(world: World, cell: Cell) -> Call:
    found = await _found(world, cell)
    return Call(DOCUMENTS, params={"limit": 200}, finds=("id", found["id"]))


@call("GET /v1/policy/documents/{document_id}")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{DOCUMENTS}/{(await _found(world, cell))['id']}")


@call("GET /v1/policy/documents/{document_id}/pdf")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{DOCUMENTS}/{(await _found(world, cell))['id']}/pdf")


@call("GET /v1/policy/documents/{document_id}/ofd")
async def _(world: World, cell: Cell) -> Call:
    """Ask for a format that nothing here makes; whoever was let in is told so."""
    path = f"{DOCUMENTS}/{(await _found(world, cell))['id']}/ofd"
    return Call(path, lets_in=(409, "ofd-not-configured"))


@call("GET /v1/policy/documents/verify/{code}")
async def _(world: World, _: Cell) -> Call:
    found = await world.kept("decision", lambda: _decision(world), fresh=False)
    return Call(f"{DOCUMENTS}/verify/{found['verification_code']}")


@call("POST /v1/policy/documents")
async def _(world: World, __: Cell) -> Call:
    """Draft once more what already stands; whoever was let in is told so."""
    found = await world.kept("decision", lambda: _decision(world), fresh=False)
    draft = body({"id": found["lines"][0]["case"]}, "decision-approval")
    headers = world.platform.key()
    return Call(DOCUMENTS, json=draft, headers=headers, lets_in=(409, "document-stands"))


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        found = await world.kept(
            "document to move", lambda: document(world, "draft"), fresh=cell.is_allowed
        )
        deed = {**event(name, found["version"]), "note": "测试收回"}
        path = f"{DOCUMENTS}/{found['id']}/events"
        return Call(path, json=deed, headers=world.platform.key())

    return make


for _name in ("issue", "withdraw"):
    call(f"POST /v1/policy/documents/{{document_id}}/events {_name}")(_moves(_name))


async def _archived(world: World) -> dict[str, Any]:
    case = await world.case("withdrawn")
    return await world.post("approver", f"{CASES}/{case['id']}/archive")


async def _archived_case(world: World, cell: Cell) -> str:
    """Give a case that is archived; the institution's own to institutions."""
    made = await world.kept("archive", lambda: _archived(world), fresh=False)
    if cell.role != "institution":
        return made["case"]

    async def copy() -> str:
        case = await world.institutions_case("withdrawn")
        await _copied(world, case, CaseArchive, UUID(made["id"]), case_id=UUID(case["id"]))
        return case["id"]

    return await world.kept("institution's archive", copy, fresh=False)


@call("POST /v1/policy/cases/{case_id}/archive")
async def _(world: World, cell: Cell) -> Call:
    """Archive once more what is archived; whoever was let in is told so."""
    path = f"{CASES}/{await _archived_case(world, cell)}/archive"
    return Call(path, headers=world.platform.key(), lets_in=(409, "already-archived"))


for _end in ("", "/verification", "/package"):

    def _reads(end: str) -> Make:
        async def make(world: World, cell: Cell) -> Call:
            return Call(f"{CASES}/{await _archived_case(world, cell)}/archive{end}")

        return make

    call(f"GET /v1/policy/cases/{{case_id}}/archive{_end}")(_reads(_end))


@call("POST /v1/policy/cases/{case_id}/archive/erasure-requests")
async def _(world: World, cell: Cell) -> Call:
    case = await world.kept("archive to restrict", lambda: _archived(world), fresh=False)
    id_ = await _archived_case(world, cell) if cell.role == "institution" else case["case"]
    path = f"{CASES}/{id_}/archive/erasure-requests"
    return Call(path, json={"reason": "不再申报"}, headers=world.platform.key())


@call("GET /v1/policy/archives")
async def _(_: World, __: Cell) -> Call:
    return Call("/v1/policy/archives")
