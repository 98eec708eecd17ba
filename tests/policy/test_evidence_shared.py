"""What several applicants share is told to officers and auditors, and to no applicant."""

from typing import Any

import httpx
import pytest

from services.kernel.ids import new_id
from services.policy.evidence.rules import MarkKind, fold_agent, fold_invoice, marks_of
from tests.policy.files import fresh_pdf, send_file
from tests.policy.steps import client_of, firm_client, fresh_uscc, growing_firm, move, open_case

DUPLICATES = "/v1/policy/evidence/duplicates"


class Pair:
    """Two firms of different towns, each with a draft."""

    def __init__(self, clients: list[httpx.AsyncClient], cases: list[dict[str, Any]]) -> None:
        self.clients, self.cases = clients, cases

    async def send(self, which: int, content: bytes | None = None, **said: Any) -> dict[str, Any]:
        answer = await send_file(
            self.clients[which], self.cases[which], content or fresh_pdf(), **said
        )
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture(scope="module")
async def pair(platform: Any) -> Pair:
    clients, cases = [], []
    for _ in range(2):
        uscc = await growing_firm(platform)
        clients.append(await firm_client(platform, uscc))
        cases.append(await open_case(platform, clients[-1], uscc))
    return Pair(clients, cases)


async def shared(client: httpx.AsyncClient, value: str) -> dict[str, Any] | None:
    """Look through every page for what is shared."""
    cursor = None
    while True:
        asked = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        answer = await client.get(DUPLICATES, params=asked)
        assert answer.status_code == 200, answer.text
        for item in answer.json()["items"]:
            if item["value"] == value:
                return item
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return None


async def flags(client: httpx.AsyncClient, case: dict[str, Any]) -> Any:
    return (await client.get(f"/v1/policy/cases/{case['id']}")).json()["evidence_flags"]


async def test_the_same_file_is_flagged_on_both_cases(platform: Any, pair: Pair) -> None:
    auditor, content = platform.client("auditor"), fresh_pdf()
    first = await pair.send(0, content)
    assert await shared(auditor, first["sha256"]) is None
    second = await pair.send(1, content, name="改名.pdf")
    found = await shared(auditor, first["sha256"])
    assert found is not None
    assert (found["kind"], found["applicants"]) == ("file", 2)
    assert [each["case"] for each in found["cases"]] == [case["id"] for case in pair.cases]
    assert [each["evidence"] for each in found["cases"]] == [[first["id"]], [second["id"]]]
    for name in ("reviewer", "approver", "auditor"):
        client = platform.client(name)
        for case, file in zip(pair.cases, (first, second), strict=True):
            assert "file" in await flags(client, case)
            seen = (await client.get(f"/v1/policy/evidence/{file['id']}")).json()
            assert seen["flags"] == ["file"]


@pytest.mark.parametrize(
    ("said", "again", "kind"),
    [
        ({"invoice": "INV-{} 7"}, {"invoice": "ｉｎｖ{}7"}, "invoice"),
        ({"agent": "示范 {}（代理）"}, {"agent": "示范{}(代理)"}, "agent"),
    ],
)
async def test_the_same_invoice_and_agent_are_flagged_however_they_are_written(
    platform: Any, pair: Pair, said: dict[str, str], again: dict[str, str], kind: str
) -> None:
    mark = str(new_id().int)[-20:]
    first = await pair.send(0, None, **{k: v.format(mark) for k, v in said.items()})
    second = await pair.send(1, None, **{k: v.format(mark) for k, v in again.items()})
    for file in (first, second):
        seen = await platform.client("auditor").get(f"/v1/policy/evidence/{file['id']}")
        assert seen.json()["flags"] == [kind]
    assert kind in await flags(platform.client("approver"), pair.cases[0])


async def test_no_applicant_is_told(platform: Any, pair: Pair) -> None:
    content = fresh_pdf()
    files = [await pair.send(which, content) for which in (0, 1)]
    assert [file["flags"] for file in files] == [None, None]
    for client, case in zip(pair.clients, pair.cases, strict=True):
        assert await flags(client, case) is None
        listed = (await client.get(f"/v1/policy/cases/{case['id']}/evidence")).json()["items"]
        assert {each["flags"] for each in listed} == {None}
        assert (await client.get(DUPLICATES)).status_code == 403
    own = await client_of(
        platform, f"shared-{str(new_id())[-8:]}", roles=["firm", "reviewer"], department="jxj",
        uscc=pair.cases[0]["applicant"]["id"],
    )  # fmt: skip
    assert await flags(own, pair.cases[0]) is None


async def test_one_applicant_alone_shares_nothing(platform: Any, pair: Pair) -> None:
    number = f"OWN{new_id().int}"[:40]
    await pair.send(0, invoice=number)
    await pair.send(0, invoice=number)
    assert await shared(platform.client("auditor"), number) is None


async def test_a_withdrawn_file_stays_flagged(platform: Any, pair: Pair) -> None:
    content = fresh_pdf()
    first, _ = [await pair.send(which, content) for which in (0, 1)]
    answer = await pair.clients[0].post(
        f"/v1/policy/evidence/{first['id']}/events",
        json={"event": "withdraw", "version": 2}, headers=platform.key(),
    )  # fmt: skip
    assert answer.json()["state"] == "withdrawn"
    assert await shared(platform.client("auditor"), first["sha256"]) is not None


async def test_a_reviewer_is_told_of_the_cases_he_may_read(platform: Any, pair: Pair) -> None:
    content = fresh_pdf()
    first = await pair.send(0, content)
    uscc = fresh_uscc()
    elsewhere = await platform.client("registrar").post(
        "/v1/enterprise/firms",
        json={
            "uscc": uscc, "name": "慈溪市示范他镇有限公司", "industry_code": "3854",
            "town_code": "330282107", "established_on": "2012-05-01",
            "fiscal_jurisdiction": "330282",
        },
    )  # fmt: skip
    assert elsewhere.status_code == 201, elsewhere.text
    await platform.settle()
    other = await firm_client(platform, uscc)
    case = await open_case(platform, other, uscc)
    assert (await send_file(other, case, content)).status_code == 201
    found = await shared(platform.client("reviewer-town"), first["sha256"])
    assert found is not None
    assert (found["applicants"], [each["case"] for each in found["cases"]]) == (2, [case["id"]])
    assert await shared(platform.client("reviewer-b"), first["sha256"]) is None


async def test_an_officers_paper_is_compared_with_nothing(platform: Any, pair: Pair) -> None:
    content = fresh_pdf()
    await pair.send(0, content)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    await move(platform, firm, case, "submit")
    paper = await send_file(platform.client("reviewer"), case, content)
    assert (paper.status_code, paper.json()["flags"]) == (201, [])
    assert await shared(platform.client("auditor"), paper.json()["sha256"]) is None


def test_marks_are_each_once() -> None:
    assert marks_of("00", ["A1", "A1", "B2"], " 示范 事务所 ") == [
        (MarkKind.FILE, "00"),
        (MarkKind.INVOICE, "A1"),
        (MarkKind.INVOICE, "B2"),
        (MarkKind.AGENT, "示范事务所"),
    ]
    assert marks_of("00", [], None) == [(MarkKind.FILE, "00")]


@pytest.mark.parametrize("text", ["033002-100", "０３３００２１００", " 033 002 100 "])
def test_an_invoice_has_one_form(text: str) -> None:
    assert fold_invoice(text) == "033002100"


@pytest.mark.parametrize("text", ["ABC 事务所（慈溪）", "abc事务所(慈溪)"])
def test_an_agent_has_one_form(text: str) -> None:
    assert fold_agent(text) == "abc事务所(慈溪)"
