"""Cases in public notice, and objections to them, for the cells of the matrix."""

import itertools
from typing import Any

from sqlalchemy import insert

from services.kernel.database import flush_changes
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy.cases.models import Case
from services.policy.notices.actions.publish_notice import publish_notice
from tests.contracts.world import World

# A programme whose proposals stand in public notice; its department is that of the world's cases.
NOTICED = "software-growth"
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


def objection_to(notice: dict[str, Any]) -> dict[str, Any]:
    """Word an objection that was not made before."""
    return {
        "item": notice["case"], "name": "张三", "contact": "0574-63990000",
        "reason": f"理由{next(_numbers)}", "evidence": ["年报"],
    }  # fmt: skip
