"""Public notice and objections over the running platform: WC-26, and what must not happen."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from services.kernel.actors import PUBLIC
from services.kernel.unit import commit
from services.policy.notices.actions.end_notice import end_notice
from services.policy.notices.actions.receive_objection import receive_objection
from services.policy.notices.models import NoticeItem
from services.policy.notices.schemas import NewObjection
from services.policy.plan.actions.load_library import library
from tests.policy.notice_steps import (
    AFTER,
    DISMISSED,
    LAST_NIGHT,
    NOTICES,
    PUBLISHED,
    case_now,
    events,
    handle,
    in_notice,
    notice_of,
    object_to,
    read,
    said,
    until_event,
)
from tests.policy.steps import (
    approve,
    client_of,
    code,
    move,
    reset_clock,
    set_clock,
    try_move,
    until,
)

APPROVE, REFUSE = {"outcome": "approve"}, {"outcome": "refuse"}


@pytest.fixture(autouse=True)
async def _published_day(platform: Any) -> AsyncIterator[None]:
    await set_clock(platform, PUBLISHED)
    yield
    await reset_clock(platform)


async def test_wc_26_suspended_at_night_resumed_and_decided(platform: Any) -> None:
    case, _ = await in_notice(platform)
    assert case["notice"]["to"] == "2026-11-09"
    assert case["notice"]["decision_from"] == "2026-11-10"
    shown = await notice_of(platform, case)
    assert (shown["state"], shown["item_count"], shown["amount_fen"]) == ("running", 1, 50_000_000)
    assert shown["objections"]["until"] == "2026-11-10T00:00:00+08:00"
    assert shown["department"] == library().departments["jxj"].name

    await set_clock(platform, LAST_NIGHT)
    answer = await object_to(platform, case)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert receipt["suspends"] is True
    assert receipt["receipt"].startswith("YY20261109-")
    assert (await case_now(platform, case))["state"] == "suspended"

    # The days are over, and nothing is decided.
    await set_clock(platform, AFTER)
    refused = await try_move(platform, platform.client("approver"), case, "decide", data=APPROVE)
    assert code(refused) == (409, "event-not-allowed")
    (item,) = (shown := await notice_of(platform, case))["items"]
    assert (shown["state"], item["state"], item["days_left"]) == ("suspended", "suspended", 1)
    assert (item["decision_from"], item["result_due_on"]) == (None, None)
    listed = await read(platform, NOTICES, limit=200)
    assert shown["id"] in {each["id"] for each in listed["items"]}

    await set_clock(platform, DISMISSED)
    handled = await handle(platform, receipt, "dismiss")
    assert handled.status_code == 200, handled.text
    (item,) = (await notice_of(platform, case))["items"]
    assert (item["state"], item["from"], item["to"]) == ("listed", "2026-11-13", "2026-11-13")
    assert (item["decision_from"], item["result_due_on"]) == ("2026-11-16", "2026-12-11")

    # The day after it ends is a Saturday.
    await set_clock(platform, "2026-11-15T12:00:00+08:00")
    await until_event(platform, case, "notice-ended")
    refused = await try_move(platform, platform.client("approver"), case, "decide", data=APPROVE)
    assert code(refused) == (409, "notice-running")
    await set_clock(platform, "2026-11-16T00:00:00+08:00")
    await approve(platform, case)
    (item,) = (shown := await notice_of(platform, case))["items"]
    assert (shown["state"], item["result"]["outcome"]) == ("ended", "approved")
    assert item["result"]["on"] == "2026-11-16"
    ended = await read(platform, NOTICES, state="ended", limit=200)
    assert shown["id"] in {each["id"] for each in ended["items"]}
    assert (await events(platform, case))[-6:] == [
        "notice-begun", "suspended", "objection-dismissed", "notice-ended", "decide", "awarded",
    ]  # fmt: skip


async def test_a_late_objection_is_kept_and_suspends_nothing(platform: Any) -> None:
    case, _ = await in_notice(platform)
    await set_clock(platform, AFTER)
    late = await object_to(platform, case)
    assert code(late) == (409, "objection-late")
    assert "视为无异议" in late.json()["detail"]
    again = await object_to(platform, case)
    assert again.headers["location"] == late.headers["location"]
    assert (await case_now(platform, case))["state"] == "in-notice"

    path = f"{NOTICES}/{case['notice']['id']}/objections"
    (kept,) = (await read(platform, path, "reviewer"))["items"]
    assert (kept["state"], kept["name"], kept["allowed_events"]) == ("late", "张三丰", [])
    refused = await handle(platform, kept, "uphold")
    assert code(refused) == (409, "objection-closed")
    await approve(platform, case)

    async with platform.service("policy").sessions() as session:
        audited = await session.scalars(
            text("SELECT detail FROM audit_entry WHERE thing = 'objection' AND thing_id = :id"),
            {"id": kept["id"]},
        )
    assert [json.loads(each)["state"] for each in audited] == ["late"]


async def test_upheld_the_item_leaves_the_list_and_the_case_is_reviewed_again(
    platform: Any,
) -> None:
    case, _ = await in_notice(platform)
    objection = (await object_to(platform, case)).json()
    assert (await handle(platform, objection, "uphold")).status_code == 200
    now = await case_now(platform, case)
    assert (now["state"], now["notice"]["state"]) == ("in-review", "removed")
    shown = await notice_of(platform, case)
    assert (shown["state"], shown["items"]) == ("ended", [])
    assert [each["reason"] for each in shown["editions"]] == ["published", "item-removed"]
    late = await object_to(platform, case, reason="另有一事。")
    assert code(late) == (409, "objection-late")

    # Proposed once more it stands in a notice of its own, for all of its days.
    await move(platform, platform.client("reviewer"), case, "propose")
    again = await until(platform, case, lambda c: c["state"] == "in-notice")
    assert again["notice"]["id"] != case["notice"]["id"]
    assert again["reservation"]["amount_fen"] == case["reservation"]["amount_fen"]


async def test_an_objection_is_found_by_the_number_of_its_receipt(platform: Any) -> None:
    case, _ = await in_notice(platform)
    receipt = (await object_to(platform, case)).json()
    by_number = await read(
        platform, f"{NOTICES}/{receipt['notice']}/objections/{receipt['receipt']}"
    )
    assert (by_number["id"], by_number["reason"]) == (receipt["id"], None)
    unknown = await platform.client("public").get(
        f"{NOTICES}/{receipt['notice']}/objections/YY20260101-00000000"
    )
    assert unknown.status_code == 404


async def test_upheld_to_be_refused_an_approver_decides(platform: Any) -> None:
    case, _ = await in_notice(platform)
    objection = (await object_to(platform, case)).json()
    assert (await handle(platform, objection, "uphold", outcome="refuse")).status_code == 200
    now = await case_now(platform, case)
    assert (now["state"], now["proposed_outcome"]) == ("proposed", "refuse")
    approver = platform.client("approver")
    wrong = await try_move(platform, approver, case, "decide", data=APPROVE)
    assert code(wrong) == (409, "proposed-for-refusal")
    bare = await try_move(platform, approver, case, "decide", data=REFUSE)
    assert code(bare) == (422, "note-required")
    done = await move(platform, approver, case, "decide", data=REFUSE, note="异议成立")
    assert done["state"] == "refused"
    await until(platform, case, lambda c: c["reservation"]["state"] == "none")


async def test_what_is_not_an_objection_to_this_notice(platform: Any) -> None:
    case, _ = await in_notice(platform)
    unknown = await object_to(platform, case, item="01936b2c-0000-7000-8000-00000000000f")
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/item"
    assert (await object_to(platform, case, reason=" ")).status_code == 422
    assert (await object_to(platform, case, surprise=1)).status_code == 422
    path = f"{NOTICES}/01936b2c-0000-7000-8000-00000000000f/objections"
    nowhere = await platform.client("public").post(path, json=said(case))
    assert nowhere.status_code == 404
    assert (await case_now(platform, case))["state"] == "in-notice"


async def test_without_name_or_evidence_it_is_recorded_and_suspends_nothing(
    platform: Any,
) -> None:
    case, _ = await in_notice(platform)
    unsigned, bare = {"name": ""}, {"evidence": [], "reason": "听说有问题。"}
    for changes in (unsigned, bare, {"evidence": " "}):
        answer = await object_to(platform, case, **changes)  # pyright: ignore[reportArgumentType]
        assert (answer.json()["state"], answer.json()["suspends"]) == ("recorded", False)
    assert (await case_now(platform, case))["state"] == "in-notice"
    # An officer who finds it true may act on it.
    assert (await handle(platform, answer.json(), "uphold")).status_code == 200
    assert (await case_now(platform, case))["state"] == "in-review"


async def test_the_same_objection_twice_is_told(platform: Any) -> None:
    case, _ = await in_notice(platform)
    first = await object_to(platform, case)
    second = await object_to(platform, case)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["receipt"] == second.json()["receipt"]
    other = await object_to(platform, case, name="李四")
    assert other.status_code == 201
    # Both wait: dismissing one of them does not let the days run on.
    assert (await handle(platform, first.json(), "dismiss")).status_code == 200
    assert (await case_now(platform, case))["state"] == "suspended"
    assert (await handle(platform, other.json(), "dismiss")).status_code == 200
    assert (await case_now(platform, case))["state"] == "in-notice"


async def test_who_objects_is_sealed_and_shown_to_handling_officers_only(platform: Any) -> None:
    case, firm = await in_notice(platform)
    objection = (await object_to(platform, case)).json()
    path = f"{NOTICES}/{case['notice']['id']}/objections"
    one = f"{path}/{objection['id']}"
    seen = {who: await read(platform, one, who) for who in ("reviewer", "approver", "auditor")}
    assert (seen["reviewer"]["name"], seen["reviewer"]["contact"]) == ("张三丰", "0574-63990000")
    for who in ("approver", "auditor"):
        assert (seen[who]["name"], seen[who]["contact"]) == ("张*", "****")
        assert seen[who]["allowed_events"] == []
    for client in (platform.client("public"), firm, platform.client("reviewer-b")):
        fate = (await client.get(one)).json()
        assert (fate["state"], fate["name"], fate["reason"]) == ("received", None, None)
    assert (await platform.client("public").get(path)).status_code == 401
    assert (await firm.get(path)).status_code == 403
    assert (await read(platform, path, "reviewer-b"))["items"] == []

    async with platform.service("policy").sessions() as session:
        kept = str((await session.execute(text("SELECT * FROM objection"))).all())
        told = str((await session.execute(text("SELECT payload FROM outbox"))).all())
        audited = str((await session.execute(text("SELECT detail FROM audit_entry"))).all())
    history = await read(platform, f"/v1/policy/cases/{case['id']}/history", "auditor")
    for place in (kept, told, audited, json.dumps(history, ensure_ascii=False)):
        assert "张三丰" not in place
        assert "63990000" not in place


async def test_only_officers_without_a_stake_handle_and_they_decide_nothing(
    platform: Any,
) -> None:
    case, firm = await in_notice(platform)
    uscc = case["applicant"]["id"]
    objection = (await object_to(platform, case)).json()
    bound = await client_of(platform, f"bound-{uscc.lower()}", roles=["firm", "reviewer"],
                            uscc=uscc, department="jxj")  # fmt: skip
    both = await client_of(platform, f"both-{uscc.lower()}", roles=["reviewer", "approver"],
                           department="jxj")  # fmt: skip
    assert code(await handle(platform, objection, "dismiss", bound)) == (
        403, "conflict-of-interest",
    )  # fmt: skip
    assert code(await handle(platform, objection, "dismiss", "reviewer-b")) == (
        403, "not-your-case",
    )  # fmt: skip
    for client in (firm, "approver"):
        assert (await handle(platform, objection, "dismiss", client)).status_code == 403
    assert (await handle(platform, objection, "dismiss", both)).status_code == 200

    await set_clock(platform, "2026-11-11T00:00:00+08:00")
    refused = await try_move(platform, both, case, "decide", data=APPROVE)
    assert code(refused) == (403, "four-eyes")
    await approve(platform, case)


async def test_of_two_officers_at_once_one_handles(platform: Any) -> None:
    case, _ = await in_notice(platform)
    name = case["applicant"]["id"].lower()
    second = await client_of(platform, f"second-{name}", roles=["reviewer"], department="jxj")
    for number in range(5):
        objection = (await object_to(platform, case, reason=f"第{number}项理由")).json()
        answers = await asyncio.gather(
            handle(platform, objection, "dismiss"), handle(platform, objection, "dismiss", second)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
    found = await events(platform, case)
    assert found.count("objection-dismissed") == found.count("suspended") == 5


async def test_an_objection_at_the_last_moment_beats_the_end_of_the_notice(platform: Any) -> None:
    case, _ = await in_notice(platform)
    sessions = platform.service("policy").sessions
    notice = UUID(case["notice"]["id"])
    for number in range(5):
        async with sessions() as session:
            found = select(NoticeItem).where(NoticeItem.case_id == UUID(case["id"]))
            item = (await session.scalars(found)).one()
        body = NewObjection.model_validate(said(case, reason=f"第{number}项理由"))

        async def objects(at: datetime, body: NewObjection = body) -> None:
            async with sessions() as session:
                await receive_objection(session, PUBLIC, notice, body, now=at)
                await commit(session)

        async def ends(at: datetime, reference: str = str(item.id)) -> None:
            async with sessions() as session:
                await end_notice(session, reference, at)
                await commit(session)

        both = [objects(item.ends_at - timedelta(microseconds=1)), ends(item.ends_at)]
        await asyncio.gather(*(both if number % 2 else reversed(both)))
        now = await case_now(platform, case)
        assert (now["state"], now["notice"]["days_left"]) == ("suspended", 1)
        path = f"{NOTICES}/{notice}/objections"
        (waiting,) = [
            each
            for each in (await read(platform, path, "reviewer"))["items"]
            if each["state"] == "received"
        ]
        assert (await handle(platform, waiting, "dismiss")).status_code == 200


async def test_a_clock_moved_forward_and_back_decides_nothing_twice(platform: Any) -> None:
    case, _ = await in_notice(platform)
    approver = platform.client("approver")
    await set_clock(platform, AFTER)
    await until_event(platform, case, "notice-ended")
    await set_clock(platform, LAST_NIGHT)
    assert (await notice_of(platform, case))["state"] == "running"
    refused = await try_move(platform, approver, case, "decide", data=APPROVE)
    assert code(refused) == (409, "notice-running")
    await set_clock(platform, AFTER)
    await approve(platform, case)
    await set_clock(platform, LAST_NIGHT)
    assert code(await object_to(platform, case)) == (409, "objection-late")
    await set_clock(platform, AFTER)
    await asyncio.sleep(0.6)
    found = await events(platform, case)
    assert (found.count("notice-ended"), found.count("decide")) == (1, 1)


async def test_the_result_is_reminded_of_and_then_overdue(platform: Any) -> None:
    case, _ = await in_notice(platform)

    async def reminded(count: int) -> list[tuple[str, bool]]:
        query = text(
            "SELECT payload FROM outbox WHERE aggregate = :name AND type = :type ORDER BY seq"
        )
        asked = {
            "name": f"notice:{case['notice']['id']}",
            "type": "liangxin.policy.result.reminded.v1",
        }
        found: list[Any] = []
        for _ in range(100):
            async with platform.service("policy").sessions() as session:
                found = [json.loads(each) for each in await session.scalars(query, asked)]
            if len(found) == count:
                break
            await asyncio.sleep(0.05)
        return [(each["due_on"], each["is_overdue"]) for each in found]

    await set_clock(platform, AFTER)
    await until_event(platform, case, "notice-ended")
    assert await reminded(0) == []
    await set_clock(platform, "2026-11-30T00:00:00+08:00")
    assert await reminded(1) == [("2026-12-07", False)]
    await set_clock(platform, "2026-12-08T00:00:00+08:00")
    assert await reminded(2) == [("2026-12-07", False), ("2026-12-07", True)]


async def test_the_applicant_objects_to_its_own_listing(platform: Any) -> None:
    case, firm = await in_notice(platform)
    seen = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert seen["allowed_events"] == ["object", "withdraw"]
    silent = await try_move(platform, firm, case, "object")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/note")
    done = await move(platform, firm, case, "object", note="公示金额少于申报金额。")
    assert (done["state"], done["allowed_events"]) == ("suspended", ["withdraw"])
    path = f"{NOTICES}/{case['notice']['id']}/objections"
    (kept,) = (await read(platform, path, "reviewer"))["items"]
    assert kept["name"] == case["applicant_name"]
    assert (await handle(platform, kept, "dismiss")).status_code == 200
    assert (await case_now(platform, case))["state"] == "in-notice"

    await set_clock(platform, "2026-11-11T10:00:00+08:00")
    late = await try_move(platform, firm, case, "object", note="再提一次。")
    assert code(late) == (409, "objection-late")


async def test_a_suspended_case_can_be_withdrawn(platform: Any) -> None:
    case, firm = await in_notice(platform)
    objection = (await object_to(platform, case)).json()
    await move(platform, firm, case, "withdraw")
    (item,) = (await notice_of(platform, case))["items"]
    assert item["result"]["outcome"] == "withdrawn"
    assert (await handle(platform, objection, "dismiss")).status_code == 200
    assert (await case_now(platform, case))["state"] == "withdrawn"
