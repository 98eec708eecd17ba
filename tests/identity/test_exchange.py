"""A person who signed in elsewhere acts for a firm only where a binding says so (RFC 8693)."""

import time
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from services.identity.tokens.rules import ACCESS_TOKEN_TYPE
from services.kernel.clock import city_day, system_now
from tests.conftest import TestPlatform
from tests.identity.steps import (
    BINDINGS,
    Provider,
    ask,
    bind,
    claims_of,
    exchange,
    fresh,
    move,
    register,
    token_of,
)

FIRM, OTHER, THIRD = "91330282MA00T35T2N", "91330282MA00T35T3L", "91330282MA00T35T4J"


@pytest.fixture(scope="module")
async def provider(platform: TestPlatform) -> Provider:
    return await Provider().register(platform)


async def test_a_person_bound_to_one_firm_acts_for_it(
    platform: TestPlatform, provider: Provider
) -> None:
    person = fresh("person")
    await bind(platform, provider, person, FIRM)
    answer = await exchange(platform, provider.token(person))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["issued_token_type"] == ACCESS_TOKEN_TYPE
    claims = claims_of(body["access_token"])
    assert (claims["roles"], claims["uscc"]) == (["firm"], FIRM)
    assert (claims["client_id"], claims["act"]) == ("mobile", {"sub": "mobile"})
    assert claims["sub"].startswith("person:")
    assert person not in str(claims)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    own = await platform.client("public").get(BINDINGS, headers=headers)
    assert own.status_code == 200
    assert {item["uscc"] for item in own.json()["items"]} == {FIRM}


async def test_a_person_bound_to_two_firms_must_name_one(
    platform: TestPlatform, provider: Provider
) -> None:
    person = fresh("person")
    for firm in (FIRM, OTHER):
        await bind(platform, provider, person, firm)
    unnamed = await exchange(platform, provider.token(person))
    assert (unnamed.status_code, unnamed.json()["error"]) == (400, "invalid_target")
    assert FIRM not in unnamed.text
    for named, firm in ((OTHER, OTHER), (f" {FIRM.lower()} ", FIRM)):
        answer = await exchange(platform, provider.token(person), uscc=named)
        assert claims_of(answer.json()["access_token"])["uscc"] == firm
    third = await exchange(platform, provider.token(person), uscc=THIRD)
    assert (third.status_code, third.json()["error"]) == (400, "invalid_target")


async def test_a_person_bound_to_no_firm_gets_nothing(
    platform: TestPlatform, provider: Provider
) -> None:
    token = provider.token(fresh("stranger"))
    assert (await exchange(platform, token)).json()["error"] == "invalid_grant"
    assert (await exchange(platform, token, uscc=FIRM)).json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [(-5, -1, 400), (-1, 0, 200), (0, None, 200), (1, None, 400), (0, 0, 200)],
)
async def test_a_binding_counts_on_its_days(
    platform: TestPlatform, provider: Provider, first: int, last: int | None, status: int
) -> None:
    today, person = city_day(system_now()), fresh("person")
    days = {"valid_from": str(today + timedelta(days=first))}
    if last is not None:
        days["valid_to"] = str(today + timedelta(days=last))
    await bind(platform, provider, person, FIRM, **days)
    assert (await exchange(platform, provider.token(person))).status_code == status


async def test_the_same_name_at_another_provider_is_another_person(
    platform: TestPlatform, provider: Provider
) -> None:
    person, other = fresh("person"), await Provider().register(platform)
    await bind(platform, provider, person, FIRM)
    assert (await exchange(platform, other.token(person))).status_code == 400
    assert (await exchange(platform, provider.token(person))).status_code == 200


async def test_a_token_of_an_untrusted_or_pretended_provider_is_refused(
    platform: TestPlatform, provider: Provider
) -> None:
    person = fresh("person")
    await bind(platform, provider, person, FIRM)
    stranger, pretender = Provider(), Provider()
    pretender.issuer = provider.issuer
    brought = pretender.key.as_dict(private=False)
    refused = [
        stranger.token(person),
        pretender.token(person),
        pretender.token(person, header={"jwk": brought}),
        pretender.token(person, header={"jku": "https://attacker.example/jwks"}),
        provider.token(person, iss=["a"]),
        provider.token(person, iss=None),
        provider.token(person, iss="https://x\x00.example"),
        provider.token(person)[:-5],
        _with_shared_secret(provider, person),
        "a.b.c",
        "",
        "x" * 5000,
    ]
    for token in refused:
        answer = await exchange(platform, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def _with_shared_secret(provider: Provider, person: str) -> str:
    claims = {"iss": provider.issuer, "aud": provider.audience, "sub": person}
    claims["exp"] = int(time.time()) + 60  # pyright: ignore[reportArgumentType]
    secret = OctKey.import_key("a shared secret of some length, for this test")
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, secret, algorithms=["HS256"])


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 60},
        {"nbf": "tomorrow"},
        {"aud": "another-platform"},
        {"aud": None},
        {"aud": []},
        {"sub": None},
        {"sub": ""},
    ],
)
async def test_a_token_that_is_over_early_or_for_another_is_refused(
    platform: TestPlatform, provider: Provider, changes: dict[str, Any]
) -> None:
    person = fresh("person")
    await bind(platform, provider, person, FIRM)
    shifted: dict[str, Any] = {
        name: value + int(time.time()) if isinstance(value, int) else value
        for name, value in changes.items()
    }
    answer = await exchange(platform, provider.token(person, **shifted))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_our_own_token_is_no_person_s_token(
    platform: TestPlatform, provider: Provider
) -> None:
    firm = platform.credentials.clients["firm"]
    token = await token_of(platform, firm)
    assert (await exchange(platform, token)).json()["error"] == "invalid_grant"
    unknown = await exchange(platform, provider.token("x"), subject_token_type="urn:x")
    assert unknown.json()["error"] == "invalid_request"


async def test_only_a_client_that_may_exchange_does(
    platform: TestPlatform, provider: Provider
) -> None:
    person, other = fresh("person"), await register(platform)
    await bind(platform, provider, person, FIRM)
    secret = {"client_id": other["client_id"], "client_secret": other["client_secret"]}
    answer = await exchange(platform, provider.token(person), **secret)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_a_person_gets_no_more_than_the_client_s_scope(
    platform: TestPlatform, provider: Provider
) -> None:
    person = fresh("person")
    await bind(platform, provider, person, FIRM)
    token = provider.token(person)
    part = await exchange(platform, token, scope="identity:read")
    assert claims_of(part.json()["access_token"])["scope"] == "identity:read"
    beyond = await exchange(platform, token, scope="identity:read elsewhere:write")
    assert (beyond.status_code, beyond.json()["error"]) == (400, "invalid_scope")


async def test_the_mobile_back_end_alone_reads_nothing_of_a_firm(platform: TestPlatform) -> None:
    mobile = platform.client("mobile")
    for path in ("bindings", "clients", "keys", "issuers"):
        assert (await mobile.get(f"/v1/identity/{path}")).status_code == 403
    new = {"issuer": "https://x.example", "subject": "x", "uscc": FIRM}
    assert (await mobile.post(BINDINGS, json=new)).status_code == 403


async def test_a_revoked_binding_ends_the_tokens_that_the_person_holds(
    platform: TestPlatform, provider: Provider
) -> None:
    person = fresh("person")
    made = [await bind(platform, provider, person, firm) for firm in (FIRM, OTHER)]
    subject = provider.token(person)
    tokens = [
        (await exchange(platform, subject, uscc=firm)).json()["access_token"]
        for firm in (FIRM, OTHER)
    ]
    moved = await move(platform, f"{BINDINGS}/{made[0]['id']}", "revoke")
    assert moved.json()["state"] == "revoked"
    await platform.settle()
    statuses = [await bindings_with(platform, token) for token in tokens]
    assert statuses == [401, 401]
    assert (await exchange(platform, subject, uscc=FIRM)).status_code == 400
    fresh_token = (await exchange(platform, subject)).json()["access_token"]
    assert claims_of(fresh_token)["uscc"] == OTHER
    assert await bindings_with(platform, fresh_token) == 200


async def bindings_with(platform: TestPlatform, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await platform.client("public").get(BINDINGS, headers=headers)).status_code


async def test_a_provider_s_keys_can_be_replaced(platform: TestPlatform) -> None:
    provider, person = await Provider().register(platform), fresh("person")
    await bind(platform, provider, person, FIRM)
    old = provider.token(person)
    provider.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
    await provider.register(platform)
    assert (await exchange(platform, old)).status_code == 400
    assert (await exchange(platform, provider.token(person))).status_code == 200


async def test_client_credentials_of_the_mobile_back_end_carry_no_firm(
    platform: TestPlatform,
) -> None:
    mobile = platform.credentials.clients["mobile"]
    answer = await ask(
        platform,
        client_id=mobile["client_id"],
        client_secret=mobile["client_secret"],
        uscc=FIRM,
    )
    claims = claims_of(answer.json()["access_token"])
    assert (claims["roles"], claims.get("uscc")) == ([], None)
