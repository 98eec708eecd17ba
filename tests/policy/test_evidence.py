"""Files that prove a case: who hands in what when, what is missing, what is given out to whom."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from services.policy.cases.models import Case
from services.policy.evidence.queries import missing_materials
from tests.policy.files import PDF, fresh_pdf, send_file
from tests.policy.steps import (
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    register,
    try_move,
)

CASES, EVIDENCE = "/v1/policy/cases", "/v1/policy/evidence"
PROOF, HELD = "revenue-statement", "scale-and-industry"


@pytest.fixture(scope="module")
async def uscc(platform: Any) -> str:
    return await growing_firm(platform)


@pytest.fixture(scope="module")
async def firm(platform: Any, uscc: str) -> httpx.AsyncClient:
    return await firm_client(platform, uscc)


@pytest.fixture
async def case(platform: Any, firm: httpx.AsyncClient, uscc: str) -> Any:
    """Give a draft, which is withdrawn afterwards so that the next test may open one."""
    made = await open_case(platform, firm, uscc)
    yield made
    await try_move(platform, firm, made, "withdraw")


async def materials(client: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{CASES}/{case['id']}/materials")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def link_of(client: httpx.AsyncClient, file: dict[str, Any]) -> str:
    answer = await client.post(f"{EVIDENCE}/{file['id']}/links")
    assert answer.status_code == 201, answer.text
    return answer.json()["href"]


def withdraw(platform: Any, client: httpx.AsyncClient, file: dict[str, Any], **body: Any) -> Any:
    return client.post(
        f"{EVIDENCE}/{file['id']}/events",
        json={"event": "withdraw", "version": file["version"], **body},
        headers=platform.key(),
    )


async def test_a_file_is_on_record_with_what_it_is(
    firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    content = fresh_pdf()
    answer = await send_file(
        firm, case, content, name="审计报告 2025.exe", material=PROOF,
        invoice=["033 002-100", "033002100"], agent="示范会计师事务所",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    file = answer.json()
    assert file["name"] == "审计报告 2025.exe.pdf"
    assert (file["file_type"], file["media_type"]) == ("pdf", "application/pdf")
    assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (file["state"], file["version"], file["internal"]) == ("scanned", 2, False)
    assert (file["invoices"], file["agent"]) == (["033002100"], "示范会计师事务所")
    assert (file["role"], file["flags"]) == ("firm", None)
    assert answer.headers["etag"] == '"2"'
    found = await firm.get(answer.headers["location"])
    assert found.json() == file
    listed = (await firm.get(f"{CASES}/{case['id']}/evidence")).json()["items"]
    assert listed == [file]


async def test_materials_are_held_missing_and_uploaded(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    told = await materials(firm, case)
    assert {each["id"]: each["status"] for each in told["items"]} == {
        PROOF: "missing",
        HELD: "held",
    }
    assert told["missing"] == [PROOF]
    assert await missing_of(platform, case) == [PROOF]

    file = (await send_file(firm, case, fresh_pdf(), material=PROOF)).json()
    await send_file(firm, case, fresh_pdf())
    told = await materials(firm, case)
    assert (told["missing"], told["items"][0]["evidence"]) == ([], [file["id"]])
    assert await missing_of(platform, case) == []

    assert (await withdraw(platform, firm, file)).json()["state"] == "withdrawn"
    assert (await materials(firm, case))["missing"] == [PROOF]
    assert await missing_of(platform, case) == [PROOF]


async def missing_of(platform: Any, case: dict[str, Any]) -> list[str]:
    async with platform.service("policy").sessions() as session:
        row = await session.scalar(select(Case).where(Case.id == UUID(case["id"])))
        return [each.id for each in await missing_materials(session, row)]


async def test_an_officers_paper_proves_nothing_of_the_applicants(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    await move(platform, firm, case, "submit")
    answer = await send_file(platform.client("reviewer"), case, fresh_pdf(), material=PROOF)
    assert (answer.status_code, answer.json()["internal"]) == (201, True)
    assert (await materials(firm, case))["missing"] == [PROOF]


async def test_a_material_that_nobody_asks_for_is_refused(
    firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    answer = await send_file(firm, case, PDF, material="never")
    assert code(answer) == (422, "material-unknown")
    assert answer.json()["errors"][0]["pointer"] == "query/material"


async def test_an_applicant_adds_only_while_he_completes_the_case(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    file = (await send_file(firm, case, fresh_pdf())).json()
    await move(platform, firm, case, "submit")
    late = await send_file(firm, case, fresh_pdf())
    assert code(late) == (409, "evidence-closed")
    assert "已提交" in late.json()["detail"]
    assert code(await withdraw(platform, firm, file)) == (409, "evidence-closed")

    await move(platform, platform.client("reviewer"), case, "return")
    assert (await send_file(firm, case, fresh_pdf())).status_code == 201
    assert (await withdraw(platform, firm, file)).status_code == 200
    again = await withdraw(platform, firm, {**file, "version": 3})
    assert code(again) == (409, "evidence-withdrawn")


async def test_an_officer_adds_nothing_to_a_draft(platform: Any, case: dict[str, Any]) -> None:
    answer = await send_file(platform.client("reviewer"), case, fresh_pdf())
    assert code(answer) == (409, "evidence-closed")


async def test_internal_papers_are_not_known_to_the_applicant(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    await move(platform, firm, case, "submit")
    reviewer = platform.client("reviewer")
    paper = (await send_file(reviewer, case, fresh_pdf(), name="初审意见.pdf")).json()
    assert (await firm.get(f"{CASES}/{case['id']}/evidence")).json()["items"] == []
    for answer in (
        await firm.get(f"{EVIDENCE}/{paper['id']}"),
        await firm.post(f"{EVIDENCE}/{paper['id']}/links"),
        await withdraw(platform, firm, paper),
    ):
        assert code(answer) == (404, "not-found")
    for name in ("reviewer", "approver", "auditor"):
        seen = (await platform.client(name).get(f"{CASES}/{case['id']}/evidence")).json()["items"]
        assert [(each["id"], each["uploaded_by"]) for each in seen] == [(paper["id"], "reviewer")]
    other = await withdraw(platform, platform.client("approver"), paper)
    assert code(other) == (403, "not-your-evidence")
    assert (await withdraw(platform, reviewer, paper)).status_code == 200


async def test_strangers_know_of_no_file(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    file = (await send_file(firm, case, fresh_pdf())).json()
    stranger = await fresh_uscc_client(platform)
    for client in (stranger, platform.client("reviewer-b"), platform.client("reviewer-town")):
        for answer in (
            await client.get(f"{CASES}/{case['id']}/evidence"),
            await client.get(f"{CASES}/{case['id']}/materials"),
            await client.get(f"{EVIDENCE}/{file['id']}"),
            await send_file(client, case, fresh_pdf()),
        ):
            assert code(answer) == (404, "not-found")
    # The reviewers of another town are strangers, those of the firm's town are not.
    town = await client_of(platform, f"town-{case['id'][:8]}", roles=["reviewer"],
                           town_code="330282114")  # fmt: skip
    assert (await town.get(f"{EVIDENCE}/{file['id']}")).status_code == 200


async def fresh_uscc_client(platform: Any) -> httpx.AsyncClient:
    uscc = fresh_uscc()
    await register(platform, uscc)
    return await firm_client(platform, uscc)


async def test_a_reviewer_of_the_own_firm_is_an_applicant_and_nothing_else(
    platform: Any, uscc: str, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    both = await client_of(
        platform, f"both-{case['id'][:13]}", roles=["firm", "reviewer"], uscc=uscc, department="jxj"
    )
    await send_file(both, case, fresh_pdf())
    await move(platform, firm, case, "submit")
    await send_file(platform.client("reviewer"), case, fresh_pdf())
    assert code(await send_file(both, case, fresh_pdf())) == (409, "evidence-closed")
    items = (await both.get(f"{CASES}/{case['id']}/evidence")).json()["items"]
    assert [(each["internal"], each["flags"]) for each in items] == [(False, None)]


async def test_the_same_file_again_is_the_one_there_is(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    content = fresh_pdf()
    first = await send_file(firm, case, content, material=PROOF)
    again = await send_file(firm, case, content, material=PROOF, name="又一次.pdf")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = await send_file(firm, case, content)
    assert (other.status_code, other.json()["sha256"]) == (201, first.json()["sha256"])
    await withdraw(platform, firm, first.json())
    anew = await send_file(firm, case, content, material=PROOF)
    assert (anew.status_code, anew.json()["id"] != first.json()["id"]) == (201, True)


async def test_many_at_once_leave_one_record(firm: httpx.AsyncClient, case: dict[str, Any]) -> None:
    content = fresh_pdf()
    answers = await asyncio.gather(
        *(send_file(firm, case, content, material=PROOF) for _ in range(6))
    )
    assert sorted(a.status_code for a in answers if a.status_code != 503)[:1] in ([200], [201])
    assert {a.status_code for a in answers} <= {200, 201, 503}
    assert len({a.json()["id"] for a in answers if a.is_success}) == 1
    assert len((await firm.get(f"{CASES}/{case['id']}/evidence")).json()["items"]) == 1


async def test_a_file_and_the_submission_at_once_leave_no_file_behind_the_submission(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    sent, moved = await asyncio.gather(
        send_file(firm, case, fresh_pdf()), try_move(platform, firm, case, "submit")
    )
    assert moved.status_code == 200, moved.text
    items = (await firm.get(f"{CASES}/{case['id']}/evidence")).json()["items"]
    assert (sent.status_code, len(items)) in ((201, 1), (409, 0))


async def test_two_withdrawals_at_once_are_one(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    file = (await send_file(firm, case, fresh_pdf())).json()
    answers = await asyncio.gather(*(withdraw(platform, firm, file) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_another_version_is_refused(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    file = (await send_file(firm, case, fresh_pdf())).json()
    answer = await withdraw(platform, firm, {**file, "version": 1})
    assert code(answer) == (412, "version-mismatch")


async def test_rows_are_only_ever_added(platform: Any) -> None:
    for statement in (
        "UPDATE evidence SET name = 'x'",
        "DELETE FROM evidence",
        "DELETE FROM evidence_step",
        "UPDATE evidence_mark SET value = 'x'",
    ):
        async with platform.service("policy").sessions() as session:
            with pytest.raises(DBAPIError, match=r"permission denied|only ever added"):
                await session.execute(text(statement))


async def test_what_was_done_to_a_file_is_on_record(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    file = (await send_file(firm, case, fresh_pdf())).json()
    public = platform.client("public")
    assert (await public.get(await link_of(firm, file))).status_code == 200
    await withdraw(platform, firm, file)
    query = text("SELECT action, detail::jsonb FROM audit_entry WHERE thing_id = :id ORDER BY id")
    async with platform.service("policy").engine.connect() as connection:
        rows = (await connection.execute(query, {"id": file["id"]})).all()
    assert [row[0] for row in rows] == [
        "evidence.uploaded", "evidence.scanned", "evidence.link", "evidence.download",
        "evidence.withdrawn",
    ]  # fmt: skip
    assert rows[2][1]["link"] == rows[3][1]["link"]
    assert rows[0][1]["sha256"] == file["sha256"]
