"""Bad files are refused in words, and the case is what it was before."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import text
from starlette.types import Message

from tests.kernel.test_file_types import EICAR, locked
from tests.policy.files import PDF, fresh_pdf, ofd, packed, send_file, xlsx
from tests.policy.steps import code, firm_client, growing_firm, open_case

MIB = 1024 * 1024
LIMIT = 20 * MIB
GROWTH_BYTES_MAX = 40 * MIB


@pytest.fixture(scope="module")
async def firm_and_case(platform: Any) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    return firm, await open_case(platform, firm, uscc)


@pytest.fixture
async def firm(firm_and_case: Any) -> httpx.AsyncClient:
    return firm_and_case[0]


@pytest.fixture
async def case(platform: Any, firm_and_case: Any) -> AsyncIterator[dict[str, Any]]:
    """Give the case, and hold afterwards that it is unharmed and that nothing lies about."""
    firm, case = firm_and_case
    path = f"/v1/policy/cases/{case['id']}"
    before = [(await firm.get(f"{path}{part}")).json() for part in ("", "/evidence", "/materials")]
    yield case
    after = [(await firm.get(f"{path}{part}")).json() for part in ("", "/evidence", "/materials")]
    assert after == before
    assert drafts(platform) == []


def drafts(platform: Any) -> list[str]:
    folder = platform.service("policy").settings.data / "files" / "drafts"
    return [path.name for path in folder.rglob("*.draft")]


BAD: dict[str, tuple[bytes, tuple[int, str]]] = {
    "an executable": (b"MZ" + bytes(100), (415, "file-type")),
    "a web page": (b"<html><script>alert(1)</script></html>", (415, "file-type")),
    "a plain archive": (packed({"a.pdf": PDF}), (415, "file-type")),
    "a locked archive": (locked(xlsx()), (422, "file-encrypted")),
    "a locked PDF": (PDF.replace(b"/Root", b"/Encrypt 9 0 R /Root"), (422, "file-encrypted")),
    "half a PDF": (PDF[:30], (422, "file-broken")),
    "a bomb": (xlsx(**{"xl/s.xml": bytes(64 * MIB)}), (422, "file-bomb")),
    "a path in an archive": (ofd(**{"../x": b"x"}), (422, "archive-names")),
    "EICAR": (EICAR, (422, "file-infected")),
    "EICAR in a PDF": (PDF + EICAR + b"\n%%EOF", (422, "file-infected")),
    "nothing": (b"", (422, "file-empty")),
    "one byte too much": (fresh_pdf(LIMIT + 1), (413, "file-too-large")),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_is_refused_in_words(
    firm: httpx.AsyncClient, case: dict[str, Any], name: str
) -> None:
    content, expected = BAD[name]
    answer = await send_file(firm, case, content)
    assert code(answer) == expected
    assert answer.headers["content-type"] == "application/problem+json"
    english = await send_file(firm, case, content, headers={"Accept-Language": "en"})
    assert english.json()["detail"].isascii()
    for words in (answer.json()["detail"], english.json()["detail"]):
        assert len(words) > 15


@pytest.mark.parametrize("name", ["../x.pdf", "..\\x.pdf", "/etc/passwd", "a\u202efdp.exe", "con"])
async def test_a_name_with_a_trick_is_refused_and_not_repeated(
    firm: httpx.AsyncClient, case: dict[str, Any], name: str
) -> None:
    answer = await send_file(firm, case, fresh_pdf(), name=name)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "file-name")
    assert answer.json()["errors"][0]["pointer"] == "query/name"
    assert name not in answer.json()["detail"]


@pytest.mark.parametrize(
    "said",
    [{"invoice": ["1"] * 21}, {"invoice": "-"}, {"agent": "　"}, {"agent": "x" * 101}],
)
async def test_what_is_said_of_a_file_has_limits(
    firm: httpx.AsyncClient, case: dict[str, Any], said: dict[str, Any]
) -> None:
    assert (await send_file(firm, case, fresh_pdf(), **said)).status_code == 422


async def test_a_type_in_the_header_is_not_believed(
    firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    for media in ("application/pdf", "application/json", "multipart/form-data"):
        answer = await send_file(firm, case, b"\x7fELF" + bytes(9), headers={"Content-Type": media})
        assert code(answer) == (415, "file-type")


async def test_two_gigabytes_are_refused_by_their_announcement(
    firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    headers = {"Content-Length": str(2 * 1024 * MIB)}
    answer = await send_file(firm, case, endless(), headers=headers)
    assert answer.status_code == 413


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(MIB)


async def test_a_body_without_end_is_refused_at_the_limit(
    firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for chunk in endless():
            sent += len(chunk)
            yield chunk

    answer = await send_file(firm, case, counted())
    assert code(answer) == (413, "file-too-large")
    assert sent <= LIMIT + 2 * MIB


async def test_a_stranger_is_refused_before_anything_is_read(
    platform: Any, case: dict[str, Any]
) -> None:
    answer = await send_file(platform.client("reviewer-b"), case, endless())
    assert code(answer) == (404, "not-found")


async def test_large_files_at_once_are_never_whole_in_memory(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Eight bodies of 19 MB, refused at their ends: what has no end mark is no PDF."""
    head = b"%PDF-1.7\n" + b"x" * (64 * 1024)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(19 * MIB // len(head)):
            yield head
            await asyncio.sleep(0)

    before, most = psutil.Process().memory_info().rss, 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, psutil.Process().memory_info().rss)
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    answers = await asyncio.gather(*(send_file(firm, case, body()) for _ in range(8)))
    watching.cancel()
    assert {code(answer) for answer in answers} == {(422, "file-broken")}
    assert most - before < GROWTH_BYTES_MAX
    assert drafts(platform) == []


async def test_a_sender_who_leaves_leaves_nothing(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": PDF, "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered: list[Message] = []
    path = f"/v1/policy/cases/{case['id']}/evidence"

    async def receive() -> Message:
        await asyncio.sleep(0)
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"name=a.pdf",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("lx", 80),
        "headers": [
            (b"authorization", firm.headers["authorization"].encode()),
            (b"transfer-encoding", b"chunked"),
        ],
    }  # fmt: skip
    await platform.gateway(scope, receive, send)
    told = [json.loads(m["body"]) for m in answered if m.get("body")]
    assert [each["code"] for each in told] in ([], ["request-broken-off"])
    assert drafts(platform) == []


async def test_malware_is_on_record_with_its_sender(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    await send_file(firm, case, EICAR)
    query = text(
        "SELECT outcome, detail::jsonb ->> 'code' FROM audit_entry"
        " WHERE action = 'evidence.refused' AND thing_id = :id ORDER BY id DESC LIMIT 1"
    )
    async with platform.service("policy").engine.connect() as connection:
        row = (await connection.execute(query, {"id": case["id"]})).one()
    assert tuple(row) == ("refused", "file-infected")
