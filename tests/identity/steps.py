"""Steps that identity's tests share: registering clients, asking for tokens as a client does."""

import base64
import json
import time
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from services.kernel.ids import new_id
from tests.conftest import TestPlatform

CLIENTS = "/v1/identity/clients"
BINDINGS = "/v1/identity/bindings"
TOKEN = "/oauth2/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


def fresh(word: str) -> str:
    """Make a name that no other test uses."""
    return f"{word}-{new_id().hex[-12:]}"


async def register(platform: TestPlatform, **changes: Any) -> dict[str, Any]:
    """Register a client; what matters is named by the test."""
    new = {
        "client_id": fresh("client"),
        "name": "测试",
        "roles": ["auditor"],
        "scopes": ["identity:read", "identity:write"],
        **changes,
    }
    answer = await platform.client("admin").post(CLIENTS, json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(platform: TestPlatform, **form: str) -> httpx.Response:
    """Ask the token endpoint."""
    form = {"grant_type": "client_credentials", **form}
    return await platform.client("public").post(TOKEN, data=form)


async def token_of(platform: TestPlatform, client: dict[str, Any], **form: str) -> str:
    answer = await ask(
        platform, client_id=client["client_id"], client_secret=client["client_secret"], **form
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def status_with(platform: TestPlatform, token: str) -> int:
    """Ask something that every auditor may read, with this token."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = await platform.client("public").get("/v1/identity/keys", headers=headers)
    return answer.status_code


async def move(
    platform: TestPlatform, path: str, event: str, version: int = 1, name: str = "admin"
) -> httpx.Response:
    body = {"event": event, "version": version, "note": "测试"}
    return await platform.client(name).post(f"{path}/events", json=body, headers=platform.key())


def claims_of(token: str) -> dict[str, Any]:
    return json.loads(decoded(token.split(".")[1]))


def header_of(token: str) -> dict[str, Any]:
    return json.loads(decoded(token.split(".", maxsplit=1)[0]))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Provider:
    """A provider where people sign in, with keys of its own."""

    def __init__(self) -> None:
        self.issuer = f"https://{fresh('provider')}.example"
        self.audience = "liangxin-city"
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    async def register(self, platform: TestPlatform) -> "Provider":
        body = {"issuer": self.issuer, "audience": self.audience, "jwks": self.jwks}
        answer = await platform.client("admin").post("/v1/identity/issuers", json=body)
        assert answer.status_code == 201, answer.text
        return self

    def token(self, subject: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + 300,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "one", **(header or {})}, kept, self.key)


async def bind(
    platform: TestPlatform, provider: Provider, subject: str, uscc: str, **changes: Any
) -> dict[str, Any]:
    """Let a person act for a firm."""
    body = {"issuer": provider.issuer, "subject": subject, "uscc": uscc, **changes}
    answer = await platform.client("admin").post(BINDINGS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def exchange(platform: TestPlatform, subject_token: str, **form: str) -> httpx.Response:
    """Exchange a person's token as the mobile back end."""
    mobile = platform.credentials.clients["mobile"]
    given = {
        "grant_type": EXCHANGE,
        "client_id": mobile["client_id"],
        "client_secret": mobile["client_secret"],
        "subject_token": subject_token,
        "subject_token_type": ID_TOKEN,
        **form,
    }
    return await platform.client("public").post(TOKEN, data=given)
