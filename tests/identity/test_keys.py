"""Signing keys: two at all times, replaced without a token being lost."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text

from services.identity.service import begin
from services.kernel.clock import system_now
from services.kernel.sealed import seal, unseal
from tests.conftest import TestPlatform
from tests.identity.steps import header_of, status_with

KEYS = "/v1/identity/keys"


async def keys(platform: TestPlatform) -> list[dict[str, Any]]:
    return (await platform.client("admin").get(KEYS)).json()["items"]


def active(items: list[dict[str, Any]]) -> list[str]:
    return [k["kid"] for k in items if k["usable_until"] is None]


async def rotate(platform: TestPlatform) -> str:
    answer = await platform.client("admin").post(f"{KEYS}/rotations")
    assert answer.status_code == 201, answer.text
    return answer.json()["kid"]


async def test_a_rotation_keeps_old_tokens_alive_and_new_ones_verify_at_once(
    platform: TestPlatform,
) -> None:
    before = active(await keys(platform))
    old = await platform.token("auditor")
    # The older of the two signs: every service has long heard of it.
    assert header_of(old)["kid"] == before[-1]
    added = await rotate(platform)
    fresh = await platform.token("auditor")
    assert header_of(fresh)["kid"] == before[0]
    assert [await status_with(platform, t) for t in (old, fresh)] == [200, 200]
    await platform.settle()
    assert [await status_with(platform, t) for t in (old, fresh)] == [200, 200]
    after = await keys(platform)
    assert active(after) == [added, before[0]]
    retired = next(k for k in after if k["kid"] == before[-1])
    assert retired["usable_until"] is not None
    public = (await platform.client("public").get("/oauth2/jwks")).json()["keys"]
    assert {before[-1], before[0], added} <= {k["kid"] for k in public}


async def test_after_two_rotations_the_newer_key_signs(platform: TestPlatform) -> None:
    added = await rotate(platform)
    await platform.settle()
    await rotate(platform)
    token = await platform.token("auditor")
    assert header_of(token)["kid"] == added
    assert await status_with(platform, token) == 200


async def test_a_retired_key_counts_for_an_hour_of_system_time_whatever_the_business_clock_shows(
    platform: TestPlatform,
) -> None:
    admin = platform.client("admin")
    token = await platform.token("auditor")
    moved = await admin.post("/v1/demo/clock", json={"now": "2025-03-01T09:00:00+08:00"})
    assert moved.status_code == 200
    try:
        await rotate(platform)
    finally:
        await admin.post("/v1/demo/clock", json={"now": system_now().isoformat()})
    await platform.settle()
    retired = max(k["usable_until"] for k in await keys(platform) if k["usable_until"])
    assert timedelta(minutes=59) < _instant(retired) - system_now() < timedelta(minutes=61)
    assert await status_with(platform, token) == 200


def _instant(words: str) -> Any:
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(words)


async def test_private_parts_are_sealed_and_never_shown(platform: TestPlatform) -> None:
    for item in await keys(platform):
        assert set(item) == {"kid", "public_jwk", "created_at", "usable_until"}
        assert "d" not in item["public_jwk"]
    async with platform.service("identity").sessions() as session:
        rows = list(await session.execute(text("SELECT sealed_private_jwk FROM signing_key")))
        payloads = list(
            await session.execute(text("SELECT payload FROM outbox WHERE type LIKE '%key%'"))
        )
    assert rows
    assert payloads
    assert not any('"d"' in row[0] for row in rows + payloads)


async def test_a_start_makes_no_more_keys_than_are_missing(platform: TestPlatform) -> None:
    before = active(await keys(platform))
    await begin(platform.service("identity"))
    assert active(await keys(platform)) == before


def test_what_is_sealed_opens_with_its_own_key_for_its_own_purpose_only() -> None:
    sealed = seal("one", "a text", purpose="p")
    assert unseal("one", sealed, purpose="p") == "a text"
    assert seal("one", "a text", purpose="p") != sealed
    for secret, purpose in (("other", "p"), ("one", "q")):
        with pytest.raises(InvalidTag):
            unseal(secret, sealed, purpose=purpose)
