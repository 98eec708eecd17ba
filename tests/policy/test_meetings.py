"""Joint meetings: their minutes, and the tasks that decisions become."""

from typing import Any

import pytest

from tests.policy.board_steps import (
    MEETINGS,
    PROOF,
    after,
    done,
    listed,
    office,
    person,
    read,
    today,
)
from tests.policy.steps import code

DECISION = {
    "text": "提出政府性基金整合方案", "measure": 25, "lead": "jxj", "support": ["czj"],
    "working_days": 20, "done_when": "整合方案已报联席会议审议",
}  # fmt: skip


def meeting_body(platform: Any, **changes: Any) -> dict[str, Any]:
    return {
        "held_on": str(today(platform)), "title": "“两新”工作联席会议",
        "minutes": "慈联席纪要〔2026〕3号", "attendees": ["zfb", "jxj", "czj"],
        "agenda": ["政府性基金整合"], "decisions": [DECISION], **changes,
    }  # fmt: skip


async def kept(platform: Any, **changes: Any) -> Any:
    return await (await office(platform)).post(
        MEETINGS, json=meeting_body(platform, **changes), headers=platform.key()
    )


async def moved(platform: Any, meeting: dict[str, Any], event: str) -> Any:
    return await (await office(platform)).post(
        f"{MEETINGS}/{meeting['id']}/events",
        json={"event": event, "version": meeting["version"]},
        headers=platform.key(),
    )


async def test_a_published_decision_is_a_task_and_each_names_the_other(platform: Any) -> None:
    second = {**DECISION, "text": "每季度通报进展", "working_days": None, "every": "quarter"}
    drafted = await kept(platform, decisions=[DECISION, second])
    assert (drafted.status_code, drafted.json()["state"]) == (201, "draft")
    assert [each["task"] for each in drafted.json()["decisions"]] == [None, None]
    published = (await moved(platform, drafted.json(), "publish")).json()

    assert (published["state"], published["allowed_events"]) == ("published", ["close"])
    first, recurring = published["decisions"]
    task = await read(platform.client("reviewer"), first["task"])
    assert (task["origin"], task["meeting"], task["decision"]) == ("meeting", published["id"], 1)
    assert (task["title"], task["lead"]["code"]) == (DECISION["text"], "jxj")
    assert task["source"] == "慈联席纪要〔2026〕3号第1项"
    calendar = platform.service("policy").calendar
    assert task["due_on"] == str(calendar.add_working_days(today(platform), 20).day)
    series = await read(platform.client("reviewer"), recurring["task"])
    assert series["state"] == "recurring"
    (instance,) = await listed(platform.client("reviewer"), series=series["id"])
    assert (instance["meeting"], instance["decision"]) == (published["id"], 2)


async def test_a_meeting_closes_when_every_decision_is_carried_out(platform: Any) -> None:
    published = (await moved(platform, (await kept(platform)).json(), "publish")).json()
    assert code(await moved(platform, published, "close")) == (409, "decisions-open")
    task = await read(platform.client("reviewer"), published["decisions"][0]["task"])
    task = await done(platform, "reviewer", task, "start")
    task = await done(platform, "reviewer", task, "attach", **PROOF)
    task = await done(platform, "reviewer", task, "finish")
    assert code(await moved(platform, published, "close")) == (409, "decisions-open")
    await done(platform, "approver", task, "accept")
    closed = (await moved(platform, published, "close")).json()
    assert (closed["state"], closed["allowed_events"]) == ("closed", [])
    assert closed["decisions"][0]["state"] == "accepted"
    assert code(await moved(platform, closed, "publish")) == (409, "event-not-allowed")


async def test_minutes_without_a_number_are_not_published(platform: Any) -> None:
    drafted = (await kept(platform, minutes=None)).json()
    assert code(await moved(platform, drafted, "publish")) == (409, "minutes-missing")

    directing, path = await office(platform), f"{MEETINGS}/{drafted['id']}"
    body = meeting_body(platform)
    assert (await directing.put(path, json=body)).status_code == 428
    answer = await directing.put(path, json=body, headers={"If-Match": '"7"'})
    assert answer.status_code == 412
    answer = await directing.put(path, json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    published = await moved(platform, answer.json(), "publish")
    assert published.status_code == 200
    answer = await directing.put(path, json=body, headers={"If-Match": '"3"'})
    assert code(answer) == (409, "meeting-published")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"attendees": ["nowhere"]}, "/attendees"),
        ({"attendees": ["jxj", "jxj"]}, "/attendees"),
        ({"attendees": []}, "/attendees"),
        ({"decisions": [{**DECISION, "lead": "nowhere"}]}, "/decisions/0/lead"),
        ({"decisions": [{**DECISION, "measure": 99}]}, "/decisions/0/measure"),
        ({"decisions": [{**DECISION, "working_days": None}]}, "/decisions/0"),
        ({"decisions": [{**DECISION, "every": "month"}]}, "/decisions/0"),
        ({"decisions": [{**DECISION, "done_when": ""}]}, "/decisions/0/done_when"),
    ],
)
async def test_a_meeting_that_does_not_fit_is_refused(
    platform: Any, changes: dict[str, Any], pointer: str
) -> None:
    answer = await kept(platform, **changes)

    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_a_meeting_is_not_held_tomorrow_and_decides_nothing_for_yesterday(
    platform: Any,
) -> None:
    day = today(platform)
    assert code(await kept(platform, held_on=str(after(day, 1)))) == (422, "held-in-future")
    late = {**DECISION, "working_days": None, "due_on": str(after(day, -1))}
    assert code(await kept(platform, decisions=[late])) == (422, "due-past")


async def test_who_was_there_reads_the_minutes_once_they_are_published(platform: Any) -> None:
    drafted = (await kept(platform)).json()
    path = f"{MEETINGS}/{drafted['id']}"
    assert (await platform.client("reviewer").get(path)).status_code == 404
    await moved(platform, drafted, "publish")

    assert (await platform.client("reviewer").get(path)).status_code == 200
    assert (await platform.client("auditor").get(path)).status_code == 200
    assert (await platform.client("reviewer-b").get(path)).status_code == 404
    assert (await platform.client("reviewer-town").get(path)).status_code == 404
    assert (await platform.client("public").get(path)).status_code == 401
    items = (await platform.client("reviewer-b").get(MEETINGS)).json()["items"]
    assert drafted["id"] not in {each["id"] for each in items}


async def test_only_the_office_keeps_meetings(platform: Any) -> None:
    answer = await platform.client("approver").post(
        MEETINGS, json=meeting_body(platform), headers=platform.key()
    )
    assert code(answer) == (403, "office-only")
    registrar = await person(platform, "zfb", "registrar")
    answer = await registrar.post(MEETINGS, json=meeting_body(platform), headers=platform.key())
    assert answer.status_code == 201
