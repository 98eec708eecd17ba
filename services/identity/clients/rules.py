"""What a client may be, on plain values."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.kernel.actors import Role
from services.kernel.errors import Conflict, Invalid, invalid_field

SECRETS_ACTIVE_MAX = 2
KEY_TYPES = ("EC", "RSA", "OKP")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}
NEEDS = {Role.FIRM: "uscc", Role.BANK: "bank", Role.INSTITUTION: "institution"}


class ClientState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


NEXT: dict[tuple[ClientState, str], ClientState] = {
    (ClientState.ACTIVE, "suspend"): ClientState.SUSPENDED,
    (ClientState.SUSPENDED, "resume"): ClientState.ACTIVE,
}


def move(state: ClientState, event: str) -> ClientState:
    """Give the next state, or say what is allowed."""
    if (state, event) in NEXT:
        return NEXT[state, event]
    allowed = "、".join(e for s, e in NEXT if s == state)
    raise Conflict(
        f"客户端处于{state}状态，可执行：{allowed}。",
        f"The client is {state}; allowed: {allowed}.",
        code="event-not-allowed",
    )


def next_second(now: datetime, last: datetime | None) -> datetime:
    """Give the second from which new tokens count: a fresh one, for tokens know no fractions."""
    following = now.replace(microsecond=0) + timedelta(seconds=1)
    return following if last is None else max(following, last + timedelta(seconds=1))


def make_secret() -> str:
    return secrets.token_urlsafe(32)


def secret_digest(secret: str) -> str:
    """Hash a secret of 256 random bits: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(secret: str, digests: Sequence[str]) -> bool:
    """Compare in constant time, with as much work for an unknown client."""
    given = secret_digest(secret)
    matches = [hmac.compare_digest(given, d) for d in digests] or [
        hmac.compare_digest(given, "0" * 64)
    ]
    return any(matches)


def require_public_keys(jwks: dict[str, Any]) -> None:
    """Refuse a key set with a private part: one that is given to us only verifies signatures."""
    keys: Any = jwks.get("keys")
    try:
        fits = bool(keys) and all(
            k["kty"] in KEY_TYPES and not PRIVATE_MEMBERS & set(k) and isinstance(k["kid"], str)
            for k in keys
        )
        if fits:
            KeySet.import_key_set(jwks)  # pyright: ignore[reportArgumentType]
    except (JoseError, ValueError, TypeError, KeyError):
        fits = False
    if not fits:
        raise invalid_field(
            "/jwks",
            "jwks-invalid",
            "须为含kid的公钥集合，不得含私钥。",
            "Must be a set of public keys with kid, without private parts.",
        )


def require_bearings(roles: Sequence[Role], bearings: dict[str, str | None]) -> None:
    """Refuse a role that acts for someone and does not say for whom."""
    for role in roles:
        name = NEEDS.get(role)
        if name and not bearings.get(name):
            raise invalid_field(
                f"/{name}",
                "bearing-required",
                f"角色{role}须注明{name}。",
                f"The role {role} needs {name}.",
            )
    if Role.ADMIN in roles and len(roles) > 1:
        raise Invalid(
            "管理员角色不得与业务角色并存。",
            "The admin role may not be joined with others.",
            code="roles-incompatible",
        )
