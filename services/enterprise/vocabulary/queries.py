"""What a department owns."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.vocabulary.models import RecognitionOwner
from services.enterprise.vocabulary.rules import fact, recognition
from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.errors import Forbidden

_OWNED_FACTS = "SELECT fact FROM fact_owner WHERE department = $1"


async def owned_facts(session: AsyncSession, actor: Actor) -> frozenset[str]:
    """Give the facts that the actor's department may state."""
    if actor.department is None:
        return frozenset()
    connection = await raw_connection(session)
    rows = await connection.fetch(_OWNED_FACTS, actor.department)
    return frozenset(row["fact"] for row in rows)


async def owned_recognitions(session: AsyncSession, actor: Actor) -> frozenset[str]:
    """Give the recognitions that the actor's department may record."""
    if actor.department is None:
        return frozenset()
    mine = select(RecognitionOwner.recognition).where(
        RecognitionOwner.department == actor.department
    )
    return frozenset((await session.scalars(mine)).all())


async def require_facts_owned(session: AsyncSession, actor: Actor, names: Iterable[str]) -> None:
    """Refuse the whole statement if one of its facts belongs to another department."""
    missing = sorted(set(names) - await owned_facts(session, actor))
    if missing:
        raise fact_not_owned(missing)


async def require_recognition_owned(session: AsyncSession, actor: Actor, id_: str) -> None:
    if id_ not in await owned_recognitions(session, actor):
        raise recognition_not_owned(id_)


def fact_not_owned(names: Iterable[str]) -> Forbidden:
    """Say which facts belong to whom."""
    known = [each for each in map(fact, names) if each is not None]
    listed = "、".join(f"{each.name}（{'、'.join(each.owners)}）" for each in known)
    listed_en = ", ".join(f"{each.name} ({', '.join(each.owners)})" for each in known)
    return Forbidden(
        f"本部门不是以下事实的责任部门，应由括号内的部门陈述：{listed}。",
        f"Your department does not own these facts; those in brackets state them: {listed_en}.",
        code="fact-not-owned",
    )


def recognition_not_owned(id_: str) -> Forbidden:
    known = recognition(id_)
    owners = known.owners if known else ()
    return Forbidden(
        f"本部门不登记此项认定，应由以下部门登记：{'、'.join(owners)}。",
        f"Your department does not record this recognition; these do: {', '.join(owners)}.",
        code="recognition-not-owned",
    )
