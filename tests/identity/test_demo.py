"""The demonstration's clock and provider, which exist nowhere else."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from services.identity.service import SERVICE
from services.kernel.app import asgi_app
from services.kernel.clock import system_now
from services.kernel.runtime import Runtime
from services.kernel.settings import Profile
from tests.conftest import TestPlatform
from tests.identity.steps import claims_of, exchange, status_with

CLOCK = "/v1/demo/clock"


@pytest.fixture
async def clock(platform: TestPlatform) -> AsyncIterator[None]:
    yield
    now = {"now": system_now().isoformat()}
    await platform.client("admin").post(CLOCK, json=now)
    await platform.settle()


async def set_clock(platform: TestPlatform, now: str, name: str = "admin") -> httpx.Response:
    return await platform.client(name).post(CLOCK, json={"now": now})


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("now", ["2026-11-09T23:00:00+08:00", "2031-01-01T00:00:00Z"])
async def test_the_clock_moves_in_either_direction_for_every_service_at_once(
    platform: TestPlatform, now: str
) -> None:
    answer = await set_clock(platform, now)
    assert answer.status_code == 200
    assert answer.json()["demonstration"] is True
    for runtime in platform._platform.runtimes.values():
        assert abs(runtime.clock.now() - datetime.fromisoformat(now)) < timedelta(seconds=3)
    read = (await platform.client("firm").get(CLOCK)).json()
    assert abs(datetime.fromisoformat(read["now"]) - datetime.fromisoformat(now)) < timedelta(
        seconds=5
    )
    await platform.settle()
    for runtime in platform._platform.runtimes.values():
        assert abs(runtime.clock.now() - datetime.fromisoformat(now)) < timedelta(seconds=30)


@pytest.mark.usefixtures("clock")
async def test_the_last_of_several_moves_counts(platform: TestPlatform) -> None:
    for year in (2027, 2024, 2029):
        await set_clock(platform, f"{year}-05-01T12:00:00+08:00")
    await platform.settle()
    for runtime in platform._platform.runtimes.values():
        assert runtime.clock.now().year == 2029


@pytest.mark.usefixtures("clock")
async def test_tokens_and_the_people_behind_them_keep_system_time(platform: TestPlatform) -> None:
    held = await platform.token("auditor")
    for now in ("2026-01-01T00:00:00+08:00", "2030-01-01T00:00:00+08:00"):
        await set_clock(platform, now)
        await platform.settle()
        fresh = await platform.token("auditor")
        assert abs(claims_of(fresh)["iat"] - system_now().timestamp()) < 5
        assert [await status_with(platform, t) for t in (held, fresh)] == [200, 200]
        assert (await exchange(platform, await signed_in(platform, "demo-person-1"))).is_success


async def signed_in(platform: TestPlatform, subject: str) -> str:
    answer = await platform.client("mobile").post(
        "/v1/demo/subject-tokens", json={"subject": subject}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["demonstration"] is True
    return answer.json()["subject_token"]


async def test_the_demonstration_s_person_acts_for_its_firm(platform: TestPlatform) -> None:
    person = platform.credentials.clients["mobile"]["person"]
    answer = await exchange(platform, await signed_in(platform, person))
    assert answer.status_code == 200, answer.text
    assert claims_of(answer.json()["access_token"])["uscc"] == platform.uscc("firm")
    stranger = await exchange(platform, await signed_in(platform, "somebody-else"))
    assert stranger.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "now", ["2026-11-09T23:00:00", "1950-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "soon", ""]
)
async def test_a_clock_that_cannot_be_set_so_is_refused(platform: TestPlatform, now: str) -> None:
    offset = platform.service("identity").clock.offset
    assert (await set_clock(platform, now)).status_code == 422
    assert platform.service("identity").clock.offset == offset


async def test_only_an_administrator_moves_the_clock(platform: TestPlatform) -> None:
    for name in ("firm", "registrar", "auditor", "approver", "mobile"):
        assert (await set_clock(platform, "2030-01-01T00:00:00Z", name)).status_code == 403
    assert (await set_clock(platform, "2030-01-01T00:00:00Z", "public")).status_code == 401


async def test_elsewhere_neither_exists_whatever_is_sent(platform: TestPlatform) -> None:
    runtime = platform.service("identity")
    settings = runtime.settings.model_copy(update={"profile": Profile.PRODUCTION})
    production = Runtime(SERVICE, settings, runtime.bus)
    transport = httpx.ASGITransport(app=asgi_app(SERVICE, production))
    headers = {"Authorization": f"Bearer {await platform.token('admin')}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answers = [
            await client.get(CLOCK, headers=headers),
            await client.post(CLOCK, json={"now": "2030-01-01T00:00:00Z"}, headers=headers),
            await client.post(CLOCK, json={"bad": 1}, headers=headers),
            await client.post("/v1/demo/subject-tokens", json={"subject": "x"}),
            await client.post("/v1/demo/subject-tokens", json={}),
        ]
    await production.engine.dispose()
    assert [a.status_code for a in answers] == [404] * 5
    assert {a.json()["code"] for a in answers} == {"not-found"}


@pytest.mark.parametrize("now", ["2026-12-01", "2026-12-01T09:00:00", "tomorrow", True])
async def test_a_time_without_its_zone_is_told_what_it_lacks(
    platform: TestPlatform, now: object
) -> None:
    answer = await platform.client("admin").post("/v1/demo/clock", json={"now": now})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/now"
    assert "须为带时区的时刻" in answer.json()["detail"]
