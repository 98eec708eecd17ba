"""Beginning a recommendation: by the applicant itself, or by a reviewer who guides it."""

from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.kernel.ids import new_id
from services.policy.cases.access import acts_for
from services.policy.cases.rules import has_stake, require_no_stake
from services.policy.contract.events import Party
from services.policy.firms.queries import firm_not_found
from services.policy.gates.rules import require_live
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme
from services.policy.recommendations import queries, rules
from services.policy.recommendations.actions.record import Hand, record
from services.policy.recommendations.models import Recommendation
from services.policy.recommendations.rules import FIRM, Origin, RecommendationState
from services.policy.recommendations.schemas import NewRecommendation
from services.policy.situations.queries import Answer, answer_for


async def begin_recommendation(
    session: AsyncSession,
    actor: Actor,
    new: NewRecommendation,
    *,
    now: datetime,
    demonstration: bool,
) -> Recommendation:
    """Begin a recommendation under a programme that an upper level decides on."""
    on = city_day(now)
    programme = library().programme_on(new.programme, on)
    if programme is None:
        raise programme_unknown("/programme", new.programme, library().programmes)
    recommends = rules.require_recommends(programme)
    applicant = new.applicant.party()
    rules.require_kind(applicant.kind, programme)
    level = rules.require_level(recommends, new.level)
    rules.require_year(new.year, on)
    origin = _origin(actor, applicant, programme)
    if not demonstration:
        require_live(programme, library(), on)
    answer = await assess(session, programme, applicant, on=on)
    if answer is not None and origin is Origin.GUIDANCE:
        rules.require_matched(answer.assessment)
    found = Recommendation(
        id=new_id(), plan=programme.plan.id, programme=programme.id,
        measure=programme.measure.number, department=programme.lead_code, level=level,
        recognition=recommends.recognition, applicant_kind=applicant.kind,
        applicant_id=applicant.id, applicant_name=_name(new, answer), year=new.year,
        origin=origin, state=RecommendationState.GUIDED, version=1,
        assessment=answer and answer.assessment.to_json(), rule_version=programme.version,
        grade=recommends.grade, created_by=actor.subject, created_at=now, changed_at=now,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(found)
            await session.flush()
    except IntegrityError:
        raise await _under_way(session, found) from None
    role = Role.REVIEWER if origin is Origin.GUIDANCE else applicant.kind
    data = {"programme": programme.id, "level": level, "year": new.year}
    by = Hand(actor, role, new.note)
    await record(session, found, "begun", was=None, now=now, by=by, data=data)
    return found


async def assess(
    session: AsyncSession, programme: PlanProgramme, applicant: Party, *, on: date
) -> Answer | None:
    """Ask the plan's rule about a firm; nothing is known here of other applicants."""
    if applicant.kind != FIRM:
        return None
    known = await decisions(session)
    return await answer_for(session, programme, applicant, known, on=on, year=None)


def _origin(actor: Actor, applicant: Party, programme: PlanProgramme) -> Origin:
    """Let applicants begin for themselves, and reviewers guide whom they have no stake in."""
    if acts_for(actor, applicant):
        return Origin.APPLICANT
    if not actor.has(Role.REVIEWER):
        raise firm_not_found()
    if has_stake(actor, applicant):
        require_no_stake(actor, applicant)
    if programme.id not in library().programmes_of(actor.department):
        raise Forbidden(
            "只能辅导本部门牵头或配合的项目。",
            "A reviewer guides towards programmes that his department leads or supports.",
            code="not-your-department",
        )
    return Origin.GUIDANCE


def _name(new: NewRecommendation, answer: Answer | None) -> str:
    """Take a firm's name from its file; of others the caller names it."""
    if answer is not None:
        return answer.firm.state.name
    if new.applicant.name is None:
        raise invalid_field(
            "/applicant/name", "name-required", "请写明被推荐单位的名称。",
            "Name the organisation that is recommended.",
        )  # fmt: skip
    return new.applicant.name


async def _under_way(session: AsyncSession, found: Recommendation) -> Conflict:
    existing = await queries.open_id(session, found)
    return Conflict(
        f"该单位本年度此项目已有在办的推荐申报{existing}，请继续办理该件。",
        f"Recommendation {existing} is under way for this programme and year; go on with that one.",
        code="recommendation-exists",
        headers={"Location": f"/v1/policy/recommendations/{existing}"} if existing else {},
    )
