"""Moving a recommendation by what a person does: one lock, one transition, one row of history."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden
from services.kernel.etags import check_version
from services.kernel.problems import refusal_from_validation
from services.policy.cases.access import acts_for
from services.policy.cases.rules import require_no_stake
from services.policy.recommendations import queries, rules
from services.policy.recommendations.actions.begin_recommendation import assess
from services.policy.recommendations.actions.record import Hand, record
from services.policy.recommendations.actions.take_letter import programme_of
from services.policy.recommendations.models import Recommendation
from services.policy.recommendations.rules import (
    APPLICANT,
    APPROVER,
    FIRM,
    REVIEWER,
    Move,
    RecommendationEvent,
    RecommendationState,
    ReviewOutcome,
    UpperResult,
)
from services.policy.recommendations.schemas import (
    FileData,
    LetterData,
    NoData,
    NoticeData,
    RecommendationDeed,
    ResultData,
    ReviewData,
)
from services.policy.titles.rules import TitleState

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one recommendation, by whom and when."""

    session: AsyncSession
    actor: Actor
    found: Recommendation
    body: RecommendationDeed
    now: datetime

    @property
    def on(self) -> date:
        return city_day(self.now)

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            faults = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(faults) from None


async def move_recommendation(
    session: AsyncSession, actor: Actor, id_: UUID, body: RecommendationDeed, *, now: datetime
) -> Recommendation:
    """Do one event to a recommendation, if this person may do it in this state."""
    found = await queries.recommendation(session, actor, id_, for_update=True)
    was = RecommendationState(found.state)
    move = rules.move(was, body.event, actor.roles)
    deed = Deed(session, actor, found, body, now)
    role = await _role(deed, move)
    check_version(body.version, found.version)
    target = await EFFECTS[body.event](deed)
    found.state = target
    found.version += 1
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError:
        raise _number_taken() from None
    by = Hand(actor, role, body.note)
    await record(session, found, body.event, was=was, now=now, by=by, data=body.data)
    return found


async def _role(deed: Deed, move: Move) -> str:
    """Tell in which role the person acts: for himself, for the desk, or deciding on its review."""
    applicant = queries.applicant_of(deed.found)
    if move.who & APPLICANT and acts_for(deed.actor, applicant):
        return min(move.who & APPLICANT & deed.actor.roles)
    officers = move.who - APPLICANT
    if not officers & deed.actor.roles:
        raise _not_yours()
    require_no_stake(deed.actor, applicant)
    if officers == REVIEWER and not await queries.may_review(
        deed.session, deed.actor, deed.found.id
    ):
        raise _not_yours()
    if officers == APPROVER:
        rules.require_other_person(deed.found.reviewed_by, deed.actor.subject)
    return min(officers & deed.actor.roles)


async def _file(deed: Deed) -> RecommendationState:
    """Note where it was filed above, under which number, and since when."""
    data, found = deed.data(FileData), deed.found
    rules.require_past(data.filed_on, deed.on, "/data/filed_on")
    found.upper_system, found.upper_number = data.system, data.number
    found.filed_on = data.filed_on
    return RecommendationState.FILED


async def _review(deed: Deed) -> RecommendationState:
    """Keep what the local review found; whom known facts exclude does not pass."""
    data, found = deed.data(ReviewData), deed.found
    programme = programme_of(found)
    answer = await assess(deed.session, programme, queries.applicant_of(found), on=deed.on)
    if answer is not None:
        if data.outcome is ReviewOutcome.PASS:
            rules.require_not_ineligible(answer.assessment)
        found.assessment = answer.assessment.to_json()
        found.rule_version = programme.version
    found.finding, found.reviewed_on = data.finding, deed.on
    found.reviewed_by = deed.actor.subject
    if data.outcome is ReviewOutcome.PASS:
        return RecommendationState.PASSED
    return RecommendationState.FAILED


async def _issue_letter(deed: Deed) -> RecommendationState:
    """Note the letter of recommendation, by another person than the reviewer."""
    data, found = deed.data(LetterData), deed.found
    rules.require_past(data.issued_on, deed.on, "/data/issued_on")
    rules.require_order(data.issued_on, found.filed_on, "/data/issued_on")
    found.letter_number, found.letter_on = data.number, data.issued_on
    found.letter_file, found.letter_sha256 = data.file, data.sha256
    found.letter_by = deed.actor.subject
    return RecommendationState.RECOMMENDED


async def _notice(deed: Deed) -> RecommendationState:
    data, found = deed.data(NoticeData), deed.found
    rules.require_past(data.published_on, deed.on, "/data/published_on")
    rules.require_order(data.published_on, found.letter_on, "/data/published_on")
    found.upper_notice, found.upper_notice_on = data.reference, data.published_on
    return RecommendationState.IN_UPPER_NOTICE


async def _result(deed: Deed) -> RecommendationState:
    """Take over the upper level's word with its document; only this makes a title."""
    data, found = deed.data(ResultData), deed.found
    rules.require_past(data.decided_on, deed.on, "/data/decided_on")
    earliest = found.upper_notice_on or found.letter_on
    rules.require_order(data.decided_on, earliest, "/data/decided_on")
    recommends = rules.require_recommends(programme_of(found))
    first = rules.require_result(
        outcome=data.outcome, recognition=found.recognition, valid_from=data.valid_from,
        valid_to=data.valid_to, decided_on=data.decided_on,
    )  # fmt: skip
    found.result, found.result_document = data.outcome, data.document
    found.result_issuer, found.result_on = data.issuer, data.decided_on
    found.result_by = deed.actor.subject
    if data.outcome is UpperResult.NOT_GRANTED:
        return RecommendationState.NOT_GRANTED
    found.grade = rules.grade_of(recommends, data.grade)
    found.valid_from, found.valid_to = first, data.valid_to
    if found.recognition is not None:
        is_kept = found.applicant_kind == FIRM
        found.title_state = TitleState.PENDING if is_kept else TitleState.NO_REGISTRY
    return RecommendationState.GRANTED


async def _withdraw(deed: Deed) -> RecommendationState:
    deed.data(NoData)
    return RecommendationState.WITHDRAWN


def _not_yours() -> Forbidden:
    return Forbidden(
        "本件不由您办理。", "This recommendation is not yours to handle.",
        code="not-your-recommendation",
    )  # fmt: skip


def _number_taken() -> Conflict:
    return Conflict(
        "该上级系统的这一申报编号已登记在另一件推荐申报上。",
        "This number of the upper system stands on another recommendation already.",
        code="upper-number-taken",
    )


Effect = Callable[[Deed], Awaitable[RecommendationState]]
EFFECTS: dict[RecommendationEvent, Effect] = {
    RecommendationEvent.FILE: _file,
    RecommendationEvent.REVIEW: _review,
    RecommendationEvent.ISSUE_LETTER: _issue_letter,
    RecommendationEvent.NOTICE: _notice,
    RecommendationEvent.RESULT: _result,
    RecommendationEvent.WITHDRAW: _withdraw,
}
