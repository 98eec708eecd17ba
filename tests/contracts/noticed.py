"""Cases in public notice, and objections to them, for the cells of the matrix."""

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from services.kernel.database import flush_changes
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy.cases.models import Case
from services.policy.notices.actions.end_notice import end_notice, report_overdue
from services.policy.notices.actions.publish_notice import publish_notice
from services.policy.notices.models import NoticeItem
from tests.contracts.world import World

# A programme whose proposals stand in public notice; its department is that of the world's cases.
NOTICED = "software-growth"
LATE_DAYS = 90
_numbers = itertools.count(1)


async def put_in_notice(world: World) -> dict[str, Any]:
    """Put a copy of a draft in public notice, under a programme that has one."""
    draft = await world.kept("case draft", lambda: world.case("draft"), fresh=False)
    changes = {
        "id": new_id(), "programme": NOTICED, "state": "proposed", "attempt": 1,
        "proposed_outcome": "approve", "reservation_state": "reserved",
        "reservation_amount_fen": 100, "open_key": f"noticed-{next(_numbers)}",
    }  # fmt: skip
    async with world.platform.service("policy").sessions() as session:
        row = await session.get_one(Case, draft["id"])
        values = {column.key: getattr(row, column.key) for column in Case.__table__.columns}
        await session.execute(insert(Case).values(values | changes))
        copied = await session.get_one(Case, changes["id"])
        published = await publish_notice(session, [copied], now=world.now("policy"))
        assert published is not None
        await flush_changes(session)
        await commit(session)
    return {"id": str(published.id), "case": str(changes["id"])}


async def dispute(world: World) -> None:
    """Have an objection to a notice received and dismissed."""
    notice = await put_in_notice(world)
    path = f"/v1/policy/notices/{notice['id']}/objections"
    made = await world.post("public", path, objection_to(notice))
    data = {"reply": "经核实不成立"}
    deed = {"event": "dismiss", "version": 1, "note": "测试", "data": data}
    await world.post("reviewer", f"{path}/{made['id']}/events", deed)


async def let_result_be_late(world: World) -> None:
    """Have the days of a notice pass, and those in which its result was to be published."""
    notice = await put_in_notice(world)
    late = world.now("policy") + timedelta(days=LATE_DAYS)
    async with world.platform.service("policy").sessions() as session:
        item = select(NoticeItem.id).where(NoticeItem.notice_id == UUID(notice["id"]))
        reference = str(await session.scalar(item))
        await end_notice(session, reference, late)
        await report_overdue(session, reference, late)
        await flush_changes(session)
        await commit(session)


def objection_to(notice: dict[str, Any]) -> dict[str, Any]:
    """Word an objection that was not made before."""
    return {
        "item": notice["case"], "name": "张三", "contact": "0574-63990000",
        "reason": f"理由{next(_numbers)}", "evidence": ["年报"],
    }  # fmt: skip
