"""Taking up a letter of recommendation that this platform has issued."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.policy.cases.rules import require_no_stake
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.recommendations import queries, rules
from services.policy.recommendations.actions.record import Hand, record
from services.policy.recommendations.models import Recommendation
from services.policy.recommendations.rules import RecommendationEvent, RecommendationState

# Where a letter is under way above, another may take its place.
REPLACEABLE = (RecommendationState.RECOMMENDED, RecommendationState.IN_UPPER_NOTICE)


@dataclass(frozen=True)
class IssuedLetter:
    """A letter that was issued here; `replaces` says that it stands in a withdrawn one's place."""

    document: UUID
    number: str
    issued_on: date
    sha256: str
    replaces: bool


async def take_letter(
    session: AsyncSession,
    actor: Actor,
    recommendation_id: UUID,
    letter: IssuedLetter,
    *,
    now: datetime,
) -> Recommendation:
    """Let an issued letter recommend, by another person than the reviewer.

    One that replaces a withdrawn letter leaves the recommendation where it is.
    """
    found = await queries.recommendation(session, actor, recommendation_id, for_update=True)
    was = RecommendationState(found.state)
    require_no_stake(actor, queries.applicant_of(found))
    rules.require_other_person(found.reviewed_by, actor.subject)
    require_lettered(found, replaces=letter.replaces)
    data = {
        "number": letter.number, "issued_on": letter.issued_on.isoformat(),
        "document": str(letter.document), "sha256": letter.sha256,
        "replaces": found.letter_number if letter.replaces else None,
    }  # fmt: skip
    found.letter_number, found.letter_on = letter.number, letter.issued_on
    found.letter_file = f"/v1/policy/documents/{letter.document}/pdf"
    found.letter_sha256, found.letter_by = letter.sha256, actor.subject
    found.state = was if letter.replaces else RecommendationState.RECOMMENDED
    found.version += 1
    by, event = Hand(actor, Role.APPROVER), RecommendationEvent.ISSUE_LETTER
    await record(session, found, event, was=was, now=now, by=by, data=data)
    return found


def require_lettered(found: Recommendation, *, replaces: bool) -> None:
    """Write a letter of what has passed our review; another one in the place of a withdrawn one."""
    state = RecommendationState(found.state)
    if state in REPLACEABLE if replaces else state is RecommendationState.PASSED:
        return
    zh, en = rules.STATE_NAMES[state]
    raise Conflict(
        f"推荐申报处于“{zh}”状态，不能据以制发推荐函：初审通过且尚未出具推荐函的方可制发；"
        "更正的，须先收回原函并在replaces中写明。",
        f"The recommendation is {en}: a letter is made of one that passed the local review and has"
        " none; to correct a letter, withdraw it and name it in `replaces`.",
        code="recommendation-not-passed",
    )


def programme_of(found: Recommendation) -> PlanProgramme:
    """Find the wording of the day on which the recommendation was begun."""
    programme = library().programme_on(found.programme, city_day(found.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能继续办理。",
            "The programme is no longer part of the plans; the recommendation cannot go on.",
            code="programme-gone",
        )
    return programme
