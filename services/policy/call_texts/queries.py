"""Reading what a call says, with the numbers of the day."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import NotFound
from services.policy.call_texts import rules
from services.policy.calls.models import Call
from services.policy.calls.rules import Ties
from services.policy.calls.schemas import CallPreview, Section
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library


async def preview(session: AsyncSession, row: Call, today: date) -> CallPreview:
    """Show the notice as it will be read, with the numbers of the day."""
    programme = library().programme_on(row.programme, today)
    if programme is None:
        raise NotFound("没有这个项目。", "There is no such programme.")
    numbers = numbers_of(programme, library(), await decisions(session), today, samples=False)
    held = {each.id for each in programme.compiled.programme.evidence if each.held}
    terms = rules.Terms(
        opens_on=row.opens_on, closes_on=row.closes_on, budget_fen=row.budget_fen,
        quota=row.quota, ties=Ties(row.ties), per_applicant=row.per_applicant,
        document=row.document, contact=row.contact,
        asked=tuple(each["title"] for each in row.materials if each["id"] not in held),
        held=tuple(each["title"] for each in row.materials if each["id"] in held),
    )  # fmt: skip
    parts = rules.notice(programme, terms, numbers, today)
    text = [row.title, *(line for part in parts for line in (part.heading, *part.lines))]
    return CallPreview(
        title=row.title, as_of=today, text="\n".join(text),
        sections=[Section(heading=part.heading, paragraphs=list(part.lines)) for part in parts],
    )  # fmt: skip
