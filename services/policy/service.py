"""Policy on one screen."""

from datetime import timedelta
from pathlib import Path

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AidChanged, AwardChanged, BudgetChanged
from services.kernel.backlogs import Backlog
from services.kernel.operations import OperationKind
from services.kernel.reactions import Reaction
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from services.kernel.settings import Profile
from services.kernel.storage import open_storage
from services.kernel.timers import TimerKind
from services.kernel.unit import commit
from services.policy.archives.actions.archive_case import (
    ARCHIVE_EVERY,
    ARCHIVE_TIMER,
    archive_ended,
)
from services.policy.archives.routes import cases_router as case_archives
from services.policy.archives.routes import router as archives
from services.policy.base import CALENDAR, SECRET_KEY, STORAGE, Base
from services.policy.calls.routes import router as calls
from services.policy.cases.routes import router as cases
from services.policy.clocks.actions.check_clocks import check_clocks
from services.policy.clocks.actions.follow_case import renew_provisional
from services.policy.clocks.rules import CHECK_EVERY as CLOCKS_EVERY
from services.policy.clocks.rules import CHECK_TIMER as CLOCKS_TIMER
from services.policy.code_lists import CODE_LISTS
from services.policy.contract.events import (
    AwardProposed,
    CaseDecided,
    CaseEnded,
    DocumentIssued,
    DocumentWithdrawn,
    FirmMatched,
    MeetingChanged,
    NoticePublished,
    ObjectionHandled,
    ObjectionReceived,
    ResultReminded,
    TaskChanged,
    TaskReminded,
)
from services.policy.contract.reminders import CaseReminded, StepChanged
from services.policy.documents.actions.typeset import TYPESETTER, Typesetter, packaged_fonts
from services.policy.documents.routes import router as documents
from services.policy.evaluations.routes import firms_router as entitlements
from services.policy.evaluations.routes import router as evaluations
from services.policy.evidence.actions.clean_up import CLEAN_EVERY, CLEAN_TIMER, clean_up
from services.policy.evidence.actions.keep_evidence import SCAN_TIMER, scan_again
from services.policy.evidence.routes import case_router as case_evidence
from services.policy.evidence.routes import router as evidence
from services.policy.gates.routes import router as plans
from services.policy.limits import LIMITS, HeldLimits
from services.policy.matches.actions.restate_matches import restate_matches
from services.policy.matches.actions.review_bases import OPERATION as MATCHING
from services.policy.matches.actions.review_bases import TIMER as REVIEW_TIMER
from services.policy.matches.actions.review_bases import review_on_the_day, step_matching
from services.policy.matches.actions.work_off import WAITING, work_off
from services.policy.matches.routes import firms_router as firm_matches
from services.policy.matches.routes import router as matches
from services.policy.meetings.queries import restate_meetings
from services.policy.meetings.routes import router as meetings
from services.policy.notices.actions.end_notice import (
    end_notice,
    remind_of_result,
    report_overdue,
)
from services.policy.notices.routes import router as notices
from services.policy.notices.rules import (
    END_TIMER,
    OVERDUE_TIMER,
    REMIND_TIMER,
)
from services.policy.office import OFFICE, load_office
from services.policy.parameters.queries import KNOWN, KnownDecisions
from services.policy.parameters.routes import router as parameters
from services.policy.plan.actions.load_library import library
from services.policy.plan.routes import facts_router as facts
from services.policy.plan.routes import measures_router as measures
from services.policy.plan.routes import programmes_router as programmes
from services.policy.reactions import (
    follow_award,
    project_aid,
    project_budget,
    project_firm,
    project_list,
)
from services.policy.recusals.routes import router as recusals
from services.policy.sandbox_runs.actions.begin_run import OPERATION as SANDBOX
from services.policy.sandbox_runs.actions.step_run import step_run
from services.policy.sandbox_runs.routes import router as sandbox_runs
from services.policy.steps.routes import router as steps
from services.policy.task_reports.routes import router as task_reports
from services.policy.tasks.actions.check_day import (
    CHECK_EVERY,
    CHECK_TIMER,
    check_day,
    restate_tasks,
)
from services.policy.tasks.actions.seed_plan import seed_plan
from services.policy.tasks.routes import router as tasks
from services.policy.versions.actions import keep_versions
from services.policy.versions.routes import router as versions


async def begin(runtime: Runtime) -> None:
    """Read the plans, or do not start; keep wordings and tasks; give sessions their ground."""
    plans, now = library(), runtime.clock.now()
    office = load_office(runtime.settings.office_file)
    is_demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    async with runtime.sessions() as session:
        await keep_versions(session, plans, now=now)
        await seed_plan(session, plans, now=now)
        await commit(session)
    runtime.sessions.configure(
        info={
            CALENDAR: runtime.calendar, SECRET_KEY: runtime.settings.secret_key,
            KNOWN: KnownDecisions(), OFFICE: office, TYPESETTER: Typesetter(packaged_fonts()),
            STORAGE: open_storage(runtime.settings, "policy/evidence"),
            LIMITS: HeldLimits(office.clocks, is_demonstration),
        }
    )  # fmt: skip
    async with runtime.sessions() as session:
        await renew_provisional(session, now=now)
        await commit(session)


SERVICE = Service(
    name="policy",
    title="政策服务：行动方案、应享政策、参数、办件与公示、任务板",
    title_en="Policy: the plan as data, entitlements, parameters, cases, notices, task board",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(
        plans, measures, programmes, versions, facts, tasks, task_reports, meetings, evaluations,
        entitlements, firm_matches, matches, parameters, calls, cases, case_evidence,
        steps, recusals,
        case_archives, evidence, notices, documents, archives, sandbox_runs,
    ),
    announces=(
        AwardProposed, CaseDecided, CaseEnded, FirmMatched, TaskChanged, TaskReminded,
        MeetingChanged, NoticePublished, ObjectionReceived, ObjectionHandled, ResultReminded,
        DocumentIssued, DocumentWithdrawn,
        CaseReminded, StepChanged,
    ),
    reactions=(
        Reaction(FirmChanged, project_firm),
        Reaction(ListPublished, project_list),
        Reaction(AwardChanged, follow_award),
        Reaction(BudgetChanged, project_budget),
        Reaction(AidChanged, project_aid),
    ),
    timers=(
        TimerKind(END_TIMER, end_notice),
        TimerKind(REMIND_TIMER, remind_of_result),
        TimerKind(OVERDUE_TIMER, report_overdue),
        TimerKind(REVIEW_TIMER, review_on_the_day, every=timedelta(minutes=1)),
        TimerKind(CHECK_TIMER, check_day, every=CHECK_EVERY),
        TimerKind(ARCHIVE_TIMER, archive_ended, every=ARCHIVE_EVERY),
        TimerKind(CLOCKS_TIMER, check_clocks, every=CLOCKS_EVERY),
        TimerKind(SCAN_TIMER, scan_again),
        TimerKind(CLEAN_TIMER, clean_up, every=CLEAN_EVERY),
    ),
    operations=(OperationKind(MATCHING, step_matching), OperationKind(SANDBOX, step_run)),
    backlogs=(Backlog("matching", work_off, WAITING),),
    restaters=(restate_matches, restate_tasks, restate_meetings),
    on_start=begin,
    code_lists=CODE_LISTS,
)  # fmt: skip
