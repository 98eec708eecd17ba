"""Keeping the bytes of a file under their hash."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.documents.models import KeptFile
from services.policy.documents.rules import sha256_of

PDF = "application/pdf"
OFD = "application/ofd"


async def keep_file(session: AsyncSession, content: bytes, media_type: str) -> str:
    """Keep bytes and give their hash; the same bytes are kept once."""
    sha256 = sha256_of(content)
    values = {"sha256": sha256, "media_type": media_type, "content": content}
    await session.execute(insert(KeptFile).values(values).on_conflict_do_nothing())
    return sha256
