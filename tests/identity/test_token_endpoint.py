"""The token endpoint: client credentials, what is refused and how, introspection, revocation."""

import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import TestPlatform
from tests.identity.steps import (
    TOKEN,
    ask,
    claims_of,
    fresh,
    header_of,
    register,
    status_with,
    token_of,
)

CARD = "330282199001011234"


@pytest.fixture(scope="module")
async def client(platform: TestPlatform) -> dict[str, Any]:
    return await register(platform, department="sjj")


def credentials(client: dict[str, Any]) -> dict[str, str]:
    return {"client_id": client["client_id"], "client_secret": client["client_secret"]}


async def test_a_token_says_who_acts_for_ten_minutes(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    answer = await ask(platform, **credentials(client))
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert answer.headers["cache-control"] == "no-store"
    header, claims = header_of(body["access_token"]), claims_of(body["access_token"])
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert claims["sub"] == claims["client_id"] == client["client_id"]
    assert (claims["roles"], claims["department"]) == (["auditor"], "sjj")
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 5
    assert "uscc" not in claims
    assert await status_with(platform, body["access_token"]) == 200


async def test_a_secret_in_the_authorisation_header_is_as_good(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    form = {"grant_type": "client_credentials"}
    good = httpx.BasicAuth(client["client_id"], client["client_secret"])
    answer = await platform.client("public").post(TOKEN, data=form, auth=good)
    assert answer.status_code == 200, answer.text
    bad = httpx.BasicAuth(client["client_id"], "wrong")
    answer = await platform.client("public").post(TOKEN, data=form, auth=bad)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == "Basic"


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic w6k=",
        "Basic /w==",
        "Basic AAAAADp4",
        "Basic Og==",
        "Basic eA==",
    ],
)
async def test_a_broken_authorisation_header_is_refused(
    platform: TestPlatform, header: str
) -> None:
    answer = await platform.client("public").post(
        TOKEN, data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )
    assert answer.status_code == 401


async def test_a_token_has_the_scope_that_was_asked_for(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    whole = claims_of(await token_of(platform, client))
    assert whole["scope"] == "identity:read identity:write"
    part = claims_of(await token_of(platform, client, scope="identity:read"))
    assert part["scope"] == "identity:read"
    for beyond in ("policy:read", "identity:read policy:write", "openid"):
        answer = await ask(platform, **credentials(client), scope=beyond)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_who_is_unknown_suspended_or_wrong_is_told_the_same(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    suspended = await register(platform)
    body = {"event": "suspend", "version": 1}
    path = f"/v1/identity/clients/{suspended['id']}/events"
    moved = await platform.client("admin").post(path, json=body, headers=platform.key())
    assert moved.status_code == 200
    answers = [
        await ask(platform, client_id=fresh("nobody"), client_secret="x"),
        await ask(platform, client_id=client["client_id"], client_secret="x"),
        await ask(platform, **credentials(suspended)),
        await ask(platform, client_id=client["client_id"]),
        await ask(platform),
    ]
    told = [{k: v for k, v in a.json().items() if k != "trace_id"} for a in answers]
    assert [a.status_code for a in answers] == [401] * 5
    assert all(t == told[0] for t in told)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": CARD}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"scope": CARD}, "invalid_scope"),
        ({"scope": "identity:read\x00"}, "invalid_request"),
    ],
)
async def test_a_refusal_is_in_the_words_of_oauth_and_repeats_nothing(
    platform: TestPlatform, client: dict[str, Any], form: dict[str, str], error: str
) -> None:
    answer = await ask(platform, **credentials(client), **form)
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, error)
    assert {"error_description", "type", "title", "status", "detail", "code"} <= set(body)
    assert answer.headers["cache-control"] == "no-store"
    assert CARD not in answer.text
    assert client["client_secret"] not in answer.text


async def test_a_refusal_is_in_the_language_asked_for(platform: TestPlatform) -> None:
    answers = [
        await platform.client("public").post(
            TOKEN, data={"grant_type": "x"}, headers={"Accept-Language": language}
        )
        for language in ("zh", "en")
    ]
    chinese, english = (a.json() for a in answers)
    assert chinese["error_description"] == english["error_description"] == english["detail"]
    assert chinese["detail"] == "客户端身份未通过验证。"


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"grant_type": "client_credentials"}},
        {"content": b"grant_type=client_credentials", "headers": {"Content-Type": "text/plain"}},
        {"content": b"grant_type=client_credentials"},
        {"data": {f"field{n}": "x" for n in range(100)}},
        {
            "content": b"\xff=%zz&&&=",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"data": {"client_id": "x" * 5000, "client_secret": "x" * 5000}},
        {"data": {"client_id": "a\x00b", "client_secret": "x"}},
        {"data": {"client_id": "名", "client_secret": "x"}},
        {"files": {"grant_type": b"x"}},
    ],
    ids=range(9),
)
async def test_another_form_of_request_is_refused_and_never_a_failure(
    platform: TestPlatform, request_: dict[str, Any]
) -> None:
    answer = await platform.client("public").post(TOKEN, **request_)
    assert answer.status_code in (400, 401)


async def test_an_idempotency_key_never_gives_anyone_the_token_of_another(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    header, form = platform.key(), {"grant_type": "client_credentials"}
    secret = httpx.BasicAuth(client["client_id"], client["client_secret"])
    first = await platform.client("public").post(TOKEN, data=form, headers=header, auth=secret)
    again = await platform.client("public").post(TOKEN, data=form, headers=header, auth=secret)
    thief = await platform.client("public").post(TOKEN, data=form, headers=header)
    wrong = httpx.BasicAuth(client["client_id"], "wrong")
    guess = await platform.client("public").post(TOKEN, data=form, headers=header, auth=wrong)
    assert [a.status_code for a in (first, again, thief, guess)] == [200, 200, 401, 401]
    assert first.json()["access_token"] != again.json()["access_token"]
    async with platform.service("identity").sessions() as session:
        kept = "SELECT count(*) FROM stored_answer WHERE key = :k"
        assert await session.scalar(text(kept), {"k": header["Idempotency-Key"]}) == 0


async def introspect(platform: TestPlatform, client: dict[str, Any], token: str) -> httpx.Response:
    form = {**credentials(client), "token": token}
    return await platform.client("public").post("/oauth2/introspect", data=form)


async def test_introspection_says_what_a_token_is_or_only_that_it_does_not_count(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    token = await token_of(platform, client)
    said = (await introspect(platform, client, token)).json()
    claims = claims_of(token)
    assert said["active"] is True
    assert (said["sub"], said["jti"], said["exp"]) == (claims["sub"], claims["jti"], claims["exp"])
    assert (said["scope"], said["department"]) == (claims["scope"], "sjj")
    for bad in (token[:-4], "x", "", token.replace(".", "..", 1)):
        answer = await introspect(platform, client, bad)
        assert (answer.status_code, answer.json()["active"]) == (200, False)
        assert answer.json().get("sub") is None
    unknown = {**client, "client_secret": "wrong"}
    assert (await introspect(platform, unknown, token)).status_code == 401


async def revoke(platform: TestPlatform, client: dict[str, Any], token: str) -> int:
    form = {**credentials(client), "token": token}
    answer = await platform.client("public").post("/oauth2/revoke", data=form)
    return answer.status_code


async def test_a_token_that_its_owner_takes_back_counts_no_more_within_seconds(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    token, other = await token_of(platform, client), await token_of(platform, client)
    assert await status_with(platform, token) == 200
    began = time.monotonic()
    assert await revoke(platform, client, token) == 200
    await platform.settle()
    assert await status_with(platform, token) == 401
    assert time.monotonic() - began < 5
    assert await status_with(platform, other) == 200
    assert (await introspect(platform, client, token)).json() == (
        await introspect(platform, client, "x")
    ).json()
    assert await revoke(platform, client, token) == 200


async def test_to_take_back_the_token_of_another_has_no_effect(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    token, other = await token_of(platform, client), await register(platform)
    assert await revoke(platform, other, token) == 200
    assert await revoke(platform, {**client, "client_secret": "wrong"}, token) == 401
    assert await revoke(platform, client, "x") == 200
    await platform.settle()
    assert await status_with(platform, token) == 200


async def test_the_metadata_and_the_keys_are_public(platform: TestPlatform) -> None:
    public = platform.client("public")
    meta = (await public.get("/.well-known/oauth-authorization-server")).json()
    issuer = platform.service("identity").settings.issuer
    assert meta["issuer"] == issuer
    for name, path in (
        ("token_endpoint", TOKEN),
        ("jwks_uri", "/oauth2/jwks"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("introspection_endpoint", "/oauth2/introspect"),
    ):
        assert meta[name] == issuer + path
    assert "private_key_jwt" in meta["token_endpoint_auth_methods_supported"]
    keys = (await public.get("/oauth2/jwks")).json()["keys"]
    assert len(keys) >= 2
    assert all(set(k) <= {"kty", "crv", "x", "y", "kid", "use", "alg"} for k in keys)
    token = await platform.token("admin")
    assert header_of(token)["kid"] in {k["kid"] for k in keys}


async def test_every_refused_request_is_recorded(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    await ask(platform, client_id=client["client_id"], client_secret="wrong")
    async with platform.service("identity").sessions() as session:
        rows = await session.execute(
            text("SELECT outcome FROM audit_entry WHERE actor = :c AND action = 'token.request'"),
            {"c": client["client_id"]},
        )
        assert {row.outcome for row in rows} == {"refused"}
