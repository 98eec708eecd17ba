"""Policy on one screen."""

from datetime import timedelta
from pathlib import Path

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AwardChanged
from services.kernel.backlogs import Backlog
from services.kernel.code_lists import CodeList
from services.kernel.file_types import FILE_TYPE_NAMES
from services.kernel.operations import OperationKind
from services.kernel.reactions import Reaction
from services.kernel.runtime import Runtime
from services.kernel.service import Service
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
from services.policy.calls.rules import STATE_NAMES as CALL_STATES
from services.policy.calls.rules import TIES_NAMES
from services.policy.cases.routes import router as cases
from services.policy.cases.rules import CaseEvent as Do
from services.policy.cases.rules import CaseState as In
from services.policy.cases.rules import ReservationState, SystemEvent
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
from services.policy.documents import rules as document_rules
from services.policy.documents.actions.typeset import TYPESETTER, Typesetter, packaged_fonts
from services.policy.documents.routes import router as documents
from services.policy.evaluations.routes import firms_router as entitlements
from services.policy.evaluations.routes import router as evaluations
from services.policy.evidence.actions.clean_up import CLEAN_EVERY, CLEAN_TIMER, clean_up
from services.policy.evidence.actions.keep_evidence import SCAN_TIMER, scan_again
from services.policy.evidence.routes import case_router as case_evidence
from services.policy.evidence.routes import router as evidence
from services.policy.evidence.rules import (
    EVIDENCE_STATE_NAMES,
    MARK_NAMES,
    MATERIAL_STATUS_NAMES,
)
from services.policy.gates.routes import router as plans
from services.policy.gates.rules import RESTRICTION_NAMES
from services.policy.matches.actions.restate_matches import restate_matches
from services.policy.matches.actions.review_bases import OPERATION as MATCHING
from services.policy.matches.actions.review_bases import TIMER as REVIEW_TIMER
from services.policy.matches.actions.review_bases import review_on_the_day, step_matching
from services.policy.matches.actions.work_off import WAITING, work_off
from services.policy.matches.routes import firms_router as firm_matches
from services.policy.matches.routes import router as matches
from services.policy.matches.rules import Change, Kind
from services.policy.meetings import rules as meeting_rules
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
    OBJECTION_STATE_NAMES,
    OVERDUE_TIMER,
    REMIND_TIMER,
    RESULT_NAMES,
)
from services.policy.office import OFFICE, RETENTION_NAMES, load_office
from services.policy.parameters.queries import KNOWN, KnownDecisions
from services.policy.parameters.routes import router as parameters
from services.policy.parameters.rules import ParameterState
from services.policy.plan.actions.load_library import library
from services.policy.plan.routes import facts_router as facts
from services.policy.plan.routes import measures_router as measures
from services.policy.plan.routes import programmes_router as programmes
from services.policy.plan.rules import BENEFICIARY_NAMES, KIND_NAMES, PlanStatus, Sharing
from services.policy.reactions import follow_award, project_firm, project_list
from services.policy.records import RECORDS
from services.policy.sandbox_runs.actions.begin_run import OPERATION as SANDBOX
from services.policy.sandbox_runs.actions.step_run import step_run
from services.policy.sandbox_runs.routes import router as sandbox_runs
from services.policy.sandbox_runs.rules import Outcome, Oversubscription
from services.policy.task_reports.routes import router as task_reports
from services.policy.tasks import rules as task_rules
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
    async with runtime.sessions() as session:
        await keep_versions(session, plans, now=now)
        await seed_plan(session, plans, now=now)
        await commit(session)
    runtime.sessions.configure(
        info={
            CALENDAR: runtime.calendar, SECRET_KEY: runtime.settings.secret_key,
            KNOWN: KnownDecisions(), OFFICE: office, TYPESETTER: Typesetter(packaged_fonts()),
            STORAGE: open_storage(runtime.settings, "policy/evidence"),
        }
    )  # fmt: skip


SERVICE = Service(
    name="policy",
    title="政策服务：行动方案、应享政策、参数、办件与公示、任务板",
    title_en="Policy: the plan as data, entitlements, parameters, cases, notices, task board",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(
        plans, measures, programmes, versions, facts, tasks, task_reports, meetings, evaluations,
        entitlements, firm_matches, matches, parameters, calls, cases, case_evidence,
        case_archives, evidence, notices, documents, archives, sandbox_runs,
    ),
    announces=(
        AwardProposed, CaseDecided, CaseEnded, FirmMatched, TaskChanged, TaskReminded,
        MeetingChanged, NoticePublished, ObjectionReceived, ObjectionHandled, ResultReminded,
        DocumentIssued, DocumentWithdrawn,
    ),
    reactions=(
        Reaction(FirmChanged, project_firm),
        Reaction(ListPublished, project_list),
        Reaction(AwardChanged, follow_award),
    ),
    timers=(
        TimerKind(END_TIMER, end_notice),
        TimerKind(REMIND_TIMER, remind_of_result),
        TimerKind(OVERDUE_TIMER, report_overdue),
        TimerKind(REVIEW_TIMER, review_on_the_day, every=timedelta(minutes=1)),
        TimerKind(CHECK_TIMER, check_day, every=CHECK_EVERY),
        TimerKind(ARCHIVE_TIMER, archive_ended, every=ARCHIVE_EVERY),
        TimerKind(SCAN_TIMER, scan_again),
        TimerKind(CLEAN_TIMER, clean_up, every=CLEAN_EVERY),
    ),
    operations=(OperationKind(MATCHING, step_matching), OperationKind(SANDBOX, step_run)),
    backlogs=(Backlog("matching", work_off, WAITING),),
    restaters=(restate_matches, restate_tasks, restate_meetings),
    on_start=begin,
    code_lists=(
        CodeList("case-states", "办件状态", "States of a case", {
            In.DRAFT: ("草稿", "Draft"), In.SUBMITTED: ("已提交", "Submitted"),
            In.RETURNED: ("退回补正", "Returned for completion"),
            In.ACCEPTED: ("已受理", "Accepted"),
            In.IN_REVIEW: ("审核中", "In review"), In.PROPOSED: ("已提请", "Proposed"),
            In.IN_NOTICE: ("公示中", "In public notice"), In.SUSPENDED: ("中止", "Suspended"),
            In.DECIDED: ("已批准", "Decided"), In.AWARDED: ("已立项", "Awarded"),
            In.CLOSED: ("已拨付办结", "Paid and closed"), In.WITHDRAWN: ("已撤回", "Withdrawn"),
            In.REFUSED: ("不予批准", "Refused"), In.REVOKED: ("已撤销", "Revoked")}),
        CodeList("case-events", "办件事项", "Events of a case", {
            Do.SUBMIT: ("提交", "Submit"), Do.ACCEPT: ("受理", "Accept"),
            Do.RETURN: ("退回补正", "Return for completion"), Do.COMPLETE: ("补正", "Complete"),
            Do.REVIEW: ("开始审核", "Begin the review"), Do.PROPOSE: ("提请", "Propose"),
            Do.DECIDE: ("决定", "Decide"), Do.WITHDRAW: ("撤回", "Withdraw"),
            Do.REVOKE: ("撤销", "Revoke"),
            SystemEvent.CREATED: ("建立", "Created"),
            SystemEvent.RESERVED: ("资金已预留", "Reserved"),
            SystemEvent.RESERVATION_REFUSED: ("资金未预留", "Reservation refused"),
            SystemEvent.RESERVATION_ENDED: ("预留已解除", "Reservation ended"),
            SystemEvent.NOTICE_BEGUN: ("公示开始", "Notice begun"),
            SystemEvent.NOTICE_ENDED: ("公示期满", "Notice ended"),
            Do.OBJECT: ("提出异议", "Object"),
            SystemEvent.SUSPENDED: ("因异议中止", "Suspended by an objection"),
            SystemEvent.OBJECTION_UPHELD: ("异议成立", "Objection upheld"),
            SystemEvent.OBJECTION_DISMISSED: ("异议不成立", "Objection dismissed"),
            SystemEvent.AWARDED: ("立项", "Awarded"), SystemEvent.PAID: ("已拨付", "Paid")}),
        CodeList("call-states", "申报批次状态", "States of a call", {**CALL_STATES}),
        CodeList("ties", "末位并列的处理", "Ties at the last place", {**TIES_NAMES}),
        CodeList("objection-states", "异议状态", "States of an objection",
                 {**OBJECTION_STATE_NAMES}),
        CodeList("notice-results", "公示结果", "Results of a notice", {**RESULT_NAMES}),
        CodeList("reservation-states", "资金预留状态", "States of a reservation", {
            ReservationState.NONE: ("无", "None"), ReservationState.PENDING: ("待答复", "Pending"),
            ReservationState.RESERVED: ("已预留", "Reserved"),
            ReservationState.REFUSED: ("未预留", "Refused")}),
        CodeList("document-kinds", "文书种类", "Kinds of documents",
                 {**document_rules.KIND_NAMES}),
        CodeList("document-states", "文书状态", "States of a document",
                 {**document_rules.STATE_NAMES}),
        CodeList("document-validities", "文书效力", "Validity of a document",
                 {**document_rules.VALIDITY_NAMES}),
        CodeList("retention-classes", "保管期限", "Retention classes", {**RETENTION_NAMES}),
        CodeList("evidence-states", "材料状态", "States of evidence", {**EVIDENCE_STATE_NAMES}),
        CodeList("evidence-marks", "材料重复情形", "What evidence may share", {**MARK_NAMES}),
        CodeList("file-types", "文件类型", "Types of files", {**FILE_TYPE_NAMES}),
        CodeList("material-statuses", "材料提交情况", "Whether a material is there",
                 {**MATERIAL_STATUS_NAMES}),
        CodeList("outcomes", "判定结果", "Outcomes", {
            "eligible": ("符合", "Eligible"), "ineligible": ("不符合", "Ineligible"),
            "unknown": ("暂不能判定", "Unknown")}),
        CodeList("condition-outcomes", "条件结果", "Outcomes of a condition", {
            "true": ("是", "True"), "false": ("否", "False"), "unknown": ("未知", "Unknown")}),
        CodeList("match-kinds", "匹配结果", "Where a firm stands under a programme", {
            Kind.ENTITLED: ("应享", "Entitled"), Kind.NEAR: ("差一点", "Near"),
            Kind.UNKNOWN: ("缺少事实", "A fact is unknown")}),
        CodeList("match-changes", "匹配变化", "Changes of a match", {
            Change.NEWLY_ENTITLED: ("新应享", "Newly entitled"),
            Change.NO_LONGER_ENTITLED: ("不再应享", "No longer entitled"),
            Change.NEAR_MISS: ("差一点", "Near miss"), Change.UNKNOWN: ("缺少事实", "Unknown"),
            Change.RULED_OUT: ("不符合", "Ruled out"),
            Change.CHANGED: ("金额或情况有变", "Amount or details changed")}),
        CodeList("oversubscription-rules", "超额申报处理方式", "Sharing out a budget", {
            Oversubscription.PRO_RATA: ("按比例", "Pro rata"),
            Oversubscription.RANKED: ("按排名", "By rank"),
            Oversubscription.FIRST_COME: ("先到先得", "First come, first served")}),
        CodeList("sandbox-outcomes", "测算结果", "Outcomes in the sandbox", {
            Outcome.ENTITLED: ("符合", "Eligible"), Outcome.REFUSED: ("不符合", "Ineligible"),
            Outcome.UNKNOWN: ("暂不能判定", "Unknown"),
            Outcome.PENDING: ("待参数确定", "Pending a parameter"),
            Outcome.ABSENT: ("无此项目", "No such programme")}),
        CodeList("amount-statuses", "金额状态", "Statuses of an amount", {
            "set": ("已确定", "Set"), "pending-parameter": ("待参数确定", "Pending a parameter"),
            "unknown-fact": ("缺少事实", "A fact is unknown")}),
        CodeList("amount-kinds", "金额性质", "Kinds of amount", {
            "fixed": ("定额", "Fixed"), "ceiling": ("上限", "Ceiling")}),
        CodeList("relations", "与其他补助的关系", "Relations to other aid", {
            "matches": ("配套", "Matches its base"), "tops-up": ("追加", "Tops up its base"),
            "competes": ("从高、不重复", "Competes: the highest once")}),
        CodeList("parameter-states", "参数提案状态", "States of a proposed parameter", {
            ParameterState.PROPOSED: ("待批准", "Proposed"),
            ParameterState.APPROVED: ("已批准", "Approved"),
            ParameterState.REJECTED: ("已驳回", "Rejected")}),
        CodeList("stacking-modes", "重复补助处理方式", "Stacking modes", {
            "top-up": ("补差", "Pays the difference"),
            "highest-only": ("仅取最高", "Pays nothing more")}),
        CodeList("plan-statuses", "政策状态", "Statuses of a plan", {
            PlanStatus.DRAFT: ("征求意见稿", "Draft for comment"),
            PlanStatus.ISSUED: ("已发布", "Issued"), PlanStatus.EXPIRED: ("已失效", "Expired")}),
        CodeList("restrictions", "限制竞争的情形", "Restrictions of competition",
                 {**RESTRICTION_NAMES}),
        CodeList("record-kinds", "业务记录种类", "Kinds of records", RECORDS),
        CodeList("task-states", "任务状态", "States of a task", {**task_rules.STATE_NAMES}),
        CodeList("task-events", "任务事项", "Events of a task", {**task_rules.EVENT_NAMES}),
        CodeList("task-origins", "任务来源", "Where a task is from", {**task_rules.ORIGIN_NAMES}),
        CodeList("task-intervals", "任务周期", "Intervals of a task", {**task_rules.EVERY_NAMES}),
        CodeList("task-alerts", "任务提醒", "Alerts of a task", {**task_rules.ALERT_NAMES}),
        CodeList("task-risks", "任务风险", "Risks of a task", {**task_rules.RISK_NAMES}),
        CodeList("meeting-states", "会议状态", "States of a meeting",
                 {**meeting_rules.STATE_NAMES}),
        CodeList("meeting-events", "会议事项", "Events of a meeting",
                 {**meeting_rules.EVENT_NAMES}),
        CodeList("programme-kinds", "项目类型", "Kinds of programmes", {**KIND_NAMES}),
        CodeList("beneficiary-kinds", "受益主体", "Kinds of beneficiaries", {**BENEFICIARY_NAMES}),
        CodeList("sharing-classes", "共享属性", "Sharing classes", {
            Sharing.UNCONDITIONAL: ("无条件共享", "Unconditional"),
            Sharing.CONDITIONAL: ("有条件共享", "Conditional"),
            Sharing.NONE: ("不予共享", "None")}),
    ),
)  # fmt: skip
