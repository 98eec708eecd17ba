"""The demonstration city enters as any city would: files and bodies through the public API."""

import asyncio
from typing import Any, get_args

from services.launch.caller import Caller, UnexpectedAnswer
from services.launch.city.generate import generate_city
from services.launch.city.model import City
from services.launch.city.money import DIGITAL_GROWTH
from services.launch.city.tables import TableKind, csv_table
from services.launch.progress import Show
from services.launch.story import case_life

POLL_S = 0.1


async def load_city(caller: Caller, progress: Show) -> City:
    """Load firms, facts, titles, lists, budget lines, aid and tasks; say how far it is."""
    city = await asyncio.to_thread(generate_city)
    for kind in get_args(TableKind):
        content = await asyncio.to_thread(csv_table, city, kind)
        await import_file(caller, kind, content, progress)
    statement = await _publish_lists(caller, city, progress)
    await _rename(caller, city)
    await _fund(caller, city, progress)
    await _spend_first_batch(caller, city, progress, after=statement)
    await _declare_aid(caller, city, progress)
    await _fill_board(caller, city, progress)
    return city


async def import_file(caller: Caller, kind: str, content: bytes, progress: Show) -> dict[str, Any]:
    """Send a file and watch its operation to the end; a refused row of our own city is a defect."""
    accepted = await caller.ask(
        "registrar",
        "POST",
        "/v1/enterprise/imports",
        params={"kind": kind},
        content=content,
        headers={"Content-Type": "text/csv"},
        expect=(202,),
    )
    while True:
        state = (await caller.ask("registrar", "GET", accepted.headers["location"])).json()
        progress(kind, state["done"], state["total"])
        if state["state"] in ("finished", "failed"):
            break
        await asyncio.sleep(POLL_S)
    if state["state"] == "failed" or state["error_count"]:
        raise UnexpectedAnswer(
            f"import of {kind}: {state['state']}, refused rows: {state['errors'][:3]}"
        )
    return state


async def _publish_lists(caller: Caller, city: City, progress: Show) -> str:
    """Publish every list; give the last statement, by which all before it can be waited for."""
    statement = ""
    for done, version in enumerate(city.lists, start=1):
        body = {key: value for key, value in version.body().items() if key != "synthetic"}
        published = await caller.post(
            "registrar", f"/v1/enterprise/lists/{version.list}/versions", {**body, "public": True}
        )
        statement = published["statement_id"]
        progress("lists", done, len(city.lists))
    return statement


async def _rename(caller: Caller, city: City) -> None:
    for renaming in city.renamings:
        path = f"/v1/enterprise/firms/{renaming.uscc}"
        etag = (await caller.ask("registrar", "GET", path)).headers["etag"]
        await caller.ask(
            "registrar", "PATCH", path, json={"name": renaming.name}, headers={"If-Match": etag}
        )


async def _fund(caller: Caller, city: City, progress: Show) -> None:
    for done, line in enumerate(city.budgets, start=1):
        budget = await caller.post("treasurer", "/v1/finance/budgets", line.body())
        approve = {"event": "approve", "version": budget["version"]}
        await caller.post("approver", f"/v1/finance/budgets/{budget['id']}/events", approve)
        progress("budgets", done, len(city.budgets))


async def _spend_first_batch(caller: Caller, city: City, progress: Show, *, after: str) -> None:
    """Pay one firm at the cap, so that the first batch of the year is nearly spent."""
    progress("first batch", 0, 1)
    uscc = city.cast["cap"]
    firm = await case_life.sign_up_firm(caller, uscc, "demo-cap")
    case = await case_life.open_case(
        caller, firm, uscc, DIGITAL_GROWTH, city.through_year, after=after
    )
    await case_life.review_and_propose(caller, firm, "reviewer", case)
    case = await case_life.decide(caller, "approver", case)
    await case_life.pay(caller, [case], "慈演示拨〔2026〕0号")
    progress("first batch", 1, 1)


async def _declare_aid(caller: Caller, city: City, progress: Show) -> None:
    for done, aid in enumerate(city.aid, start=1):
        await caller.post("treasurer", "/v1/finance/aid", aid.body())
        progress("aid", done, len(city.aid))


async def _fill_board(caller: Caller, city: City, progress: Show) -> None:
    """Give out tasks, take each as far as it is, and publish the minutes of a meeting."""
    for done, each in enumerate(city.tasks, start=1):
        task = await caller.post("office", "/v1/policy/tasks", each.body())
        for step in each.steps:
            body = {
                "event": step.event,
                "version": task["version"],
                "note": step.note,
                "data": step.data,
            }
            task = await caller.post(step.client, f"/v1/policy/tasks/{task['id']}/events", body)
        progress("tasks", done, len(city.tasks))
    today = (await caller.get("admin", "/v1/demo/clock"))["today"]
    for each in city.meetings:
        meeting = await caller.post("office", "/v1/policy/meetings", each.body(today))
        publish = {"event": "publish", "version": meeting["version"]}
        await caller.post("office", f"/v1/policy/meetings/{meeting['id']}/events", publish)
