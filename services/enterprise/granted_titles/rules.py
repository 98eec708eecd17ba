"""How a title that was granted meets what the registry holds, on plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.enterprise.recognitions.rules import overlap
from services.policy.contract.grants import Grant


class Outcome(StrEnum):
    RECORDED = "recorded"
    ALREADY_HELD = "already-held"
    FIRM_UNKNOWN = "firm-unknown"
    RECOGNITION_UNKNOWN = "recognition-unknown"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Span:
    """A record of the same title: its grade and its days."""

    id: UUID
    grade: str | None
    valid_from: date
    valid_to: date | None
    revoked_on: date | None


@dataclass(frozen=True)
class Meeting:
    """What a grant meets: a record that says it already, or those that give way to it."""

    held: UUID | None
    give_way: tuple[UUID, ...]


def meet(held: Iterable[Span], grant: Grant) -> Meeting:
    """Compare a grant with what is on record of the same title.

    A record of the same grade that covers all its days says it already. Any other that holds on one
    of its days gives way from its first day on: a renewal, or another grade.
    """
    give_way: list[UUID] = []
    for each in held:
        span = (each.valid_from, each.valid_to, each.revoked_on)
        if not overlap(span, (grant.valid_from, grant.valid_to)):
            continue
        if each.grade == grant.grade and _covers(each, grant):
            return Meeting(each.id, ())
        give_way.append(each.id)
    return Meeting(None, tuple(give_way))


def _covers(span: Span, grant: Grant) -> bool:
    if span.revoked_on is not None or span.valid_from > grant.valid_from:
        return False
    if span.valid_to is None:
        return True
    return grant.valid_to is not None and grant.valid_to <= span.valid_to
