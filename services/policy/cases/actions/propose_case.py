"""Proposing: the grounds are frozen, and finance is asked for the money."""

from services.kernel.errors import Conflict, invalid_field
from services.kernel.outbox import announce
from services.policy.calls.queries import require_budget, require_place
from services.policy.cases import queries
from services.policy.cases.actions.deed import Deed, answer_of, programme_of
from services.policy.cases.models import Case
from services.policy.cases.rules import (
    CaseState,
    Outcome,
    ReservationState,
)
from services.policy.cases.schemas import ProposeData
from services.policy.contract.events import AwardProposed
from services.policy.fact_objections.queries import require_uncontested
from services.policy.overrides.actions import overridden_amount, record_override
from services.policy.overrides.rules import require_departure
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import stacking_mode
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import DatedParameter, PlanProgramme
from services.policy.situations.actions import freeze_situation
from services.policy.situations.queries import Answer
from services.policy.situations.rules import require_payable
from services.policy.stacking.rules import OWN_LEVEL, require_known
from services.policy.steps.actions.open_steps import (
    require_reviewed,
)
from services.policy.titles.rules import (
    require_call,
    require_grantable,
    require_known_checks,
)
from services.rulebook import Assessment
from services.rulebook.stacking import Position, StackingMode, limits_from


async def propose(deed: Deed) -> CaseState:
    """Freeze the situation and ask finance to reserve; or propose that the case be refused."""
    case, data = deed.case, deed.data(ProposeData)
    outcome, override = data.outcome, data.override
    if override is not None and outcome is not Outcome.APPROVE:
        raise invalid_field(
            "/data/override", "override-outcome", "突破规则只用于提请批准。",
            "An override is for proposing approval.",
        )  # fmt: skip
    await require_uncontested(deed.session, case)
    programme = programme_of(case)
    answer = await answer_of(deed, programme)
    amount_fen = None
    require_known_checks(programme, data.checked)
    if outcome is Outcome.APPROVE:
        if case.without_money:
            require_call(programme, case.call_id)
        await require_reviewed(deed.session, case, now=deed.now)
        await require_place(deed.session, case)
        amount_fen = _proposed_amount(case, programme, answer, data)
        if amount_fen is not None:
            await require_budget(deed.session, case, amount_fen)
    case.attempt += 1
    case.asked_amount_fen = amount_fen
    case.proposed_outcome, case.reviewed_by = outcome, deed.actor.subject
    case.reservation_amount_fen = case.reservation_line = None
    case.reservation_reason = case.reservation_reason_en = case.reservation_reason_code = None
    case.reservation_state = ReservationState.NONE
    await deed.session.flush()
    await freeze_situation(deed.session, case, programme, answer, now=deed.now)
    if override is not None:
        await record_override(
            deed.session, deed.actor, case, answer, override, amount_fen, now=deed.now
        )
    if amount_fen is not None:
        case.reservation_state = ReservationState.PENDING
        await _ask_finance(deed, programme, answer.assessment, amount_fen)
    return CaseState.PROPOSED


def proposed_already(reservation: ReservationState) -> Conflict:
    """Say why an attempt that is under way is not made again."""
    waits = reservation is ReservationState.PENDING
    why = "资金预留尚未答复，请待其答复" if waits else "本次提请有效，请待决定"
    why_en = (
        "its reservation is pending: wait for finance's answer" if waits
        else "this proposal stands: wait for the decision"
    )  # fmt: skip
    return Conflict(
        f"本件已提请，{why}；资金不能预留时方可再次提请。",
        f"The case is proposed, and {why_en}; it is proposed again only if no money can be held.",
        code="event-not-allowed",
    )


def _proposed_amount(
    case: Case, programme: PlanProgramme, answer: Answer, data: ProposeData
) -> int | None:
    """Give the amount to propose; None where the programme gives something else than money."""
    assessment, override = answer.assessment, data.override
    if case.without_money:
        if override is None:
            require_grantable(assessment, programme, data.checked)
        else:
            require_departure(assessment.outcome, override.amount_fen)
        return None
    if override is None:
        return require_payable(assessment, programme.compiled.vocabulary)
    return overridden_amount(programme.compiled, answer, override)


async def _ask_finance(
    deed: Deed, programme: PlanProgramme, assessment: Assessment, amount_fen: int
) -> None:
    """Ask for money under terms that are frozen here: finance looks no rule up."""
    case, rule, stacking = deed.case, programme.compiled.programme, library().stacking
    mode = await _stacking_mode(deed)
    applicant, matter = queries.applicant_of(case), queries.matter_of(case)
    position = Position(
        programme=programme.id, level=OWN_LEVEL, matter=matter.key(),
        group=programme.stacking_group, relation=rule.relation, year=deed.on.year,
    )  # fmt: skip
    terms = stacking.terms(StackingMode(str(mode.value)))
    plan = library().plans[stacking.highest.plan]
    event = AwardProposed(
        case_id=case.id, attempt=case.attempt, programme=programme.id,
        measure=programme.measure.number, beneficiary=applicant, payee=applicant,
        matter=matter, budget_year=position.year, amount_fen=amount_fen,
        amount_kind=rule.amount_kind, relation=rule.relation,
        stacking_group=programme.stacking_group, stacking_mode=terms.mode.value,
        stacking_source=mode.source, clause=programme.clause,
        department=programme.lead_code, proposed_by=deed.actor.subject, on=deed.on,
        ceilings=require_known(limits_from(assessment.ceilings)),
        one_clause=tuple(each for each in terms.rules if each.names(position)),
        stacking_clause=terms.clause, stacking_version=f"{plan.id}@{plan.version}",
    )  # fmt: skip
    announce(deed.session, event, now=deed.now)


async def _stacking_mode(deed: Deed) -> DatedParameter:
    dated = stacking_mode(library(), await decisions(deed.session), deed.on)
    if dated is None:
        raise Conflict(
            "重复补助的处理方式在当日没有取值，不能提请。",
            "No stacking mode is in force on this day, so nothing can be proposed.",
            code="parameter-unset",
        )
    return dated
