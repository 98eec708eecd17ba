"""Files are given out by links: for minutes, to whoever has the link, as an attachment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest

from services.kernel.errors import Refusal
from services.kernel.ids import new_id
from services.policy.evidence.rules import LINK_MINUTES, require_link, sign_link
from tests.policy.files import fresh_pdf, send_file
from tests.policy.steps import code, firm_client, growing_firm, move, open_case

EVIDENCE = "/v1/policy/evidence"
KEY = "a secret of the platform"
NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def ground(platform: Any) -> tuple[httpx.AsyncClient, dict[str, Any], dict[str, Any], bytes]:
    """Give a firm, its submitted case and a file of it."""
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    content = fresh_pdf(700_000)
    answer = await send_file(firm, case, content, name="审计 报告.pdf")
    assert answer.status_code == 201, answer.text
    await move(platform, firm, case, "submit")
    return firm, case, answer.json(), content


async def link(client: httpx.AsyncClient, file: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"{EVIDENCE}/{file['id']}/links")
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_link_gives_the_file_without_a_token(platform: Any, ground: Any) -> None:
    firm, _, file, content = ground
    given = await link(firm, file)
    left = datetime.fromisoformat(given["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=LINK_MINUTES - 1) < left <= timedelta(minutes=LINK_MINUTES)
    answer = await platform.client("public").get(given["href"])
    assert answer.status_code == 200
    assert answer.content == content
    headers = answer.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == (
        'attachment; filename="evidence.pdf"; '
        "filename*=UTF-8''%E5%AE%A1%E8%AE%A1%20%E6%8A%A5%E5%91%8A.pdf"
    )
    assert headers["cache-control"] == "no-store"
    assert int(headers["content-length"]) == len(content)


async def test_whoever_may_read_the_case_may_have_a_link(platform: Any, ground: Any) -> None:
    _, _, file, content = ground
    for name in ("reviewer", "approver", "auditor"):
        given = await link(platform.client(name), file)
        assert (await platform.client("public").get(given["href"])).content == content
    for name, status in (("reviewer-b", 404), ("treasurer", 404), ("bank", 403), ("public", 401)):
        answer = await platform.client(name).post(f"{EVIDENCE}/{file['id']}/links")
        assert answer.status_code == status, name


async def test_a_changed_link_is_no_link(platform: Any, ground: Any) -> None:
    firm, case, file, _ = ground
    href = (await link(firm, file))["href"]
    path, asked = urlsplit(href).path, {k: v[0] for k, v in parse_qs(urlsplit(href).query).items()}
    paper = (await send_file(platform.client("reviewer"), case, fresh_pdf())).json()
    changed = [
        (path, {**asked, "expires": str(int(asked["expires"]) + 1)}),
        (path, {**asked, "link": str(new_id())}),
        (path, {**asked, "signature": "0" * 64}),
        (path, {**asked, "signature": "é"}),
        (path, {**asked, "expires": "9" * 18}),
        (path.replace(file["id"], paper["id"]), asked),
        (path.replace(file["id"], str(new_id())), asked),
    ]
    for where, query in changed:
        answer = await platform.client("public").get(f"{where}?{urlencode(query)}")
        assert code(answer) == (404, "link-over")
    assert (await platform.client("public").get(path)).status_code == 422


@pytest.mark.parametrize(("seconds", "holds"), [(-1, True), (0, False), (1, False)])
def test_a_link_is_over_at_its_second(seconds: int, *, holds: bool) -> None:
    evidence_id, link_id = new_id(), new_id()
    expires_at = NOW + timedelta(minutes=LINK_MINUTES)
    signature = sign_link(KEY, evidence_id, link_id, expires_at)
    now = expires_at + timedelta(seconds=seconds)
    asked = (KEY, evidence_id, link_id, int(expires_at.timestamp()), signature, now)
    if holds:
        require_link(*asked)
    else:
        with pytest.raises(Refusal):
            require_link(*asked)


def test_a_link_of_another_platform_is_none() -> None:
    evidence_id, link_id = UUID(int=1), UUID(int=2)
    signature = sign_link("another secret", evidence_id, link_id, NOW)
    with pytest.raises(Refusal):
        require_link(KEY, evidence_id, link_id, int(NOW.timestamp()), signature, NOW)
