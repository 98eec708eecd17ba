"""Moving a step by hand: passed or failed on grounds, or back to the applicant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import NotFound, invalid_field
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.policy.base import calendar_of
from services.policy.cases import queries as cases
from services.policy.cases import rules as case_rules
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, ReservationState, SystemEvent
from services.policy.evidence.queries import file
from services.policy.notices.rules import require_notice_over
from services.policy.recusals.queries import require_not_recused
from services.policy.steps import queries, rules
from services.policy.steps.access import has_desk
from services.policy.steps.actions.close_step import Found, end_part, told_of
from services.policy.steps.models import CaseStep
from services.policy.steps.rules import WITH_REPORT, Before, StepEvent, StepKind, StepState
from services.policy.steps.schemas import StepData, StepDeed


@dataclass(frozen=True)
class Moved:
    """One event of one step, by whom and when, with its case locked."""

    session: AsyncSession
    actor: Actor
    case: Case
    rows: Sequence[CaseStep]
    step: CaseStep
    deed: StepDeed
    now: datetime

    @property
    def today(self) -> date:
        return city_day(self.now)

    @property
    def hand(self) -> Hand:
        return Hand(self.actor, Role.REVIEWER, self.deed.note)


async def move_step(
    session: AsyncSession,
    actor: Actor,
    case_id: UUID,
    step_id: UUID,
    deed: StepDeed,
    *,
    now: datetime,
) -> Case:
    """Do one event to one desk's part of a step; of two reviewers at once the first counts."""
    case = await cases.case(session, actor, case_id, for_update=True)
    rows = await queries.steps_of(session, case.id)
    step = queries.found_in(rows, step_id)
    case_rules.require_no_stake(actor, cases.applicant_of(case))
    await require_not_recused(session, case.id, actor)
    rules.require_desk(is_own=has_desk(actor, step), desk=queries.desk_name(step))
    rules.move(StepState(step.state), deed.event)
    rules.require_by_hand(StepKind(step.kind), deed.event)
    moved = Moved(session, actor, case, rows, step, deed, now)
    if deed.event is StepEvent.RETURN:
        rules.require_returnable(CaseState(case.state), Before(step.before))
        check_version(deed.version, step.version)
        await _return(moved)
        return case
    rules.require_in_review(CaseState(case.state), case.proposed_outcome, Before(step.before))
    check_version(deed.version, step.version)
    found = await _found(moved)
    await end_part(session, case, rows, step, deed.event, found, moved.hand, now=now)
    return case


async def _return(moved: Moved) -> None:
    """Send the case back to its applicant; every desk of the step waits, its clock stands still."""
    case, step = moved.case, moved.step
    if not moved.deed.note.strip():
        raise invalid_field(
            "/note", "return-reason", "请在note中写明需补正的内容。",
            "Say in note what is to be completed.",
        )  # fmt: skip
    _refuse_data(moved.deed.data, "finding", "report", "minutes")
    for row in moved.rows:
        if row.ordinal == step.ordinal and row.state == StepState.OPEN:
            row.state = StepState.WAITING
            row.version += 1
            row.returns += row is step
            announce(moved.session, queries.changed(row), now=moved.now)
    was, case.state = CaseState(case.state), CaseState.RETURNED
    case.version += 1
    case.person_version = case.version
    await record(
        moved.session, case, SystemEvent.STEP_RETURNED, was=was, now=moved.now, by=moved.hand,
        data=told_of(step),
    )  # fmt: skip


async def _found(moved: Moved) -> Found:
    """Read what was found; each kind of step has its own proof."""
    data, kind = moved.deed.data, StepKind(moved.step.kind)
    if data.finding is None or not data.finding.strip():
        raise invalid_field(
            "/data/finding", "finding-required", "须写明审核意见。", "Say what was found."
        )
    if kind in WITH_REPORT:
        _refuse_data(data, "minutes")
        return await _by_report(moved, data)
    if kind is StepKind.COLLECTIVE_DECISION:
        _refuse_data(data, "report")
        return await _by_minutes(moved, data)
    _refuse_data(data, "report", "minutes")
    return Found(data.finding)


async def _by_report(moved: Moved, data: StepData) -> Found:
    report = data.report
    if report is None:
        raise invalid_field(
            "/data/report", "report-required", "须写明报告（文号或材料编号）和日期。",
            "Name the report, by number or file, and its day.",
        )  # fmt: skip
    _require_past(report.on, moved.today, "/data/report/on")
    if report.evidence is not None:
        await _require_file(moved, report.evidence)
    return Found(data.finding, report.number, report.on, report.evidence)


async def _require_file(moved: Moved, evidence_id: UUID) -> None:
    """Let a report be a file of this very case, which its officer may read."""
    try:
        _, owner = await file(moved.session, moved.actor, evidence_id)
    except NotFound:
        owner = None
    if owner is None or owner.id != moved.case.id:
        raise invalid_field(
            "/data/report/evidence", "evidence-unknown", "本件没有这份材料。",
            "The case has no such file.",
        )  # fmt: skip


async def _by_minutes(moved: Moved, data: StepData) -> Found:
    """Read the minutes of a decision; where it is for after the notice, it is from after it."""
    minutes, case = data.minutes, moved.case
    if minutes is None:
        raise invalid_field(
            "/data/minutes", "minutes-required", "集体决策须写明会议纪要文号和日期。",
            "A collective decision names its minutes, with number and day.",
        )  # fmt: skip
    _require_past(minutes.held_on, moved.today, "/data/minutes/held_on")
    if moved.step.before == Before.DECISION:
        case_rules.require_reserved(
            ReservationState(case.reservation_state),
            case.reservation_reason,
            case.reservation_reason_en,
        )
        item = await cases.listed_item(moved.session, case)
        if item is not None and case.state == CaseState.IN_NOTICE:
            require_notice_over(item.last_day, calendar_of(moved.session), moved.now)
            if minutes.held_on <= item.last_day:
                raise invalid_field(
                    "/data/minutes/held_on", "minutes-before-notice",
                    "集体决策应在公示期满之后。", "The decision is to be made after the notice.",
                )  # fmt: skip
    return Found(data.finding, minutes.number, minutes.held_on)


def _require_past(day: date, today: date, pointer: str) -> None:
    if day > today:
        raise invalid_field(pointer, "day-in-future", "日期不能晚于今天。", "Not later than today.")


def _refuse_data(data: StepData, *names: str) -> None:
    """Refuse what a step of this kind does not take."""
    for name in names:
        if getattr(data, name) is not None:
            raise invalid_field(
                f"/data/{name}", "not-for-this-step", "该环节或事项不需要此项。",
                "This step or event does not take it.",
            )  # fmt: skip
