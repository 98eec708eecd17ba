"""Content in S3-compatible object storage."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.kernel.blobs import (
    CHUNK_BYTES,
    Draft,
    Kept,
    storage_away,
)

log = structlog.get_logger()

LISTED_AT_ONCE = 1000
REGION = "us-east-1"
TIME_LIMIT = "30s"
# Asked again within the request that waits; what lasts longer is the caller's to try again.
RETRIES_MAX = 2


def open_bucket(url: str, part: str) -> "ObjectBlobs":
    """Open one part of a bucket: `s3://bucket/prefix?endpoint=…&region=…`.

    Credentials come from the environment, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    endpoint = options.get("endpoint", f"https://s3.{options.get('region', REGION)}.amazonaws.com")
    store = S3Store(
        parts.netloc,
        prefix="/".join(word for word in (parts.path.strip("/"), part) if word),
        region=options.get("region", REGION),
        endpoint=endpoint,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": TIME_LIMIT},
        retry_config={"max_retries": RETRIES_MAX},
    )
    return ObjectBlobs(store)


class ObjectBlobs:
    """Content in a bucket: an object appears whole, once its last byte has arrived."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    async def keep(self, draft: Draft) -> None:
        with _faults():
            await obstore.put_async(self._store, draft.sha256, draft.path)

    async def has(self, sha256: str) -> bool:
        with _faults():
            try:
                await obstore.head_async(self._store, sha256)
            except FileNotFoundError:
                return False
        return True

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        with _faults():
            found = await obstore.get_async(self._store, sha256)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

        return chunks()

    async def remove(self, sha256: str) -> None:
        with _faults():
            await obstore.delete_async(self._store, sha256)

    async def listed(self) -> AsyncGenerator[list[Kept]]:
        with _faults():
            async for some in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                yield [Kept(each["path"], each["last_modified"]) for each in some]


@contextmanager
def _faults() -> Generator[None]:
    """Word what the storage says; its own words may hold addresses and keys."""
    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("object storage failed", kind=type(error).__name__)
        raise storage_away() from error
