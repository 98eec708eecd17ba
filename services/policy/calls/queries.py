"""Reading calls, their rankings, and what they mean for a case."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, NotFound, invalid_field
from services.kernel.pages import PageRequest
from services.policy.calls import rules
from services.policy.calls.access import visible_to
from services.policy.calls.models import Call, CallRank
from services.policy.calls.rules import (
    APPROVERS_ONLY,
    NEXT,
    OTHERS_ONLY,
    CallEvent,
    CallState,
    NoticeBy,
    RankBy,
    Ties,
)
from services.policy.calls.schemas import (
    CallView,
    MaterialView,
    PlaceView,
    RankingView,
    Template,
    Window,
)
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import CaseEvent, CaseState
from services.policy.panels.queries import points_fact, standing_results
from services.policy.panels.rules import whole_points
from services.policy.places import rules as places
from services.policy.places.queries import claims, holders, lock_places
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook.evaluate import World, value_of
from services.rulebook.situation import Situation

# A case in one of these stands for a place; drafts and what has ended do not.
# One that was returned for completion is not out.
STANDING = (
    CaseState.SUBMITTED, CaseState.RETURNED, CaseState.ACCEPTED, CaseState.IN_REVIEW,
    CaseState.PROPOSED, CaseState.IN_NOTICE, CaseState.SUSPENDED, CaseState.DECIDED,
    CaseState.AWARDED, CaseState.CLOSED,
)  # fmt: skip


async def calls(
    session: AsyncSession, actor: Actor, page: PageRequest, *, programme: str | None,
    year: int | None, state: CallState | None,
) -> list[Call]:  # fmt: skip
    """List the calls that the caller may know of, the newest first."""
    statement = select(Call).where(visible_to(actor))
    for column, value in ((Call.programme, programme), (Call.year, year), (Call.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(Call.id < UUID(page.after[0]))
    return list(await session.scalars(statement.order_by(Call.id.desc()).limit(page.limit + 1)))


async def call(
    session: AsyncSession, actor: Actor, call_id: UUID, *, for_update: bool = False
) -> Call:
    statement = select(Call).where(Call.id == call_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这个申报批次。", "There is no such call.")
    return found


async def call_for(
    session: AsyncSession, call_id: UUID | None, programme: PlanProgramme, applicant_id: str,
    today: date,
) -> Call | None:  # fmt: skip
    """Find the call that an application is under, named or the one that is open; or refuse."""
    if call_id is None:
        found = await _open_call(session, programme.id, today)
    else:
        found = await session.get(Call, call_id)
        if found is None or found.published_at is None:
            raise invalid_field(
                "/call", "call-unknown", "没有这个申报批次。", "There is no such call."
            )
        if found.programme != programme.id:
            raise invalid_field(
                "/call", "call-of-another-programme", "该申报批次属于另一项目。",
                "The call is for another programme.",
            )  # fmt: skip
        rules.require_open(CallState(found.state), found.opens_on, found.closes_on, today)
    if found is not None and found.per_applicant is not None:
        await _require_below_limit(session, found, programme, applicant_id, found.per_applicant)
    return found


async def _open_call(session: AsyncSession, programme: str, today: date) -> Call | None:
    """Find the one call of a programme that takes applications today."""
    statement = select(Call).where(
        Call.programme == programme, Call.state == CallState.PUBLISHED,
        Call.opens_on <= today, Call.closes_on >= today,
    )  # fmt: skip
    found = list(await session.scalars(statement.limit(2)))
    if len(found) > 1:
        raise invalid_field(
            "/call", "call-ambiguous", "该项目有多个申报批次正在受理，请写明其一。",
            "Several calls of this programme are open; name one of them.",
        )  # fmt: skip
    return found[0] if found else None


async def _require_below_limit(
    session: AsyncSession, call: Call, programme: PlanProgramme, applicant_id: str, limit: int
) -> None:
    """Count what the applicant has filed, one request at a time, so that two pass no limit of one.

    What the text limits by year or for life counts beyond the call; a limit of the call does not.
    """
    lock = hashlib.sha256(f"applications|{call.programme}|{applicant_id}".encode()).digest()[:8]
    number = int.from_bytes(lock, "big", signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(number)))
    ended = (CaseState.WITHDRAWN, CaseState.REFUSED)
    statement = select(func.count()).select_from(Case).where(
        Case.applicant_id == applicant_id, Case.state.not_in(ended)
    )  # fmt: skip
    stated = programme.compiled.programme.applications
    per = stated.per if stated is not None and stated.count == limit else "call"
    if per == "call":
        statement = statement.where(Case.call_id == call.id)
    elif per == "year":
        of_year = select(Call.id).where(Call.programme == call.programme, Call.year == call.year)
        statement = statement.where(Case.call_id.in_(of_year))
    else:
        statement = statement.where(Case.programme == call.programme)
    if (await session.scalar(statement) or 0) >= limit:
        raise Conflict(
            f"每个申报主体在本批次限报{limit}项，已报满。",
            f"One applicant may file {limit} in this call, and has.", code="applications-limit",
        )  # fmt: skip


async def taken_places(session: AsyncSession, call: Call) -> int:
    """Count the places that other calls of the programme and year have given out."""
    statement = select(func.sum(Call.quota)).where(
        Call.programme == call.programme, Call.year == call.year, Call.id != call.id,
        Call.state.in_((CallState.PUBLISHED, CallState.RANKED)),
    )  # fmt: skip
    return int(await session.scalar(statement) or 0)


async def entries(
    session: AsyncSession, call: Call, *, without_returned: bool = False
) -> list[rules.Entry]:
    """Gather the cases that stand for a place, in the order in which they were submitted."""
    left_out = {CaseState.RETURNED} if without_returned else set[CaseState]()
    first = _first_submitted().subquery()
    statement = (
        select(Case)
        .outerjoin(first, first.c.case_id == Case.id)
        .where(Case.call_id == call.id, Case.state.in_(STANDING), Case.state.not_in(left_out))
        .order_by(first.c.at.nulls_last(), Case.id)
    )
    cases = list(await session.scalars(statement.execution_options(populate_existing=True)))
    held = await holders(session, call.id)
    if call.rank_by == RankBy.PANEL_SCORE:
        return await _judged_entries(session, cases, held)
    return [
        rules.Entry(
            each.id, each.assessment["outcome"] == "eligible", _points(each), number,
            held=each.id in held,
        )
        for number, each in enumerate(cases)
    ]  # fmt: skip


def _first_submitted() -> Select[tuple[UUID, datetime]]:
    at = func.min(CaseHistory.at).label("at")
    statement = select(CaseHistory.case_id, at).where(CaseHistory.event == CaseEvent.SUBMIT)
    return statement.group_by(CaseHistory.case_id)


async def _judged_entries(
    session: AsyncSession, cases: Sequence[Case], held: set[UUID]
) -> list[rules.Entry]:
    """Rank by the scores that stand; one that is unknown keeps all from being ranked."""
    scores = await standing_results(session, [each.id for each in cases])
    found: list[rules.Entry] = []
    for number, case in enumerate(cases):
        row = scores.get(case.id)
        score = row.score_thousandths if row is not None else None
        stands = _stands(case, score)
        found.append(rules.Entry(case.id, stands, score, number, held=case.id in held))
    rules.require_results(sum(1 for each in found if each.eligible and each.rank_by is None))
    return found


def _stands(case: Case, score: int | None) -> bool:
    """Tell whether a case stands for a place with its score; without one, whether it might."""
    programme = library().programmes.get(case.programme)
    name = points_fact(programme) if programme is not None else None
    if programme is None or name is None:
        return case.assessment["outcome"] == "eligible"
    if score is None:
        lacking = {each["fact"] for each in case.assessment["missing"]}
        return case.assessment["outcome"] == "eligible" or lacking == {name}
    situation = Situation.from_json(case.situation["situation"])
    situation = replace(situation, facts={**situation.facts, name: whole_points(score)})
    values = {name: each["value"] for name, each in case.situation["parameters"].items()}
    return programme.compiled.assess(situation, values).outcome == "eligible"


def _points(case: Case) -> int | None:
    """Compute what a case is ranked by: the programme's own expression, else its points."""
    programme = library().programmes.get(case.programme)
    rank = programme.compiled.terms.rank if programme else None
    if rank is None:
        score = case.assessment.get("score")
        return score["low"] if score and score["low"] == score["high"] else None
    values = {name: each["value"] for name, each in case.situation["parameters"].items()}
    world = World(Situation.from_json(case.situation["situation"]), values)
    value: Any = value_of(rank, world)
    return None if value is None else int(value // 1)


async def latest_run(session: AsyncSession, call_id: UUID) -> list[CallRank]:
    """Read the latest ranking of a call, first places first."""
    run = select(func.max(CallRank.run)).where(CallRank.call_id == call_id).scalar_subquery()
    statement = select(CallRank).where(CallRank.call_id == call_id, CallRank.run == run)
    return list(await session.scalars(statement.order_by(CallRank.position, CallRank.case_id)))


async def ranking_view(session: AsyncSession, call: Call) -> RankingView:
    rows = await latest_run(session, call.id)
    if not rows:
        raise Conflict(
            "该申报批次尚未排序。", "The call was not ranked yet.", code="call-not-ranked"
        )
    return RankingView(
        call=call.id, run=rows[0].run, ranked_by=RankBy(call.rank_by), quota=call.quota,
        ranked_at=rows[0].ranked_at,
        items=[
            PlaceView(
                case=r.case_id, position=r.position, rank_by=r.rank_by, within=r.within,
                held=r.held,
            )
            for r in rows
        ],
    )  # fmt: skip


async def require_place(session: AsyncSession, case: Case) -> None:
    """Refuse to propose a case for approval that has no place in a call with few of them."""
    found = await session.get(Call, case.call_id) if case.call_id else None
    if found is None:
        return
    by_score = found.rank_by == RankBy.PANEL_SCORE
    scores = await standing_results(session, [case.id]) if by_score else {}
    score = scores[case.id].score_thousandths if case.id in scores else None
    if by_score:
        rules.require_score(score)
    if found.quota is None:
        return
    await lock_places(session, found.id)
    rows = {row.case_id: row for row in await latest_run(session, found.id)}
    if case.id not in rows:
        raise Conflict(
            f"本批次限{found.quota}个名额，须先对申报件排序。",
            f"The call has {found.quota} places: rank its cases first.", code="call-not-ranked",
        )  # fmt: skip
    if by_score:
        rules.require_ranked_by(rows[case.id].rank_by, score)
    if rows[case.id].within is None:
        raise Conflict(
            "本件与他件在最后一个名额上并列，须先按规定确定。",
            "The case ties with others at the last place; that must be settled first.",
            code="tie-undecided",
        )
    position = rows[case.id].position
    if not rows[case.id].within:
        held = sum(1 for row in rows.values() if row.held and row.position >= position)
        raise rules.outside_quota(found.quota, position, Ties(found.ties), held=held)
    others = await holders(session, found.id) - {case.id}
    taken = sum(1 for row in rows.values() if row.within) if found.ties == Ties.ALL else 0
    places.require_free(found.quota, len(others), tied_within=taken)


async def require_budget(session: AsyncSession, case: Case, amount_fen: int) -> None:
    """Refuse to propose more money under a call than the call has left."""
    found = await session.get(Call, case.call_id) if case.call_id else None
    if found is None or found.budget_fen is None:
        return
    await lock_places(session, found.id)
    places.require_within(
        found.budget_fen, await claims(session, found.id, beside=case.id), amount_fen
    )


async def waits_for_list(session: AsyncSession, case: Case) -> bool:
    """Tell whether a reserved proposal stays out of public notice until its call's list is."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if case.call_id is None or programme is None or programme.notice_days == 0:
        return False
    return await session.scalar(select(Call.notice).where(Call.id == case.call_id)) == NoticeBy.LIST


async def require_listed(session: AsyncSession, case: Case) -> None:
    """Approve nothing that waits for the list of its call."""
    if case.state == CaseState.PROPOSED and await waits_for_list(session, case):
        raise Conflict(
            "本批次须先一并公示，公示期满后方可批准；请审批人先公示名单。",
            "The call's cases stand in public notice in one list first; have the list published.",
            code="list-not-published",
        )


def view(row: Call, actor: Actor, today: date) -> CallView:
    programme = library().programmes.get(row.programme)
    rule = programme.compiled.programme if programme else None
    held = {each.id: each for each in rule.evidence} if rule else {}
    return CallView(
        id=row.id, programme=row.programme,
        programme_title=rule.title if rule else row.programme,
        measure=rule.measure if rule else None, year=row.year, title=row.title,
        department=row.department, document=row.document,
        window=Window(opens_on=row.opens_on, closes_on=row.closes_on),
        budget_fen=row.budget_fen, quota=row.quota, ties=Ties(row.ties),
        per_applicant=row.per_applicant, per_applicant_reason=row.per_applicant_reason,
        rank_by=RankBy(row.rank_by),
        materials=[
            MaterialView(
                **each,
                held=each["id"] in held and held[each["id"]].held,
                proves=list(held[each["id"]].proves) if each["id"] in held else [],
            )
            for each in row.materials
        ],
        materials_required=row.materials_required, notice=NoticeBy(row.notice),
        materials_sha256=row.materials_sha256,
        templates=[Template.model_validate(each) for each in row.templates],
        contact=row.contact, state=CallState(row.state), version=row.version,
        open_today=row.state == CallState.PUBLISHED and row.opens_on <= today <= row.closes_on,
        published_at=row.published_at, allowed_events=_allowed(row, actor, programme),
        plan_flags=programme.flags(today) if programme else [],
    )  # fmt: skip


def _allowed(row: Call, actor: Actor, programme: PlanProgramme | None) -> list[CallEvent]:
    """List what the caller may do: an approver all but publish his own, a reviewer his own."""
    events = list(NEXT[CallState(row.state)])
    if row.notice != NoticeBy.LIST and CallEvent.PUBLISH_LIST in events:
        events.remove(CallEvent.PUBLISH_LIST)
    if actor.has(Role.APPROVER):
        mine = actor.subject in (row.created_by, row.changed_by)
        return [event for event in events if not mine or event not in OTHERS_ONLY]
    own = programme is not None and actor.department in programme.department_codes
    if not actor.has(Role.REVIEWER) or not own:
        return []
    return [event for event in events if event not in APPROVERS_ONLY]
