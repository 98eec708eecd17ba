"""A client may prove who it is by an assertion that it signs with its own key (RFC 7523)."""

import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from services.identity.tokens.rules import ASSERTION_S_MAX, ASSERTION_TYPE
from services.kernel.ids import new_id
from tests.conftest import TestPlatform
from tests.identity.steps import TOKEN, claims_of, fresh, register, status_with

ABSENT = object()


class Signer:
    """A client with a key of its own."""

    def __init__(self, platform: TestPlatform) -> None:
        self.platform = platform
        self.issuer = platform.service("identity").settings.issuer
        self.key = ECKey.generate_key("P-256", {"kid": "own", "use": "sig", "alg": "ES256"})
        self.client_id = fresh("signer")

    async def register(self) -> "Signer":
        jwks = {"keys": [self.key.as_dict(private=False)]}
        made = await register(self.platform, client_id=self.client_id, jwks=jwks)
        assert made["client_secret"] is None
        return self

    def assertion(
        self, header: dict[str, Any] | None = None, key: Any = None, **changes: Any
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.issuer}/oauth2/token",
            "jti": str(new_id()),
            "iat": now,
            "exp": now + 60,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not ABSENT}
        head = {"alg": "ES256", "kid": "own", **(header or {})}
        return jwt.encode(head, kept, key or self.key, algorithms=[head["alg"]])

    async def ask(self, assertion: str, **form: str) -> httpx.Response:
        given = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **form,
        }
        return await self.platform.client("public").post(TOKEN, data=given)


@pytest.fixture(scope="module")
async def signer(platform: TestPlatform) -> Signer:
    return await Signer(platform).register()


async def test_an_assertion_is_as_good_as_a_secret(platform: TestPlatform, signer: Signer) -> None:
    answer = await signer.ask(signer.assertion())
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert claims_of(token)["client_id"] == signer.client_id
    assert await status_with(platform, token) == 200
    named = await signer.ask(signer.assertion(aud=[signer.issuer, "x"]), client_id=signer.client_id)
    assert named.status_code == 200


async def test_an_assertion_counts_once(signer: Signer) -> None:
    assertion = signer.assertion()
    statuses = [(await signer.ask(assertion)).status_code for _ in range(3)]
    assert statuses == [200, 401, 401]
    jti = str(new_id())
    again = [(await signer.ask(signer.assertion(jti=jti))).status_code for _ in range(2)]
    assert again == [200, 401]


async def test_another_client_may_use_the_same_number(
    platform: TestPlatform, signer: Signer
) -> None:
    other, jti = await Signer(platform).register(), str(new_id())
    answers = [await one.ask(one.assertion(jti=jti)) for one in (signer, other)]
    assert [a.status_code for a in answers] == [200, 200]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone-else"},
        {"sub": "someone-else"},
        {"iss": ABSENT},
        {"sub": ABSENT},
        {"aud": "https://elsewhere.example"},
        {"aud": ["https://elsewhere.example"]},
        {"aud": ABSENT},
        {"aud": None},
        {"aud": [{"a": 1}]},
        {"aud": 7},
        {"exp": -1},
        {"exp": ASSERTION_S_MAX + 30},
        {"exp": ABSENT},
        {"exp": "tomorrow"},
        {"jti": ABSENT},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 300},
        {"jti": "a\x00b"},
    ],
)
async def test_an_assertion_that_does_not_fit_is_refused(
    signer: Signer, changes: dict[str, Any]
) -> None:
    given = dict(changes)
    if isinstance(given.get("exp"), int):
        given["exp"] += int(time.time())
    answer = await signer.ask(signer.assertion(**given))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    # It was this assertion, not a lock after too many of them.
    assert (await signer.ask(signer.assertion())).status_code == 200


async def test_an_assertion_with_another_key_is_refused(signer: Signer) -> None:
    other = ECKey.generate_key("P-256")
    secret = OctKey.import_key("a shared secret of some length, for this test")
    forged = [
        signer.assertion(key=other),
        signer.assertion({"kid": "unknown"}),
        signer.assertion({"jwk": other.as_dict(private=False)}, key=other),
        signer.assertion({"alg": "HS256"}, key=secret),
        signer.assertion()[:-6],
        "a.b.c",
        "x",
        "x" * 5000,
    ]
    for assertion in forged:
        answer = await signer.ask(assertion, client_id=signer.client_id)
        assert answer.status_code == 401
        assert (await signer.ask(signer.assertion())).status_code == 200


async def test_an_assertion_of_another_type_or_for_a_client_with_a_secret_is_refused(
    platform: TestPlatform,
) -> None:
    signer = await Signer(platform).register()
    wrong_type = await signer.ask(signer.assertion(), client_assertion_type="urn:other")
    assert (wrong_type.status_code, wrong_type.json()["error"]) == (400, "invalid_request")
    with_secret = await register(platform)
    for name in (with_secret["client_id"], fresh("nobody"), "a\x00b", "名"):
        assertion = signer.assertion(iss=name, sub=name)
        answer = await signer.ask(assertion)
        assert answer.status_code in (400, 401), name
    secret = {"client_id": signer.client_id, "client_secret": ""}
    form = {"grant_type": "client_credentials", **secret}
    answer = await platform.client("public").post(TOKEN, data=form)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [{}]},
        {"keys": [7]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "a"}]},
        "private",
        "no kid",
    ],
)
async def test_a_key_set_that_cannot_verify_or_holds_a_private_part_is_refused(
    platform: TestPlatform, jwks: Any
) -> None:
    key = ECKey.generate_key("P-256", {"kid": "own"})
    if jwks == "private":
        jwks = {"keys": [key.as_dict(private=True)]}
    if jwks == "no kid":
        jwks = {"keys": [{k: v for k, v in key.as_dict(private=False).items() if k != "kid"}]}
    new = {"client_id": fresh("odd"), "name": "x", "scopes": [], "jwks": jwks}
    provider = {"issuer": f"https://{fresh('odd')}.example", "audience": "a", "jwks": jwks}
    admin = platform.client("admin")
    answers = [
        await admin.post("/v1/identity/clients", json=new),
        await admin.post("/v1/identity/issuers", json=provider),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(422, "jwks-invalid")] * 2
