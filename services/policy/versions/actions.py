"""Keeping the wordings that a release brings along."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.strict_json import digest
from services.policy.plan.rules import Library, PlanProgramme
from services.policy.situations.models import RuleText
from services.policy.versions.models import ProgrammeVersion


async def keep_versions(session: AsyncSession, library: Library, *, now: datetime) -> None:
    """Add every wording that is not kept yet; several processes may begin at once."""
    editions = [each for found in library.editions.values() for each in found]
    texts = {digest(each.rule): each.rule for each in editions}
    rules = [{"sha256": sha256, "text": text} for sha256, text in sorted(texts.items())]
    await session.execute(insert(RuleText).values(rules).on_conflict_do_nothing())
    rows = [_row(each, now) for each in editions]
    await session.execute(insert(ProgrammeVersion).values(rows).on_conflict_do_nothing())


def _row(programme: PlanProgramme, now: datetime) -> dict[str, object]:
    own = programme.compiled.programme.edition
    return {
        "programme": programme.id,
        "version": programme.version,
        "plan": programme.plan.id,
        "plan_version": programme.plan.version,
        "rule_sha256": digest(programme.rule),
        "in_force_from": own and own.from_,
        "in_force_to": own and own.to,
        "recorded_at": now,
    }
