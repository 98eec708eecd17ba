"""Wrong secrets lock a client out for a while, at the place they came from."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.identity.service import forget_failures
from services.identity.tokens import routes, rules
from services.identity.tokens.actions import authenticate_client
from services.kernel.clock import system_now
from services.kernel.settings import Settings
from tests.conftest import TestPlatform
from tests.identity.steps import ask, fresh, register


@pytest.fixture
async def client(platform: TestPlatform) -> dict[str, Any]:
    return await register(platform)


async def wrong(platform: TestPlatform, client: dict[str, Any], times: int) -> None:
    for _ in range(times):
        answer = await ask(platform, client_id=client["client_id"], client_secret="wrong")
        assert answer.status_code == 401


async def right(platform: TestPlatform, client: dict[str, Any]) -> int:
    given = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    return (await ask(platform, **given)).status_code


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the token endpoint see a later time."""
    monkeypatch.setattr(routes, "system_now", lambda: system_now() + timedelta(seconds=seconds))


async def test_the_tenth_wrong_secret_locks(platform: TestPlatform, client: dict[str, Any]) -> None:
    await wrong(platform, client, rules.FAILURES_MAX - 1)
    assert await right(platform, client) == 200
    await wrong(platform, client, rules.FAILURES_MAX)
    assert await right(platform, client) == 401


async def test_a_lock_ends_by_itself_however_often_it_was_knocked_at(
    platform: TestPlatform, client: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await wrong(platform, client, rules.FAILURES_MAX)
    later(monkeypatch, rules.LOCK_S - 5)
    for _ in range(2 * rules.FAILURES_MAX):
        assert await right(platform, client) == 401
    later(monkeypatch, rules.LOCK_S + 1)
    assert await right(platform, client) == 200


async def test_mistakes_of_long_ago_do_not_add_up(
    platform: TestPlatform, client: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await wrong(platform, client, rules.FAILURES_MAX - 1)
    later(monkeypatch, rules.LOCK_S + 1)
    await wrong(platform, client, 1)
    assert await right(platform, client) == 200


async def test_one_client_s_lock_is_not_another_s(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    other = await register(platform)
    await wrong(platform, client, rules.FAILURES_MAX)
    assert await right(platform, other) == 200


async def test_one_place_s_lock_is_not_another_s(
    platform: TestPlatform, client: dict[str, Any]
) -> None:
    await wrong(platform, client, rules.FAILURES_MAX)
    proof = authenticate_client.Proof(client["client_id"], secret=client["client_secret"])
    async with platform.service("identity").sessions() as session:
        found = await authenticate_client.authenticate(
            session, proof, address="203.0.113.7", audiences=[], now=system_now()
        )
    assert found.client_id == client["client_id"]


async def test_many_places_together_lock_a_client_everywhere(
    platform: TestPlatform, client: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FAILURES_ANYWHERE_MAX", 5)

    async def attempt(place: int, secret: str) -> bool:
        proof = authenticate_client.Proof(client["client_id"], secret=secret)
        async with platform.service("identity").sessions() as session:
            try:
                await authenticate_client.authenticate(
                    session, proof, address=f"203.0.113.{place}", audiences=[], now=system_now()
                )
            except rules.OAuthError:
                return False
            finally:
                await session.commit()
            return True

    for place in range(4):
        assert not await attempt(place, "wrong")
    assert await attempt(5, client["client_secret"])
    assert not await attempt(6, "wrong")
    assert not await attempt(7, client["client_secret"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.9, 198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("nameless", "198.51.100.1", "nameless"),
        (None, "198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_our_own_gateway_says_who_calls(
    peer: str | None, forwarded: str, address: str
) -> None:
    trusted = Settings(
        LIANGXIN_TRUSTED_PROXIES="10.0.0.0/24, fd00::/64",
        LIANGXIN_PROFILE="demonstration",
    ).trusted_proxies  # pyright: ignore[reportCallIssue]
    assert rules.caller_address(peer, forwarded, trusted) == address


async def test_who_does_not_exist_can_be_locked_out_as_well_and_is_forgotten(
    platform: TestPlatform,
) -> None:
    nobody = {"client_id": fresh("nobody"), "client_secret": "x"}
    await wrong(platform, nobody, rules.FAILURES_MAX + 1)
    count = text("SELECT count(*) FROM failed_attempt WHERE client_id = :c")
    kept: list[Any] = []
    async with platform.service("identity").sessions() as session:
        kept.append(await session.scalar(count, {"c": nobody["client_id"]}))
        await session.execute(
            text(
                "UPDATE failed_attempt SET failed_at = failed_at - interval '2 days'"
                " WHERE client_id = :c"
            ),
            {"c": nobody["client_id"]},
        )
        await forget_failures(session, "", None)
        kept.append(await session.scalar(count, {"c": nobody["client_id"]}))
    # Once for the place, once for all places.
    assert kept == [2, 0]
