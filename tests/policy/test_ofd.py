"""OFD by a configured command: made once, kept under its hash, and told where it fails."""

import hashlib
import io
import sys
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from services.kernel.errors import Conflict, Unavailable
from services.kernel.settings import Profile, Settings
from services.policy.documents.actions.convert import CONVERT_MAX, CONVERTER, Converter
from services.policy.documents.models import ConvertedFile
from tests.policy.document_steps import (
    DOCUMENTS,
    audited,
    awarded,
    decision,
    draft,
    issue,
    pdf_of,
)
from tests.policy.steps import code

PDF = b"%PDF-1.7 a document"
# What a converter does, in small: the pages go into a package that has the entry of an OFD.
WRITES = """
import os, sys, time, zipfile
pdf, ofd = sys.argv[1:3]
with zipfile.ZipFile(ofd, "w") as package:
    package.writestr("OFD.xml", "<ofd:OFD xmlns:ofd='http://www.ofdspec.org/2016'/>")
    package.writestr("Doc_0/source.pdf", open(pdf, "rb").read())
    package.writestr("made", str(time.time_ns()))
    package.writestr("environment", " ".join(sorted(os.environ)))
"""
NO_ENTRY = "import sys, zipfile; zipfile.ZipFile(sys.argv[2], 'w').writestr('other.xml', '')"
NO_PACKAGE = "import sys; open(sys.argv[2], 'wb').write(b'%PDF-1.7')"
FAILS = "import sys; sys.stderr.write('no licence'); sys.exit(3)"
WRITES_NOTHING = "pass"
# What it starts is ended with it.
SLEEPS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(%r, "w").write(str(child.pid))
time.sleep(60)
"""


def converter(folder: Path, program: str, limit: timedelta = CONVERT_MAX) -> Converter:
    script = folder / "converter.py"
    script.write_text(program, "utf-8")
    return Converter(f"{sys.executable} {script} {{pdf}} {{ofd}}", limit=limit)


async def test_a_command_makes_an_ofd_of_a_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANGXIN_SECRET_KEY", "secret")
    made = await converter(tmp_path, WRITES).convert(PDF)

    with zipfile.ZipFile(io.BytesIO(made)) as package:
        assert package.read("Doc_0/source.pdf") == PDF
        known = package.read("environment").decode().split()
    assert "PATH" in known
    assert "LIANGXIN_SECRET_KEY" not in known


async def test_without_a_command_the_refusal_says_what_to_set() -> None:
    with pytest.raises(Conflict) as refused:
        await Converter("").convert(PDF)
    assert refused.value.code == "ofd-not-configured"
    assert "LIANGXIN_OFD_CONVERTER" in refused.value.zh
    assert "LIANGXIN_OFD_CONVERTER" in refused.value.en


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (FAILS, "ofd-conversion-failed"), (WRITES_NOTHING, "ofd-conversion-failed"),
        (NO_PACKAGE, "ofd-invalid"), (NO_ENTRY, "ofd-invalid"),
    ],
)  # fmt: skip
async def test_what_is_no_ofd_is_given_to_nobody(tmp_path: Path, program: str, told: str) -> None:
    with pytest.raises(Unavailable) as refused:
        await converter(tmp_path, program).convert(PDF)
    assert refused.value.code == told


async def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable) as refused:
        await Converter("/nowhere/converter {pdf} {ofd}").convert(PDF)
    assert refused.value.code == "ofd-converter-missing"


async def test_a_converter_that_takes_too_long_is_ended_with_what_it_started(
    tmp_path: Path,
) -> None:
    note = tmp_path / "child"
    with pytest.raises(Unavailable) as refused:
        await converter(tmp_path, SLEEPS % str(note), timedelta(seconds=2)).convert(PDF)
    assert refused.value.code == "ofd-conversion-late"
    child = Path("/proc") / note.read_text("utf-8")
    deadline = time.monotonic() + 5
    while _runs(child):
        assert time.monotonic() < deadline


def _runs(process: Path) -> bool:
    try:
        return "State:\tZ" not in (process / "status").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("command", "is_taken"),
    [
        ("", True), ("convert --in {pdf} --out {ofd}", True), ("convert '{pdf}' '{ofd}'", True),
        ("convert {pdf}", False), ("convert {ofd}", False), ("convert '{pdf} {ofd}", False),
    ],
)  # fmt: skip
def test_a_command_names_both_files(command: str, *, is_taken: bool) -> None:
    given = {"LIANGXIN_PROFILE": Profile.DEMONSTRATION, "LIANGXIN_OFD_CONVERTER": command}
    if is_taken:
        assert Settings.model_validate(given).ofd_converter == command
    else:
        with pytest.raises(ValidationError):
            Settings.model_validate(given)


async def test_an_issued_document_is_converted_once_and_kept(
    platform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, firm = await awarded(platform)
    document = await draft(platform, decision(case))
    path = f"{DOCUMENTS}/{document['id']}/ofd"
    approver = platform.client("approver")
    assert code(await approver.get(path)) == (409, "never-issued")
    issued = await issue(platform, document)
    assert code(await approver.get(path)) == (409, "ofd-not-configured")
    known = platform.service("policy").sessions.kw["info"]
    monkeypatch.setitem(known, CONVERTER, converter(tmp_path, FAILS))
    assert code(await approver.get(path)) == (503, "ofd-conversion-failed")

    monkeypatch.setitem(known, CONVERTER, converter(tmp_path, WRITES))
    first = await approver.get(path)
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == "application/ofd"
    with zipfile.ZipFile(io.BytesIO(first.content)) as package:
        assert package.read("Doc_0/source.pdf") == await pdf_of(platform, issued)
    again = await firm.get(path)
    assert again.content == first.content
    async with platform.service("policy").sessions() as session:
        statement = select(ConvertedFile.sha256).where(
            ConvertedFile.source_sha256 == issued["pdf_sha256"]
        )
        kept = list(await session.scalars(statement))
    assert kept == [hashlib.sha256(first.content).hexdigest()]
    assert (await audited(platform, document["id"])).count("document.download") == 3
    # What was kept is there without a converter, too; who may not see the document sees no OFD.
    monkeypatch.setitem(known, CONVERTER, Converter(""))
    assert (await approver.get(path)).content == first.content
    assert (await platform.client("firm").get(path)).status_code == 404
