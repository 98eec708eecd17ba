"""Removing what was sent and never put on record: drafts of a crash, content that nobody names."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.blobs import Blobs, Kept, remove_old_drafts
from services.kernel.clock import system_now
from services.policy.base import storage_of
from services.policy.evidence.actions.keep_evidence import hold_content
from services.policy.evidence.queries import referred

log = structlog.get_logger()

CLEAN_TIMER = "clean-evidence"
CLEAN_EVERY = timedelta(hours=1)
# Far beyond the minute that a request may take from its first byte to its row.
DRAFT_AGE_MIN = timedelta(hours=1)
CONTENT_AGE_MIN = timedelta(days=1)
REMOVED_AT_ONCE_MAX = 200


async def clean_up(session: AsyncSession, _: str, __: datetime) -> None:
    """Remove old drafts, and content that is old and that no row names."""
    storage, now = storage_of(session), system_now()
    drafts = await asyncio.to_thread(remove_old_drafts, storage.drafts, before=now - DRAFT_AGE_MIN)
    removed = 0
    async for some in storage.blobs.listed():
        old = [each for each in some if each.kept_at < now - CONTENT_AGE_MIN]
        removed += await _remove_unnamed(session, storage.blobs, old)
        if removed >= REMOVED_AT_ONCE_MAX:
            break
    if drafts or removed:
        log.info("unnamed files removed", drafts=drafts, contents=removed)


async def _remove_unnamed(session: AsyncSession, blobs: Blobs, old: Sequence[Kept]) -> int:
    """Remove what no row names, each under the lock by which a row would come to name it."""
    hashes = [each.sha256 for each in old]
    named = await referred(session, hashes) if hashes else frozenset[str]()
    removed = 0
    for sha256 in [each for each in hashes if each not in named][:REMOVED_AT_ONCE_MAX]:
        await hold_content(session, sha256)
        if not await referred(session, [sha256]):
            await blobs.remove(sha256)
            removed += 1
    return removed
