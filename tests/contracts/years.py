"""Years that a firm may apply for again: what was for them is over, and holds no money."""

from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select

from services.policy.cases.models import Case

EARLY_STATES = ("draft", "submitted", "returned", "accepted", "in-review")
OVER = ("withdrawn", "refused")


_counts: WeakKeyDictionary[Any, Counter[str]] = WeakKeyDictionary()


def count(world: Any, name: str) -> int:
    """Count on, from 0 on each platform: what is used up on one is not on the next."""
    counts = _counts.setdefault(world.platform, Counter())
    counts[name] += 1
    return counts[name] - 1


async def freed_years(world: Any, programme: str, looked_at: str) -> list[int]:
    """Withdraw the cases that no call looks at any more; give the years that are free then."""
    async with world.platform.service("policy").sessions() as session, session.begin():
        rows = await session.scalars(
            select(Case).where(Case.applicant_id == world.uscc, Case.programme == programme)
        )
        taken: set[str] = set()
        for row in rows:
            if row.state in EARLY_STATES and str(row.id) not in looked_at:
                row.state = "withdrawn"
            elif row.state not in OVER:
                taken.add(row.matter_period or "")
    return [year for year in world.all_years if str(year) not in taken]
