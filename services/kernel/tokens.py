"""Verification of access tokens, in every service, against keys and revocations heard as events."""

import asyncio
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import extract_compact
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.actors import Actor
from services.kernel.clock import system_now
from services.kernel.errors import Unauthenticated
from services.kernel.events import DeedEvent, StateEvent
from services.kernel.tables import KnownClient, RevokedToken, TrustedKey

log = structlog.get_logger()

AUDIENCE = "liangxin"
ALGORITHM = "ES256"
TOKEN_S = 600
LEEWAY_S = 10
TOKEN_CHARS_MAX = 4096
CACHED_TOKENS_MAX = 20_000
RELOAD_S = 5.0
RELOAD_FOR_UNKNOWN_KEY_S = 1.0
REQUIRED_CLAIMS = ("iss", "aud", "sub", "exp", "iat", "jti", "client_id")


class KeyChanged(StateEvent, type="liangxin.identity.key.changed.v1"):
    """A public key of the token issuer: usable, or usable only until an instant."""

    kid: str
    jwk: dict[str, Any]
    usable_until: datetime | None = None

    @property
    def aggregate(self) -> str:
        return f"key:{self.kid}"


class TokenRevoked(DeedEvent, type="liangxin.identity.token.revoked.v1"):
    """One token was taken back."""

    jti: str
    expires_at: datetime

    @property
    def aggregate(self) -> str:
        return f"token:{self.jti}"


class PrincipalChanged(StateEvent, type="liangxin.identity.principal.changed.v1"):
    """Whether a client or person may act, and since when their tokens count."""

    principal: str
    active: bool
    tokens_valid_from: datetime

    @property
    def aggregate(self) -> str:
        return f"principal:{self.principal}"


async def hear_key(session: AsyncSession, event: KeyChanged, _: datetime) -> None:
    values = {"jwk": event.jwk, "usable_until": event.usable_until, "version": event.version}
    statement = insert(TrustedKey).values(kid=event.kid, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kid"], set_=values, where=TrustedKey.version < event.version
        )
    )


async def hear_revocation(session: AsyncSession, event: TokenRevoked, _: datetime) -> None:
    statement = insert(RevokedToken).values(jti=event.jti, expires_at=event.expires_at)
    await session.execute(statement.on_conflict_do_nothing())
    await session.execute(
        delete(RevokedToken).where(RevokedToken.expires_at < system_now() - timedelta(days=1))
    )


async def hear_principal(session: AsyncSession, event: PrincipalChanged, _: datetime) -> None:
    values = {
        "active": event.active,
        "tokens_valid_from": event.tokens_valid_from,
        "version": event.version,
    }
    statement = insert(KnownClient).values(client_id=event.principal, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["client_id"], set_=values, where=KnownClient.version < event.version
        )
    )


class Verifier:
    """Checks tokens; remembers those it checked until they expire or trust changes."""

    def __init__(self, issuer: str, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._issuer = issuer
        self._sessions = sessions
        self._keys: dict[str, tuple[ECKey, datetime | None]] = {}
        self._revoked: set[str] = set()
        self._principals: dict[str, tuple[bool, float]] = {}
        self._cache: OrderedDict[str, tuple[Actor, str]] = OrderedDict()
        self._loaded_at = 0.0
        self._reloading = asyncio.Lock()

    @property
    def knows_a_key(self) -> bool:
        return bool(self._keys)

    async def reload(self) -> None:
        """Read keys and revocations from this service's own tables."""
        async with self._sessions() as session:
            keys = (await session.scalars(select(TrustedKey))).all()
            revoked = (await session.scalars(select(RevokedToken.jti))).all()
            principals = (await session.scalars(select(KnownClient))).all()
        self._keys = {k.kid: (ECKey.import_key(k.jwk), k.usable_until) for k in keys}
        self._revoked = set(revoked)
        self._principals = {
            p.client_id: (p.active, p.tokens_valid_from.timestamp()) for p in principals
        }
        self._loaded_at = time.monotonic()

    async def verify(self, token: str) -> Actor:
        """Give the bearer of a token, or refuse with 401."""
        await self._reload_if_older(RELOAD_S)
        if token not in self._cache:
            if len(token) > TOKEN_CHARS_MAX:
                raise _refused("token-malformed")
            self._remember(token, await self._verify_fresh(token))
        actor, kid = self._cache[token]
        self._usable_key(kid)
        self._check_still_good(actor)
        return actor

    async def _reload_if_older(self, age_s: float) -> None:
        """Reload once, however many requests find at the same time that it is due."""
        if time.monotonic() - self._loaded_at <= age_s:
            return
        async with self._reloading:
            if time.monotonic() - self._loaded_at > age_s:
                await self.reload()

    def _usable_key(self, kid: str) -> ECKey:
        """Give a key that counts now: one retired at once takes with it what it has signed."""
        if kid not in self._keys:
            raise _refused("token-key-unknown")
        key, usable_until = self._keys[kid]
        if usable_until is not None and usable_until < system_now():
            raise _refused("token-key-retired")
        return key

    async def _verify_fresh(self, token: str) -> tuple[Actor, str]:
        kid = _key_id(token)
        if kid not in self._keys:
            await self._reload_if_older(RELOAD_FOR_UNKNOWN_KEY_S)
        key = self._usable_key(kid)
        try:
            decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError):
            raise _refused("token-signature") from None
        if decoded.header.get("typ") != "at+jwt":
            raise _refused("token-type")
        return actor_from_claims(decoded.claims, issuer=self._issuer), kid

    def _remember(self, token: str, checked: tuple[Actor, str]) -> None:
        self._cache[token] = checked
        if len(self._cache) > CACHED_TOKENS_MAX:
            self._cache.popitem(last=False)

    def _check_still_good(self, actor: Actor) -> None:
        now = system_now().timestamp()
        if actor.expires_at + LEEWAY_S < now:
            raise _refused("token-expired")
        if actor.jti in self._revoked:
            raise _refused("token-revoked")
        for principal in (actor.client_id, actor.subject):
            active, valid_from = self._principals.get(principal, (True, 0.0))
            if not active or actor.issued_at < valid_from:
                raise _refused("token-revoked")


def actor_from_claims(claims: dict[str, Any], *, issuer: str) -> Actor:
    """Read the bearer out of claims whose signature holds; every required claim must fit."""
    now = system_now().timestamp()
    if any(not claims.get(name) for name in REQUIRED_CLAIMS):
        raise _refused("token-claims")
    if claims["iss"] != issuer or claims["aud"] not in (AUDIENCE, [AUDIENCE]):
        raise _refused("token-audience")
    times = [claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])]
    if any(isinstance(t, bool) or not isinstance(t, int) for t in times):
        raise _refused("token-claims")
    if claims["exp"] + LEEWAY_S < now:
        raise _refused("token-expired")
    if max(claims["iat"], times[2]) > now + LEEWAY_S or claims["exp"] - claims["iat"] > TOKEN_S:
        raise _refused("token-lifetime")
    return Actor(
        subject=str(claims["sub"]),
        client_id=str(claims["client_id"]),
        roles=frozenset(claims.get("roles") or ()),
        scopes=frozenset(str(claims.get("scope") or "").split()),
        department=claims.get("department"),
        uscc=claims.get("uscc"),
        town_code=claims.get("town_code"),
        bank=claims.get("bank"),
        institution=claims.get("institution"),
        binding=claims.get("binding"),
        jti=str(claims["jti"]),
        expires_at=float(claims["exp"]),
        issued_at=float(claims["iat"]),
        claims=claims,
    )


def _key_id(token: str) -> str:
    try:
        return str(extract_compact(token.encode()).headers().get("kid", ""))
    except (JoseError, ValueError, TypeError, KeyError, UnicodeEncodeError):
        raise _refused("token-malformed") from None


_REASONS = {
    "token-malformed": ("令牌无法识别。", "The token cannot be read."),
    "token-key-unknown": ("令牌所用密钥不被信任。", "The token's key is not trusted."),
    "token-key-retired": ("令牌所用密钥已停用。", "The token's key was retired."),
    "token-signature": ("令牌签名无效。", "The token's signature does not hold."),
    "token-type": ("不是访问令牌。", "This is not an access token."),
    "token-claims": ("令牌内容不完整。", "The token lacks required claims."),
    "token-audience": ("令牌不是为本平台签发的。", "The token was not issued for this platform."),
    "token-expired": ("令牌已过期，请重新申请。", "The token has expired; obtain a new one."),
    "token-lifetime": ("令牌的有效期不符合规定。", "The token's lifetime does not fit."),
    "token-revoked": ("令牌已被撤销。", "The token was revoked."),
}


def _refused(code: str) -> Unauthenticated:
    zh, en = _REASONS[code]
    header = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Unauthenticated(zh, en, code=code, headers=header)


def as_instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
