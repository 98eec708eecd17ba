from services.kernel.actors import Anyone
from services.kernel.clock import city_day
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.notices import queries
from services.policy.notices.schemas import NoticeList

router = noun_router("policy", "notices")


@router.get("")
async def list_notices(_: Anyone, session: Session, page: Page, now: Now) -> NoticeList:
    """List the public notices that run today: who is proposed for what, how much, until when."""
    rows = await queries.running(session, page, now)
    found = page_of(rows, page, lambda row: [row[0].id])
    items = [queries.view(row, city_day(now)) for row in found["items"]]
    return NoticeList(items=items, next_cursor=found["next_cursor"])
