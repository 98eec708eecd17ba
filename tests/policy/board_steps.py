"""Steps of the task board: the office, tasks of a department, and what is done to them."""

from datetime import date, datetime, time, timedelta
from typing import Any

import httpx

from services.kernel.clock import CITY, city_day
from services.kernel.unit import commit
from services.policy.tasks.actions.check_day import check_day
from tests.policy.steps import client_of, fresh_uscc

PATH = "/v1/policy/tasks"
MEETINGS = "/v1/policy/meetings"
PROOF = {"title": "实施方案", "document": "慈经信〔2026〕9号"}
_kept: dict[int, dict[str, httpx.AsyncClient]] = {}


async def person(platform: Any, department: str, *roles: str) -> httpx.AsyncClient:
    """Sign in a person of a department, the same one for the same roles."""
    known = _kept.setdefault(id(platform), {})
    name = f"board-{department}-{'-'.join(roles)}"
    if name not in known:
        known[name] = await client_of(platform, name, roles=list(roles), department=department)
    return known[name]


async def office(platform: Any) -> httpx.AsyncClient:
    """Sign in a reviewer of the office that directs the board."""
    return await person(platform, "zfb", "reviewer")


def task_body(**changes: Any) -> dict[str, Any]:
    return {
        "measure": 25, "title": f"测试任务{fresh_uscc()[-8:]}", "lead": "jxj", "support": ["kjj"],
        "working_days": 20, "done_when": "方案已印发", "source": "措施（二十五）", **changes,
    }  # fmt: skip


async def created(platform: Any, client: Any = None, **changes: Any) -> dict[str, Any]:
    """Put a task on the board, by its lead unless said otherwise."""
    answer = await (client or platform.client("reviewer")).post(
        PATH, json=task_body(**changes), headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def attempt(
    platform: Any, who: Any, task: dict[str, Any], event: str, **data: Any
) -> httpx.Response:
    client = platform.client(who) if isinstance(who, str) else who
    body = {"event": event, "version": task["version"], "note": "测试说明", "data": data}
    return await client.post(f"{PATH}/{task['id']}/events", json=body, headers=platform.key())


async def done(
    platform: Any, who: Any, task: dict[str, Any], event: str, **data: Any
) -> dict[str, Any]:
    answer = await attempt(platform, who, task, event, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def finished(platform: Any, **changes: Any) -> dict[str, Any]:
    """Bring a task to where it waits for acceptance."""
    task = await created(platform, **changes)
    task = await done(platform, "reviewer", task, "start")
    task = await done(platform, "reviewer", task, "attach", **PROOF)
    return await done(platform, "reviewer", task, "finish")


async def read(client: Any, task: dict[str, Any] | str) -> dict[str, Any]:
    id_ = task if isinstance(task, str) else task["id"]
    answer = await client.get(f"{PATH}/{id_}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(client: Any, **asked: Any) -> list[dict[str, Any]]:
    """Read a list to its end."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(PATH, params={"limit": 200, **asked, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


def today(platform: Any) -> date:
    return city_day(platform.service("policy").clock.now())


async def check(platform: Any, day: date) -> None:
    """Look the board through as the timer does on a day."""
    at = datetime.combine(day, time(9), tzinfo=CITY)
    async with platform.service("policy").sessions() as session:
        await check_day(session, "recurring", at)
        await commit(session)


def after(day: date, days: int) -> date:
    return day + timedelta(days=days)
