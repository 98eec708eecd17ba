"""What a firm is entitled to, from what its register says; and reading one's own write."""

import asyncio
from typing import Any

import pytest

from services.kernel.ids import new_id
from services.policy.plan.actions.load_library import library
from tests.policy.steps import (
    ON,
    WAN,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    publish,
    register,
    state,
    state_of_day,
)


async def ask(platform: Any, uscc: str, client: str = "auditor", **params: Any) -> Any:
    return await platform.client(client).get(
        f"/v1/policy/firms/{uscc}/entitlements", params={"on": ON, **params}
    )


async def found(platform: Any, uscc: str, programme: str, **params: Any) -> dict[str, Any]:
    answer = await ask(platform, uscc, **params)
    assert answer.status_code == 200, answer.text
    return next(p for p in answer.json()["programmes"] if p["programme"] == programme)


async def test_a_firm_is_told_what_it_is_entitled_to_and_why(platform: Any) -> None:
    uscc = await growing_firm(platform, last_wan=222_050)
    answer = (await ask(platform, uscc)).json()
    growth = next(each for each in answer["programmes"] if each["programme"] == "digital-growth")

    assert (answer["uscc"], answer["on"], answer["year"]) == (uscc, ON, 2025)
    assert answer["facts_known_until"] is not None
    assert (growth["outcome"], growth["amount_fen"]) == ("eligible", 220 * 50_000)
    assert {c["outcome"] for c in growth["conditions"]} == {"true"}
    # Above five hundred million: what waits for its number counts as nothing yet.
    assert answer["combination"]["chosen"] == ["digital-growth", "large-strong"]
    assert answer["combination"]["total_fen"] == 220 * 50_000


async def test_what_one_has_just_written_is_waited_for(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    statement = await state(platform, uscc, 2025, revenue_fen=50_000 * WAN)
    large = await found(platform, uscc, "large-strong", after=statement)
    assert large["outcome"] == "eligible"
    assert large["flags"] == []

    statement = await state(platform, uscc, 2025, revenue_fen=50_000 * WAN - 1)
    assert (await found(platform, uscc, "large-strong", after=statement))["outcome"] == (
        "ineligible"
    )


async def test_a_statement_that_does_not_come_is_not_waited_for_for_ever(platform: Any) -> None:
    uscc = await growing_firm(platform)
    started = asyncio.get_running_loop().time()
    answer = await ask(platform, uscc, after=str(new_id()))
    waited = asyncio.get_running_loop().time() - started

    assert code(answer) == (503, "facts-not-heard-yet")
    assert answer.headers["Retry-After"] == "1"
    assert 1.9 < waited < 4


async def test_the_three_values_of_a_list(platform: Any) -> None:
    listed, unlisted, supplemented = fresh_uscc(), fresh_uscc(), fresh_uscc()
    for uscc in (listed, unlisted, supplemented):
        await register(platform, uscc)
    days: dict[str, Any] = {"valid_from": "2031-01-01", "valid_to": "2031-12-31"}
    name = "ningbo-rd-post-subsidy"

    async def on_list(uscc: str, on: str, after: str) -> str:
        answer = await found(platform, uscc, "rd-matching", on=on, after=after)
        return next(c["outcome"] for c in answer["conditions"] if c["id"] == "on-ningbo-list")

    version = await publish(platform, name, [listed], complete=False, **days)
    assert await on_list(listed, "2031-06-01", version) == "true"
    assert await on_list(unlisted, "2031-06-01", version) == "unknown"
    version = await publish(platform, name, [listed], **days)
    assert await on_list(unlisted, "2031-06-01", version) == "false"
    assert await on_list(unlisted, "2032-01-01", version) == "unknown"
    later = {**days, "valid_from": "2031-03-01"}
    version = await publish(platform, name, [supplemented], complete=False, **later)
    assert await on_list(supplemented, "2031-02-28", version) == "false"
    assert await on_list(supplemented, "2031-03-01", version) == "true"
    assert await on_list(listed, "2031-03-01", version) == "true"
    assert await on_list(unlisted, "2031-03-01", version) == "false"


async def test_city_level_follows_the_fiscal_jurisdiction(platform: Any) -> None:
    ours, foreign = fresh_uscc(), fresh_uscc()
    await register(platform, ours)
    await register(platform, foreign, fiscal_jurisdiction="330201")
    await platform.settle()

    for uscc, expected in ((ours, "true"), (foreign, "false")):
        answer = await found(platform, uscc, "rd-matching")
        outcomes = {c["id"]: c["outcome"] for c in answer["conditions"]}
        assert outcomes["city-level"] == expected


async def test_what_is_missing_is_named_with_year_and_owner(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=2)
    statement = await state_of_day(
        platform, uscc, is_digital_manufacturing=True, is_above_scale=True
    )
    answer = await found(platform, uscc, "digital-growth", after=statement)

    assert answer["outcome"] == "unknown"
    assert answer["missing"] == [
        {"fact": "revenue_fen", "year": 2023, "owner": "经信局"},
        {"fact": "revenue_fen", "year": 2024, "owner": "经信局"},
    ]


async def test_samples_are_marked(platform: Any) -> None:
    uscc = await growing_firm(platform)
    answer = (await ask(platform, uscc, overlay="demonstration")).json()

    assert answer["demonstration"] is True
    assert (await ask(platform, uscc, overlay="wishes")).status_code == 422


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("registrar", 200), ("reviewer", 200), ("approver", 200), ("treasurer", 200),
        ("auditor", 200), ("admin", 200), ("firm-b", 404), ("bank", 403), ("institution", 403),
        ("steward", 403), ("public", 401),
    ],
)  # fmt: skip
async def test_who_reads_a_firms_entitlements(platform: Any, role: str, status: int) -> None:
    uscc = await growing_firm(platform)

    assert (await ask(platform, uscc, client=role)).status_code == status


async def test_a_firm_reads_its_own_however_it_writes_its_code(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)

    for written in (uscc, uscc.lower()):
        answer = await firm.get(f"/v1/policy/firms/{written}/entitlements")
        assert answer.status_code == 200


async def test_a_firm_that_is_not_there_is_not_found(platform: Any) -> None:
    foreign = await ask(platform, fresh_uscc(), client="firm-b")
    unknown = await ask(platform, fresh_uscc())

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json()["detail"] == unknown.json()["detail"]


async def test_a_caller_asks_about_some_programmes_only(platform: Any) -> None:
    uscc = await growing_firm(platform)
    path = f"/v1/policy/firms/{uscc}/entitlements"
    client = platform.client("reviewer")
    some = await client.get(path, params={"programme": ["rd-matching", "digital-growth"]})
    wrong = await client.get(path, params={"programme": ["rd-matching", "digital-grow"]})

    programmes = {each["programme"] for each in some.json()["programmes"]}
    assert programmes == {"rd-matching", "digital-growth"}
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/programme/1"
    assert "digital-growth" in wrong.json()["errors"][0]["detail"]


async def test_what_is_confidential_is_for_the_firm_and_its_department_only(platform: Any) -> None:
    confidential = {
        name
        for name, each in library().programmes.items()
        if each.compiled.programme.confidential and each.is_for_firms
    }
    assert confidential
    uscc = await growing_firm(platform)
    path = f"/v1/policy/firms/{uscc}/entitlements"
    shown = (await platform.client("reviewer").get(path)).json()["programmes"]
    own = await (await firm_client(platform, uscc)).get(path)

    assert confidential.isdisjoint(each["programme"] for each in shown)
    assert confidential <= {each["programme"] for each in own.json()["programmes"]}
