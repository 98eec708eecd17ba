from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.keys.models import SigningKey

KEYS_SHOWN_MAX = 200
NEWEST_FIRST = (SigningKey.created_at.desc(), SigningKey.kid.desc())


async def keys(session: AsyncSession) -> Sequence[SigningKey]:
    return (
        await session.scalars(select(SigningKey).order_by(*NEWEST_FIRST).limit(KEYS_SHOWN_MAX))
    ).all()


async def usable_keys(session: AsyncSession, now: datetime) -> Sequence[SigningKey]:
    """Keys whose signatures still count."""
    usable = or_(SigningKey.usable_until.is_(None), SigningKey.usable_until > now)
    return (await session.scalars(select(SigningKey).where(usable).order_by(*NEWEST_FIRST))).all()


async def signing_keys(session: AsyncSession, *, lock: bool = False) -> Sequence[SigningKey]:
    """Keys that are not retired, newest first."""
    query = select(SigningKey).where(SigningKey.usable_until.is_(None)).order_by(*NEWEST_FIRST)
    return (await session.scalars(query.with_for_update() if lock else query)).all()
