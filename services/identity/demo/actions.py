"""What only the demonstration has: a movable clock, and a provider where people sign in."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.contract.events import ClockMoved
from services.identity.demo.models import DemoClock
from services.identity.issuers.actions import trust_issuer
from services.identity.issuers.queries import issuer as find_issuer
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import system_now
from services.kernel.errors import NotFound, invalid_field
from services.kernel.outbox import announce
from services.kernel.sealed import seal, unseal
from services.kernel.settings import Settings

DEMO_ISSUER = "https://sign-in.demonstration.example"
DEMO_AUDIENCE = "liangxin-demonstration"
PURPOSE = "demonstration provider"
SUBJECT_TOKEN_S = 3600
YEARS_MAX = 20


async def move_clock(
    session: AsyncSession, actor: Actor, to: datetime, *, now: datetime
) -> DemoClock:
    """Set the business clock, in either direction; every service hears of it."""
    offset_s = round((to - system_now()).total_seconds())
    if abs(offset_s) > timedelta(days=366 * YEARS_MAX).total_seconds():
        raise invalid_field(
            "/now",
            "clock-too-far",
            f"业务时钟至多移动{YEARS_MAX}年。",
            f"The clock moves by {YEARS_MAX} years at most.",
        )
    clock = await session.get(DemoClock, 1, with_for_update=True)
    if clock is None:
        clock = DemoClock(id=1, version=0)
        session.add(clock)
    clock.offset_s, clock.version = offset_s, clock.version + 1
    await session.flush()
    announce(session, _event(clock), now=now)
    audit(session, actor, "clock.move", "clock", 1, now=now, detail={"offset_s": offset_s})
    return clock


async def ensure_demo_issuer(
    session: AsyncSession, actor: Actor, settings: Settings, *, now: datetime
) -> None:
    """Have the demonstration's own provider trusted."""
    if await find_issuer(session, DEMO_ISSUER) is not None:
        return
    pair = ECKey.generate_key("P-256", {"kid": "demonstration", "use": "sig", "alg": "ES256"})
    await trust_issuer(
        session,
        actor,
        issuer=DEMO_ISSUER,
        audience=DEMO_AUDIENCE,
        jwks={"keys": [pair.as_dict(private=False)]},
        now=now,
        sealed_demo_key=seal(
            settings.secret_key, json.dumps(pair.as_dict(private=True)), purpose=PURPOSE
        ),
    )


async def sign_in(session: AsyncSession, settings: Settings, subject: str) -> str:
    """Give the token that the demonstration's provider gives a person."""
    issuer = await find_issuer(session, DEMO_ISSUER)
    if issuer is None or issuer.sealed_demo_key is None:
        raise NotFound("演示身份提供方尚未建立。", "The demonstration's provider is not there.")
    key = ECKey.import_key(
        json.loads(unseal(settings.secret_key, issuer.sealed_demo_key, purpose=PURPOSE))
    )
    now = int(system_now().timestamp())
    claims = {
        "iss": DEMO_ISSUER,
        "aud": DEMO_AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + SUBJECT_TOKEN_S,
    }
    return jwt.encode({"alg": "ES256", "kid": "demonstration"}, claims, key)


async def restate_clock(session: AsyncSession) -> AsyncIterator[ClockMoved]:
    """Give where the business clock stands."""
    for clock in await session.scalars(select(DemoClock)):
        yield _event(clock)


def _event(clock: DemoClock) -> ClockMoved:
    return ClockMoved(offset_s=clock.offset_s, version=clock.version)
