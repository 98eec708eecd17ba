"""Reconsideration and litigation: lodged, late or not, handled by others, and decided anew."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.policy.aftermath_steps import APPEALS, day_after, done, read, try_deed
from tests.policy.desk_steps import as_csv, imported, legacy_row
from tests.policy.document_steps import audited, awarded
from tests.policy.steps import (
    approve,
    budget,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    register,
    reset_clock,
    set_clock,
    until,
    walk_to_review,
)


@pytest.fixture(scope="module")
async def other(platform: Any) -> httpx.AsyncClient:
    """Give an officer who had no hand in any of these cases."""
    return await client_of(platform, "appeals-officer", roles=["approver"], department="sfj")


async def refused(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Have a case refused; give it with its firm's client."""
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    reviewer, approver = platform.client("reviewer"), platform.client("approver")
    case = await move(platform, reviewer, case, "propose", data={"outcome": "refuse"})
    case = await move(
        platform, approver, case, "decide", note="集体研究不予支持", data={"outcome": "refuse"}
    )
    return case, firm


async def try_lodge(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], **changes: Any
) -> httpx.Response:
    today = day_after(platform, 0)
    body = {
        "kind": "reconsideration", "body": "慈溪市人民政府", "notified_on": today,
        "lodged_on": today, "grounds": "增量计算有误", **changes,
    }  # fmt: skip
    return await client.post(
        f"/v1/policy/cases/{case['id']}/appeals", json=body, headers=platform.key()
    )


async def lodged(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], **changes: Any
) -> dict[str, Any]:
    answer = await try_lodge(platform, client, case, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ended(
    platform: Any, officer: httpx.AsyncClient, row: dict[str, Any], result: str
) -> dict[str, Any]:
    """Record that the body accepted it and what it decided."""
    said = {"number": "慈政复〔2026〕9号", "on": day_after(platform, 0)}
    row = await done(platform, officer, APPEALS, row, "accept", **said)
    return await done(platform, officer, APPEALS, row, "decide", result=result, **said)


async def test_an_appeal_runs_from_lodging_to_its_result(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    row = await lodged(platform, firm, case)
    assert (row["state"], row["against"], row["late"]) == ("lodged", "refusal", False)
    shown = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert [each["kind"] for each in shown["open_matters"]] == ["appeal"]

    early = await try_deed(
        platform, other, APPEALS, row, "decide", result="upheld", number="一号",
        on=day_after(platform, 0),
    )  # fmt: skip
    assert code(early) == (409, "not-accepted")
    row = await ended(platform, other, row, "upheld")

    assert (row["state"], row["result"]) == ("decided", "upheld")
    assert (await audited(platform, row["id"]))[-1] == "appeal.decide"
    stands = await try_deed(platform, other, APPEALS, row, "reopen")
    assert code(stands) == (409, "decision-stands")
    history = (await read(firm, APPEALS, row))["history"]
    assert [line["event"] for line in history] == ["lodged", "accept", "decide"]
    assert [line["actor"] for line in history[1:]] == [None, None]


async def test_whoever_handled_the_case_does_not_handle_the_appeal(platform: Any) -> None:
    case, firm = await refused(platform)
    row = await lodged(platform, firm, case)
    said = {"number": "一号", "on": day_after(platform, 0)}
    for name in ("reviewer", "approver"):
        client = platform.client(name)
        refusal = await try_deed(platform, client, APPEALS, row, "accept", **said)
        assert code(refusal) == (403, "four-eyes")
        assert (await read(client, APPEALS, row))["allowed_events"] == []
    assert (await try_deed(platform, firm, APPEALS, row, "accept", **said)).status_code == 403


async def test_a_late_appeal_is_recorded_as_late_and_taken_up_by_its_body(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    notified = day_after(platform, 0)
    try:
        await set_clock(platform, f"{day_after(platform, 75)}T09:00:00+08:00")
        late = await lodged(platform, firm, case, notified_on=notified)
        assert late["late"] is True
        assert late["deadline_on"] < late["lodged_on"]
        said = {"number": "慈政复〔2026〕10号", "on": day_after(platform, 0)}
        assert (await done(platform, other, APPEALS, late, "accept", **said))["late"] is True
        unknown = await lodged(platform, firm, case, kind="litigation", notified_on=None)
        assert (unknown["late"], unknown["deadline_on"]) == (None, None)
    finally:
        await reset_clock(platform)


async def test_an_office_names_the_bodys_number_and_days_are_in_order(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    without = await try_lodge(platform, other, case)
    assert code(without) == (422, "number-required")
    coming = await try_lodge(platform, firm, case, lodged_on=day_after(platform, 1))
    assert code(coming) == (422, "day-out-of-order")
    before = await try_lodge(platform, firm, case, notified_on=day_after(platform, -1))
    assert code(before) == (422, "day-out-of-order")
    alone = await try_lodge(
        platform, firm, case, kind="litigation",
        follows="0198f1a0-0000-7000-8000-000000000000",
    )  # fmt: skip
    assert code(alone) == (422, "appeal-unknown")
    await lodged(platform, other, case, number="慈政复〔2026〕11号")
    twice = await try_lodge(platform, firm, case)
    assert code(twice) == (409, "appeal-open")


async def test_litigation_follows_what_came_of_a_reconsideration(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    row = await lodged(platform, firm, case)
    early = await try_lodge(platform, firm, case, kind="litigation", follows=row["id"])
    assert code(early) == (422, "appeal-unknown")
    said = {"number": "慈政复〔2026〕12号", "on": day_after(platform, 0)}
    row = await done(platform, other, APPEALS, row, "reject", note="不属于受理范围", **said)
    assert row["state"] == "rejected"

    court = await lodged(platform, firm, case, kind="litigation", follows=row["id"])

    assert court["follows"] == row["id"]
    assert court["deadline_on"] <= day_after(platform, 30)


async def test_an_open_case_has_nothing_to_appeal_against(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    assert code(await try_lodge(platform, firm, case)) == (409, "case-not-decided")
    stranger = await firm_client(platform, fresh_uscc())
    assert (await try_lodge(platform, stranger, case)).status_code == 404


async def test_an_annulled_refusal_is_decided_anew_and_paid(
    platform: Any, other: httpx.AsyncClient
) -> None:
    await budget(platform)
    case, firm = await refused(platform)
    row = await ended(platform, other, await lodged(platform, firm, case), "annulled")
    assert "reopen" in row["allowed_events"]

    row = await done(platform, other, APPEALS, row, "reopen", note="按复议决定重新办理")

    again = {"id": row["successor"]}
    shown = (await firm.get(f"/v1/policy/cases/{again['id']}")).json()
    assert (shown["state"], shown["matter"]) == ("in-review", case["matter"])
    old = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert (old["state"], old["open_matters"]) == ("refused", [])
    twice = await try_deed(platform, other, APPEALS, row, "reopen")
    assert code(twice) == (409, "already-reopened")
    history = (await firm.get(f"/v1/policy/cases/{again['id']}/history")).json()["items"]
    assert (history[0]["event"], history[0]["data"]["follows"]) == ("reopened", case["id"])

    await move(platform, platform.client("reviewer"), again, "propose")
    await until(platform, again, lambda c: c["reservation"]["state"] == "reserved")
    assert (await approve(platform, again))["state"] == "awarded"


async def test_an_approval_that_was_undone_is_revoked_before_it_is_decided_anew(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await awarded(platform)
    row = await ended(platform, other, await lodged(platform, firm, case), "changed")
    early = await try_deed(platform, other, APPEALS, row, "reopen")
    assert code(early) == (409, "case-not-ended")
    await move(platform, platform.client("approver"), case, "revoke", note="复议变更")
    row = await done(platform, other, APPEALS, row, "reopen")
    assert row["successor"] is not None


async def test_another_open_case_for_the_matter_stands_in_the_way(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    row = await ended(platform, other, await lodged(platform, firm, case), "annulled")
    await open_case(platform, firm, case["applicant"]["id"])
    barred = await try_deed(platform, other, APPEALS, row, "reopen")
    assert code(barred) == (409, "case-exists")


async def test_of_two_officers_at_once_one_is_late(platform: Any, other: httpx.AsyncClient) -> None:
    case, firm = await refused(platform)
    row = await lodged(platform, firm, case)
    said = {"number": "一号", "on": day_after(platform, 0)}
    answers = await asyncio.gather(
        try_deed(platform, other, APPEALS, row, "accept", **said),
        try_deed(platform, other, APPEALS, row, "reject", **said),
    )
    first, second = sorted(each.status_code for each in answers)
    assert (first, second in (409, 412)) == (200, True)


async def test_archiving_waits_until_the_appeal_is_over(
    platform: Any, other: httpx.AsyncClient
) -> None:
    case, firm = await refused(platform)
    row = await lodged(platform, firm, case)
    path = f"/v1/policy/cases/{case['id']}/archive"
    waits = await platform.client("approver").post(path, headers=platform.key())
    assert code(waits) == (409, "matters-open")
    await ended(platform, other, row, "upheld")

    answer = await platform.client("approver").post(path, headers=platform.key())

    kinds = [item["kind"] for item in answer.json()["manifest"]["items"]]
    assert kinds[-2:] == ["appeals", "matter-events"]
    # What is brought later is said beside the sealed volume.
    await lodged(platform, firm, case, kind="litigation")
    shown = (await platform.client("approver").get(path)).json()
    assert [each["kind"] for each in shown["open_matters"]] == ["appeal"]


async def test_the_desk_and_the_applicant_see_it_and_strangers_do_not(platform: Any) -> None:
    case, firm = await refused_with_money(platform)
    row = await lodged(platform, firm, case)
    stranger = await firm_client(platform, fresh_uscc())
    assert (await stranger.get(f"{APPEALS}/{row['id']}")).status_code == 404
    assert (await stranger.get(APPEALS)).json()["items"] == []
    listed = (await firm.get(APPEALS, params={"kind": "reconsideration"})).json()["items"]
    assert [each["id"] for each in listed] == [row["id"]]
    of_case = (await firm.get(f"/v1/policy/cases/{case['id']}/appeals")).json()["items"]
    assert [each["id"] for each in of_case] == [row["id"]]


async def test_days_against_a_case_of_earlier_years_begin_with_its_own_decision(
    platform: Any,
) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    await imported(platform, as_csv([legacy_row(uscc, f"{uscc}-old")]))
    found = await platform.client("auditor").get(
        "/v1/policy/cases", params={"external_ref": f"{uscc}-old"}
    )
    (case,) = found.json()["items"]
    firm = await firm_client(platform, uscc)
    row = await lodged(platform, firm, case, notified_on="2024-09-20", lodged_on="2024-10-15")
    assert (row["decided_on"], row["late"]) == ("2024-09-10", False)


async def refused_with_money(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Have a case proposed with money and refused all the same: what is held is let go."""
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    approver = platform.client("approver")
    case = await move(
        platform, approver, case, "decide", note="集体研究不予支持", data={"outcome": "refuse"}
    )
    return case, firm
