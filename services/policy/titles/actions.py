"""A case without money on its way: to the notice, to the registry, to its end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.recognitions import RecognitionAnswered
from services.kernel.clock import city_day
from services.kernel.errors import invalid_field
from services.policy.calls.queries import waits_for_list
from services.policy.cases import queries
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.rules import WITHOUT_MONEY, CaseState, Outcome, SystemEvent
from services.policy.contract.grants import Grant
from services.policy.documents.queries import department_name
from services.policy.notices.actions.publish_notice import publish_notice
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.titles.rules import ANSWERS, FIRM, TitleState, grant_of

TOLD = {
    TitleState.RECORDED: SystemEvent.TITLE_RECORDED,
    TitleState.ALREADY_HELD: SystemEvent.TITLE_RECORDED,
    TitleState.NOT_RECORDED: SystemEvent.TITLE_NOT_RECORDED,
    TitleState.REVOKED: SystemEvent.TITLE_REVOKED,
}


async def grant_title(
    session: AsyncSession,
    case: Case,
    programme: PlanProgramme | None,
    *,
    document: str | None,
    now: datetime,
) -> Grant | None:
    """Word the title that a decision yields, and let the case wait for the registry's word on it.

    Without a number of its own the decision is named by the case and the day.
    """
    on = city_day(now)
    if programme is None or programme.compiled.programme.grants is None:
        if document is not None:
            raise invalid_field(
                "/data/document", "document-unexpected", "该项目不授予称号，不填写文号。",
                "The programme grants no title, so there is no document to name.",
            )  # fmt: skip
        return None
    numbers = numbers_of(programme, library(), await decisions(session), on, samples=False)
    grant = grant_of(
        programme, {name: number.value for name, number in numbers.items()},
        issuer=department_name(session, programme.lead_code),
        document=document or f"办件{case.id}的决定（{on}）", on=on,
    )  # fmt: skip
    if grant is not None:
        is_kept = case.applicant_kind == FIRM
        state = TitleState.PENDING if is_kept else TitleState.NO_REGISTRY
        said = grant.model_dump(mode="json", exclude={"issuer", "document"})
        case.title = {**said, "state": state, "record": None}
    return grant


async def go_on(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Do what follows by itself once a person has moved a case without money.

    What is proposed for approval is published; what is decided and waits for no registry is over.
    """
    state = CaseState(case.state)
    if state is CaseState.PROPOSED and case.proposed_outcome == Outcome.APPROVE:
        if await waits_for_list(session, case):
            return
        await publish_notice(session, [case], now=now)
    elif state is CaseState.DECIDED and not _waits(case):
        await _follow(session, case, SystemEvent.COMPLETED, now=now, data={})


async def hear_title(session: AsyncSession, event: RecognitionAnswered, *, now: datetime) -> None:
    """Take over what the registry says of a case's title; once it is held, the case is closed."""
    case = await queries.case_of_award(session, event.source_id)
    if case is None or case.title is None:
        return
    state = ANSWERS[event.outcome]
    record_id = event.recognition_id or _uuid(case.title["record"])
    days = {
        name: day.isoformat()
        for name, day in (("valid_from", event.valid_from), ("valid_to", event.valid_to))
        if day is not None
    }
    case.title = {**case.title, **days, "state": state, "record": record_id and str(record_id)}
    data = {"recognition": event.recognition, "outcome": event.outcome}
    await _follow(session, case, TOLD[state], now=now, data=data)


async def _follow(
    session: AsyncSession, case: Case, told: SystemEvent, *, now: datetime, data: dict[str, str]
) -> None:
    """Move a case where the table leads it; a case with money is moved by its payment alone."""
    was = CaseState(case.state)
    if case.without_money:
        case.state = WITHOUT_MONEY.get(was, {}).get(told, was)
    case.version += 1
    await record(session, case, told, was=was, now=now, data=data)


def _waits(case: Case) -> bool:
    return case.title is not None and case.title["state"] == TitleState.PENDING


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
