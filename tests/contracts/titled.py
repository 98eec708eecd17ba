"""Titles that upper levels granted, and titles that end, for whatever is announced of them."""

from datetime import datetime, time, timedelta

from services.enterprise.recognitions.actions import tell_of_expired, tell_of_expiring
from services.kernel.clock import CITY
from services.kernel.database import flush_changes
from services.kernel.unit import commit
from tests.contracts.calls.recommendations import RECOMMENDATIONS, recommendation
from tests.contracts.calls.registry import event
from tests.contracts.world import REVIEWER, World


async def grant_above(world: World) -> None:
    """Have an upper level grant what was recommended, and the registry answer.

    To the other firm: who holds a title is recommended for it no more.
    """
    found = await recommendation(world, "recommended", "firm-b", world.uscc_b)
    data = {
        "outcome": "granted", "document": "合约测试文件", "issuer": "上级部门",
        "decided_on": world.today,
    }  # fmt: skip
    deed = event("result", found["version"], **data)
    await world.post(REVIEWER, f"{RECOMMENDATIONS}/{found['id']}/events", deed)
    await world.platform.settle()


async def let_title_end(world: World) -> None:
    """Have a title be told of as about to end, and on the day after as ended."""
    last = datetime.fromisoformat(world.today).date() + timedelta(days=10)
    body = {
        "recognition": "innovative-sme", "issuer": "合约测试", "document": "合约测试文件",
        "valid_from": world.today, "valid_to": last.isoformat(),
    }  # fmt: skip
    uscc = await world.new_firm()
    made = await world.post("registrar", f"/v1/enterprise/firms/{uscc}/recognitions", body)
    for tell, day in ((tell_of_expiring, last), (tell_of_expired, last + timedelta(days=1))):
        async with world.platform.service("enterprise").sessions() as session:
            await tell(session, made["id"], datetime.combine(day, time(9), tzinfo=CITY))
            await flush_changes(session)
            await commit(session)
