"""Policy on one screen."""

from datetime import timedelta
from pathlib import Path

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.enterprise.contract.recognitions import RecognitionAnswered
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
from services.policy.appeals.queries import restate_appeals
from services.policy.appeals.routes import cases_router as case_appeals
from services.policy.appeals.routes import router as appeals
from services.policy.archives.actions.archive_case import (
    ARCHIVE_EVERY,
    ARCHIVE_TIMER,
    archive_ended,
)
from services.policy.archives.routes import cases_router as case_archives
from services.policy.archives.routes import router as archives
from services.policy.base import CALENDAR, SECRET_KEY, STORAGE, Base
from services.policy.calls.routes import router as calls
from services.policy.case_batches.actions.begin_batch import OPERATION as BATCH
from services.policy.case_batches.actions.step_batch import step_batch
from services.policy.case_batches.routes import router as case_batches
from services.policy.cases.routes import router as cases
from services.policy.checks.routes import calls_router as call_draws
from services.policy.checks.routes import draws_router as draws
from services.policy.checks.routes import router as checks
from services.policy.clocks.actions.check_clocks import check_clocks
from services.policy.clocks.actions.follow_case import renew_provisional
from services.policy.clocks.rules import CHECK_EVERY as CLOCKS_EVERY
from services.policy.clocks.rules import CHECK_TIMER as CLOCKS_TIMER
from services.policy.code_lists import CODE_LISTS
from services.policy.contract.aftermath import (
    AppealChanged,
    CheckConcluded,
    ObligationChanged,
    ObligationReminded,
    RecoveryChanged,
    SelfEvaluationAsked,
)
from services.policy.contract.desk import CaseOverridden, LegacyCaseImported
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
from services.policy.contract.facts import (
    CaseFactsChecked,
    FactObjected,
    FactObjectionAnswered,
)
from services.policy.contract.offers import (
    OfferAnswered,
    OfferBatchChanged,
    OfferMade,
    OfferReminded,
)
from services.policy.contract.panels import PanelClosed, PanelReopened
from services.policy.contract.recommendations import RecommendationChanged
from services.policy.contract.reminders import CaseReminded, StepChanged
from services.policy.documents.actions.convert import CONVERTER, Converter
from services.policy.documents.actions.typeset import TYPESETTER, Typesetter, packaged_fonts
from services.policy.documents.routes import router as documents
from services.policy.evaluations.routes import firms_router as entitlements
from services.policy.evaluations.routes import router as evaluations
from services.policy.evidence.actions.clean_up import CLEAN_EVERY, CLEAN_TIMER, clean_up
from services.policy.evidence.actions.keep_evidence import SCAN_TIMER, scan_again
from services.policy.evidence.routes import case_router as case_evidence
from services.policy.evidence.routes import router as evidence
from services.policy.fact_objections.routes import cases_router as case_fact_objections
from services.policy.fact_objections.routes import router as fact_objections
from services.policy.gates.routes import router as plans
from services.policy.legacy_cases.actions.accept_import import OPERATION as LEGACY
from services.policy.legacy_cases.actions.step_import import step_import
from services.policy.legacy_cases.routes import router as legacy_cases
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
from services.policy.obligations.actions.check_day import CHECK_EVERY as OBLIGATIONS_EVERY
from services.policy.obligations.actions.check_day import CHECK_TIMER as OBLIGATIONS_TIMER
from services.policy.obligations.actions.check_day import check_obligations
from services.policy.obligations.queries import restate_obligations
from services.policy.obligations.routes import cases_router as case_obligations
from services.policy.obligations.routes import router as obligations
from services.policy.offers.actions.begin_batch import OPERATION as OFFERS
from services.policy.offers.actions.work_offers import (
    end_on_the_day,
    remind_on_the_day,
    step_offers,
)
from services.policy.offers.queries import restate_batches
from services.policy.offers.routes import router as offer_batches
from services.policy.offers.rules import END_TIMER as OFFERS_END
from services.policy.offers.rules import REMIND_TIMER as OFFERS_REMIND
from services.policy.office import OFFICE, load_office
from services.policy.panel_seats.routes import router as panel_seats
from services.policy.panels.routes import router as panels
from services.policy.parameters.queries import KNOWN, KnownDecisions
from services.policy.parameters.routes import router as parameters
from services.policy.plan.actions.load_library import library
from services.policy.plan.routes import facts_router as facts
from services.policy.plan.routes import measures_router as measures
from services.policy.plan.routes import programmes_router as programmes
from services.policy.prefill.routes import cases_router as case_prefill
from services.policy.prefill.rules import require_renewable
from services.policy.reactions import (
    follow_award,
    follow_recognition,
    project_aid,
    project_budget,
    project_firm,
    project_list,
)
from services.policy.recommendations.actions.import_results import OPERATION as RESULTS
from services.policy.recommendations.actions.import_results import step_results
from services.policy.recommendations.actions.record import restate_recommendations
from services.policy.recommendations.routes import router as recommendations
from services.policy.recoveries.queries import restate_recoveries
from services.policy.recoveries.routes import cases_router as case_recoveries
from services.policy.recoveries.routes import router as recoveries
from services.policy.recusals.routes import router as recusals
from services.policy.sandbox_runs.actions.begin_run import OPERATION as SANDBOX
from services.policy.sandbox_runs.actions.step_run import step_run
from services.policy.sandbox_runs.routes import router as sandbox_runs
from services.policy.self_evaluations.routes import calls_router as call_rounds
from services.policy.self_evaluations.routes import rounds_router as rounds
from services.policy.self_evaluations.routes import router as self_evaluations
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
    require_renewable(office.renewals, plans.facts)
    is_demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    async with runtime.sessions() as session:
        await keep_versions(session, plans, now=now)
        await seed_plan(session, plans, now=now)
        await commit(session)
    runtime.sessions.configure(
        info={
            CALENDAR: runtime.calendar, SECRET_KEY: runtime.settings.secret_key,
            KNOWN: KnownDecisions(), OFFICE: office, TYPESETTER: Typesetter(packaged_fonts()),
            CONVERTER: Converter(runtime.settings.ofd_converter),
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
        recommendations, case_batches, legacy_cases,
        offer_batches, case_prefill, case_fact_objections, fact_objections,
        panels, panel_seats,
        case_obligations, obligations, case_recoveries, recoveries,
        case_appeals, appeals,
        call_rounds, rounds, self_evaluations, call_draws, draws, checks,
    ),
    announces=(
        AwardProposed, CaseDecided, CaseEnded, FirmMatched, TaskChanged, TaskReminded,
        MeetingChanged, NoticePublished, ObjectionReceived, ObjectionHandled, ResultReminded,
        DocumentIssued, DocumentWithdrawn,
        CaseReminded, StepChanged,
        RecommendationChanged,
        CaseOverridden, LegacyCaseImported,
        OfferBatchChanged, OfferMade, OfferReminded, OfferAnswered,
        FactObjected, FactObjectionAnswered, CaseFactsChecked,
        PanelClosed, PanelReopened,
        ObligationChanged, ObligationReminded, RecoveryChanged, AppealChanged,
        SelfEvaluationAsked, CheckConcluded,
    ),
    reactions=(
        Reaction(FirmChanged, project_firm),
        Reaction(ListPublished, project_list),
        Reaction(AwardChanged, follow_award),
        Reaction(BudgetChanged, project_budget),
        Reaction(AidChanged, project_aid),
        Reaction(RecognitionAnswered, follow_recognition),
    ),
    timers=(
        TimerKind(END_TIMER, end_notice),
        TimerKind(REMIND_TIMER, remind_of_result),
        TimerKind(OVERDUE_TIMER, report_overdue),
        TimerKind(REVIEW_TIMER, review_on_the_day, every=timedelta(minutes=1)),
        TimerKind(CHECK_TIMER, check_day, every=CHECK_EVERY),
        TimerKind(OBLIGATIONS_TIMER, check_obligations, every=OBLIGATIONS_EVERY),
        TimerKind(ARCHIVE_TIMER, archive_ended, every=ARCHIVE_EVERY),
        TimerKind(CLOCKS_TIMER, check_clocks, every=CLOCKS_EVERY),
        TimerKind(SCAN_TIMER, scan_again),
        TimerKind(CLEAN_TIMER, clean_up, every=CLEAN_EVERY),
        TimerKind(OFFERS_REMIND, remind_on_the_day),
        TimerKind(OFFERS_END, end_on_the_day),
    ),
    operations=(
        OperationKind(MATCHING, step_matching),
        OperationKind(SANDBOX, step_run),
        OperationKind(RESULTS, step_results),
        OperationKind(BATCH, step_batch),
        OperationKind(LEGACY, step_import),
        OperationKind(OFFERS, step_offers),
    ),
    backlogs=(Backlog("matching", work_off, WAITING),),
    restaters=(
        restate_matches, restate_tasks, restate_meetings, restate_recommendations, restate_batches,
        restate_obligations, restate_recoveries, restate_appeals,
    ),
    on_start=begin,
    code_lists=CODE_LISTS,
)  # fmt: skip
