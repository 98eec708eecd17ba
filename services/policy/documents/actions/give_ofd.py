"""Giving an issued document as OFD: converted when first asked for, and kept under its hash."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import Conflict
from services.policy.documents import queries
from services.policy.documents.actions.convert import converter_of
from services.policy.documents.actions.keep_file import OFD, keep_file
from services.policy.documents.models import ConvertedFile, Document


async def give_ofd(
    session: AsyncSession, document: Document, *, now: datetime
) -> tuple[str, bytes]:
    """Give the hash and the bytes of an issued document as OFD."""
    source = document.pdf_sha256
    if source is None:
        raise Conflict(
            "文书尚未签发，没有可以转换的文件。", "It was not issued yet: there is no file.",
            code="never-issued",
        )  # fmt: skip
    kept = await queries.converted(session, source, OFD)
    if kept is None:
        made = await converter_of(session).convert(await queries.content_of(session, source))
        kept = await _keep(session, source, made, now)
    return kept, await queries.content_of(session, kept)


async def _keep(session: AsyncSession, source: str, made: bytes, now: datetime) -> str:
    """Keep what was made, unless somebody was first: then his is the document's OFD."""
    number = int.from_bytes(hashlib.sha256(f"ofd|{source}".encode()).digest()[:8], signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(number)))
    first = await queries.converted(session, source, OFD)
    if first is not None:
        return first
    sha256 = await keep_file(session, made, OFD)
    session.add(
        ConvertedFile(source_sha256=source, media_type=OFD, sha256=sha256, converted_at=now)
    )
    await session.flush()
    return sha256
