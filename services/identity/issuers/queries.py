from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.issuers.models import TrustedIssuer

ISSUERS_SHOWN_MAX = 200


async def issuers(session: AsyncSession) -> Sequence[TrustedIssuer]:
    query = select(TrustedIssuer).order_by(TrustedIssuer.id).limit(ISSUERS_SHOWN_MAX)
    return (await session.scalars(query)).all()


async def issuer(session: AsyncSession, name: str) -> TrustedIssuer | None:
    return await session.scalar(select(TrustedIssuer).where(TrustedIssuer.issuer == name))
