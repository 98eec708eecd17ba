"""Writing a sheet down: as it stands now, and as one more version of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.ids import new_id
from services.policy.panels.models import PanelCase, PanelSheet, PanelSheetVersion
from services.policy.panels.rules import SheetState


@dataclass(frozen=True)
class Word:
    """What is said of a case: points or none, why, and by whom."""

    state: SheetState
    points: list[dict[str, Any]]
    comment: str
    reason: str
    by: str


async def write_sheet(
    session: AsyncSession,
    paper: PanelCase,
    expert: str,
    sheet: PanelSheet | None,
    word: Word,
    *,
    now: datetime,
) -> PanelSheet:
    """Begin an expert's sheet for a case, or put another word in its place; each is kept."""
    if sheet is None:
        sheet = PanelSheet(
            id=new_id(), panel_id=paper.panel_id, panel_case_id=paper.id, expert=expert, version=0
        )
        session.add(sheet)
    sheet.state, sheet.points, sheet.comment = word.state, word.points, word.comment
    sheet.version, sheet.changed_at = sheet.version + 1, now
    await session.flush()
    session.add(
        PanelSheetVersion(
            sheet_id=sheet.id, version=sheet.version, state=word.state, points=word.points,
            comment=word.comment, reason=word.reason, by=word.by, at=now,
        )
    )  # fmt: skip
    await session.flush()
    return sheet
