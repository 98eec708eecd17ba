"""The monthly report on paper: a PDF/A with its Chinese text, the same bytes, or none at all."""

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from services.kernel.exports import Format
from services.policy.documents.actions.typeset import TYPESETTER, Typesetter
from tests.policy.board_steps import created, today
from tests.policy.steps import code

PATH = "/v1/policy/task-reports"


async def pdf(platform: Any, client: str = "auditor") -> httpx.Response:
    path = f"{PATH}/{str(today(platform))[:7]}"
    return await platform.client(client).get(path, headers={"Accept": Format.PDF})


def text_of(content: bytes) -> str:
    reader = PdfReader(io.BytesIO(content))
    return "".join("".join(page.extract_text().split()) for page in reader.pages)


async def test_the_report_reads_the_same_on_paper(platform: Any) -> None:
    task = await created(platform, title="编制家电产业碳管理平台方案")
    month = str(today(platform))[:7]
    told = (await platform.client("reviewer").get(f"{PATH}/{month}")).json()

    answer = await pdf(platform, "reviewer")

    assert (answer.status_code, answer.headers["content-type"]) == (200, Format.PDF)
    assert f"task-report-{month}" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith('.pdf"')
    text = text_of(answer.content)
    # Words are broken over lines within their cells; a line at a time they are whole.
    for said in ("“两新”任务", "按措施", "按牵头部门", told["department"]["name"], told["sha256"]):
        assert said in text
    assert task["title"] in text
    assert b"pdfaid:part" in answer.content


async def test_the_same_report_is_the_same_bytes(platform: Any) -> None:
    first, second = await pdf(platform), await pdf(platform)
    assert first.content == second.content


@pytest.fixture
def without_fonts(platform: Any, tmp_path: Path) -> Any:
    known = platform.service("policy").sessions.kw["info"]
    packaged = known[TYPESETTER]
    known[TYPESETTER] = Typesetter(tmp_path)
    yield
    known[TYPESETTER] = packaged


@pytest.mark.usefixtures("without_fonts")
async def test_without_its_fonts_there_is_no_paper(platform: Any) -> None:
    assert code(await pdf(platform)) == (503, "font-missing")


async def test_a_character_that_no_font_has_is_said(platform: Any) -> None:
    await created(platform, title="含有\U0001f9ff的任务")
    assert code(await pdf(platform)) == (409, "glyph-missing")
