"""When a number, a list, a rule or the year is another one, every firm is matched again.

What all firms are matched on under a programme is compared with what they were matched on last. A
difference is entered together with the operation that matches them, so that it is met once.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor
from services.kernel.clock import city_day
from services.kernel.operations import Step, begin_operation
from services.kernel.tables import Operation
from services.policy.matches import queries
from services.policy.matches.actions.match_firms import match_firms
from services.policy.matches.models import MatchBasis

OPERATION = "match-firms"
TIMER = "review-bases"
STANDINGS_AT_ONCE = 40_000
FIRMS_LEAST = 400
FIRMS_MOST = 2_000
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('match_basis'))")


async def review_bases(session: AsyncSession, actor: Actor, *, now: datetime) -> UUID | None:
    """Begin to match all firms under the programmes whose basis is another one; give the operation.

    The actor may follow it.
    """
    await session.execute(_ONE_AT_A_TIME)
    known = await queries.known_bases(session)
    current = {b.programme.id: b.digest for b in await queries.bases(session, city_day(now))}
    changed = [name for name, digest in current.items() if known.get(name) != digest]
    gone = known.keys() - current.keys()
    if not changed and not gone:
        return None
    if changed:
        rows = [{"programme": name, "basis": current[name]} for name in changed]
        statement = insert(MatchBasis).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["programme"], set_={"basis": statement.excluded.basis}
            )
        )
    await session.execute(delete(MatchBasis).where(MatchBasis.programme.in_(gone)))
    input_ = {"programmes": sorted([*changed, *gone]), "after": "", "changed": 0}
    operation = begin_operation(session, actor, OPERATION, input_=input_, total=None, now=now)
    return operation.id


async def review_on_the_day(session: AsyncSession, _: str, now: datetime) -> None:
    """Look whether the day, or a new release, has changed what firms are matched on."""
    await review_bases(session, SYSTEM, now=now)


async def step_matching(
    session: AsyncSession, operation: Operation, _: Actor, now: datetime
) -> Step:
    """Match the next firms under the programmes that it is about."""
    work = operation.input
    programmes: list[str] = work["programmes"]
    at_once = firms_at_once(len(programmes))
    usccs = await queries.firms_after(session, work["after"], at_once)
    changed = work["changed"]
    if usccs:
        ground = await queries.ground(session, city_day(now), programmes)
        changed += await match_firms(session, usccs, ground, now=now, only=programmes)
        operation.input = {**work, "after": usccs[-1], "changed": changed}
    done = operation.done + len(usccs)
    total = max(operation.total or await queries.count_firms(session), done)
    if len(usccs) == at_once:
        return Step(done, total, [])
    result = {"programmes": programmes, "firms": done, "changed": changed}
    return Step(done, done, [], result)


def firms_at_once(programmes: int) -> int:
    """Choose so many that a step stays short: others wait for its locks and its turn."""
    return max(FIRMS_LEAST, min(FIRMS_MOST, STANDINGS_AT_ONCE // max(1, programmes)))
