"""Working off what is marked: firms are matched, and what everybody is matched on is looked at."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM
from services.kernel.clock import city_day
from services.kernel.database import raw_connection
from services.policy.matches import queries
from services.policy.matches.actions.mark_due import EVERYBODY
from services.policy.matches.actions.match_firms import FIRMS_AT_ONCE, match_firms
from services.policy.matches.actions.review_bases import review_bases

WAITING = "SELECT 1 FROM match_due WHERE not_before <= clock_timestamp()"
# With a firm's mark go all others of it that were there before its facts are read.
_TAKE = """
WITH next AS (
    SELECT id, uscc FROM match_due WHERE not_before <= clock_timestamp()
    ORDER BY not_before, id LIMIT $1 FOR UPDATE SKIP LOCKED
), same AS (
    SELECT id FROM match_due WHERE uscc IN (SELECT uscc FROM next) FOR UPDATE SKIP LOCKED
)
DELETE FROM match_due WHERE id IN (SELECT id FROM next UNION SELECT id FROM same) RETURNING uscc
"""


async def work_off(session: AsyncSession, now: datetime) -> bool:
    """Match some of the firms that are marked, else of those whose day has come."""
    today = city_day(now)
    connection = await raw_connection(session)
    taken = {row["uscc"] for row in await connection.fetch(_TAKE, FIRMS_AT_ONCE)}
    if EVERYBODY in taken:
        await review_bases(session, SYSTEM, now=now)
    usccs = taken - {EVERYBODY}
    if not taken:
        usccs = set(await queries.stale_firms(session, today, FIRMS_AT_ONCE))
    if usccs:
        await match_firms(session, usccs, await queries.ground(session, today), now=now)
    return bool(taken or usccs)
