"""Handing in sheets: one an expert and case, points or standing aside, corrected with a trace."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.errors import Conflict, invalid_field
from services.kernel.etags import check_version
from services.kernel.problems import refusal_from_validation
from services.policy.panel_seats import queries
from services.policy.panel_seats.access import require_blind
from services.policy.panel_seats.schemas import CorrectData, NewSheet, SheetDeed
from services.policy.panels import queries as panels
from services.policy.panels import rules
from services.policy.panels.access import require_no_ties
from services.policy.panels.actions.write_sheet import Word, write_sheet
from services.policy.panels.models import Panel, PanelSheet
from services.policy.panels.rules import SHEET_MOVES, PanelState, SheetEvent, SheetState
from services.policy.panels.schemas import GivenPoints, NoData


async def open_seat(
    session: AsyncSession, actor: Actor, panel_id: UUID, *, for_share: bool = False
) -> Panel:
    """Find a panel that the caller sits on and may judge: no tie, and nothing known besides."""
    panel = await queries.seat(session, actor, panel_id, for_share=for_share)
    parties = await panels.applicants(session, panel.id)
    require_no_ties(actor, [party for _, party in parties])
    require_blind(knows_a_case=await queries.knows_a_case(session, actor, panel.id))
    return panel


async def hand_in_sheet(
    session: AsyncSession, actor: Actor, panel_id: UUID, new: NewSheet, *, now: datetime
) -> tuple[Panel, PanelSheet]:
    """Hand a sheet in for a case; there is one, and what is wrong with it is corrected."""
    panel = await open_seat(session, actor, panel_id, for_share=True)
    rules.require_open(PanelState(panel.state))
    paper = await panels.paper(session, panel.id, new.number)
    if not paper.is_live:
        raise Conflict(
            "该编号的办件由另一评审组评审。", "Another panel judges this case.",
            code="another-panel",
        )  # fmt: skip
    word = _word(panel, actor, new)
    if await panels.sheet_of(session, paper.id, actor.subject) is not None:
        raise _sheet_exists()
    try:
        async with session.begin_nested():
            sheet = await write_sheet(session, paper, actor.subject, None, word, now=now)
    except IntegrityError:
        raise _sheet_exists() from None
    _audit(session, actor, "panel-sheet.hand-in", panel, sheet, now)
    return panel, sheet


async def move_sheet(
    session: AsyncSession,
    actor: Actor,
    panel_id: UUID,
    sheet_id: UUID,
    deed: SheetDeed,
    *,
    now: datetime,
) -> tuple[Panel, PanelSheet, int]:
    """Correct one's own sheet, or stand aside after all, while the panel is open."""
    panel = await open_seat(session, actor, panel_id, for_share=True)
    sheet, paper = await queries.own_sheet(session, actor, panel.id, sheet_id)
    rules.require_open(PanelState(panel.state))
    check_version(deed.version, sheet.version)
    if sheet.state == SheetState.RECUSED and deed.event is not SheetEvent.RECUSE:
        raise Conflict(
            "已回避的专家不再对本件评分。",
            "Who was recused gives no points for this case any more.",
            code="recused",
        )
    points, comment = list[dict[str, Any]](), ""
    if deed.event is SheetEvent.CORRECT:
        data = _data(deed.data, CorrectData)
        points, comment = _points(panel, data.points), data.comment
    else:
        _data(deed.data, NoData)
    word = Word(SHEET_MOVES[deed.event], points, comment, deed.note, actor.subject)
    await write_sheet(session, paper, actor.subject, sheet, word, now=now)
    _audit(session, actor, f"panel-sheet.{deed.event}", panel, sheet, now)
    return panel, sheet, paper.number


def _word(panel: Panel, actor: Actor, new: NewSheet) -> Word:
    aside = new.stands_aside
    if aside is not None:
        return Word(SheetState(aside.kind), [], new.comment, aside.reason, actor.subject)
    if not new.declares_no_interest:
        raise invalid_field(
            "/declares_no_interest", "declaration-required",
            "评分须声明与本件无利害关系；有利害关系的请回避。",
            "Points need the declaration that nothing ties you to the matter; else stand aside.",
        )  # fmt: skip
    points = _points(panel, new.points)
    return Word(SheetState.SUBMITTED, points, new.comment, "", actor.subject)


def _points(panel: Panel, given: list[GivenPoints]) -> list[dict[str, Any]]:
    """Check points against the panel's criteria, and put them in its order."""
    points = {each.criterion: each.points_hundredths for each in given}
    criteria = panels.criteria_of(panel)
    rules.require_points(points, criteria)
    return [{"criterion": each.id, "points_hundredths": points[each.id]} for each in criteria]


def _data(data: dict[str, Any], shape: Any) -> Any:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None


def _sheet_exists() -> Conflict:
    return Conflict(
        "本件的评分表已交；需要改动的请更正。",
        "Your sheet for this case is in; correct it if need be.",
        code="sheet-exists",
    )


def _audit(
    session: AsyncSession, actor: Actor, action: str, panel: Panel, sheet: PanelSheet, now: datetime
) -> None:
    """Record that a sheet came, and no points: they are sealed until the panel is closed."""
    detail = {
        "panel": str(panel.id),
        "edition": panel.edition,
        "state": sheet.state,
        "version": sheet.version,
    }
    audit(session, actor, action, "panel-sheet", sheet.id, now=now, detail=detail)
