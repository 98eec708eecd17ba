"""Every service verifies tokens by itself: only ours, only whole, only while they count."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey, RSAKey

from services.kernel import tokens
from services.kernel.clock import system_now
from services.kernel.ids import new_id
from services.kernel.tokens import (
    LEEWAY_S,
    TOKEN_S,
    PrincipalChanged,
    TokenRevoked,
    Verifier,
    hear_principal,
    hear_revocation,
)
from tests.kernel.minting import ABSENT, Mint, maced, make_mint, part, signed, tell
from tests.kernel.running import NOW, Probe, fresh, key

NOTES = "/v1/probe/notes"
REQUIRED = ("iss", "aud", "sub", "exp", "iat", "jti", "client_id")


@pytest.fixture(scope="module")
async def mint(probe: Probe) -> Mint:
    return await make_mint(probe, "minted-key")


async def answer(probe: Probe, token: str | bytes) -> tuple[int, str | None]:
    """Ask with a token; give the status and the code of the refusal."""
    bearer = token if isinstance(token, bytes) else token.encode()
    given = await probe.client("public").get(NOTES, headers={b"Authorization": b"Bearer " + bearer})
    if given.status_code == 200:
        return 200, None
    assert given.headers["content-type"] == "application/problem+json"
    if given.status_code == 401:
        assert given.headers["www-authenticate"].startswith("Bearer")
    return given.status_code, given.json()["code"]


async def test_a_token_of_ours_is_accepted(probe: Probe, mint: Mint) -> None:
    assert await answer(probe, mint.token()) == (200, None)
    assert await answer(probe, probe.token()) == (200, None)


def unsigned(mint: Mint) -> str:
    return f"{part(mint.header(alg='none'))}.{part(mint.claims())}."


def unsigned_in_capitals(mint: Mint) -> str:
    return f"{part(mint.header(alg='NonE'))}.{part(mint.claims())}."


def signature_left_out(mint: Mint) -> str:
    return mint.token().rsplit(".", 1)[0] + "."


def signed_with_the_public_key_as_secret(mint: Mint) -> str:
    return maced(mint.header(alg="HS256"), mint.claims(), mint.key.as_pem(private=False))


def signed_with_the_public_jwk_as_secret(mint: Mint) -> str:
    public = orjson.dumps(mint.key.as_dict(private=False))
    return maced(mint.header(alg="HS256"), mint.claims(), public)


def signed_with_rsa_under_our_kid(mint: Mint) -> str:
    return signed(mint.header(alg="RS256"), mint.claims(), RSAKey.generate_key(2048), "RS256")


def signed_with_another_key_under_our_kid(mint: Mint) -> str:
    return signed(mint.header(), mint.claims(), ECKey.generate_key("P-256"))


def signed_with_the_key_it_brings_along(mint: Mint) -> str:
    own = ECKey.generate_key("P-256")
    return signed(mint.header(jwk=own.as_dict(private=False)), mint.claims(), own)


def with_other_claims_behind_our_signature(mint: Mint) -> str:
    head, _, signature = mint.token().split(".")
    return f"{head}.{part(mint.claims(roles=['admin']))}.{signature}"


FORGERIES: list[Callable[[Mint], str]] = [
    unsigned,
    unsigned_in_capitals,
    signature_left_out,
    signed_with_the_public_key_as_secret,
    signed_with_the_public_jwk_as_secret,
    signed_with_rsa_under_our_kid,
    signed_with_another_key_under_our_kid,
    signed_with_the_key_it_brings_along,
    with_other_claims_behind_our_signature,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=[f.__name__ for f in FORGERIES])
async def test_a_forged_token_is_refused_and_recorded(
    probe: Probe, mint: Mint, forge: Callable[[Mint], str]
) -> None:
    assert await answer(probe, forge(mint)) == (401, "token-signature")
    rows = await probe.rows(
        "SELECT actor, outcome, detail FROM audit_entry"
        " WHERE thing = 'request' ORDER BY id DESC LIMIT 1"
    )
    assert (rows[0].actor, rows[0].outcome) == ("public", "refused")
    assert orjson.loads(rows[0].detail)["code"] == "token-signature"


@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "https://attacker.example/key",
        "' OR 1=1 --",
        "minted-key\x00",
        "",
        "x" * 1000,
        7,
        None,
        {"a": 1},
        ["minted-key"],
        ABSENT,
    ],
)
async def test_a_key_id_is_a_name_that_we_know_or_nothing(
    probe: Probe, mint: Mint, kid: Any
) -> None:
    status, code = await answer(probe, mint.token({"kid": kid}))
    assert (status, code) in {(401, "token-key-unknown"), (401, "token-malformed")}


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_an_address_of_a_key_is_never_looked_at(probe: Probe, mint: Mint, name: str) -> None:
    header = {"kid": "elsewhere", name: "https://attacker.example/jwks"}
    assert await answer(probe, mint.token(header)) == (401, "token-key-unknown")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "id_token", "dpop+jwt", "", 5, None, ABSENT])
async def test_a_token_of_another_type_is_refused(probe: Probe, mint: Mint, typ: Any) -> None:
    assert (await answer(probe, mint.token({"typ": typ})))[0] == 401


async def test_a_header_that_must_be_understood_and_is_not_is_refused(
    probe: Probe, mint: Mint
) -> None:
    assert (await answer(probe, mint.token({"crit": ["new"], "new": 1})))[0] == 401


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [ABSENT, None, ""])
async def test_a_claim_that_is_required_must_be_there(
    probe: Probe, mint: Mint, name: str, value: Any
) -> None:
    assert await answer(probe, mint.token(**{name: value})) == (401, "token-claims")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-platform"},
        {"aud": ["liangxin", "another-platform"]},
        {"aud": ["another-platform"]},
        {"aud": {"a": 1}},
        {"iss": "https://attacker.example"},
        {"iss": ["https://liangxin.local"]},
    ],
)
async def test_a_token_for_or_from_elsewhere_is_refused(
    probe: Probe, mint: Mint, changes: dict[str, Any]
) -> None:
    assert await answer(probe, mint.token(**changes)) == (401, "token-audience")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": -LEEWAY_S - 2}, "token-expired"),
        ({"exp": -3600, "iat": -4000}, "token-expired"),
        ({"iat": LEEWAY_S + 5}, "token-lifetime"),
        ({"nbf": LEEWAY_S + 5}, "token-lifetime"),
        ({"iat": 0, "exp": TOKEN_S + 1}, "token-lifetime"),
        ({"exp": 10**12}, "token-lifetime"),
    ],
)
async def test_a_token_counts_neither_before_nor_after_its_time(
    probe: Probe, mint: Mint, changes: dict[str, int], code: str
) -> None:
    now = int(time.time())
    shifted: dict[str, Any] = {name: now + seconds for name, seconds in changes.items()}
    if "exp" in changes and "iat" not in changes and changes["exp"] < 0:
        shifted["iat"] = now - 500
    assert await answer(probe, mint.token(**shifted)) == (401, code)


@pytest.mark.parametrize(
    "changes", [{"exp": -LEEWAY_S + 3, "iat": -500}, {"iat": LEEWAY_S - 3}, {"nbf": LEEWAY_S - 3}]
)
async def test_clocks_may_differ_by_some_seconds(
    probe: Probe, mint: Mint, changes: dict[str, int]
) -> None:
    now = int(time.time())
    shifted: dict[str, Any] = {name: now + seconds for name, seconds in changes.items()}
    assert await answer(probe, mint.token(**shifted)) == (200, None)


@pytest.mark.parametrize("value", ["2099-01-01", "9999999999", True, 1.5e9, [1], {"a": 1}])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
async def test_a_time_is_a_whole_number_of_seconds(
    probe: Probe, mint: Mint, name: str, value: Any
) -> None:
    assert (await answer(probe, mint.token(**{name: value})))[0] == 401


@pytest.mark.parametrize(
    "token",
    [
        b"x",
        b"a.b.c",
        b"...",
        b"..",
        b"e30.e30.e30",
        b"W10.W10.W10",
        b"bnVsbA.bnVsbA.bnVsbA",
        b"\xe9\xe9.\xe9.\xe9",
        b"x" * 5000,
        b"a b",
        b"eyJhbGciOiJFUzI1NiJ9." + b"A" * 100,
    ],
)
async def test_what_is_no_token_is_refused(probe: Probe, token: bytes) -> None:
    status, code = await answer(probe, token)
    assert status == 401
    assert code in {"token-malformed", "token-key-unknown"}


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Token x", "Basic eDp5", "bearerx"])
async def test_another_kind_of_authorisation_is_refused(probe: Probe, header: str) -> None:
    given = await probe.client("public").get(NOTES, headers={"Authorization": header})
    assert (given.status_code, given.json()["code"]) == (401, "token-malformed")


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        ("probe:read probe:write", 200, 201),
        ("probe:read", 200, 403),
        ("probe:write", 403, 201),
        ("", 403, 403),
        ("identity:read identity:write", 403, 403),
        ("probe:readx xprobe:read PROBE:READ", 403, 403),
        (None, 403, 403),
        (ABSENT, 403, 403),
    ],
)
async def test_a_token_opens_what_its_scope_names(
    probe: Probe, mint: Mint, scope: Any, reads: int, writes: int
) -> None:
    headers = {**key(), "Authorization": f"Bearer {mint.token(scope=scope)}"}
    client = probe.client("public")
    read = await client.get(NOTES, headers=headers)
    written = await client.post(NOTES, json={"name": fresh("scope")}, headers=headers)
    assert (read.status_code, written.status_code) == (reads, writes)
    for refused in (read, written):
        assert refused.status_code != 403 or refused.json()["code"] == "scope-required"


@pytest.mark.parametrize(
    "roles", [[], ["admin"], ["reviewers"], ["REVIEWER"], "reviewer", None, ABSENT]
)
async def test_a_token_opens_nothing_without_the_role(probe: Probe, mint: Mint, roles: Any) -> None:
    assert await answer(probe, mint.token(roles=roles)) == (403, "role-required")


async def hear(probe: Probe, handle: Callable[..., Any], event: Any) -> None:
    async with probe.runtime.sessions() as session, session.begin():
        await handle(session, event, NOW)
    await probe.runtime.verifier.reload()


async def test_a_token_that_is_remembered_is_refused_once_it_is_revoked(
    probe: Probe, mint: Mint
) -> None:
    jti = str(new_id())
    token, other = mint.token(jti=jti), mint.token()
    assert await answer(probe, token) == (200, None)
    await hear(probe, hear_revocation, TokenRevoked(jti=jti, expires_at=system_now()))
    assert await answer(probe, token) == (401, "token-revoked")
    assert await answer(probe, other) == (200, None)


@pytest.mark.parametrize("claim", ["client_id", "sub"])
async def test_a_token_that_is_remembered_is_refused_once_its_bearer_is_suspended(
    probe: Probe, mint: Mint, claim: str
) -> None:
    name = fresh("bearer")
    changes: dict[str, Any] = {claim: name}
    token = mint.token(**changes)
    assert await answer(probe, token) == (200, None)
    state: dict[str, Any] = {
        "principal": name,
        "tokens_valid_from": datetime(2026, 1, 1, tzinfo=UTC),
    }
    await hear(probe, hear_principal, PrincipalChanged(**state, active=False, version=1))
    assert await answer(probe, token) == (401, "token-revoked")
    await hear(probe, hear_principal, PrincipalChanged(**state, active=True, version=2))
    assert await answer(probe, token) == (200, None)
    later: dict[str, Any] = {**state, "tokens_valid_from": system_now() + timedelta(seconds=1)}
    await hear(probe, hear_principal, PrincipalChanged(**later, active=True, version=3))
    assert await answer(probe, token) == (401, "token-revoked")


async def test_a_token_that_is_remembered_is_refused_once_its_time_is_over(
    probe: Probe, mint: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = mint.token()
    assert await answer(probe, token) == (200, None)
    monkeypatch.setattr(tokens, "system_now", lambda: system_now() + timedelta(seconds=320))
    assert await answer(probe, token) == (401, "token-expired")


async def test_a_key_that_is_retired_takes_its_tokens_with_it(probe: Probe) -> None:
    mint = await make_mint(probe, fresh("retired"))
    token = mint.token()
    assert await answer(probe, token) == (200, None)
    await tell(probe, mint, usable_until=system_now() + timedelta(minutes=5), version=2)
    assert await answer(probe, token) == (200, None)
    await tell(probe, mint, usable_until=system_now() - timedelta(seconds=1), version=3)
    assert await answer(probe, token) == (401, "token-key-retired")
    assert await answer(probe, mint.token()) == (401, "token-key-retired")


class Counted(Verifier):
    """A verifier that counts how often it reads its tables."""

    reloads = 0

    async def reload(self) -> None:
        self.reloads += 1
        await super().reload()


async def test_many_requests_at_once_reload_once(probe: Probe, mint: Mint) -> None:
    verifier = Counted(mint.issuer, probe.runtime.sessions)
    await asyncio.gather(*(verifier.verify(mint.token()) for _ in range(60)))
    assert verifier.reloads == 1


async def test_tokens_of_unknown_keys_do_not_make_it_reload_again_and_again(
    probe: Probe, mint: Mint
) -> None:
    verifier = Counted(mint.issuer, probe.runtime.sessions)
    for number in range(50):
        with pytest.raises(tokens.Unauthenticated):
            await verifier.verify(mint.token({"kid": f"unknown-{number}"}))
    assert verifier.reloads <= 2


async def test_a_key_that_was_heard_of_meanwhile_is_found(
    probe: Probe, mint: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "RELOAD_FOR_UNKNOWN_KEY_S", 0.0)
    verifier = Verifier(mint.issuer, probe.runtime.sessions)
    await verifier.reload()
    later = await make_mint(probe, fresh("later"))
    assert (await verifier.verify(later.token())).subject == "minted"


async def test_what_is_remembered_has_a_bound(
    probe: Probe, mint: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHED_TOKENS_MAX", 5)
    verifier = Verifier(mint.issuer, probe.runtime.sessions)
    for _ in range(12):
        await verifier.verify(mint.token())
    assert len(verifier._cache) == 5
