"""Convening a panel: for a call or a case, with its sheet, its terms and its experts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, invalid_field
from services.kernel.ids import new_id
from services.policy.calls.queries import call as call_seen_by
from services.policy.calls.rules import CallState
from services.policy.cases.queries import case as case_seen_by
from services.policy.contract.events import Party
from services.policy.panels import queries, rules
from services.policy.panels.access import require_lead, require_no_ties
from services.policy.panels.models import Panel, PanelExpert
from services.policy.panels.rules import Criterion, PanelState, Terms
from services.policy.panels.schemas import ExpertBody, NewPanel
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme
from services.rulebook.administration import Panel as StatedPanel

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Sheet:
    """What experts fill in, and by what the score is reckoned from it."""

    criteria: list[Criterion]
    total_points: int
    terms: Terms


async def convene_panel(
    session: AsyncSession, actor: Actor, new: NewPanel, *, now: datetime
) -> Panel:
    """Write a panel down; it takes sheets once another person has confirmed it."""
    programme = await _programme(session, actor, new, now)
    require_lead(actor, programme)
    sheet = _sheet(new, programme.compiled.programme.panel or StatedPanel())
    rules.require_criteria(sheet.criteria, sheet.total_points)
    rules.require_experts([each.subject for each in new.experts], sheet.terms)
    parties = await queries.parties_of(session, call=new.call, case=new.case)
    require_no_ties(actor, [party for _, party in parties])
    require_no_employer(new.experts, [party for _, party in parties])
    panel = _panel(actor, new, programme, sheet, now)
    for pointer, text in (("/title", panel.title), *_sayings(sheet)):
        rules.require_nameless(pointer, text, [(name, party.id) for name, party in parties])
    session.add(panel)
    await session.flush()
    _seat(session, panel, new.experts)
    await session.flush()
    detail = {"programme": panel.programme, "call": str(panel.call_id or ""),
              "case": str(panel.case_id or ""), "experts": len(new.experts)}  # fmt: skip
    audit(session, actor, "panel.convene", "panel", panel.id, now=now, detail=detail)
    return panel


def require_no_employer(experts: list[ExpertBody], parties: list[Party]) -> None:
    """Refuse an expert whose stated employer applies."""
    known = {(each.kind, each.id) for each in parties}
    for index, each in enumerate(experts):
        party = each.employer.party() if each.employer is not None else None
        if party is not None and (party.kind, party.id) in known:
            raise Conflict(
                f"第{index + 1}名专家任职于申报单位，应当回避，不能列入评审组。",
                f"Expert {index + 1} works for an applicant and cannot sit on the panel.",
                code="conflict-of-interest",
            )


async def _programme(
    session: AsyncSession, actor: Actor, new: NewPanel, now: datetime
) -> PlanProgramme:
    """Find whose cases are judged, of a call or a case that the caller may know of."""
    if new.call is not None:
        found = await call_seen_by(session, actor, new.call)
        if found.state not in (CallState.PUBLISHED, CallState.RANKED):
            raise Conflict(
                "申报批次未发布或已取消，不能组织评审。",
                "The call is not published, or cancelled; there is nothing to judge.",
                code="call-not-open",
            )
        name = found.programme
    else:
        assert new.case is not None
        name = (await case_seen_by(session, actor, new.case)).programme
    programme = library().programme_on(name, city_day(now))
    if programme is None:
        raise programme_unknown("/programme", name, library().programmes)
    return programme


def _sheet(new: NewPanel, stated: StatedPanel) -> Sheet:
    """Take what the programme states, and for the rest what the panel brings."""
    own = [Criterion(each.id, each.says, each.max_points, each.weight_bp) for each in new.criteria]
    text = [
        Criterion(each.id, each.says, each.max_points, each.weight_bp) for each in stated.criteria
    ]
    criteria = _either("criteria", text or None, own or None)
    total_points = _either("total_points", stated.total_points, new.total_points)
    if criteria is None or total_points is None:
        raise invalid_field(
            "/criteria" if criteria is None else "/total_points", "sheet-missing",
            "条款未写评分标准：须写明评分项和总分。",
            "The text has no score sheet: state criteria and total.",
        )  # fmt: skip
    terms = Terms(
        _either("experts_min", stated.experts_min, new.experts_min),
        _either("drop_extremes_from", stated.drop_extremes_from, new.drop_extremes_from),
        _either("spread_flag_points", stated.spread_flag_points, new.spread_flag_points),
    )
    return Sheet(criteria, total_points, terms)


def _either(field: str, stated: ValueT | None, given: ValueT | None) -> ValueT | None:
    if stated is not None and given is not None and given != stated:
        raise invalid_field(
            f"/{field}", "stated-by-programme", "该项目已写明，不得另行规定。",
            "The programme states this itself; leave it out.",
        )  # fmt: skip
    return given if stated is None else stated


def _sayings(sheet: Sheet) -> list[tuple[str, str]]:
    return [(f"/criteria/{n}/says", each.says) for n, each in enumerate(sheet.criteria)]


def _panel(
    actor: Actor, new: NewPanel, programme: PlanProgramme, sheet: Sheet, now: datetime
) -> Panel:
    return Panel(
        id=new_id(), programme=programme.id, department=actor.department, call_id=new.call,
        case_id=new.case, title=new.title or f"{programme.compiled.programme.title}专家评审",
        document=new.document, criteria=[vars(each) for each in sheet.criteria],
        total_points=sheet.total_points, experts_min=sheet.terms.experts_min,
        drop_extremes_from=sheet.terms.drop_extremes_from,
        spread_flag_points=sheet.terms.spread_flag_points, state=PanelState.DRAFT, version=1,
        edition=1, convened_by=actor.subject, convened_at=now, changed_at=now,
    )  # fmt: skip


def _seat(session: AsyncSession, panel: Panel, experts: list[ExpertBody]) -> None:
    """Give each expert a seat whose number tells nothing of him."""
    seats = rules.numbered({each.subject: drawn(new_id()) for each in experts})
    for each in experts:
        employer: Any = each.employer.party() if each.employer is not None else None
        session.add(
            PanelExpert(
                panel_id=panel.id, subject=each.subject, seat=seats[each.subject], name=each.name,
                field=each.field, employer_kind=employer and employer.kind,
                employer_id=employer and employer.id,
            )
        )  # fmt: skip


def drawn(id_: UUID) -> int:
    """Take of a fresh id the bits that were drawn at random, not those of the clock."""
    return id_.int & ((1 << 62) - 1)
