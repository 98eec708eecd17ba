"""Keeping the ownership of facts and recognitions as the vocabulary says."""

from typing import Any

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.vocabulary.models import FactOwner, RecognitionOwner
from services.enterprise.vocabulary.rules import facts, recognitions

VOCABULARY, GRANTED = "vocabulary", "granted"


async def seed_owners(session: AsyncSession) -> None:
    """Bring the owners in line with the vocabulary; what was granted by hand stays."""
    await _seed(
        session,
        FactOwner,
        FactOwner.fact,
        [(each.name, d) for each in facts() for d in each.owners],
    )
    await _seed(
        session,
        RecognitionOwner,
        RecognitionOwner.recognition,
        [(each.id, d) for each in recognitions() for d in each.owners],
    )


async def own_every_fact(session: AsyncSession, department: str) -> None:
    """Let one department state every fact and recognition (the demonstration's registrar)."""
    await _add(session, FactOwner, "fact", [(each.name, department) for each in facts()], GRANTED)
    await _add(
        session,
        RecognitionOwner,
        "recognition",
        [(each.id, department) for each in recognitions()],
        GRANTED,
    )


async def _seed(session: AsyncSession, model: Any, name: Any, pairs: list[tuple[str, str]]) -> None:
    stale = tuple_(name, model.department).not_in(pairs)
    await session.execute(delete(model).where(model.origin == VOCABULARY, stale))
    await _add(session, model, name.key, pairs, VOCABULARY)


async def _add(
    session: AsyncSession, model: Any, name: str, pairs: list[tuple[str, str]], origin: str
) -> None:
    rows = [{name: each, "department": d, "origin": origin} for each, d in pairs]
    await session.execute(insert(model).values(rows).on_conflict_do_nothing())
