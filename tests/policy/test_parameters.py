"""Setting a number over HTTP, by two people."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.policy.steps import (
    client_of,
    code,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
    reset_clock,
    set_clock,
    walk_to_review,
)

PATH = "/v1/policy/parameters"


def body(valid_from: str, **changes: Any) -> dict[str, Any]:
    return {
        "parameter": "large-strong.award_fen",
        "value": 50_000_000,
        "valid_from": valid_from,
        "source": "慈财〔2032〕1号",
        **changes,
    }


async def post(platform: Any, new: dict[str, Any], client: str = "reviewer") -> Any:
    return await platform.client(client).post(PATH, json=new)


async def decide(platform: Any, change: Any, event: str, client: str = "approver") -> Any:
    return await platform.client(client).post(
        f"{PATH}/{change.json()['id']}/events", json={"event": event}
    )


async def award_on(platform: Any, on: str) -> tuple[Any, str]:
    facts = {"revenue_fen": 50_000_000_000}
    answer = await platform.client("public").post(
        "/v1/policy/evaluations", json={"on": on, "facts": facts, "programmes": ["large-strong"]}
    )
    (found,) = answer.json()["programmes"]
    return found["amount_fen"], found["amount_status"]


async def test_a_number_is_in_force_once_another_person_approves(platform: Any) -> None:
    proposed = await post(platform, body("2032-01-01"))
    assert proposed.status_code == 201, proposed.text
    assert (proposed.json()["state"], proposed.json()["version"]) == ("proposed", 1)
    assert await award_on(platform, "2032-01-01") == (None, "pending-parameter")

    approved = await decide(platform, proposed, "approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert await award_on(platform, "2032-01-01") == (50_000_000, "set")
    assert await award_on(platform, "2031-12-31") == (None, "pending-parameter")
    again = await decide(platform, proposed, "approve")
    assert code(again) == (409, "event-not-allowed")
    taken = await post(platform, body("2032-01-01", value=1))
    assert code(taken) == (409, "parameter-day-taken")
    assert "已批准的不能驳回，请另选生效日" in taken.json()["detail"]


async def test_a_rejected_number_leaves_its_day_free(platform: Any) -> None:
    proposed = await post(platform, body("2032-02-01"))
    taken = await post(platform, body("2032-02-01", value=1))
    assert code(taken) == (409, "parameter-day-taken")
    assert "驳回" in taken.json()["detail"]

    rejected = await decide(platform, proposed, "reject")
    assert rejected.json()["state"] == "rejected"
    assert (await post(platform, body("2032-02-01", value=1))).status_code == 201


async def test_nobody_approves_his_own_number(platform: Any) -> None:
    name = f"both-{fresh_uscc().lower()}"
    both = await client_of(platform, name, roles=["reviewer", "approver"], department="jxj")
    proposed = await both.post(PATH, json=body("2032-03-01"))
    refused = await both.post(f"{PATH}/{proposed.json()['id']}/events", json={"event": "approve"})
    assert code(refused) == (403, "four-eyes")
    seen = await both.get(f"{PATH}/{proposed.json()['id']}")
    assert seen.json()["allowed_events"] == []

    async with platform.service("policy").sessions() as session:
        with pytest.raises(IntegrityError, match="four_eyes"):
            await session.execute(
                text(
                    "UPDATE parameter_change SET decided_by = proposed_by, state = 'approved'"
                    " WHERE id = :id"
                ),
                {"id": UUID(proposed.json()["id"])},
            )


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"parameter": "large-strong.prize"}, "/parameter"),
        ({"value": -1}, "/value"),
        ({"value": 10**19}, "/value"),
        ({"value": "many"}, "/value"),
        ({"parameter": "stacking-mode", "value": "both"}, "/value"),
        ({"parameter": "stacking-mode", "value": 1}, "/value"),
        ({"source": ""}, "/source"),
        ({"approved": True}, "/?"),
    ],
)
async def test_a_number_that_does_not_fit_is_refused(
    platform: Any, changes: dict[str, Any], pointer: str
) -> None:
    answer = await post(platform, body("2032-04-01", **changes))

    assert answer.status_code == 422, answer.text
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == [pointer] or answer.json()["code"].startswith("json-")


@pytest.mark.parametrize("value", [True, 1.5, None])
async def test_a_value_is_a_whole_number_or_a_name(platform: Any, value: Any) -> None:
    answer = await post(platform, body("2032-04-01", value=value))

    assert answer.status_code == 422


PERMISSION = {"reason": "原取值录入有误", "document": "慈政办〔2026〕12号（测试）"}


async def test_no_past_day_is_filled_without_permission(platform: Any) -> None:
    clock = (await platform.client("admin").get("/v1/demo/clock")).json()
    today = date.fromisoformat(clock["today"])
    for changes in ({}, {"parameter": "stacking-mode", "value": "highest-only"}):
        for day in ("2020-06-01", str(today - timedelta(days=1))):
            refused = await post(platform, body(day, **changes))
            assert code(refused) == (409, "valid-from-past")
            assert "早于今日" in refused.json()["detail"]
    filled = await post(platform, body("2020-06-01", backdating=PERMISSION))
    assert filled.status_code == 201
    assert (await decide(platform, filled, "reject")).status_code == 200


async def test_a_proposal_made_in_time_is_approved_later(platform: Any) -> None:
    try:
        await set_clock(platform, "2033-05-01T09:00:00+08:00")
        new = body("2033-05-01", parameter="industrial-design-purchase.cap_fen")
        waiting = await post(platform, new)
        await set_clock(platform, "2033-05-04T09:00:00+08:00")
        approved = await decide(platform, waiting, "approve")
    finally:
        await reset_clock(platform)

    assert (waiting.status_code, approved.status_code) == (201, 200)
    await _forget(platform, waiting.json()["id"])


async def test_a_decided_past_is_not_changed(platform: Any) -> None:
    early = await post(platform, body("2021-01-01", backdating=PERMISSION))
    assert (await decide(platform, early, "approve")).status_code == 200
    try:
        refused = await post(platform, body("2021-06-01", value=1))
        assert code(refused) == (409, "valid-from-past")
        assert "2021-06-01当日已有生效的取值" in refused.json()["detail"]
    finally:
        await _forget(platform, early.json()["id"])


async def test_a_decided_past_is_changed_with_permission_by_two_people_and_shown(
    platform: Any,
) -> None:
    first = await post(platform, body("2021-01-01", backdating=PERMISSION))
    assert (await decide(platform, first, "approve")).status_code == 200
    again = None
    try:
        without = await post(platform, body("2021-03-01", value=2))
        again = await post(platform, body("2021-03-01", value=2, backdating=PERMISSION))
        approved = await decide(platform, again, "approve")

        assert code(without) == (409, "valid-from-past")
        assert (again.status_code, again.json()["backdating"]) == (201, PERMISSION)
        assert (approved.status_code, approved.json()["backdating"]) == (200, PERMISSION)
        assert await award_on(platform, "2021-02-28") == (50_000_000, "set")
        assert await award_on(platform, "2021-03-01") == (2, "set")
        listed = (await platform.client("auditor").get(PATH)).json()["items"]
        shown = [c for each in listed for c in each["changes"] if c["id"] == again.json()["id"]]
        assert shown[0]["backdating"] == PERMISSION
        trail = await _audited(platform, again.json()["id"])
        assert [row["backdating"] for row in trail] == [PERMISSION, PERMISSION]
    finally:
        for each in (first, again):
            if each is not None:
                await _forget(platform, each.json()["id"])


async def _audited(platform: Any, change_id: str) -> list[dict[str, Any]]:
    statement = "SELECT detail::jsonb FROM audit_entry WHERE thing_id = :id ORDER BY id"
    async with platform.service("policy").sessions() as session:
        rows = await session.execute(text(statement), {"id": change_id})
        return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("valid_from", "backdating", "pointer"),
    [
        ("2032-05-01", PERMISSION, "/backdating"),
        ("2021-01-01", {"reason": "原取值录入有误"}, "/backdating/document"),
        ("2021-01-01", {"reason": " ", "document": "文件"}, "/backdating/reason"),
        ("2021-01-01", {**PERMISSION, "by": "me"}, "/backdating/?"),
    ],
)
async def test_a_permission_is_for_the_past_and_names_reason_and_document(
    platform: Any, valid_from: str, backdating: dict[str, str], pointer: str
) -> None:
    answer = await post(platform, body(valid_from, backdating=backdating))

    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_a_number_under_which_a_case_was_proposed_is_not_filled_in_later(
    platform: Any,
) -> None:
    """The value was unset when a refusal was proposed: what it rests on is not rewritten unseen."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc, "industrial-design-purchase")
    today = (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    free = body(f"{today[:4]}-01-01", parameter="industrial-design-purchase.cap_fen")
    before = await post(platform, {**free, "backdating": PERMISSION})
    assert (await decide(platform, before, "reject")).status_code == 200

    case = await walk_to_review(platform, firm, case)
    await move(platform, platform.client("reviewer"), case, "propose", data={"outcome": "refuse"})
    refused = await post(platform, free)
    assert code(refused) == (409, "valid-from-past")
    assert "1件办件" in refused.json()["detail"]
    permitted = await post(platform, {**free, "backdating": PERMISSION})
    assert permitted.status_code == 201
    assert (await decide(platform, permitted, "reject")).status_code == 200


async def test_an_unknown_parameter_is_told_the_nearest_and_not_all(platform: Any) -> None:
    answer = await post(platform, body("2032-04-01", parameter="rd-matching.ratio_pb"))

    (error,) = answer.json()["errors"]
    assert error["code"] == "parameter-unknown"
    assert "rd-matching.ratio_bp" in error["detail"]
    assert len(error["detail"]) < 200


async def _forget(platform: Any, change_id: str) -> None:
    """Take the number out again, so that the other tests find it unset."""
    runtime = platform.service("policy")
    async with runtime.sessions() as session:
        await session.execute(
            text("UPDATE parameter_change SET state = 'rejected' WHERE id = :id"),
            {"id": UUID(change_id)},
        )
        session.info["known_decisions"].forget()
        await session.commit()
        session.info["known_decisions"].forget()


async def test_the_list_shows_what_is_unset_with_its_clause(platform: Any) -> None:
    answer = (await platform.client("auditor").get(PATH)).json()
    items = {each["parameter"]: each for each in answer["items"]}
    ratio, mode = items["rd-matching.ratio_bp"], items["stacking-mode"]

    assert (ratio["state"], ratio["value"], ratio["unit"]) == ("unset", None, "bp")
    assert "按一定比例" in ratio["clause"]
    assert (mode["state"], mode["value"], mode["reading"]) == ("in-force", "top-up", True)
    assert mode["allowed"] == ["top-up", "highest-only"]
    assert mode["source"]


@pytest.mark.parametrize(
    ("role", "reads", "proposes"),
    [
        ("reviewer", 200, 201), ("approver", 200, 403), ("auditor", 200, 403), ("firm", 403, 403),
        ("registrar", 403, 403), ("treasurer", 403, 403), ("bank", 403, 403),
        ("institution", 403, 403), ("steward", 403, 403), ("admin", 403, 403), ("public", 401, 401),
    ],
)  # fmt: skip
async def test_who_reads_and_who_proposes(
    platform: Any, role: str, reads: int, proposes: int
) -> None:
    assert (await platform.client(role).get(PATH)).status_code == reads
    assert (await post(platform, body("2033-01-01"), client=role)).status_code == proposes
    change = await platform.client("auditor").get(PATH)
    changes = next(e for e in change.json()["items"] if e["changes"])["changes"]
    answer = await platform.client(role).post(
        f"{PATH}/{changes[0]['id']}/events", json={"event": "approve", "version": 99}
    )
    assert answer.status_code in ((401, 403) if role != "approver" else (409, 412))
