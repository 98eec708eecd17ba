"""Reading recommendations, and what the caller may do about each."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.cases.access import acts_for
from services.policy.cases.queries import last_id
from services.policy.cases.rules import has_stake
from services.policy.contract.events import Party
from services.policy.recommendations.access import OFFICERS, reviewed_by, visible_to
from services.policy.recommendations.models import Recommendation, RecommendationHistory
from services.policy.recommendations.rules import (
    APPLICANT,
    NEXT,
    OPEN,
    Origin,
    RecommendationEvent,
    RecommendationState,
    ReviewOutcome,
    UpperResult,
)
from services.policy.recommendations.schemas import (
    FilingView,
    LetterView,
    RecommendationSummary,
    RecommendationView,
    ResultView,
    ReviewView,
    TitleView,
    UpperNoticeView,
)
from services.policy.titles.rules import TITLE_STATE_NAMES, TitleState
from services.rulebook.titles import Level


async def recommendation(
    session: AsyncSession, actor: Actor, id_: UUID, *, for_update: bool = False
) -> Recommendation:
    """Find a recommendation that the caller may know of, and lock it where it is about to move."""
    statement = select(Recommendation).where(Recommendation.id == id_, visible_to(actor))
    if for_update:
        statement = statement.with_for_update(of=Recommendation)
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这件推荐申报。", "There is no such recommendation.")
    return found


async def by_upper_number(
    session: AsyncSession, actor: Actor, programme: str, number: str
) -> UUID | None:
    """Find what was filed above under a number, where it is the caller's to know and one only."""
    statement = select(Recommendation.id).where(
        Recommendation.upper_number == number,
        Recommendation.programme == programme,
        Recommendation.state != RecommendationState.WITHDRAWN,
        visible_to(actor),
    )
    found = (await session.scalars(statement.limit(2))).all()
    return found[0] if len(found) == 1 else None


async def recommendation_of_title(session: AsyncSession, id_: UUID) -> Recommendation | None:
    """Find and lock what the registry speaks of."""
    return await session.get(Recommendation, id_, with_for_update=True, populate_existing=True)


async def recommendations(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    state: RecommendationState | None,
    programme: str | None,
    level: Level | None,
    applicant: str | None,
    year: int | None,
) -> list[Recommendation]:
    """List the recommendations that the caller may know of, the newest first."""
    statement = select(Recommendation).where(visible_to(actor))
    for column, wanted in (
        (Recommendation.state, state), (Recommendation.programme, programme),
        (Recommendation.level, level), (Recommendation.applicant_id, applicant),
        (Recommendation.year, year),
    ):  # fmt: skip
        if wanted is not None:
            statement = statement.where(column == wanted)
    if page.after is not None:
        statement = statement.where(Recommendation.id < last_id(page))
    ordered = statement.order_by(Recommendation.id.desc()).limit(page.limit + 1)
    return list(await session.scalars(ordered))


async def open_id(session: AsyncSession, like: Recommendation) -> UUID | None:
    """Find the recommendation under way that stands in the way of another."""
    statement = select(Recommendation.id).where(
        Recommendation.programme == like.programme,
        Recommendation.applicant_kind == like.applicant_kind,
        Recommendation.applicant_id == like.applicant_id,
        Recommendation.year == like.year,
        Recommendation.state.in_(OPEN),
        Recommendation.id != like.id,
    )
    return await session.scalar(statement.limit(1))


async def history(session: AsyncSession, id_: UUID) -> Sequence[RecommendationHistory]:
    mine = select(RecommendationHistory).where(RecommendationHistory.recommendation_id == id_)
    return (await session.scalars(mine.order_by(RecommendationHistory.number))).all()


async def next_number(session: AsyncSession, id_: UUID) -> int:
    statement = select(func.max(RecommendationHistory.number)).where(
        RecommendationHistory.recommendation_id == id_
    )
    return (await session.scalar(statement) or 0) + 1


async def may_review(session: AsyncSession, actor: Actor, id_: UUID) -> bool:
    """Tell whether a recommendation is of the actor's department or town."""
    statement = select(Recommendation.id).where(Recommendation.id == id_, reviewed_by(actor))
    return await session.scalar(statement) is not None


def applicant_of(found: Recommendation) -> Party:
    return Party(kind=found.applicant_kind, id=found.applicant_id)


def summary(found: Recommendation) -> RecommendationSummary:
    return RecommendationSummary(
        id=found.id, programme=found.programme, measure=found.measure,
        department=found.department, level=cast("Level", found.level),
        recognition=found.recognition, applicant=applicant_of(found),
        applicant_name=found.applicant_name, year=found.year, origin=Origin(found.origin),
        state=RecommendationState(found.state), version=found.version,
        upper_number=found.upper_number, letter_number=found.letter_number,
        result_document=found.result_document, created_at=found.created_at,
        changed_at=found.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, found: Recommendation) -> RecommendationView:
    """Show a recommendation whole, with what the caller may do about it now."""
    sees_persons = actor.has(*OFFICERS)
    return RecommendationView(
        **summary(found).model_dump(), assessment=found.assessment, filing=_filing(found),
        review=_review(found, sees_persons=sees_persons),
        letter=_letter(found, sees_persons=sees_persons), upper_notice=_notice(found),
        result=_result(found), title=_title(found),
        allowed_events=await _allowed(session, actor, found),
    )  # fmt: skip


async def _allowed(
    session: AsyncSession, actor: Actor, found: Recommendation
) -> list[RecommendationEvent]:
    """List the events that the caller may do in this state."""
    applicant = applicant_of(found)
    applies = acts_for(actor, applicant)
    is_free = not has_stake(actor, applicant)
    reviews = is_free and await may_review(session, actor, found.id)
    decides = is_free and actor.has(Role.APPROVER) and actor.subject != found.reviewed_by
    return [
        event
        for event, move in NEXT[RecommendationState(found.state)].items()
        if (applies and move.who & APPLICANT)
        or (reviews and Role.REVIEWER in move.who)
        or (decides and Role.APPROVER in move.who)
    ]


def _filing(found: Recommendation) -> FilingView | None:
    if found.upper_system is None or found.upper_number is None or found.filed_on is None:
        return None
    return FilingView(system=found.upper_system, number=found.upper_number, filed_on=found.filed_on)


def _review(found: Recommendation, *, sees_persons: bool) -> ReviewView | None:
    if found.finding is None or found.reviewed_on is None:
        return None
    failed = found.state == RecommendationState.FAILED
    return ReviewView(
        outcome=ReviewOutcome.FAIL if failed else ReviewOutcome.PASS, finding=found.finding,
        reviewed_on=found.reviewed_on, reviewed_by=found.reviewed_by if sees_persons else None,
    )  # fmt: skip


def _letter(found: Recommendation, *, sees_persons: bool) -> LetterView | None:
    if found.letter_number is None or found.letter_on is None:
        return None
    return LetterView(
        number=found.letter_number, issued_on=found.letter_on, file=found.letter_file,
        sha256=found.letter_sha256, issued_by=found.letter_by if sees_persons else None,
    )  # fmt: skip


def _notice(found: Recommendation) -> UpperNoticeView | None:
    if found.upper_notice is None or found.upper_notice_on is None:
        return None
    return UpperNoticeView(reference=found.upper_notice, published_on=found.upper_notice_on)


def _result(found: Recommendation) -> ResultView | None:
    if found.result is None or found.result_on is None:
        return None
    return ResultView(
        outcome=UpperResult(found.result), document=found.result_document or "",
        issuer=found.result_issuer or "", decided_on=found.result_on,
    )  # fmt: skip


def _title(found: Recommendation) -> TitleView | None:
    if found.title_state is None or found.recognition is None or found.valid_from is None:
        return None
    zh, en = TITLE_STATE_NAMES[found.title_state]
    return TitleView(
        recognition=found.recognition, grade=found.grade, valid_from=found.valid_from,
        valid_to=found.valid_to, state=TitleState(found.title_state), state_name=zh,
        state_name_en=en, record=found.title_record,
    )  # fmt: skip
