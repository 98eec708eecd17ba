"""A document is a PDF/A with its Chinese text, the same bytes each time, or there is none."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from services.kernel.errors import Conflict, Unavailable
from services.policy.documents.actions.typeset import (
    TYPESET_MAX,
    Typesetter,
    packaged_fonts,
    qr_svg,
)

AT = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
ADDRESS = "https://liangxin.local/v1/policy/documents/verify/ABCDE23456FGHJK78901"
DECISION: dict[str, Any] = {
    "title": "关于批准慈溪市示范智能家电有限公司“企业增长奖励”申请的决定",
    "department": "慈溪市经济和信息化局",
    "number": "慈经信决〔2026〕12号",
    "addressee": "慈溪市示范智能家电有限公司",
    "notice": None,
    "mark": None,
    "opening": "本机关经审查，现作出如下决定。",
    "facts": [{"title": "营业收入", "value": "1.00元", "source": "企业自行申报"}],
    "clause": {"words": "第一条：", "text": "当年营业收入增速10%以上（含10%）"},
    "conditions": [{"says": "规上企业", "outcome": "符合", "source": "（一）1"}],
    "decision": "决定：批准上述申请。",
    "reasons": ["符合全部条件。"],
    "amount": {"figures": "122,500.00", "capital": "壹拾贰万贰仟伍佰元整"},
    "remedies": "可以在60日内申请行政复议，也可以在6个月内提起行政诉讼。",
    "issued": {
        "day": "2026年11月28日",
        "code": "ABCDE-23456-FGHJK-78901",
        "address": ADDRESS,
        "qr": qr_svg(ADDRESS),
    },
}


def typesetter(fonts: Path | None = None, limit: timedelta = TYPESET_MAX) -> Typesetter:
    return Typesetter(fonts or packaged_fonts(), limit=limit)


def text_of(pdf: bytes) -> str:
    """Read a document without its line breaks and page numbers, as one goes on over the page."""
    pages = ("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)
    return "".join(re.sub(r"—\d+—$", "", page) for page in pages)


async def test_the_chinese_text_can_be_read_out_of_the_pdf() -> None:
    text = text_of(await typesetter().typeset("decision.typ", DECISION, at=AT))

    for said in ("慈经信决〔2026〕12号", "当年营业收入增速10%以上（含10%）", "2026年11月28日",
                 "人民币壹拾贰万贰仟伍佰元整", "ABCDE-23456-FGHJK-78901", "行政复议"):  # fmt: skip
        assert said in text, said


async def test_a_document_is_a_pdf_a_with_its_fonts_inside() -> None:
    pdf = await typesetter().typeset("decision.typ", DECISION, at=AT)

    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>U</pdfaid:conformance>" in pdf
    fonts = [
        font.get_object()
        for page in PdfReader(io.BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].values()  # pyright: ignore[reportIndexIssue]
    ]
    names = {str(font["/BaseFont"]) for font in fonts}
    assert names
    assert all("NotoSerifSC" in name or "NotoSansSC" in name for name in names)
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


@pytest.mark.parametrize("facts", [1, 4, 7, 10, 13])
async def test_the_signature_never_stands_on_a_page_alone(facts: int) -> None:
    data = DECISION | {"facts": DECISION["facts"] * facts}
    pages = PdfReader(io.BytesIO(await typesetter().typeset("decision.typ", data, at=AT))).pages

    assert "行政诉讼" in "".join(pages[-1].extract_text().split())


async def test_the_same_document_is_the_same_bytes_and_another_is_not() -> None:
    first = await typesetter().typeset("decision.typ", DECISION, at=AT)
    again = await typesetter().typeset("decision.typ", DECISION, at=AT)
    other = await typesetter().typeset(
        "decision.typ", DECISION | {"number": "慈经信决〔2026〕13号"}, at=AT
    )

    assert first == again
    assert first != other


async def test_without_its_fonts_there_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        await typesetter(tmp_path).typeset("decision.typ", DECISION, at=AT)
    assert refused.value.code == "font-missing"


async def test_without_one_of_its_two_fonts_there_is_no_document(tmp_path: Path) -> None:
    fonts = packaged_fonts()
    assert fonts is not None
    (tmp_path / "serif.otf").symlink_to(fonts / "NotoSerifSC-Regular.otf")

    with pytest.raises(Unavailable) as refused:
        await typesetter(tmp_path).typeset("decision.typ", DECISION, at=AT)
    assert refused.value.code == "font-missing"


async def test_a_character_that_the_fonts_lack_is_refused_and_not_left_blank() -> None:
    with pytest.raises(Conflict) as refused:
        await typesetter().typeset("decision.typ", DECISION | {"addressee": "𰻞面有限公司"}, at=AT)
    assert refused.value.code == "glyph-missing"


async def test_a_template_that_lacks_its_data_is_refused() -> None:
    with pytest.raises(Unavailable) as refused:
        await typesetter().typeset("decision.typ", {"title": "无"}, at=AT)
    assert refused.value.code == "typesetting-failed"


async def test_typesetting_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Unavailable) as refused:
        await typesetter(limit=timedelta(milliseconds=10)).typeset("decision.typ", DECISION, at=AT)
    assert refused.value.code == "typesetting-late"
