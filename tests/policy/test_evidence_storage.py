"""Between storage and rows: what is nobody's goes, what a row names stays, a scanner may lag."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.kernel.clock import system_now
from services.kernel.errors import Refusal
from services.kernel.scanning import Scanner, ScannerAway, infected
from services.kernel.storage import Storage
from services.kernel.unit import in_unit
from services.policy.base import STORAGE
from services.policy.evidence import routes
from services.policy.evidence.actions import clean_up, keep_evidence
from services.policy.evidence.actions.keep_evidence import scan_again
from tests.policy.files import fresh_pdf, send_file
from tests.policy.steps import code, firm_client, growing_firm, open_case

DAYS_2 = timedelta(days=2)


@pytest.fixture(scope="module")
async def ground(platform: Any) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    return firm, await open_case(platform, firm, uscc)


@pytest.fixture
def storage(platform: Any) -> Storage:
    return platform.service("policy").sessions.kw["info"][STORAGE]


def folder(platform: Any) -> Path:
    return platform.service("policy").settings.data / "files"


def kept(platform: Any, sha256: str) -> Path:
    return folder(platform) / "policy" / "evidence" / sha256[:2] / sha256


def age(path: Path, by: timedelta) -> None:
    at = (system_now() - by).timestamp()
    os.utime(path, (at, at))


async def clean(platform: Any) -> None:
    await in_unit(
        platform.service("policy"),
        lambda session, now: clean_up.clean_up(session, "recurring", now),
    )


async def test_what_no_row_names_is_removed_when_it_is_old(platform: Any, ground: Any) -> None:
    firm, case = ground
    file = (await send_file(firm, case, fresh_pdf())).json()
    named = kept(platform, file["sha256"])
    old, young = kept(platform, "0" * 64), kept(platform, "1" * 64)
    for path in (old, young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nobody's")
    draft = folder(platform) / "drafts" / "policy" / "evidence" / "crash.draft"
    draft.write_bytes(b"half")
    age(draft, timedelta(hours=2))
    age(named, DAYS_2)
    age(old, DAYS_2)
    age(young, timedelta(hours=23))
    await clean(platform)
    assert [path.exists() for path in (named, old, young, draft)] == [True, False, True, False]


async def test_content_removed_before_its_row_is_sent_again(
    platform: Any, ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cleaner comes between storage and row: the row does not come to name nothing."""
    firm, case = ground
    content = fresh_pdf()
    hold = keep_evidence.hold_content

    async def late(session: Any, sha256: str) -> None:
        age(kept(platform, sha256), DAYS_2)
        await clean(platform)
        await hold(session, sha256)

    monkeypatch.setattr(keep_evidence, "hold_content", late)
    answer = await send_file(firm, case, content)
    assert code(answer) == (503, "storage-unavailable")
    monkeypatch.undo()
    again = await send_file(firm, case, content)
    assert again.status_code == 201
    assert kept(platform, again.json()["sha256"]).read_bytes() == content


async def test_the_cleaner_waits_for_a_row_that_is_being_written(
    platform: Any, ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm, case = ground
    cleaning: list[asyncio.Task[None]] = []
    hold = keep_evidence.hold_content

    async def then_clean(session: Any, sha256: str) -> None:
        await hold(session, sha256)
        age(kept(platform, sha256), DAYS_2)
        cleaning.append(asyncio.create_task(clean(platform)))
        await asyncio.sleep(0.1)

    monkeypatch.setattr(keep_evidence, "hold_content", then_clean)
    file = (await send_file(firm, case, fresh_pdf())).json()
    await asyncio.gather(*cleaning)
    assert file["state"] == "scanned"
    assert kept(platform, file["sha256"]).exists()


async def test_a_row_that_fails_leaves_no_record(
    ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm, case = ground
    content = fresh_pdf()

    def fails(*_: Any) -> None:
        raise RuntimeError("a fault between storage and row")

    monkeypatch.setattr(keep_evidence, "_mark", fails)
    assert code(await send_file(firm, case, content)) == (500, "internal")
    monkeypatch.undo()
    listed = (await firm.get(f"/v1/policy/cases/{case['id']}/evidence")).json()["items"]
    again = await send_file(firm, case, content)
    assert again.status_code == 201
    assert again.json()["id"] not in {each["id"] for each in listed}


async def test_a_unit_that_lost_a_race_runs_again_on_what_has_come(
    ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body comes once; the second run of its unit finds what the first has kept."""
    firm, case = ground
    tries = 0

    async def loses_once(*args: Any, **named: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise asyncpg.SerializationError
        return await keep_evidence.keep_evidence(*args, **named)

    monkeypatch.setattr(routes, "keep_evidence", loses_once)
    headers = {"Idempotency-Key": "a key that an upload does not need"}
    answer = await send_file(firm, case, fresh_pdf(), headers=headers)
    assert (answer.status_code, tries) == (201, 2)


class Lagging(Scanner):
    """A scanner that is away, then finds something, or nothing."""

    def __init__(self, verdict: Refusal | None) -> None:
        super().__init__("")
        self.is_away, self._verdict = True, verdict

    async def require_clean(self, content: AsyncIterator[bytes]) -> None:
        if self.is_away:
            raise ScannerAway("away")
        assert b"".join([chunk async for chunk in content]).startswith(b"%PDF-")
        if self._verdict is not None:
            raise self._verdict


@pytest.mark.parametrize(
    ("verdict", "state", "link_status"), [(None, "scanned", 201), (infected(), "withdrawn", 409)]
)
async def test_a_file_waits_for_a_scanner_that_is_away(
    platform: Any,
    ground: Any,
    storage: Storage,
    verdict: Refusal | None,
    state: str,
    link_status: int,
) -> None:
    firm, case = ground
    runtime = platform.service("policy")
    scanner = Lagging(verdict)
    runtime.sessions.configure(
        info={**runtime.sessions.kw["info"], STORAGE: replace(storage, scanner=scanner)}
    )
    try:
        file = (await send_file(firm, case, fresh_pdf(), material="revenue-statement")).json()
        assert (file["state"], file["version"]) == ("uploaded", 1)
        path = f"/v1/policy/evidence/{file['id']}"
        assert code(await firm.post(f"{path}/links")) == (409, "evidence-not-scanned")
        with pytest.raises(ScannerAway):
            await in_unit(runtime, lambda session, now: scan_again(session, file["id"], now))
        scanner.is_away = False
        for _ in range(2):
            await in_unit(runtime, lambda session, now: scan_again(session, file["id"], now))
        assert (await firm.get(path)).json()["state"] == state
        assert (await firm.post(f"{path}/links")).status_code == link_status
    finally:
        runtime.sessions.configure(info={**runtime.sessions.kw["info"], STORAGE: storage})


def test_the_ages_are_beyond_what_a_request_may_take() -> None:
    assert timedelta(minutes=10) < clean_up.DRAFT_AGE_MIN
    assert clean_up.CONTENT_AGE_MIN > clean_up.DRAFT_AGE_MIN
