from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from services.kernel.actors import Role
from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.settings import Profile
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy.cases import queries
from services.policy.cases.access import Applicant, CaseHandler, CaseReader
from services.policy.cases.actions.move_case import move_case as move
from services.policy.cases.actions.open_case import open_case as begin
from services.policy.cases.queries import CaseFilter, DueDays
from services.policy.cases.rules import CaseState
from services.policy.cases.schemas import (
    CaseDeed,
    CaseHistoryEntry,
    CaseHistoryList,
    CaseList,
    CaseView,
    NewCase,
    ReplayView,
)
from services.policy.clocks.queries import dues
from services.policy.clocks.rules import Alert
from services.policy.overrides import queries as overrides
from services.policy.situations.actions import replay_case

router = noun_router("policy", "cases")
After = Annotated[
    UUID | None, Query(description="Wait up to 2 s until this statement has been heard here")
]
OFFICERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)


@router.post("", status_code=201, dependencies=[KEYED])
async def open_case(
    *,
    body: NewCase,
    actor: Applicant,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
    after: After = None,
) -> CaseView:
    """Open a case as a draft, with what is known of the applicant and what follows from it."""
    demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    case = await begin(session, actor, body, now=now, after=after, demonstration=demonstration)
    set_etag(response, case.version)
    response.headers["Location"] = f"/v1/policy/cases/{case.id}"
    return await queries.view(session, actor, case, now=now)


async def _wanted(
    *,
    now: Now,
    state: CaseState | None = None,
    programme: Annotated[str | None, Query(max_length=100)] = None,
    overdue: Annotated[bool | None, Query(description="Late, the latest first")] = None,
    due_before: Annotated[Day | None, Query(description="Due before a day, by due day")] = None,
    alert: Annotated[
        Alert | None, Query(description="Told of so far: reminded, overdue, or to the approver")
    ] = None,
    external_ref: Annotated[str | None, Query(max_length=100)] = None,
    overridden: Annotated[
        bool | None, Query(description="Proposed against the rule's result at any time, or never")
    ] = None,
) -> CaseFilter:
    days = DueDays(city_day(now), overdue, due_before)
    return CaseFilter(state, programme, external_ref, overridden, alert, days)


@router.get("")
async def list_cases(
    actor: CaseReader,
    session: Session,
    now: Now,
    page: Page,
    wanted: Annotated[CaseFilter, Depends(_wanted)],
) -> CaseList:
    """List the cases that the caller may know of, the newest first, or what is due first."""
    rows = await queries.cases(session, actor, page, wanted)
    found = page_of(rows, page, lambda row: [row.due_on, row.id] if wanted.by_day else [row.id])
    due = await dues(session, found["items"], city_day(now))
    departed = await overrides.latest_of(session, [row.id for row in found["items"]])
    items = [
        queries.summary(actor, row, due[row.id], departed.get(row.id)) for row in found["items"]
    ]
    return CaseList(items=items, next_cursor=found["next_cursor"])


@router.get("/{case_id}")
async def get_case(
    case_id: UUID, actor: CaseReader, session: Session, now: Now, response: Response
) -> CaseView:
    """Read one case; `allowed_events` is what the caller may do to it now."""
    case = await queries.case(session, actor, case_id)
    set_etag(response, case.version)
    return await queries.view(session, actor, case, now=now)


@router.post("/{case_id}/events", dependencies=[KEYED])
async def move_case(
    *,
    case_id: UUID,
    body: CaseDeed,
    actor: CaseHandler,
    session: Session,
    now: Now,
    response: Response,
    after: After = None,
) -> CaseView:
    """Do one event to a case, at the version that the caller has seen."""
    case = await move(session, actor, case_id, body, now=now, after=after)
    set_etag(response, case.version)
    return await queries.view(session, actor, case, now=now)


@router.get("/{case_id}/history")
async def list_case_history(case_id: UUID, actor: CaseReader, session: Session) -> CaseHistoryList:
    """List what happened to a case, in order; applicants see roles and not persons."""
    case = await queries.case(session, actor, case_id)
    sees_persons = actor.has(*OFFICERS)
    return CaseHistoryList(
        items=[
            CaseHistoryEntry(
                number=row.number, at=row.at, event=row.event, from_state=row.from_state,
                to_state=row.to_state, version=row.version, role=row.role,
                actor=row.actor if sees_persons or row.actor == actor.subject else None,
                note=row.note, data=row.data,
            )
            for row in await queries.history(session, case.id)
        ]
    )  # fmt: skip


@router.get("/{case_id}/replay")
async def replay(case_id: UUID, actor: CaseReader, session: Session) -> ReplayView:
    """Recompute the latest proposal from its frozen situation and compare it byte for byte."""
    case = await queries.case(session, actor, case_id)
    row, result = await replay_case(session, case)
    return ReplayView(
        case=case.id, attempt=row.attempt, same=result.same, reason=result.reason,
        rule_version=row.rule_version, language_version=row.language_version,
        situation_sha256=row.situation_sha256, assessment_sha256=row.assessment_sha256,
        recomputed_sha256=result.recomputed_sha256, situation=result.situation,
        frozen=result.frozen, recomputed=result.recomputed,
    )  # fmt: skip
