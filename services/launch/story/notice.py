"""A public notice in the story: an objection suspends it, its last day runs again, one is late."""

import asyncio
import time
from datetime import date
from typing import Any

from services.launch.caller import UnexpectedAnswer
from services.launch.story import case_life
from services.launch.story.case_life import POLL_S
from services.launch.story.stage import Stage

OBJECTION = {
    "name": "张三", "contact": "0574-63990000", "reason": "研发经费与公开年报不符（演示）。",
    "evidence": ["年度报告第12页（演示）"],
}  # fmt: skip


async def dispute(stage: Stage, case: dict[str, Any]) -> None:
    """Object on the notice's last night; a department's officer dismisses it."""
    caller, last = stage.caller, date.fromisoformat(case["notice"]["to"])
    await move_clock(stage, f"{last}T23:00:00+08:00")
    path = f"/v1/policy/notices/{case['notice']['id']}"
    body = {**OBJECTION, "item": case["id"]}
    objection = await caller.post("public", f"{path}/objections", body)
    stage.console.print(f"  {objection['says']}", highlight=False)
    (item,) = (await caller.get("public", path))["items"]
    stage.check(
        "an objection at 23:00 of the last day suspends its item, with that day left to run",
        [item["state"], item["days_left"]],
        ["suspended", 1],
    )
    deed = {
        "event": "dismiss", "version": 1, "note": "经核查不属实（演示）。",
        "data": {"reply": "经核查不属实，公示继续（演示）。"},
    }  # fmt: skip
    handled = f"{path}/objections/{objection['id']}/events"
    await caller.post("reviewer", handled, deed)
    (item,) = (await caller.get("public", path))["items"]
    stage.check(
        "dismissed, its last day runs again, and later", item["to"] > str(last), wanted=True
    )
    again = await caller.get("approver", f"/v1/policy/cases/{case['id']}")
    stage.check(
        "in notice nobody may decide", [again["state"], again["allowed_events"]], ["in-notice", []]
    )


async def run_out(stage: Stage, case: dict[str, Any]) -> None:
    """Move the clock to the day of the decision, and object when it is too late."""
    path = f"/v1/policy/notices/{case['notice']['id']}"
    (item,) = (await stage.caller.get("public", path))["items"]
    await move_clock(stage, f"{item['decision_from']}T00:00:00+08:00")
    await case_life.past_notice(stage.caller, "approver", case)
    body = {**OBJECTION, "item": case["id"], "reason": "另有意见（演示）。"}
    late = await stage.caller.post("public", f"{path}/objections", body, expect=(409,))
    stage.console.print(f"  {late['detail']}", highlight=False)
    stage.check("after the last day an objection is late", late["code"], "objection-late")


async def move_clock(stage: Stage, now: str) -> None:
    """Move the business clock, and wait until policy goes by it."""
    await stage.caller.post("admin", "/v1/demo/clock", {"now": now})
    stage.console.print(f"  业务时钟移至 the business clock moves to {now[:16]}", highlight=False)
    deadline = time.monotonic() + stage.caller.patience_s
    while (await stage.caller.get("reviewer", "/v1/policy/parameters"))["on"] != now[:10]:
        if time.monotonic() > deadline:
            raise UnexpectedAnswer("policy has not heard of the moved clock")
        await asyncio.sleep(POLL_S)
