"""A key that the probe trusts, and tokens signed with it or with none."""

import base64
import hmac
import json
import time
from typing import Any

from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from services.kernel.ids import new_id
from services.kernel.tokens import AUDIENCE, KeyChanged, hear_key
from tests.kernel.running import NOW, Probe

ABSENT = object()


class Mint:
    def __init__(self, issuer: str, key: ECKey, kid: str) -> None:
        self.issuer, self.key, self.kid = issuer, key, kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "minted",
            "client_id": "minted",
            "iat": now,
            "exp": now + 300,
            "jti": str(new_id()),
            "roles": ["reviewer"],
            "scope": "probe:read probe:write",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ABSENT}

    def header(self, **changes: Any) -> dict[str, Any]:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self.kid, **changes}
        return {name: value for name, value in header.items() if value is not ABSENT}

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a token as the platform would, but for what is changed."""
        return signed(self.header(**(header or {})), self.claims(**claims), self.key)


def signed(header: dict[str, Any], claims: Any, key: Any, algorithm: str = "ES256") -> str:
    """Sign any header and any claims, also such as no library would."""
    head = f"{part(header)}.{part(claims)}"
    signature = JWSRegistry.algorithms[algorithm].sign(head.encode(), key)
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def maced(header: dict[str, Any], claims: Any, secret: bytes) -> str:
    """Sign with a shared secret, whatever the secret is."""
    head = f"{part(header)}.{part(claims)}"
    mac = hmac.digest(secret, head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def make_mint(probe: Probe, kid: str) -> Mint:
    """Make a key and let the probe hear of it, as of one of the platform's."""
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
    mint = Mint(probe.runtime.settings.issuer, key, kid)
    await tell(probe, mint)
    return mint


async def tell(probe: Probe, mint: Mint, **changes: Any) -> None:
    fields: dict[str, Any] = {"version": 1, **changes}
    event = KeyChanged(kid=mint.kid, jwk=mint.key.as_dict(private=False), **fields)
    async with probe.runtime.sessions() as session, session.begin():
        await hear_key(session, event, NOW)
    await probe.runtime.verifier.reload()
