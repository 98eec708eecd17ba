"""Answering a request for erasure: while retention runs, the archive is kept and not used."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.policy.archives import queries, rules
from services.policy.archives.schemas import ErasureAnswer
from services.policy.cases import queries as cases
from services.policy.office import RetentionClass, office_of


async def request_erasure(
    session: AsyncSession, actor: Actor, case_id: UUID, reason: str, *, now: datetime
) -> ErasureAnswer:
    """Restrict the use of a case's archive in place of erasing it, and name the rule."""
    case = await cases.case(session, actor, case_id)
    found = await queries.archive(session, case.id, for_update=True)
    class_ = RetentionClass(found.retention_class) if found.retention_class else None
    zh, en = rules.restriction_words(
        class_, found.retention_source, found.retained_until, on=city_day(now),
        law=office_of(session).archive.restriction_source,
    )  # fmt: skip
    if found.restricted_at is None:
        found.restricted_by, found.restricted_at = actor.subject, now
        found.restricted_for, found.restriction_rule = reason, zh
        await session.flush()
    detail = {"archive": str(found.id), "volume": found.volume}
    audit(session, actor, "archive.restrict", "case", case.id, now=now, detail=detail)
    return ErasureAnswer(
        case=case.id, erased=False, restricted=True, rule=zh, rule_en=en,
        retention=queries.retention_view(found),
    )  # fmt: skip
