"""Calls of policy's evidence: files of a case, their links, and what applicants share."""

import itertools
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.contracts.calls.policy import CASES, case_for
from tests.contracts.calls.registry import Call, call, event
from tests.contracts.matrix import Cell, Side
from tests.contracts.world import World

EVIDENCE = "/v1/policy/evidence"
APPLICANTS = ("firm", "institution")
_texts = itertools.count(1)


def text() -> bytes:
    """Give a file that no other call has sent."""
    return f"第{next(_texts)}号材料\n".encode()


async def _open_case(world: World, cell: Cell) -> dict[str, Any]:
    """Give a case that takes files of the caller's kind; a stranger's is one that takes them."""
    if cell.role == "institution":
        return await world.kept(
            "institution's draft", lambda: world.institutions_case("draft"), fresh=False
        )
    state = "draft" if cell.role == "firm" else "submitted"
    return await world.kept(f"case {state}", lambda: world.case(state), fresh=False)


async def _file(world: World, cell: Cell) -> dict[str, Any]:
    """Give a file of the caller's own kind where he may change it, else the applicant's."""
    case = await _open_case(world, cell)
    who = "firm" if cell.role == "firm" else cell.client
    if cell.role == "institution":
        who = "institution"
    elif not cell.is_allowed and cell.role != "firm":
        who = "reviewer-approver"
    answer = await world.client(who).post(
        f"{CASES}/{case['id']}/evidence", params={"name": "材料.txt"}, content=text()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _read_file(world: World, cell: Cell) -> dict[str, Any]:
    """Give a file of a case such as the caller may read, or may not."""
    case = await case_for(world, cell)
    who = "approver"
    if cell.role in APPLICANTS:
        # Applicants read their own proof, which only an open case takes.
        case = await _open_case(world, Cell(cell.role, cell.role, Side.OWN, is_allowed=True))
        who = cell.role
    answer = await world.client(who).post(
        f"{CASES}/{case['id']}/evidence", params={"name": "材料.txt"}, content=text()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@call("POST /v1/policy/cases/{case_id}/evidence")
async def _(world: World, cell: Cell) -> Call:
    case = await _open_case(world, cell)
    path = f"{CASES}/{case['id']}/evidence"
    return Call(path, params={"name": "材料.txt"}, content=text())


@call("GET /v1/policy/cases/{case_id}/evidence")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/evidence")


@call("GET /v1/policy/cases/{case_id}/materials")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/materials")


@call("GET /v1/policy/evidence/{evidence_id}")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{EVIDENCE}/{(await _read_file(world, cell))['id']}")


@call("POST /v1/policy/evidence/{evidence_id}/links")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{EVIDENCE}/{(await _read_file(world, cell))['id']}/links")


@call("POST /v1/policy/evidence/{evidence_id}/events withdraw")
async def _(world: World, cell: Cell) -> Call:
    file = await _file(world, cell)
    body = event("withdraw", file["version"])
    return Call(f"{EVIDENCE}/{file['id']}/events", json=body, headers=world.platform.key())


@call("GET /v1/policy/evidence/{evidence_id}/content")
async def _(world: World, _: Cell) -> Call:
    cell = Cell("firm", "firm", Side.OWN, is_allowed=True)
    file = await world.kept("evidence", lambda: _file(world, cell), fresh=False)
    link = await world.post("firm", f"{EVIDENCE}/{file['id']}/links")
    address = urlsplit(link["href"])
    return Call(address.path, params=dict(parse_qsl(address.query)))


@call("GET /v1/policy/evidence/duplicates")
async def _(world: World, _: Cell) -> Call:
    """Have two applicants share an invoice; whose department or town has neither is not told."""
    number = await world.kept("shared invoice", lambda: _share(world), fresh=False)
    return Call(f"{EVIDENCE}/duplicates", params={"limit": 200}, finds=("value", number))


async def _share(world: World) -> str:
    number = f"MATRIX{next(_texts)}"
    for who in APPLICANTS:
        case = await _open_case(world, Cell(who, who, Side.OWN, is_allowed=True))
        answer = await world.client(who).post(
            f"{CASES}/{case['id']}/evidence",
            params={"name": "发票.txt", "invoice": number}, content=text(),
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
    return number
