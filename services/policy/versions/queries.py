"""Reading the wordings of a programme."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.plan.actions.load_library import library
from services.policy.situations.models import RuleText
from services.policy.versions.models import ProgrammeVersion
from services.policy.versions.rules import changes
from services.policy.versions.schemas import (
    ChangeView,
    VersionDifference,
    VersionText,
    VersionView,
)
from services.rulebook.situation import parse_canonical


async def versions(
    session: AsyncSession, programme: str, page: PageRequest
) -> list[ProgrammeVersion]:
    """List the wordings of a programme by their hash, one more than the page holds."""
    statement = select(ProgrammeVersion).where(ProgrammeVersion.programme == programme)
    if page.after is not None:
        statement = statement.where(ProgrammeVersion.version > page.after[0])
    found = list(
        await session.scalars(statement.order_by(ProgrammeVersion.version).limit(page.limit + 1))
    )
    if not found and programme not in library().programmes:
        raise NotFound("没有这个项目。", "There is no such programme.")
    return found


async def text(session: AsyncSession, programme: str, version: str, on: date) -> VersionText:
    row, rule = await _text(session, programme, version)
    return VersionText(**view(row, on).model_dump(), rule_sha256=row.rule_sha256, rule=rule)


async def difference(
    session: AsyncSession, programme: str, before: str, after: str
) -> VersionDifference:
    """Tell what changed between two wordings of a programme; its version itself is left out."""
    _, old = await _text(session, programme, before)
    _, new = await _text(session, programme, after)
    found = changes(_said(old), _said(new))
    return VersionDifference(
        programme=programme, from_version=before, to_version=after,
        changes=[ChangeView(pointer=c.pointer, before=c.before, after=c.after) for c in found],
    )  # fmt: skip


def view(row: ProgrammeVersion, on: date) -> VersionView:
    current = library().programme_on(row.programme, on)
    return VersionView(
        programme=row.programme, version=row.version, plan=row.plan,
        plan_version=row.plan_version, in_force_from=row.in_force_from,
        in_force_to=row.in_force_to, recorded_at=row.recorded_at,
        current=current is not None and current.version == row.version,
    )  # fmt: skip


async def _text(
    session: AsyncSession, programme: str, version: str
) -> tuple[ProgrammeVersion, dict[str, Any]]:
    row = await session.get(ProgrammeVersion, (programme, version))
    if row is None:
        raise NotFound("该项目没有这个版本。", "The programme has no such version.")
    rule = await session.get_one(RuleText, row.rule_sha256)
    return row, parse_canonical(rule.text)


def _said(rule: dict[str, Any]) -> dict[str, Any]:
    programme = {name: value for name, value in rule["programme"].items() if name != "version"}
    return {"facts": rule["facts"], "programme": programme}
