"""One event for many cases: each under its own rules, each with its answer, each moved once."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update

from services.kernel.actors import Actor
from services.kernel.clock import system_now
from services.kernel.errors import Invalid, TooMany
from services.kernel.ids import new_id
from services.kernel.tables import Operation
from services.kernel.unit import commit
from services.policy.case_batches.actions import step_batch as stepping
from services.policy.case_batches.actions.begin_batch import OPERATION
from services.policy.case_batches.rules import (
    EVENTS,
    ITEMS_A_STEP,
    ITEMS_MAX,
    OPEN_BATCHES_MAX,
    lock_order,
    require_officers_event,
    require_once,
    require_room,
)
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import CaseEvent
from tests.policy.desk_steps import batch, copies, ended, item, send_batch
from tests.policy.steps import (
    budget,
    case_body,
    client_of,
    code,
    firm_client,
    growing_firm,
    move,
    open_case,
    propose,
    until,
)


@pytest.fixture(scope="module")
async def uscc(platform: Any) -> str:
    return await growing_firm(platform)


@pytest.fixture(scope="module")
async def firm(platform: Any, uscc: str) -> httpx.AsyncClient:
    return await firm_client(platform, uscc)


async def submitted(platform: Any, firm: Any, uscc: str, years: range) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for year in years:
        body = case_body(uscc, year=year)
        made = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
        assert made.status_code == 201, made.text
        cases.append(await move(platform, firm, made.json(), "submit"))
    return cases


def test_officers_do_batches_of_what_officers_do() -> None:
    require_officers_event(CaseEvent.ACCEPT)
    assert CaseEvent.DECIDE in EVENTS
    for event in (CaseEvent.SUBMIT, CaseEvent.WITHDRAW, CaseEvent.CONFIRM):
        with pytest.raises(Invalid, match="batch is for"):
            require_officers_event(event)


def test_a_case_is_named_once_and_locked_in_the_order_of_ids() -> None:
    first, second = new_id(), new_id()
    require_once([first, second])
    with pytest.raises(Invalid) as refused:
        require_once([first, second, first])
    assert refused.value.errors[0].pointer == "/items/2/case"
    assert lock_order([second, first]) == [1, 0]


def test_a_person_has_few_batches_under_way() -> None:
    require_room(OPEN_BATCHES_MAX - 1)
    with pytest.raises(TooMany):
        require_room(OPEN_BATCHES_MAX)


async def test_every_item_is_answered_and_a_bad_one_stops_no_other(
    platform: Any, firm: httpx.AsyncClient, uscc: str
) -> None:
    good, stale, drafted = await submitted(platform, firm, uscc, range(2001, 2004))
    await move(platform, platform.client("reviewer"), drafted, "return")
    foreign = new_id()
    items = [
        item(good), {**item(stale), "version": 9}, item(drafted),
        {"case": str(foreign), "version": 1}, {**item(good), "case": str(new_id())},
    ]  # fmt: skip
    done = await batch(platform, platform.client("reviewer"), "accept", items, note="批量受理")

    assert (done["state"], done["done"], done["total"], done["error_count"]) == (
        "finished", 5, 5, 4,
    )  # fmt: skip
    result = done["result"]
    assert (result["moved"], result["refused"]) == (1, 4)
    assert [each["case"] for each in result["items"]] == [each["case"] for each in items]
    assert result["items"][0] == {
        "case": good["id"], "moved": True, "state": "accepted", "version": 3, "problem": None,
    }  # fmt: skip
    codes = [each["problem"]["code"] for each in result["items"][1:]]
    assert codes == ["version-mismatch", "event-not-allowed", "not-found", "not-found"]
    assert "已退回补正" in result["items"][2]["problem"]["detail"]
    assert {(error["line"], error["code"]) for error in done["errors"]} == {
        (2, "version-mismatch"), (3, "event-not-allowed"), (4, "not-found"), (5, "not-found"),
    }  # fmt: skip
    history = (await firm.get(f"/v1/policy/cases/{good['id']}/history")).json()["items"]
    assert (history[-1]["event"], history[-1]["note"]) == ("accept", "批量受理")
    seen = (await firm.get(f"/v1/policy/cases/{stale['id']}")).json()
    assert (seen["state"], seen["version"]) == ("submitted", 2)


async def test_refused_items_are_on_record(
    platform: Any, firm: httpx.AsyncClient, uscc: str
) -> None:
    (case,) = await submitted(platform, firm, uscc, range(2004, 2005))
    outsider = platform.client("reviewer-b")
    done = await batch(platform, outsider, "accept", [item(case)])

    assert done["result"]["items"][0]["problem"]["code"] == "not-found"
    query = text(
        "SELECT count(*) FROM audit_entry WHERE outcome = 'refused' AND actor = 'reviewer-b'"
        " AND action = 'case.accept' AND thing_id = :id"
    )
    async with platform.service("policy").engine.connect() as connection:
        assert await connection.scalar(query, {"id": case["id"]}) == 1


async def test_four_eyes_hold_in_a_batch(platform: Any, uscc: str, firm: Any) -> None:
    await budget(platform)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    both = await client_of(platform, "batch-both", roles=["reviewer", "approver"], department="jxj")
    async with platform.service("policy").sessions() as session, session.begin():
        # As if this person had been the reviewer.
        await session.execute(
            update(Case).where(Case.id == case["id"]).values(reviewed_by="batch-both")
        )
        session.add(
            CaseHistory(
                id=new_id(), case_id=case["id"], number=90, event="review", from_state=None,
                to_state="in-review", version=1, role="reviewer", actor="batch-both", note="",
                data={}, at=system_now(),
            )
        )  # fmt: skip
    refused = await batch(platform, both, "decide", [item(case, outcome="approve")])
    assert refused["result"]["items"][0]["problem"]["code"] == "four-eyes"
    bad = await batch(platform, platform.client("approver"), "decide", [item(case)])
    problem = bad["result"]["items"][0]["problem"]
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/data/outcome")
    done = await batch(platform, platform.client("approver"), "decide",
                       [item(case, outcome="approve")])  # fmt: skip
    assert done["result"]["items"][0]["state"] == "decided"
    await until(platform, case, lambda c: c["state"] == "awarded")


async def test_what_fits_no_case_is_refused_before_any_is_touched(
    platform: Any, firm: httpx.AsyncClient
) -> None:
    reviewer, one = platform.client("reviewer"), {"case": str(new_id()), "version": 1}
    many = [{"case": str(new_id()), "version": 1} for _ in range(ITEMS_MAX + 1)]
    for event, items, expected in (
        ("submit", [one], (422, "event-not-batched")),
        ("decide", [one], (403, "role-required")),
        ("accept", [one, one], (422, "case-twice")),
        ("accept", [], (422, "invalid")),
        ("accept", many, (422, "invalid")),
    ):
        answer = await send_batch(platform, reviewer, event, items)
        assert code(answer) == expected, answer.text
    without = await reviewer.post(
        "/v1/policy/case-batches", json={"event": "accept", "items": [one]}
    )
    assert without.status_code == 400
    assert (await send_batch(platform, firm, "accept", [one])).status_code == 403


async def test_the_same_key_gets_the_same_operation(
    platform: Any, firm: httpx.AsyncClient, uscc: str
) -> None:
    (case,) = await submitted(platform, firm, uscc, range(2005, 2006))
    key, reviewer = platform.key(), platform.client("reviewer")
    first = await send_batch(platform, reviewer, "accept", [item(case)], headers=key)
    done = await ended(reviewer, first.headers["location"])
    again = await send_batch(platform, reviewer, "accept", [item(case)], headers=key)

    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.headers["location"], again.content) == (first.headers["location"], first.content)
    assert done["result"]["moved"] == 1
    other = await send_batch(platform, reviewer, "return", [item(case)], headers=key)
    assert code(other) == (422, "idempotency-key-reused")


async def test_a_batch_that_was_killed_goes_on_where_it_was(
    platform: Any, firm: httpx.AsyncClient, uscc: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = await submitted(platform, firm, uscc, range(2006, 2007))
    ids = await copies(platform, case, ITEMS_A_STEP + 3)
    runtime = platform.service("policy")
    actor = {
        "subject": "reviewer", "client_id": "reviewer", "roles": ["reviewer"], "scopes": [],
        "department": "jxj", "uscc": None, "town_code": None, "bank": None, "institution": None,
        "binding": None,
    }  # fmt: skip
    items = [{"case": each, "version": case["version"], "data": {}} for each in ids]
    row = Operation(
        id=new_id(), kind=OPERATION, state="running", owner="reviewer", actor=actor,
        input={"event": "accept", "note": "", "items": items}, total=len(ids), done=0,
        error_count=0, created_at=system_now(),
        # Held by a process that is about to die: no other takes it meanwhile.
        lease_until=system_now() + timedelta(seconds=60),
    )  # fmt: skip
    async with runtime.sessions() as session, session.begin():
        session.add(row)
    before = await moved_among(platform, ids)

    async def die(*given: Any, **named: Any) -> Any:
        if next(steps) == ITEMS_A_STEP // 2:
            raise KeyboardInterrupt
        return await moving(*given, **named)

    steps, moving = iter(range(1000)), stepping.move_case
    monkeypatch.setattr(stepping, "move_case", die)
    async with runtime.sessions() as session:
        operation = await session.get_one(Operation, row.id)
        with pytest.raises(KeyboardInterrupt):
            await step(session, operation, runtime)
    assert await moved_among(platform, ids) == before == 0
    monkeypatch.setattr(stepping, "move_case", moving)
    async with runtime.sessions() as session:
        operation = await session.get_one(Operation, row.id)
        made = await step(session, operation, runtime)
        operation.done, operation.lease_until = made.done, None
        await session.flush()
        await commit(session)
    found = await ended(platform.client("reviewer"), f"/v1/policy/operations/{row.id}")

    assert (found["done"], found["result"]["moved"]) == (len(ids), len(ids))
    assert await moved_among(platform, ids) == len(ids)


async def step(session: Any, operation: Operation, runtime: Any) -> Any:
    actor = Actor.from_json(operation.actor)
    return await stepping.step_batch(session, operation, actor, runtime.clock.now())


async def moved_among(platform: Any, ids: list[str]) -> int:
    """Count the acceptances that are on record for these cases."""
    async with platform.service("policy").sessions() as session:
        statement = select(CaseHistory.id).where(
            CaseHistory.case_id.in_(ids), CaseHistory.event == "accept"
        )
        return len((await session.scalars(statement)).all())


async def test_two_batches_over_the_same_cases_move_each_once(
    platform: Any, firm: httpx.AsyncClient, uscc: str
) -> None:
    (case,) = await submitted(platform, firm, uscc, range(2007, 2008))
    ids = await copies(platform, case, 12)
    other = await client_of(platform, "batch-rival", roles=["reviewer"], department="jxj")
    items = [{"case": each, "version": case["version"]} for each in ids]
    one, two = await asyncio.gather(
        batch(platform, platform.client("reviewer"), "accept", items),
        batch(platform, other, "accept", list(reversed(items))),
    )

    assert one["result"]["moved"] + two["result"]["moved"] == len(ids)
    refused = [
        each["problem"]["code"]
        for found in (one, two)
        for each in found["result"]["items"]
        if not each["moved"]
    ]
    assert set(refused) <= {"event-not-allowed", "contention"}
    assert await moved_among(platform, ids) == len(ids)


async def test_a_walk_of_many_cases_by_batches(
    platform: Any, firm: httpx.AsyncClient, uscc: str
) -> None:
    """Accept, review and propose many cases by three requests."""
    case = (await submitted(platform, firm, uscc, range(2024, 2025)))[0]
    ids = await copies(platform, case, 3)
    reviewer, version = platform.client("reviewer"), case["version"]
    for event in ("accept", "review"):
        items = [{"case": each, "version": version} for each in ids]
        done = await batch(platform, reviewer, event, items)
        assert done["result"]["moved"] == 3, done
        version += 1
    assert {each["state"] for each in done["result"]["items"]} == {"in-review"}
