"""Recording what happened to a matter, and asking who may move it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.audit import audit
from services.kernel.errors import Forbidden
from services.kernel.ids import new_id
from services.policy.aftermath.models import MatterEvent
from services.policy.aftermath.rules import Part
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for
from services.policy.cases.models import Case
from services.policy.cases.rules import require_no_stake


class Matter(Protocol):
    """What has an id, a state and a version, and may belong to a case."""

    id: Any
    state: Any
    version: Any


@dataclass(frozen=True)
class By:
    """Who did it, in which role, and what was said."""

    actor: Actor = SYSTEM
    role: str = "system"
    note: str = ""


OURS = By()


async def record(
    session: AsyncSession,
    thing: str,
    row: Matter,
    event: str,
    *,
    was: str | None,
    now: datetime,
    by: By = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row to a matter's history under its version, and one to the audit.

    The audit holds ids and states; what was said stays in the history.
    """
    detail, case_id = data or {}, getattr(row, "case_id", None)
    await session.flush()
    session.add(
        MatterEvent(
            id=new_id(), thing=thing, thing_id=row.id, case_id=case_id, number=row.version,
            event=event, from_state=was, to_state=row.state, role=by.role, actor=by.actor.subject,
            note=by.note, data=detail, at=now,
        )
    )  # fmt: skip
    await session.flush()
    told = {"from": was, "to": row.state, "version": row.version, "case": case_id and str(case_id)}
    audit(session, by.actor, f"{thing}.{event}", thing, row.id, now=now, detail=told)


async def require_part(session: AsyncSession, actor: Actor, case: Case, part: Part) -> str:
    """Let applicants do their part and officers theirs; give the role in which it is done."""
    applicant = cases.applicant_of(case)
    if part is Part.APPLICANT:
        if not acts_for(actor, applicant):
            raise not_yours()
        return str(Role.FIRM if case.applicant_kind == "firm" else Role.INSTITUTION)
    require_no_stake(actor, applicant)
    if part is Part.REVIEWER:
        if not await cases.may_review(session, actor, case.id):
            raise not_yours()
        return str(Role.REVIEWER)
    if not actor.has(Role.APPROVER):
        raise not_yours()
    return str(Role.APPROVER)


def not_yours() -> Forbidden:
    return Forbidden(
        "此事项不由您办理：申报单位履行和陈述，主管部门审核，审批人决定。",
        "This is not yours to do: the applicant performs and is heard, its department reviews, an"
        " approver decides.",
        code="not-your-case",
    )


def require_other_person(actor: Actor, *others: str | None) -> None:
    """Let nobody go on with what he began himself."""
    if actor.subject in others:
        raise Forbidden(
            "提出人不能自行核定，须由另一人办理。",
            "Whoever began it does not settle it; another person must.",
            code="four-eyes",
        )
