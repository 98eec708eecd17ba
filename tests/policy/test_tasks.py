"""The task board over HTTP: its life, its rights, its views, and what the public reads."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.policy.plan.actions.load_library import library
from tests.policy.board_steps import (
    PATH,
    PROOF,
    after,
    attempt,
    created,
    done,
    finished,
    listed,
    office,
    person,
    read,
    task_body,
    today,
)
from tests.policy.steps import code

PUBLIC_FIELDS = {
    "id", "measure", "title", "title_en", "lead", "support", "provisional", "due_on", "every",
    "done_when", "source",
}  # fmt: skip


async def test_a_task_goes_from_open_to_accepted_by_another_person(platform: Any) -> None:
    task = await created(platform)
    assert (task["state"], task["progress_bp"], task["origin"]) == ("open", 0, "person")
    assert task["allowed_events"] == ["start", "attach", "block", "schedule"]
    task = await done(platform, "reviewer", task, "start")
    task = await done(platform, "reviewer", task, "report", progress_bp=4000)
    assert (task["progress_bp"], task["reported_on"]) == (4000, str(today(platform)))
    task = await done(platform, "reviewer", task, "attach", **PROOF)
    assert [each["document"] for each in task["evidence"]] == [PROOF["document"]]
    task = await done(platform, "reviewer", task, "finish")
    assert (task["state"], task["progress_bp"]) == ("done", 10_000)
    task = await done(platform, "approver", task, "accept")
    assert (task["state"], task["allowed_events"]) == ("accepted", [])

    history = await platform.client("auditor").get(f"{PATH}/{task['id']}/history")
    entries = history.json()["items"]
    assert [each["event"] for each in entries] == [
        "created", "start", "report", "attach", "finish", "accept",
    ]  # fmt: skip
    assert [each["number"] for each in entries] == [1, 2, 3, 4, 5, 6]
    assert (entries[2]["note"], entries[2]["data"]) == ("测试说明", {"progress_bp": 4000})
    assert await _audited(platform, task["id"]) == [f"task.{each['event']}" for each in entries]
    assert await _announced(platform, f"task:{task['id']}") == [1, 2, 3, 4, 5, 6]


async def test_nobody_accepts_what_he_worked_on(platform: Any) -> None:
    both = await person(platform, "jxj", "reviewer", "approver")
    task = await created(platform)
    task = await done(platform, both, task, "start")
    task = await done(platform, both, task, "attach", **PROOF)
    task = await done(platform, "reviewer", task, "finish")

    assert (await read(both, task))["allowed_events"] == []
    for event in ("accept", "return"):
        assert code(await attempt(platform, both, task, event)) == (403, "four-eyes")
    async with platform.service("policy").sessions() as session:
        with pytest.raises(IntegrityError, match="four_eyes"):
            await session.execute(
                text(
                    "UPDATE task SET accepted_by = finished_by, state = 'accepted' WHERE id = :id"
                ),
                {"id": task["id"]},
            )


async def test_a_returned_task_is_taken_up_again(platform: Any) -> None:
    task = await finished(platform)
    refused = await attempt(platform, "approver-b", task, "return")
    assert code(refused) == (403, "not-your-task")
    task = await done(platform, "approver", task, "return")
    assert (task["state"], task["progress_bp"], task["finished_on"]) == ("returned", 0, None)
    task = await done(platform, "reviewer", task, "start")
    task = await done(platform, "reviewer", task, "finish")
    assert (await done(platform, "approver", task, "accept"))["state"] == "accepted"


async def test_nothing_is_finished_without_proof(platform: Any) -> None:
    task = await done(platform, "reviewer", await created(platform), "start")

    assert code(await attempt(platform, "reviewer", task, "finish")) == (409, "evidence-missing")
    assert (await read(platform.client("reviewer"), task))["state"] == "in-progress"


async def test_a_blocked_task_says_why_and_goes_on(platform: Any) -> None:
    task = await done(platform, "reviewer", await created(platform), "start")
    silent = {"event": "block", "version": task["version"], "note": " "}
    path = f"{PATH}/{task['id']}/events"
    answer = await platform.client("reviewer").post(path, json=silent, headers=platform.key())
    assert code(answer) == (422, "note-required")

    task = await done(platform, "reviewer", task, "block")
    assert code(await attempt(platform, "reviewer", task, "finish")) == (409, "event-not-allowed")
    assert (await done(platform, "reviewer", task, "unblock"))["state"] == "in-progress"


async def test_a_supporting_department_reports_and_proves_but_does_not_finish(
    platform: Any,
) -> None:
    support = await person(platform, "kjj", "reviewer")
    task = await done(platform, "reviewer", await created(platform), "start")
    assert (await read(support, task))["allowed_events"] == ["report", "attach"]
    refused = await attempt(platform, support, task, "report", progress_bp=100)
    assert code(refused) == (409, "progress-by-lead")
    task = await done(platform, support, task, "report")
    task = await done(platform, support, task, "attach", **PROOF)
    assert task["progress_bp"] == 0
    assert code(await attempt(platform, support, task, "finish")) == (403, "not-your-task")


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"title": "无处可查"}, "/data"),
        ({"title": "网页", "url": "https://example.org/a.pdf"}, "/data"),
        ({"title": "网页", "url": "javascript:alert(1)", "sha256": "0" * 64}, "/data/url"),
        ({"title": "网页", "url": "https://example.org/a.pdf", "sha256": "xyz"}, "/data/sha256"),
        ({"title": "", "document": "1号"}, "/data/title"),
        ({**PROOF, "size": 3}, "/data/?"),
    ],
)
async def test_a_proof_that_leads_nowhere_is_refused(
    platform: Any, data: dict[str, Any], pointer: str
) -> None:
    task = await created(platform)
    answer = await attempt(platform, "reviewer", task, "attach", **data)

    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert (await read(platform.client("reviewer"), task))["evidence_count"] == 0


async def test_an_address_is_kept_with_the_hash_of_what_lay_there(platform: Any) -> None:
    proof = {"title": "公告", "url": "https://example.org/a.pdf", "sha256": "a" * 64}
    task = await done(platform, "reviewer", await created(platform), "attach", **proof)

    (kept,) = task["evidence"]
    assert (kept["url"], kept["sha256"], kept["department"]) == (*list(proof.values())[1:], "jxj")


async def test_an_event_at_another_version_or_twice_is_told_so(platform: Any) -> None:
    task = await created(platform)
    stale = {**task, "version": task["version"] + 1}
    assert code(await attempt(platform, "reviewer", stale, "start")) == (412, "version-mismatch")
    key = platform.key()
    body = {"event": "start", "version": task["version"]}
    path, client = f"{PATH}/{task['id']}/events", platform.client("reviewer")
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await client.post(path, json=body)).status_code == 400


async def test_days_are_counted_in_working_days_where_asked(platform: Any) -> None:
    task = await created(platform, working_days=1)
    calendar = platform.service("policy").calendar
    assert task["due_on"] == str(calendar.add_working_days(today(platform), 1).day)

    both = {"working_days": 5, "due_on": str(after(today(platform), 9))}
    client = platform.client("reviewer")
    answer = await client.post(PATH, json=task_body(**both), headers=platform.key())
    assert answer.status_code == 422
    past = task_body(working_days=None, due_on=str(after(today(platform), -1)))
    answer = await client.post(PATH, json=past, headers=platform.key())
    assert code(answer) == (422, "due-past")


async def test_a_day_beyond_the_published_calendar_is_provisional(platform: Any) -> None:
    assert (await created(platform, working_days=750))["due_provisional"] is True
    near = platform.service("policy").calendar.add_working_days(today(platform), 1)
    assert (await created(platform, working_days=1))["due_provisional"] is near.provisional


async def test_the_lead_sets_the_day_that_the_plan_leaves_open(platform: Any) -> None:
    lead = await person(platform, "fgj", "reviewer")
    task = await read(lead, "m16-pilot-zone")
    assert task["due_on"] is None
    task = await done(platform, lead, task, "schedule", working_days=60)
    assert task["due_on"] is not None
    # What the department decided is not what the plan says.
    told = await read(platform.client("public"), "m16-pilot-zone")
    assert (told["due_on"], set(told)) == (None, PUBLIC_FIELDS)
    assert task["plan_text"]["due_on"] is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"lead": "nowhere"}, (403, "not-your-department")),
        ({"lead": "rsj"}, (403, "not-your-department")),
        ({"support": ["nowhere"]}, (422, "department-unknown")),
        ({"support": ["jxj"]}, (422, "department-twice")),
        ({"measure": 98}, (422, "measure-unknown")),
        ({"every": "month"}, (409, "series-has-no-day")),
    ],
)
async def test_a_task_that_does_not_fit_is_refused(
    platform: Any, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    answer = await platform.client("reviewer").post(
        PATH, json=task_body(**changes), headers=platform.key()
    )
    assert code(answer) == refusal


async def test_the_office_gives_a_task_to_any_department_and_reassigns_it(platform: Any) -> None:
    directing = await office(platform)
    task = await created(platform, directing, lead="rsj", support=[])
    refused = await attempt(platform, "reviewer-b", task, "assign", lead="jxj")
    assert code(refused) == (403, "not-your-task")
    task = await done(platform, directing, task, "assign", lead="jxj", support=["kjj"])
    assert [task["lead"]["code"], task["support"][0]["code"]] == ["jxj", "kjj"]
    gone = await platform.client("reviewer-b").get(f"{PATH}/{task['id']}")
    assert gone.status_code == 404
    assert (await done(platform, "approver", task, "cancel"))["state"] == "cancelled"


async def test_words_are_mended_with_if_match_and_never_the_plans(platform: Any) -> None:
    task = await created(platform)
    client, path = platform.client("reviewer"), f"{PATH}/{task['id']}"
    etag = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json={"title": "新名称"})).status_code == 428
    answer = await client.patch(path, json={"title": "新名称"}, headers={"If-Match": '"9"'})
    assert answer.status_code == 412
    answer = await client.patch(path, json={"title": "新名称"}, headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["title"]) == (200, "新名称")
    foreign = await platform.client("reviewer-b").patch(
        path, json={"title": "新"}, headers={"If-Match": etag}
    )
    assert foreign.status_code == 404

    directing = await office(platform)
    plan = await directing.patch(
        f"{PATH}/m30-exchange", json={"title": "新"}, headers={"If-Match": "*"}
    )
    assert code(plan) == (409, "plan-text")


async def test_the_public_reads_the_plans_words_and_nothing_else(platform: Any) -> None:
    task = await created(platform)
    for name in ("public", "firm", "treasurer", "reviewer-town", "admin"):
        items = await listed(platform.client(name))
        assert {each["id"] for each in items} == {
            task.id for measure in library().measures for task in measure.tasks
        }
        assert all(set(each) == PUBLIC_FIELDS for each in items)
        assert (await platform.client(name).get(f"{PATH}/{task['id']}")).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"view": "mine"}, {"view": "overdue"}, {"view": "at-risk"}, {"state": "open"},
        {"origin": "plan"}, {"origin": "person"}, {"series": "m30-task-list"},
    ],
)  # fmt: skip
async def test_how_work_stands_cannot_be_asked_by_the_public(
    platform: Any, asked: dict[str, str]
) -> None:
    assert await listed(platform.client("public"), **asked) == []


async def test_a_department_sees_its_own_work_and_of_others_the_plans_words(platform: Any) -> None:
    mine, foreign = await created(platform), await created(platform, await office(platform),
                                                           lead="rsj", support=[])  # fmt: skip
    items = {each["id"]: each for each in await listed(platform.client("reviewer"))}
    assert "state" in items[mine["id"]]
    assert foreign["id"] not in items
    for task in (task for measure in library().measures for task in measure.tasks):
        is_own = "jxj" in (task.lead.code, *(each.code for each in task.support))
        # What another test assigned otherwise is left out.
        if items[task.id]["lead"]["code"] == task.lead.code:
            assert (set(items[task.id]) > PUBLIC_FIELDS) is is_own, task.id

    for client in (platform.client("auditor"), await office(platform)):
        everything = {each["id"]: each for each in await listed(client)}
        assert {mine["id"], foreign["id"]} <= everything.keys()
        assert all("state" in each for each in everything.values())


async def test_filters_and_pages(platform: Any) -> None:
    auditor = platform.client("auditor")
    task = await created(platform, measure=17)
    by_measure = await listed(auditor, measure=17)
    assert task["id"] in {each["id"] for each in by_measure}
    assert {each["measure"] for each in by_measure} == {17}
    by_department = await listed(auditor, department="kjj")
    assert all(
        "kjj" in (each["lead"]["code"], *(s["code"] for s in each["support"]))
        for each in by_department
    )
    opened = await listed(auditor, state="open", origin="person")
    assert {(each["state"], each["origin"]) for each in opened} == {("open", "person")}
    mine = await listed(platform.client("reviewer"), view="mine")
    days = [each["due_on"] or "9999-12-31" for each in mine]
    assert days == sorted(days)
    small = await auditor.get(PATH, params={"limit": 3})
    assert (len(small.json()["items"]), small.json()["next_cursor"] is None) == (3, False)
    assert (await auditor.get(PATH, params={"view": "yours"})).status_code == 422


async def test_every_task_of_the_release_is_on_the_board(platform: Any) -> None:
    rows = {each["id"]: each for each in await listed(platform.client("auditor"), origin="plan")}
    for measure in library().measures:
        for task in measure.tasks:
            row = rows[task.id]
            assert (row["title"], row["done_when"]) == (task.title, task.done_when)
            assert (row["state"] == "recurring") is (task.every is not None), task.id


async def test_tasks_are_never_deleted_and_history_never_changed(platform: Any) -> None:
    for statement in (
        "DELETE FROM task", "DELETE FROM task_event", "UPDATE task_event SET note = ''",
        "UPDATE task_evidence SET title = ''", "UPDATE task SET origin = 'plan'",
    ):  # fmt: skip
        async with platform.service("policy").sessions() as session:
            with pytest.raises(DBAPIError):
                await session.execute(text(statement))


async def _audited(platform: Any, id_: str) -> list[str]:
    query = text(
        "SELECT action FROM audit_entry WHERE thing = 'task' AND thing_id = :id ORDER BY id"
    )
    async with platform.service("policy").engine.connect() as connection:
        return list(await connection.scalars(query, {"id": id_}))


async def _announced(platform: Any, aggregate: str) -> list[int]:
    query = text(
        "SELECT (payload::jsonb ->> 'version')::int FROM outbox WHERE aggregate = :a"
        " AND type = 'liangxin.policy.task.changed.v1' ORDER BY seq"
    )
    async with platform.service("policy").engine.connect() as connection:
        return list(await connection.scalars(query, {"a": aggregate}))
