"""What would follow for an applicant today, what he has received, and what was frozen."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import Conflict
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.queries import matter_of
from services.policy.cases.rules import FIRM, RECEIVED, ReservationState, SystemEvent
from services.policy.contract.events import Party
from services.policy.firms import queries as firms
from services.policy.firms.rules import (
    KnownFirm,
    asked_of,
    declared_of,
    mark_provisional,
    situation_of,
    stale_of,
)
from services.policy.office import renewal_days
from services.policy.parameters.rules import Decisions, Number, numbers_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.prefill.rules import grounds_of
from services.policy.situations.models import FrozenSituation
from services.policy.situations.rules import JudgedFact
from services.policy.stacking.rules import OWN_LEVEL
from services.policy.treasury.queries import declared_aid
from services.rulebook import Assessment, Situation
from services.rulebook.stacking import COMPETES, Aid, limits_from


@dataclass(frozen=True)
class Answer:
    """What a programme answers for an applicant on a day, and everything it rests on."""

    firm: KnownFirm
    situation: Situation
    numbers: dict[str, Number]
    assessment: Assessment
    declared: list[str]
    # What each value that the rule looks at rests on: statement, title or version of a list.
    grounds: dict[str, Any] = field(default_factory=dict[str, Any])
    judged: Mapping[str, JudgedFact] = field(default_factory=dict[str, JudgedFact])
    # Held values whose register has not renewed them as it promises, with the day since when.
    stale: Mapping[str, date] = field(default_factory=dict[str, date])

    @property
    def provisional(self) -> list[str]:
        return sorted({*self.declared, *self.stale})


async def answer_for(
    session: AsyncSession,
    programme: PlanProgramme,
    applicant: Party,
    decisions: Decisions,
    *,
    on: date,
    year: int | None,
    after: UUID | None = None,
    judged: Mapping[str, JudgedFact] | None = None,
) -> Answer:
    """Ask the rule of today about the facts of today; samples are never used on a case.

    What was judged for the case goes before what a registry says of the same fact.
    """
    judged = judged or {}
    firm = await firms.firm(session, applicant.id, on=on, after=after)
    compiled = programme.compiled
    situation = situation_of(
        firm,
        compiled.vocabulary,
        on=on,
        year=year,
        history=await received(session, applicant),
        only=compiled.facts,
    )
    given = {name: each.value for name, each in judged.items()}
    situation = replace(situation, facts={**situation.facts, **given})
    numbers = numbers_of(programme, library(), decisions, on, samples=False)
    values = {name: number.value for name, number in numbers.items()}
    stated = [each for each in firm.state.declared if each.partition(":")[0] not in judged]
    declared = declared_of(compiled, situation, stated)
    used = set(asked_of(compiled, situation.year)) & situation.facts.keys() - judged.keys()
    stale = stale_of(used, firm.grounds, renewal_days(session), on)
    assessment = mark_provisional(compiled.assess(situation, values), declared, stale)
    grounds = grounds_of(compiled, firm, situation.year, on)
    return Answer(firm, situation, numbers, assessment, declared, grounds, judged, stale)


async def received(session: AsyncSession, applicant: Party) -> frozenset[str]:
    """Name the programmes that were ever decided for an applicant and not revoked."""
    statement = select(Case.programme).where(
        Case.applicant_kind == applicant.kind,
        Case.applicant_id == applicant.id,
        Case.state.in_(RECEIVED),
    )
    return frozenset(await session.scalars(statement.distinct()))


async def received_by_firms(
    session: AsyncSession, usccs: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Name the same for many firms; one that received nothing is not among them."""
    statement = select(Case.applicant_id, func.array_agg(Case.programme.distinct())).where(
        Case.applicant_kind == FIRM, Case.applicant_id.in_(list(usccs)), Case.state.in_(RECEIVED)
    )
    rows = await session.execute(statement.group_by(Case.applicant_id))
    return {uscc: frozenset(programmes) for uscc, programmes in rows}


async def standing_aid(session: AsyncSession, applicant: Party) -> list[Aid]:
    """List what stands of an applicant's aid, our own and, of a firm, what was declared."""
    found = await standing_aid_of(session, applicant.kind, [applicant.id])
    return found.get(applicant.id, [])


async def standing_aid_of(
    session: AsyncSession, kind: str, ids: Collection[str]
) -> dict[str, list[Aid]]:
    """List what stands of many applicants' aid, as far as it has been heard.

    Of our own it is what finance holds or paid for their cases; of other levels' what was declared.
    """
    recovered = select(CaseHistory.id).where(
        CaseHistory.case_id == Case.id, CaseHistory.event == SystemEvent.RECOVERED
    )
    statement = select(Case).where(
        Case.applicant_kind == kind,
        Case.applicant_id.in_(list(ids)),
        Case.reservation_state == ReservationState.RESERVED,
        ~recovered.exists(),
    )
    found: dict[str, list[Aid]] = {}
    for row in await session.scalars(statement.order_by(Case.id)):
        found.setdefault(row.applicant_id, []).append(_aid(row))
    if kind == FIRM:
        for uscc, aid in (await declared_aid(session, ids)).items():
            found.setdefault(uscc, []).extend(aid)
    return found


def _aid(row: Case) -> Aid:
    programme = library().programmes.get(row.programme)
    line: Any = row.reservation_line
    return Aid(
        id=str(row.id), programme=row.programme, level=OWN_LEVEL, matter=matter_of(row).key(),
        group=programme.stacking_group if programme else row.programme,
        relation=programme.compiled.programme.relation if programme else COMPETES,
        year=line["year"] if line else row.changed_at.year,
        limits=limits_from(row.assessment.get("ceilings", ())),
        amount_fen=row.reservation_amount_fen or 0,
    )  # fmt: skip


async def frozen(session: AsyncSession, found: Case) -> FrozenSituation:
    """Find what the latest proposal of a case was frozen with."""
    statement = select(FrozenSituation).where(FrozenSituation.case_id == found.id)
    row = await session.scalar(statement.order_by(FrozenSituation.attempt.desc()).limit(1))
    if row is None:
        raise Conflict(
            "本件尚未提请，没有冻结的情形可供复算。",
            "The case was not proposed yet; nothing is frozen that could be replayed.",
            code="not-frozen",
        )
    return row
