"""Reading panels, what an expert may see of them, and the scores that stand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.contract.events import Party
from services.policy.panels import rules
from services.policy.panels.access import visible_to
from services.policy.panels.models import (
    Panel,
    PanelCase,
    PanelEdition,
    PanelExpert,
    PanelResult,
    PanelSheet,
)
from services.policy.panels.rules import (
    NEXT,
    Criterion,
    PanelEvent,
    PanelState,
    SheetState,
    Terms,
)
from services.policy.panels.schemas import (
    CriterionView,
    ExpertView,
    PanelCaseView,
    PanelSummary,
    PanelView,
    ScoreLine,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.situations.rules import JudgedFact

Seated = Row[tuple[PanelCase, Case]]


async def panel(
    session: AsyncSession, actor: Actor, panel_id: UUID, *, for_update: bool = False
) -> Panel:
    """Find a panel that the caller may know of, and lock it where it is about to move."""
    statement = select(Panel).where(Panel.id == panel_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise panel_not_found()
    return found


async def panels(
    session: AsyncSession, actor: Actor, page: PageRequest, *, state: PanelState | None,
    programme: str | None, call: UUID | None,
) -> list[Panel]:  # fmt: skip
    """List the panels that the caller may know of, the newest first."""
    statement = select(Panel).where(visible_to(actor))
    for column, value in (
        (Panel.state, state), (Panel.programme, programme), (Panel.call_id, call),
    ):  # fmt: skip
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(Panel.id < UUID(page.after[0]))
    return list(await session.scalars(statement.order_by(Panel.id.desc()).limit(page.limit + 1)))


def panel_not_found() -> NotFound:
    return NotFound("没有这个专家评审组。", "There is no such panel.")


async def experts(session: AsyncSession, panel_id: UUID) -> list[PanelExpert]:
    statement = select(PanelExpert).where(PanelExpert.panel_id == panel_id)
    return list(await session.scalars(statement.order_by(PanelExpert.seat)))


async def cases(
    session: AsyncSession, panel_id: UUID, *, for_update: bool = False
) -> Sequence[Seated]:
    """Read the cases before a panel by their numbers, and lock those that are to be judged."""
    statement = (
        select(PanelCase, Case)
        .join(Case, Case.id == PanelCase.case_id)
        .where(PanelCase.panel_id == panel_id)
        .order_by(PanelCase.number)
    )
    if for_update:
        # In the order of their ids first, in which others lock several cases, too.
        ids = select(PanelCase.case_id).where(PanelCase.panel_id == panel_id)
        locked = select(Case.id).where(Case.id.in_(ids)).order_by(Case.id).with_for_update()
        (await session.execute(locked)).all()
    rows = await session.execute(statement.execution_options(populate_existing=True))
    return rows.all()


async def applicants(session: AsyncSession, panel_id: UUID) -> list[tuple[str, Party]]:
    """Name who applies with the cases before a panel."""
    columns = (Case.applicant_name, Case.applicant_kind, Case.applicant_id)
    ids = select(PanelCase.case_id).where(PanelCase.panel_id == panel_id)
    rows = await session.execute(select(*columns).where(Case.id.in_(ids)))
    return [(name, Party(kind=kind, id=id_)) for name, kind, id_ in rows]


async def judged_elsewhere(
    session: AsyncSession, case_ids: Iterable[UUID], panel_id: UUID
) -> frozenset[UUID]:
    """Name the cases that another panel judges, or has given a score that stands."""
    statement = select(PanelCase.case_id).where(
        PanelCase.case_id.in_(list(case_ids)), PanelCase.is_live, PanelCase.panel_id != panel_id
    )
    return frozenset(await session.scalars(statement))


async def cases_in_review(
    session: AsyncSession, *, call: UUID | None, case: UUID | None, limit: int
) -> list[Case]:
    """Find and lock the cases of a call, or the one case, that are in review now."""
    statement = select(Case).where(Case.state == CaseState.IN_REVIEW)
    statement = statement.where(Case.call_id == call if call is not None else Case.id == case)
    statement = statement.order_by(Case.id).limit(limit).with_for_update()
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def parties_of(
    session: AsyncSession, *, call: UUID | None, case: UUID | None
) -> list[tuple[str, Party]]:
    """Name who applies in a call or with a case, in whatever state."""
    statement = select(Case.applicant_name, Case.applicant_kind, Case.applicant_id)
    statement = statement.where(Case.call_id == call if call is not None else Case.id == case)
    rows = await session.execute(statement.distinct())
    return [(name, Party(kind=kind, id=id_)) for name, kind, id_ in rows]


async def sheets(
    session: AsyncSession, panel_id: UUID, expert: str | None = None
) -> dict[UUID, list[PanelSheet]]:
    """Read the sheets of a panel, or of one expert on it, by the case before the panel."""
    statement = select(PanelSheet).where(PanelSheet.panel_id == panel_id)
    if expert is not None:
        statement = statement.where(PanelSheet.expert == expert)
    found: dict[UUID, list[PanelSheet]] = defaultdict(list)
    for row in await session.scalars(statement.order_by(PanelSheet.id)):
        found[row.panel_case_id].append(row)
    return found


async def paper(session: AsyncSession, panel_id: UUID, number: int) -> PanelCase:
    """Find a case before a panel by the number under which experts know it."""
    statement = select(PanelCase).where(
        PanelCase.panel_id == panel_id, PanelCase.number == number
    )  # fmt: skip
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("本评审组没有这个编号的办件。", "The panel has no case of this number.")
    return found


async def sheet_of(
    session: AsyncSession, panel_case_id: UUID, expert: str
) -> PanelSheet | None:  # fmt: skip
    statement = select(PanelSheet).where(
        PanelSheet.panel_case_id == panel_case_id, PanelSheet.expert == expert
    )
    return await session.scalar(statement.with_for_update())


async def edition(session: AsyncSession, found: Panel) -> PanelEdition | None:
    """Read the latest result of a panel; one that was reopened has it until the next."""
    statement = select(PanelEdition).where(PanelEdition.panel_id == found.id)
    return await session.scalar(statement.order_by(PanelEdition.edition.desc()).limit(1))


async def results(session: AsyncSession, panel_id: UUID, number: int) -> list[PanelResult]:
    """Read the results of one edition, the highest scores first, and what has none last."""
    statement = select(PanelResult).where(
        PanelResult.panel_id == panel_id, PanelResult.edition == number
    )
    ordered = statement.order_by(
        PanelResult.score_thousandths.desc().nulls_last(), PanelResult.number
    )
    return list(await session.scalars(ordered))


async def standing_results(
    session: AsyncSession, case_ids: Iterable[UUID]
) -> dict[UUID, PanelResult]:
    """Find the scores that stand: of closed panels, in their latest edition, and known."""
    statement = (
        select(PanelResult)
        .join(Panel, Panel.id == PanelResult.panel_id)
        .where(
            PanelResult.case_id.in_(list(case_ids)), Panel.state == PanelState.CLOSED,
            PanelResult.edition == Panel.edition, PanelResult.score_thousandths.is_not(None),
        )
    )  # fmt: skip
    return {row.case_id: row for row in await session.scalars(statement)}


async def judged_facts(
    session: AsyncSession, case: Case, programme: PlanProgramme
) -> dict[str, JudgedFact]:
    """Give the fact that a panel's score is for its case, where the programme names one."""
    name = points_fact(programme)
    if name is None:
        return {}
    row = (await standing_results(session, [case.id])).get(case.id)
    if row is None or row.score_thousandths is None:
        return {}
    source = {
        "panel": str(row.panel_id),
        "edition": row.edition,
        "score_thousandths": row.score_thousandths,
    }
    return {name: JudgedFact(rules.whole_points(row.score_thousandths), source)}


def points_fact(programme: PlanProgramme) -> str | None:
    """Name the fact that a panel's score becomes under a programme, if it names one."""
    panel = programme.compiled.programme.panel
    return panel.points if panel is not None else None


def criteria_of(found: Panel) -> list[Criterion]:
    return [Criterion(**each) for each in found.criteria]


def terms_of(found: Panel) -> Terms:
    return Terms(found.experts_min, found.drop_extremes_from, found.spread_flag_points)


def given_of(points: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {each["criterion"]: each["points_hundredths"] for each in points}


def summary(found: Panel) -> PanelSummary:
    return PanelSummary(
        id=found.id, programme=found.programme, department=found.department, call=found.call_id,
        case=found.case_id, title=found.title, state=PanelState(found.state),
        version=found.version, edition=found.edition, convened_at=found.convened_at,
        changed_at=found.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, found: Panel) -> PanelView:
    """Show a panel to those who run or audit it: how many sheets are in, and nobody's points."""
    seats = await experts(session, found.id)
    given = await sheets(session, found.id)
    return PanelView(
        **summary(found).model_dump(), document=found.document,
        criteria=criterion_views(found), total_points=found.total_points,
        experts_min=found.experts_min, drop_extremes_from=found.drop_extremes_from,
        spread_flag_points=found.spread_flag_points, rounding=rules.ROUNDING,
        convened_by=found.convened_by, confirmed_by=found.confirmed_by,
        reopened_by=found.reopened_by, reopened_for=found.reopened_for,
        experts=[expert_view(each) for each in seats],
        cases=[
            _case_view(row, case, given.get(row.id, []), len(seats))
            for row, case in await cases(session, found.id)
        ],
        allowed_events=_allowed(actor, found, {each.subject for each in seats}),
    )  # fmt: skip


def criterion_views(found: Panel) -> list[CriterionView]:
    return [CriterionView.model_validate(each) for each in found.criteria]


def expert_view(row: PanelExpert) -> ExpertView:
    employer = None
    if row.employer_kind is not None and row.employer_id is not None:
        employer = {"kind": row.employer_kind, "id": row.employer_id}
    return ExpertView(
        seat=row.seat, subject=row.subject, name=row.name, field=row.field, employer=employer
    )


def _case_view(
    row: PanelCase, case: Case, given: Sequence[PanelSheet], seats: int
) -> PanelCaseView:
    submitted = sum(1 for each in given if each.state == SheetState.SUBMITTED)
    return PanelCaseView(
        number=row.number, case=case.id, applicant_name=case.applicant_name,
        case_state=case.state, summary=row.summary, submitted=submitted,
        stood_aside=len(given) - submitted, outstanding=seats - len(given),
    )  # fmt: skip


def _allowed(actor: Actor, found: Panel, judges: set[str]) -> list[PanelEvent]:
    """List what the caller may do to a panel now; experts run none of their own."""
    if actor.subject in judges:
        return []
    roles = set(actor.roles) & {Role.APPROVER, Role.REVIEWER}
    programme = library().programmes.get(found.programme)
    if programme is None or actor.department != programme.lead_code:
        roles.discard(Role.REVIEWER)
    return [
        event
        for event, move in NEXT[PanelState(found.state)].items()
        if move.who & roles
        and (event is not PanelEvent.CONFIRM or actor.subject != found.convened_by)
    ]


def score_line(row: PanelResult) -> ScoreLine:
    return ScoreLine.model_validate(
        {name: getattr(row, name) for name in ScoreLine.model_fields}
    )  # fmt: skip


def total_of(found: Panel, row: PanelSheet) -> int | None:
    """Sum a sheet up in thousandths of a point; one without points has no sum."""
    if row.state != SheetState.SUBMITTED:
        return None
    total = rules.sheet_total(given_of(row.points), criteria_of(found), found.total_points)
    return rules.thousandths(total)
