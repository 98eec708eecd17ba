"""Correcting by objection: what is held is not asked again, nor overwritten."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.facts import FactObjected
from services.policy.fact_objections import queries, rules
from services.policy.fact_objections.models import FactObjection
from services.policy.fact_objections.rules import FactObjectionState
from services.policy.fact_objections.schemas import NewFactObjection
from services.policy.firms.rules import asked_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import FactEntry
from services.policy.prefill.queries import Filled, filled
from services.policy.prefill.rules import split_name, value_in
from services.policy.wording import unknown_name


async def lodge_objection(
    session: AsyncSession, actor: Actor, case_id: UUID, new: NewFactObjection, *, now: datetime
) -> tuple[FactObjection, Case]:
    """Put an applicant's objection to a fact before the department that states it."""
    case = await cases.case(session, actor, case_id, for_update=True)
    if not acts_for(actor, cases.applicant_of(case)):
        raise Forbidden("本件不由您办理。", "This case is not yours to handle.",
                        code="not-your-case")  # fmt: skip
    rules.require_open_case(CaseState(case.state))
    entry = _entry(new.fact)
    found = await filled(session, case, now=now)
    name = new.fact if new.year is None else f"{new.fact}:{new.year}"
    held = value_in(found.document["situation"]["facts"], name)
    rules.require_held(name, held, asked_of(found.programme.compiled, found.year))
    _require_not_own(name, found)
    says = rules.checked_claim(entry, new.says)
    rules.require_another_value(says, held)
    evidence = list(dict.fromkeys(new.evidence))
    if await queries.evidence_of(session, case, evidence) != len(evidence):
        raise invalid_field(
            "/evidence", "evidence-unknown", "证据须为本件已提交且未撤回的材料。",
            "Evidence must be files of this case that were not withdrawn.",
        )  # fmt: skip
    objection = FactObjection(
        id=new_id(), case_id=case.id, name=name, held=held, says=says, reason=new.reason.strip(),
        evidence=[str(each) for each in evidence],
        department=found.ground(name)["department"] or entry.owner.code,
        state=FactObjectionState.OPEN, version=1, lodged_by=actor.subject, lodged_at=now,
    )  # fmt: skip
    await _add(session, objection)
    role = Role.FIRM if case.applicant_kind == Role.FIRM else Role.INSTITUTION
    told = {"objection": str(objection.id), "fact": name, "department": objection.department}
    was = CaseState(case.state)
    await record(session, case, SystemEvent.FACT_OBJECTED, was=was, now=now,
                 by=Hand(actor, role), data=told)  # fmt: skip
    audit(
        session, actor, "fact-objection.lodge", "fact-objection", objection.id, now=now,
        detail={"case": str(case.id), "fact": name, "department": objection.department},
    )  # fmt: skip
    fact, year = split_name(name)
    event = FactObjected(
        objection_id=objection.id, case_id=case.id, fact=fact,
        year=year, department=objection.department,
    )  # fmt: skip
    announce(session, event, now=now)
    return objection, case


def _entry(fact: str) -> FactEntry:
    entry = library().facts.get(fact)
    if entry is None:
        raise unknown_name("/fact", "unknown-fact", fact, library().facts)
    return entry


def _require_not_own(name: str, found: Filled) -> None:
    if name in found.document["declared"]:
        raise Conflict(
            "该事实由本单位自行申报，请重新申报，无须异议。",
            "You stated this fact yourself: state it anew instead of objecting to it.",
            code="fact-own",
        )


async def _add(session: AsyncSession, objection: FactObjection) -> None:
    try:
        async with session.begin_nested():
            session.add(objection)
            await session.flush()
    except IntegrityError:
        known = (await queries.open_objections(session, objection.case_id))[objection.name]
        raise Conflict(
            f"对该事实的异议{known}尚在办理。",
            f"Objection {known} to this fact is still open.",
            code="fact-objection-open",
            headers={"Location": f"/v1/policy/fact-objections/{known}"},
        ) from None
