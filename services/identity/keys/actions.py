import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from joserfc.jwk import ECKey
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.contract.events import KeyChanged
from services.identity.keys import queries
from services.identity.keys.models import SigningKey
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.sealed import seal, unseal

KEYS_ACTIVE = 2
OVERLAP = timedelta(hours=1)
PURPOSE = "signing key"


async def ensure_keys(
    session: AsyncSession, actor: Actor, secret_key: str, *, now: datetime
) -> None:
    """Have two keys at all times, so that one can be retired without an outage."""
    await session.execute(select(func.pg_advisory_xact_lock(7231)))
    for _ in range(KEYS_ACTIVE - len(await queries.signing_keys(session))):
        await add_key(session, actor, secret_key, now=now)


async def add_key(
    session: AsyncSession, actor: Actor, secret_key: str, *, now: datetime
) -> SigningKey:
    """Make a key and announce its public part."""
    kid = str(new_id())
    pair = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
    key = SigningKey(
        kid=kid,
        public_jwk=pair.as_dict(private=False),
        created_at=now,
        usable_until=None,
        version=1,
        sealed_private_jwk=seal(
            secret_key, json.dumps(pair.as_dict(private=True)), purpose=PURPOSE
        ),
    )
    session.add(key)
    await session.flush()
    _announce(session, key, now)
    audit(session, actor, "key.add", "signing-key", kid, now=now)
    return key


async def rotate_keys(
    session: AsyncSession, actor: Actor, secret_key: str, *, now: datetime
) -> SigningKey:
    """Retire the key that signs, after an overlap; the next, long heard of, signs from now on."""
    active = await queries.signing_keys(session, lock=True)
    fresh = await add_key(session, actor, secret_key, now=now)
    for old in active[KEYS_ACTIVE - 1 :]:
        old.usable_until, old.version = now + OVERLAP, old.version + 1
        _announce(session, old, now)
        audit(session, actor, "key.retire", "signing-key", old.kid, now=now)
    return fresh


def private_key(key: SigningKey, secret_key: str) -> ECKey:
    return ECKey.import_key(json.loads(unseal(secret_key, key.sealed_private_jwk, purpose=PURPOSE)))


async def restate_keys(session: AsyncSession) -> AsyncIterator[KeyChanged]:
    """Give the current state of every key."""
    for key in await queries.keys(session):
        yield _event(key)


def _announce(session: AsyncSession, key: SigningKey, now: datetime) -> None:
    announce(session, _event(key), now=now)


def _event(key: SigningKey) -> KeyChanged:
    return KeyChanged(
        kid=key.kid, jwk=key.public_jwk, usable_until=key.usable_until, version=key.version
    )
