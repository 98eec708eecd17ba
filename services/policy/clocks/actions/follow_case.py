"""Running the clocks of a case: whatever moves a case moves its clocks, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.policy.base import calendar_of
from services.policy.cases.models import Case
from services.policy.cases.queries import listed_item
from services.policy.cases.rules import CaseState
from services.policy.clocks import queries, rules
from services.policy.clocks.models import CaseClock
from services.policy.clocks.rules import (
    NOTICE_SOURCE,
    Alert,
    ClockKind,
    ClockState,
    Fate,
)
from services.policy.limits import UNSET, Allowed, limits_of
from services.policy.notices.models import NoticeItem


@dataclass(frozen=True)
class Ticking:
    """The clocks of one case at one moment."""

    session: AsyncSession
    case: Case
    clocks: Sequence[CaseClock]
    now: datetime

    @property
    def today(self) -> date:
        return city_day(self.now)

    def find(self, kind: ClockKind, reference: str = "") -> CaseClock | None:
        found = (c for c in self.clocks if (c.kind, c.reference) == (kind, reference))
        return next(found, None)


async def follow_case(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Stop, resume, finish or begin what the state of a case asks for."""
    state = CaseState(case.state)
    clocks = await queries.clocks_of(session, case.id)
    if not clocks and state not in rules.CLOCK_OF:
        return
    item = await listed_item(session, case) if _has_notice(state) else None
    want = rules.wanted(state, notice_over=item is not None and item.ended_at is not None)
    ticking = Ticking(session, case, clocks, now)
    for clock in clocks:
        if clock.state != ClockState.FINISHED:
            _apply(ticking, clock, state, want, item)
    started = None
    if want is not None:
        held = ticking.find(want)
        if held is None or held.state == ClockState.FINISHED:
            started = _begin(ticking, want, *_limit(session, want, item, ticking.today))
    case.due_on = queries.first_due([*clocks, *([started] if started else [])])
    await session.flush()


async def start_step_clock(
    session: AsyncSession, case: Case, reference: str, allowed: Allowed, *, now: datetime
) -> None:
    """Begin the clock of a step, or let it go on with the days that are left."""
    clocks = await queries.clocks_of(session, case.id)
    ticking = Ticking(session, case, clocks, now)
    held = ticking.find(ClockKind.STEP, reference)
    if held is not None and held.state == ClockState.PAUSED:
        _resume(ticking, held)
    else:
        _begin(ticking, ClockKind.STEP, ticking.today, allowed, reference=reference)
    await session.flush()


async def finish_step_clock(
    session: AsyncSession, case: Case, reference: str, *, now: datetime
) -> None:
    """End the clock of a step that is closed."""
    clocks = await queries.clocks_of(session, case.id)
    held = Ticking(session, case, clocks, now).find(ClockKind.STEP, reference)
    if held is not None and held.state != ClockState.FINISHED:
        _finish(held, now)
        await session.flush()


async def renew_provisional(session: AsyncSession, *, now: datetime) -> None:
    """Count anew what hung on a year whose holidays have been published since."""
    calendar = calendar_of(session)
    for clock, case in await queries.provisional(session):
        if clock.run_days is None or clock.kind == ClockKind.NOTICE:
            continue
        last = calendar.add_working_days(clock.started_on, clock.run_days)
        if not last.provisional:
            clock.due_on, clock.provisional, clock.changed_at = last.day, False, now
            case.due_on = queries.first_due(await queries.clocks_of(session, case.id))
    await session.flush()


def _apply(
    ticking: Ticking,
    clock: CaseClock,
    state: CaseState,
    want: ClockKind | None,
    item: NoticeItem | None,
) -> None:
    is_running = clock.state == ClockState.RUNNING
    match rules.fate(ClockKind(clock.kind), is_running=is_running, state=state, want=want):
        case Fate.PAUSE:
            _pause(ticking, clock)
        case Fate.FINISH:
            _finish(clock, ticking.now)
        case Fate.RESUME if clock.kind == ClockKind.NOTICE and item is not None:
            # The notice counts its own days.
            _run(clock, ticking, item.last_day, provisional=item.provisional)
        case Fate.RESUME:
            _resume(ticking, clock)
        case _:
            return


def _limit(
    session: AsyncSession, kind: ClockKind, item: NoticeItem | None, today: date
) -> tuple[date, Allowed]:
    """Give the first day of a clock, which is not counted, and how long it runs."""
    held = limits_of(session)
    if kind is ClockKind.DECIDE and item is not None and item.ended_at is not None:
        return item.last_day, held.of(held.limits.decide_after_notice)
    if kind is ClockKind.NOTICE:
        if item is None:
            return today, UNSET
        days = calendar_of(session).working_days_between(today, item.last_day)
        return today, Allowed(days, NOTICE_SOURCE)
    own = {
        ClockKind.ACCEPT: held.limits.accept, ClockKind.COMPLETION: held.limits.completion,
        ClockKind.REVIEW: held.limits.review, ClockKind.DECIDE: held.limits.decide,
        ClockKind.OBJECTION: held.limits.objection,
    }  # fmt: skip
    return today, held.of(own.get(kind))


def _begin(
    ticking: Ticking, kind: ClockKind, start: date, allowed: Allowed, *, reference: str = ""
) -> CaseClock:
    """Begin a clock, or begin it anew: it is the same deed, asked for again."""
    clock = ticking.find(kind, reference)
    if clock is None:
        clock = CaseClock(id=new_id(), case_id=ticking.case.id, kind=kind, reference=reference)
        ticking.session.add(clock)
    clock.days, clock.source = allowed.days, allowed.source
    clock.demonstration, clock.started_on = allowed.demonstration, start
    clock.run_days = allowed.days
    last = rules.due(start, allowed, calendar_of(ticking.session))
    _run(clock, ticking, last and last.day, provisional=last is not None and last.provisional)
    clock.alert = Alert.NONE
    return clock


def _pause(ticking: Ticking, clock: CaseClock) -> None:
    if clock.due_on is not None:
        clock.left_days = rules.days_left(
            ticking.today, clock.started_on, clock.due_on, calendar_of(ticking.session)
        )
    clock.state, clock.changed_at = ClockState.PAUSED, ticking.now


def _resume(ticking: Ticking, clock: CaseClock) -> None:
    if clock.due_on is None or clock.left_days is None:
        _run(clock, ticking, None, provisional=False)
        return
    calendar, today = calendar_of(ticking.session), ticking.today
    last = rules.resumed(today, clock.due_on, clock.left_days, calendar)
    if clock.left_days:
        clock.started_on, clock.run_days, clock.alert = today, clock.left_days, Alert.NONE
    _run(clock, ticking, last.day, provisional=last.provisional)


def _run(clock: CaseClock, ticking: Ticking, due_on: date | None, *, provisional: bool) -> None:
    clock.state, clock.due_on, clock.provisional = ClockState.RUNNING, due_on, provisional
    clock.left_days, clock.changed_at = None, ticking.now


def _finish(clock: CaseClock, now: datetime) -> None:
    clock.state, clock.left_days, clock.changed_at = ClockState.FINISHED, None, now


def _has_notice(state: CaseState) -> bool:
    return state in (CaseState.IN_NOTICE, CaseState.SUSPENDED)
