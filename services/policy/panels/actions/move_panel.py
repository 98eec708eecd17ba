"""Confirming, filling and cancelling a panel; closing and opening again are in close_panel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, NotFound
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.problems import refusal_from_validation
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of
from services.policy.panels import queries, rules
from services.policy.panels.access import require_lead, require_no_ties
from services.policy.panels.actions.close_panel import close_panel, reopen_panel
from services.policy.panels.actions.convene_panel import drawn
from services.policy.panels.actions.write_sheet import Word, write_sheet
from services.policy.panels.models import Panel, PanelCase, PanelExpert
from services.policy.panels.rules import CASES_MAX, PanelEvent, PanelState, SheetState
from services.policy.panels.schemas import CloseData, DescribeData, NoData, PanelDeed, RecuseData
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one panel, by whom and when."""

    session: AsyncSession
    actor: Actor
    panel: Panel
    programme: PlanProgramme
    experts: list[PanelExpert]
    body: PanelDeed
    now: datetime

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(found) from None


async def move_panel(
    session: AsyncSession, actor: Actor, panel_id: UUID, body: PanelDeed, *, now: datetime
) -> Panel:
    """Do one event to a panel, if this person may do it in this state."""
    panel = await queries.panel(session, actor, panel_id, for_update=True)
    programme = library().programme_on(panel.programme, city_day(now))
    if programme is None:
        raise programme_unknown("/programme", panel.programme, library().programmes)
    was = PanelState(panel.state)
    state = rules.move(was, body.event, actor.roles)
    if not actor.has(Role.APPROVER):
        require_lead(actor, programme)
    experts = await queries.experts(session, panel.id)
    rules.require_not_expert(actor.subject, {each.subject for each in experts})
    applicants = await queries.applicants(session, panel.id)
    require_no_ties(actor, [party for _, party in applicants])
    check_version(body.version, panel.version)
    deed = Deed(session, actor, panel, programme, experts, body, now)
    detail = await EFFECTS[body.event](deed)
    panel.state, panel.version, panel.changed_at = state, panel.version + 1, now
    await session.flush()
    told = {"from": was, "to": state, "version": panel.version, "note": body.note, **detail}
    audit(session, actor, f"panel.{body.event}", "panel", panel.id, now=now, detail=told)
    return panel


async def _confirm(deed: Deed) -> dict[str, Any]:
    """Confirm as another person, and put the cases that are in review before the panel."""
    deed.data(NoData)
    rules.require_other_person(deed.panel.convened_by, deed.actor.subject)
    admitted = await _admit_cases(deed)
    deed.panel.confirmed_by, deed.panel.confirmed_at = deed.actor.subject, deed.now
    return {"cases": admitted}


async def _admit(deed: Deed) -> dict[str, Any]:
    deed.data(NoData)
    return {"cases": await _admit_cases(deed)}


async def _admit_cases(deed: Deed) -> int:
    """Put the cases in review that no panel judges before this one, under numbers of chance."""
    panel = deed.panel
    in_review = await queries.cases_in_review(
        deed.session, call=panel.call_id, case=panel.case_id, limit=CASES_MAX + 1
    )
    elsewhere = await queries.judged_elsewhere(
        deed.session, [each.id for each in in_review], panel.id
    )
    known = await queries.cases(deed.session, panel.id)
    here = {case.id for _, case in known}
    fresh = [each for each in in_review if each.id not in elsewhere | here]
    if not fresh:
        raise Conflict(
            "没有审核中且未经评审的办件可供评审。",
            "No case is in review that is not judged already.",
            code="no-cases",
        )
    if len(known) + len(fresh) > CASES_MAX:
        raise Conflict(
            f"一个评审组至多评审{CASES_MAX}件。",
            f"A panel judges {CASES_MAX} cases at most.", code="too-many-cases",
        )  # fmt: skip
    _require_no_ties(deed, fresh)
    first = len(known) + 1
    numbers = rules.numbered({each.id: drawn(new_id()) for each in fresh}, first)
    deed.session.add_all(
        PanelCase(
            id=new_id(), panel_id=panel.id, case_id=each.id, number=numbers[each.id],
            summary=None, is_live=True,
        )
        for each in fresh
    )  # fmt: skip
    await deed.session.flush()
    return len(fresh)


def _require_no_ties(deed: Deed, cases: list[Case]) -> None:
    """Refuse cases whose applicant moves the panel, employs an expert, or is named in the sheet."""
    parties = [(each.applicant_name, applicant_of(each)) for each in cases]
    require_no_ties(deed.actor, [party for _, party in parties])
    known = {(party.kind, party.id) for _, party in parties}
    tied = [each.seat for each in deed.experts if (each.employer_kind, each.employer_id) in known]
    if tied:
        seats = "、".join(map(str, sorted(tied)))
        raise Conflict(
            f"第{seats}席专家任职于申报单位，应当回避；请另组评审组。",
            f"The experts on seats {seats} work for an applicant; convene another panel.",
            code="conflict-of-interest",
        )
    texts = [deed.panel.title, *(each.says for each in queries.criteria_of(deed.panel))]
    for text in texts:
        rules.require_nameless("/title", text, [(name, party.id) for name, party in parties])


async def _describe(deed: Deed) -> dict[str, Any]:
    """Tell experts of a case what does not give its applicant away."""
    data = deed.data(DescribeData)
    row = await queries.paper(deed.session, deed.panel.id, data.number)
    if data.summary is not None:
        parties = await queries.applicants(deed.session, deed.panel.id)
        named = [(name, party.id) for name, party in parties]
        rules.require_nameless("/data/summary", data.summary, named)
    row.summary = data.summary
    return {"number": data.number}


async def _recuse(deed: Deed) -> dict[str, Any]:
    """Have an expert stand aside from a case: what he gave for it no longer counts."""
    data, reason = deed.data(RecuseData), rules.require_reason(deed.body.note)
    row = await queries.paper(deed.session, deed.panel.id, data.number)
    expert = next((each for each in deed.experts if each.seat == data.seat), None)
    if expert is None:
        raise NotFound("本评审组没有这个席位。", "The panel has no such seat.")
    sheet = await queries.sheet_of(deed.session, row.id, expert.subject)
    word = Word(SheetState.RECUSED, [], "", reason, deed.actor.subject)
    await write_sheet(deed.session, row, expert.subject, sheet, word, now=deed.now)
    return {"number": data.number, "seat": data.seat}


async def _close(deed: Deed) -> dict[str, Any]:
    without_outstanding = deed.data(CloseData).without_outstanding
    return await close_panel(
        deed.session, deed.actor, deed.panel, deed.experts, note=deed.body.note,
        without_outstanding=without_outstanding,
        confidential=deed.programme.compiled.programme.confidential, now=deed.now,
    )  # fmt: skip


async def _reopen(deed: Deed) -> dict[str, Any]:
    deed.data(NoData)
    return await reopen_panel(
        deed.session, deed.actor, deed.panel, reason=rules.require_reason(deed.body.note),
        confidential=deed.programme.compiled.programme.confidential, now=deed.now,
    )  # fmt: skip


async def _cancel(deed: Deed) -> dict[str, Any]:
    """Dissolve a panel; its cases are free for another one."""
    deed.data(NoData)
    rules.require_reason(deed.body.note)
    for row, _ in await queries.cases(deed.session, deed.panel.id):
        row.is_live = False
    return {}


Effect = Callable[[Deed], Awaitable[dict[str, Any]]]
EFFECTS: dict[PanelEvent, Effect] = {
    PanelEvent.CONFIRM: _confirm,
    PanelEvent.ADMIT: _admit,
    PanelEvent.DESCRIBE: _describe,
    PanelEvent.RECUSE: _recuse,
    PanelEvent.CLOSE: _close,
    PanelEvent.REOPEN: _reopen,
    PanelEvent.CANCEL: _cancel,
}
