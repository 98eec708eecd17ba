"""Matching: where firms stand, who is told what and when, and what sets it going."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from services.kernel.outbox import announce
from services.policy.matches import rules
from services.policy.matches.actions import match_firms
from services.policy.matches.actions.restate_matches import restate_matches
from services.policy.plan.actions.load_library import library
from tests.policy.review_steps import end_calls
from tests.policy.steps import (
    GROWTH,
    WAN,
    approve,
    budget,
    client_of,
    firm_client,
    fresh_uscc,
    growing_firm,
    open_case,
    propose,
    publish,
    register,
    reset_clock,
    set_clock,
    state,
    state_of_day,
)

WAIT_S_MAX = 20
MATCHING, LARGE = "rd-matching", "large-strong"
_TOLD = """
SELECT payload::jsonb FROM outbox WHERE aggregate = :aggregate AND type = :type ORDER BY seq
"""


async def told(platform: Any, uscc: str) -> list[dict[str, Any]]:
    """Give what was announced of a firm's standing, in order."""
    values = {"aggregate": f"firm:{uscc}", "type": "liangxin.policy.firm.matched.v1"}
    async with platform.service("policy").sessions() as session:
        return [row[0] for row in await session.execute(text(_TOLD), values)]


def changes(event: dict[str, Any]) -> dict[str, str]:
    return {each["programme"]: each["change"] for each in event["changes"]}


async def stands(platform: Any, uscc: str, programme: str = GROWTH) -> dict[str, Any] | None:
    answer = await platform.client("auditor").get(f"/v1/policy/firms/{uscc}/matches")
    assert answer.status_code == 200, answer.text
    found = [each for each in answer.json()["items"] if each["programme"] == programme]
    return found[0] if found else None


async def until_stands(platform: Any, uscc: str, holds: Any, programme: str = GROWTH) -> Any:
    """Wait for what a timer or a backlog brings about."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        found = await stands(platform, uscc, programme)
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def test_a_firm_is_told_what_it_is_newly_entitled_to(platform: Any) -> None:
    uscc = await growing_firm(platform)
    found = await stands(platform, uscc)
    assert found is not None
    assert (found["kind"], found["outcome"], found["amount_status"]) == (
        "entitled", "eligible", "set",
    )  # fmt: skip
    assert found["amount_fen"] > 0
    assert found["version"] == library().programmes[GROWTH].version
    events = await told(platform, uscc)
    assert "newly-entitled" in [changes(event).get(GROWTH) for event in events]
    versions = [event["version"] for event in events]
    assert versions == list(range(1, len(versions) + 1))
    (last,) = [each for each in events[-1]["programmes"] if each["programme"] == GROWTH]
    assert (last["kind"], last["amount_fen"]) == ("entitled", found["amount_fen"])


async def test_what_was_told_is_not_told_again(platform: Any) -> None:
    uscc = await growing_firm(platform)
    before = await told(platform, uscc)
    await state(platform, uscc, 2025, export_fen=5)
    await platform.settle()
    assert await told(platform, uscc) == before


async def test_a_fact_that_moves_the_amount_is_told(platform: Any) -> None:
    uscc = await growing_firm(platform, 202_000)
    was = await stands(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await platform.settle()
    now = await stands(platform, uscc)
    event = (await told(platform, uscc))[-1]
    assert was != now
    assert changes(event)[GROWTH] in ("changed", "newly-entitled")


async def test_an_unknown_firm_and_a_foreign_one_are_not_shown(platform: Any) -> None:
    uscc = await growing_firm(platform)
    own = await firm_client(platform, uscc)
    other = fresh_uscc()
    foreign = await firm_client(platform, other)
    assert (await own.get(f"/v1/policy/firms/{uscc.lower()}/matches")).status_code == 200
    assert (await foreign.get(f"/v1/policy/firms/{uscc}/matches")).status_code == 404
    listed = await own.get("/v1/policy/matches", params={"limit": 200})
    assert {each["uscc"] for each in listed.json()["items"]} == {uscc}
    assert (await foreign.get("/v1/policy/matches")).json()["items"] == []
    nobody = await platform.client("auditor").get(f"/v1/policy/firms/{fresh_uscc()}/matches")
    assert nobody.status_code == 404


async def test_a_near_miss_says_what_lacks_how_much_and_what_it_is_worth(platform: Any) -> None:
    await end_calls(platform, GROWTH)
    uscc = await growing_firm(platform, 219_000)
    found = await stands(platform, uscc)
    assert found is not None
    assert (found["kind"], found["outcome"], found["amount_fen"]) == ("near", "ineligible", 0)
    (lack,) = found["near"]
    assert (lack["condition"], lack["fact"]) == ("growth", "revenue_fen - prior(revenue_fen, 1)")
    assert lack["lacking"] == 1_000 * WAN
    # 220,000 万元 are 20,000 more than the year before: 500 yuan for each million.
    assert (found["worth_fen"], found["worth_status"]) == (200 * 50_000, "set")
    assert changes((await told(platform, uscc))[-1])[GROWTH] == "near-miss"
    assert found["until_day"] == library().programmes[GROWTH].plan.in_force_to


async def test_what_fails_by_far_is_not_kept(platform: Any) -> None:
    uscc = await growing_firm(platform, 150_000)
    assert await stands(platform, uscc) is None
    assert all(
        each["programme"] != GROWTH for each in (await told(platform, uscc))[-1]["programmes"]
    )


async def test_an_unknown_names_the_fact_its_year_and_its_owner(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2023, revenue_fen=150_000 * WAN)
    await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    await platform.settle()
    found = await stands(platform, uscc)
    assert found is not None
    assert (found["kind"], found["amount_fen"]) == ("unknown", None)
    (lack,) = found["missing"]
    assert (lack["fact"], lack["year"]) == ("revenue_fen", 2024)
    assert lack["owner"]


async def test_a_fact_that_falls_away_ends_the_entitlement(platform: Any) -> None:
    uscc = await growing_firm(platform)
    await state(platform, uscc, 2025, revenue_fen=100_000 * WAN)
    await platform.settle()
    assert await stands(platform, uscc) is None
    assert changes((await told(platform, uscc))[-1])[GROWTH] == "no-longer-entitled"


async def test_the_day_on_which_facts_change_matches_the_firm_again(platform: Any) -> None:
    uscc = await growing_firm(platform)
    today = (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    end = f"{today[:4]}-12-30"
    await state_of_day(platform, uscc, valid_from=end, is_above_scale=False)
    await platform.settle()
    assert (await stands(platform, uscc) or {})["kind"] == "entitled"
    try:
        await set_clock(platform, f"{end}T00:00:01+08:00")
        await until_stands(platform, uscc, lambda found: found is None)
        assert changes((await told(platform, uscc))[-1])[GROWTH] == "no-longer-entitled"
        # A clock that is put back finds the facts of before.
        await set_clock(platform, f"{today}T00:00:01+08:00")
        await until_stands(platform, uscc, lambda found: found and found["kind"] == "entitled")
    finally:
        await reset_clock(platform)


async def test_a_list_that_counts_matches_firms_under_what_rests_on_it(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, rd_wan in ((2024, 1_000), (2025, 1_200)):
        await state(
            platform, uscc, year, rd_internal_fen=rd_wan * WAN, revenue_fen=30_000 * WAN,
            ningbo_rd_award_fen=100 * WAN,
        )  # fmt: skip
    await state_of_day(platform, uscc, is_above_scale=True)
    await platform.settle()
    before = await stands(platform, uscc, MATCHING)
    assert before is None or before["kind"] == "unknown"
    await publish(platform, "ningbo-rd-post-subsidy", [uscc])
    await platform.settle()
    found = await stands(platform, uscc, MATCHING)
    assert found is not None
    assert (found["kind"], found["amount_status"]) == ("entitled", "pending-parameter")
    assert changes((await told(platform, uscc))[-1])[MATCHING] == "newly-entitled"


async def test_an_award_that_is_once_ever_ends_the_entitlement(platform: Any) -> None:
    """What was decided is received; what is revoked may be had again."""
    uscc = await growing_firm(platform)
    await budget(platform)
    client = await firm_client(platform, uscc)
    case = await propose(platform, client, await open_case(platform, client, uscc))
    async with platform.service("policy").sessions() as session:
        due = text("SELECT count(*) FROM match_due WHERE uscc = :uscc")
        assert await session.scalar(due, {"uscc": uscc}) == 0
    case = await approve(platform, case)
    await platform.settle()
    listed = {"programme": GROWTH, "outcome": "eligible", "limit": 200}
    for applied, is_there in ((True, True), (False, False)):
        found = await every(platform, **listed, applied=applied)
        assert (uscc in {each["uscc"] for each in found}) is is_there


async def every(platform: Any, **params: Any) -> list[dict[str, Any]]:
    """Read a whole list, page by page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await platform.client("reviewer").get(
            "/v1/policy/matches", params={**params, **cursor}
        )
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_pages_give_every_match_once(platform: Any) -> None:
    usccs = {await growing_firm(platform, wan) for wan in (219_000, 230_000, 240_000)}
    small = await every(platform, limit=1)
    keys = [(each["kind"], each["programme"], each["uscc"]) for each in small]
    assert keys == sorted(set(keys))
    assert usccs <= {each["uscc"] for each in small}
    near = await every(platform, near=True, limit=200)
    assert {each["outcome"] for each in near} == {"ineligible"}
    assert {each["kind"] for each in await every(platform, near=False)} <= {"entitled", "unknown"}
    assert await every(platform, outcome="eligible", near=True) == []
    for each in await every(platform, programme=GROWTH, outcome="unknown"):
        assert (each["programme"], each["kind"]) == (GROWTH, "unknown")


async def test_a_number_set_by_two_people_moves_pending_to_set_and_is_told(platform: Any) -> None:
    day = "2044-03-01"
    try:
        await set_clock(platform, f"{day}T09:00:00+08:00")
        uscc = fresh_uscc()
        await register(platform, uscc)
        await state(platform, uscc, 2043, revenue_fen=60_000 * WAN)
        await platform.settle()
        found = await stands(platform, uscc, LARGE)
        assert found is not None
        assert (found["kind"], found["amount_status"]) == ("entitled", "pending-parameter")
        body = {"parameter": f"{LARGE}.award_fen", "value": 7 * WAN, "valid_from": day}
        proposed = await platform.client("reviewer").post(
            "/v1/policy/parameters", json={**body, "source": "测试文件"}
        )
        assert proposed.status_code == 201, proposed.text
        await platform.settle()
        assert (await stands(platform, uscc, LARGE) or {})["amount_status"] == "pending-parameter"
        approved = await platform.client("approver").post(
            f"/v1/policy/parameters/{proposed.json()['id']}/events", json={"event": "approve"}
        )
        assert approved.status_code == 200, approved.text
        operation = f"/v1/policy/operations/{approved.json()['operation']}"
        await platform.settle()
        followed = (await platform.client("approver").get(operation)).json()
        assert followed["state"] == "finished"
        assert followed["done"] == followed["total"] >= 1
        assert followed["result"]["programmes"] == [LARGE]
        assert (await platform.client("reviewer").get(operation)).status_code == 404
        found = await stands(platform, uscc, LARGE)
        assert found is not None
        assert (found["amount_fen"], found["amount_status"]) == (7 * WAN, "set")
        event = (await told(platform, uscc))[-1]
        assert changes(event) == {LARGE: "changed"}
    finally:
        await reset_clock(platform)


async def test_what_fails_midway_is_done_later_and_told_once(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A death after the rows were written and before the commit leaves the mark where it was."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    before = await told(platform, uscc)
    calls = 0

    def fails_twice(*_: Any, **__: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise RuntimeError("the process dies")
        return announce(*_, **__)

    monkeypatch.setattr(match_firms, "announce", fails_twice)
    await state(platform, uscc, 2025, revenue_fen=60_000 * WAN)
    await platform.settle()
    assert calls >= 3
    events = (await told(platform, uscc))[len(before) :]
    assert [changes(event).get(LARGE) for event in events] == ["newly-entitled"]


async def test_a_firm_that_rules_stumble_over_stops_no_other(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = fresh_uscc(), fresh_uscc()
    ask = rules.days_of

    def stumbles(known: Any, on: Any) -> Any:
        if known.uscc == bad:
            raise ArithmeticError
        return ask(known, on)

    monkeypatch.setattr(rules, "days_of", stumbles)
    for uscc in (bad, good):
        await register(platform, uscc)
        await state(platform, uscc, 2025, revenue_fen=60_000 * WAN)
    await platform.settle()
    assert await stands(platform, good, LARGE) is not None
    assert await stands(platform, bad, LARGE) is None
    put_off = "SELECT count(*) FROM match_due WHERE uscc = :uscc AND not_before > now()"
    async with platform.service("policy").sessions() as session:
        assert await session.scalar(text(put_off), {"uscc": bad}) == 1
        await session.execute(text("DELETE FROM match_due WHERE uscc = :uscc"), {"uscc": bad})
        await session.commit()


async def test_restating_tells_every_firm_as_it_stands(platform: Any) -> None:
    uscc = await growing_firm(platform)
    async with platform.service("policy").sessions() as session:
        restated = {event.uscc: event async for event in restate_matches(session)}
    last = (await told(platform, uscc))[-1]
    event = restated[uscc].model_dump(mode="json")
    assert (event["version"], event["programmes"]) == (last["version"], last["programmes"])
    assert event["changes"] == []


async def test_what_is_confidential_is_for_the_firm_and_its_department(platform: Any) -> None:
    uscc = await growing_firm(platform)
    own = await firm_client(platform, uscc)
    hidden = next(
        each
        for each in library().programmes.values()
        if each.compiled.programme.confidential and each.is_for_firms
    )
    row = """
        INSERT INTO match VALUES
            (:uscc, :programme, 'unknown', NULL, 'unknown-fact', '[]', '[]', NULL, 'v', 'b', 'd',
             current_date)
        ON CONFLICT DO NOTHING
    """
    async with platform.service("policy").sessions() as session:
        await session.execute(text(row), {"uscc": uscc, "programme": hidden.id})
        await session.commit()
    department = await client_of(
        platform, f"hidden-{uscc.lower()}", roles=["reviewer"],
        department=min(hidden.department_codes),
    )  # fmt: skip
    outsider = await client_of(
        platform, f"other-{uscc.lower()}", roles=["reviewer"], department="none"
    )
    for client, sees in ((own, True), (department, True), (outsider, False)):
        answer = await client.get(f"/v1/policy/firms/{uscc}/matches")
        assert (hidden.id in {each["programme"] for each in answer.json()["items"]}) is sees
        listed = await client.get(
            "/v1/policy/matches", params={"programme": hidden.id, "limit": 200}
        )
        assert (uscc in {each["uscc"] for each in listed.json()["items"]}) is sees
