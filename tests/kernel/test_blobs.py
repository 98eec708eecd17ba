"""Content by its hash, in a folder and in a bucket of a real S3-compatible server: alike."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from services.kernel.blobs import Blobs, FolderBlobs, drafted, remove_old_drafts
from services.kernel.errors import Refusal
from services.kernel.object_storage import open_bucket
from services.kernel.settings import Profile, Settings
from services.kernel.storage import open_storage

MIB = 1024 * 1024
BUCKET = "evidence"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server that speaks S3, with one bucket; give the bucket's URL."""
    credentials = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    patch = pytest.MonkeyPatch()
    for name, value in credentials.items():
        patch.setenv(name, value)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with urlopen(Request(f"{endpoint}/{BUCKET}", method="PUT")) as made:  # noqa: S310  ours
        assert made.status == 200
    yield f"s3://{BUCKET}/city?endpoint={endpoint}&region=us-east-1"
    running.stop()
    patch.undo()


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "kept")
    return open_bucket(request.getfixturevalue("server"), tmp_path.name)


async def pieces(content: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def keep(blobs: Blobs, folder: Path, content: bytes) -> str:
    async with drafted(folder, pieces(content), bytes_max=64 * MIB) as draft:
        await blobs.keep(draft)
    return draft.sha256


async def all_of(blobs: Blobs, sha256: str) -> bytes:
    return b"".join([chunk async for chunk in await blobs.read(sha256)])


async def listed(blobs: Blobs) -> dict[str, datetime]:
    return {each.sha256: each.kept_at async for some in blobs.listed() for each in some}


async def test_content_is_kept_read_listed_and_removed(blobs: Blobs, tmp_path: Path) -> None:
    content = os.urandom(13 * MIB)
    sha256 = await keep(blobs, tmp_path, content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert await blobs.has(sha256)
    assert await all_of(blobs, sha256) == content
    assert set(await listed(blobs)) == {sha256}
    await blobs.remove(sha256)
    await blobs.remove(sha256)
    assert not await blobs.has(sha256)
    assert await listed(blobs) == {}


async def test_content_that_is_kept_again_is_as_new(blobs: Blobs, tmp_path: Path) -> None:
    sha256 = await keep(blobs, tmp_path, b"x")
    first = (await listed(blobs))[sha256]
    await asyncio.sleep(1.1)  # what a bucket counts in
    assert await keep(blobs, tmp_path, b"x") == sha256
    assert (await listed(blobs))[sha256] > first


async def test_content_that_is_gone_is_told_before_it_is_read(blobs: Blobs) -> None:
    with pytest.raises(Refusal) as caught:
        await blobs.read("0" * 64)
    assert (caught.value.status, caught.value.code) == (503, "storage-unavailable")


async def test_many_keep_the_same_at_once(blobs: Blobs, tmp_path: Path) -> None:
    content = os.urandom(MIB)
    hashes = await asyncio.gather(*(keep(blobs, tmp_path, content) for _ in range(8)))
    assert len(set(hashes)) == 1
    assert await all_of(blobs, hashes[0]) == content
    assert list(tmp_path.glob("*.draft")) == []


async def test_a_storage_that_is_away_is_said(tmp_path: Path, server: str) -> None:
    gone = open_bucket(f"s3://{BUCKET}?endpoint=http://127.0.0.1:9", "x")
    missing = open_bucket(server.replace(BUCKET, "another", 1), "x")
    (tmp_path / "file").touch()
    for blobs in (gone, missing, FolderBlobs(tmp_path / "file")):
        with pytest.raises(Refusal) as caught:
            await keep(blobs, tmp_path / "drafts", b"x")
        assert (caught.value.status, caught.value.code) == (503, "storage-unavailable")
    assert list((tmp_path / "drafts").iterdir()) == []


async def test_too_much_is_not_read_to_its_end(tmp_path: Path) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(MIB)

    with pytest.raises(Refusal) as caught:
        async with drafted(tmp_path, endless(), bytes_max=4 * MIB):
            pytest.fail("too much was taken")
    assert (caught.value.status, given) == (413, 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("size", "is_taken"), [(1023, True), (1024, True), (1025, False)])
async def test_the_limit_of_a_file(tmp_path: Path, size: int, *, is_taken: bool) -> None:
    refused = pytest.raises(Refusal, match="is larger than") if not is_taken else nullcontext()
    with refused:
        async with drafted(tmp_path, pieces(bytes(size)), bytes_max=1024) as draft:
            assert draft.bytes == size


async def test_a_sender_who_leaves_leaves_no_draft(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        async with drafted(tmp_path, broken(), bytes_max=MIB):
            pytest.fail("half a file was taken")
    assert list(tmp_path.iterdir()) == []


def test_drafts_of_a_crash_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in ("a.draft", "b.draft", "c.txt"))
    now = datetime.now(UTC)
    for path, age in ((old, 61), (young, 59), (other, 61)):
        path.touch()
        at = (now - timedelta(minutes=age)).timestamp()
        os.utime(path, (at, at))
    assert remove_old_drafts(tmp_path, before=now - timedelta(hours=1)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.draft", "c.txt"]
    assert remove_old_drafts(tmp_path / "none", before=now) == 0


def settings(tmp_path: Path, **changes: object) -> Settings:
    fixed = {"LIANGXIN_PROFILE": Profile.DEMONSTRATION, "LIANGXIN_DATA": tmp_path}
    return Settings.model_validate({**fixed, **changes})


@pytest.mark.parametrize(
    "url",
    [
        "http://host/bucket", "s3://", "s3://UPPER", "s3://bucket?key=secret",
        "s3://bucket?endpoint=ftp://host", "/some/folder",
    ],
)  # fmt: skip
def test_a_url_of_another_kind_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(tmp_path, LIANGXIN_BLOBS_URL=url)
    assert "secret" not in str(caught.value)


async def test_the_storage_follows_the_settings(tmp_path: Path, server: str) -> None:
    for url in ("", server):
        storage = open_storage(settings(tmp_path, LIANGXIN_BLOBS_URL=url), "part")
        sha256 = await keep(storage.blobs, storage.drafts, url.encode() or b"folder")
        assert await storage.blobs.has(sha256)
    assert len(list((tmp_path / "files" / "part").glob("??/*"))) == 1
