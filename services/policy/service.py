"""Policy on one screen."""

from pathlib import Path

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AwardChanged
from services.kernel.code_lists import CodeList
from services.kernel.file_types import FILE_TYPE_NAMES
from services.kernel.reactions import Reaction
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from services.kernel.storage import open_storage
from services.kernel.timers import TimerKind
from services.kernel.unit import commit
from services.policy.base import CALENDAR, STORAGE, Base
from services.policy.cases.actions.hear_award import end_notice
from services.policy.cases.actions.move_case import NOTICE_TIMER
from services.policy.cases.routes import router as cases
from services.policy.cases.rules import CaseEvent as Do
from services.policy.cases.rules import CaseState as In
from services.policy.cases.rules import ReservationState, SystemEvent
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded
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
from services.policy.notices.routes import router as notices
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
from services.policy.tasks.routes import router as tasks
from services.policy.versions.actions import keep_versions
from services.policy.versions.routes import router as versions


async def begin(runtime: Runtime) -> None:
    """Read the plans, or do not start; keep their wordings; give sessions what they stand on."""
    plans = library()
    async with runtime.sessions() as session:
        await keep_versions(session, plans, now=runtime.clock.now())
        await commit(session)
    runtime.sessions.configure(
        info={
            CALENDAR: runtime.calendar,
            KNOWN: KnownDecisions(),
            STORAGE: open_storage(runtime.settings, "policy/evidence"),
        }
    )


SERVICE = Service(
    name="policy",
    title="政策服务：行动方案、应享政策、参数、办件与公示",
    title_en="Policy: the plan as data, entitlements, parameters, cases and notices",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(
        plans, measures, programmes, versions, facts, tasks, evaluations, entitlements, parameters,
        cases, case_evidence, evidence, notices,
    ),
    announces=(AwardProposed, CaseDecided, CaseEnded),
    reactions=(
        Reaction(FirmChanged, project_firm),
        Reaction(ListPublished, project_list),
        Reaction(AwardChanged, follow_award),
    ),
    timers=(
        TimerKind(NOTICE_TIMER, end_notice),
        TimerKind(SCAN_TIMER, scan_again),
        TimerKind(CLEAN_TIMER, clean_up, every=CLEAN_EVERY),
    ),
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
            SystemEvent.AWARDED: ("立项", "Awarded"), SystemEvent.PAID: ("已拨付", "Paid")}),
        CodeList("reservation-states", "资金预留状态", "States of a reservation", {
            ReservationState.NONE: ("无", "None"), ReservationState.PENDING: ("待答复", "Pending"),
            ReservationState.RESERVED: ("已预留", "Reserved"),
            ReservationState.REFUSED: ("未预留", "Refused")}),
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
        CodeList("programme-kinds", "项目类型", "Kinds of programmes", {**KIND_NAMES}),
        CodeList("beneficiary-kinds", "受益主体", "Kinds of beneficiaries", {**BENEFICIARY_NAMES}),
        CodeList("sharing-classes", "共享属性", "Sharing classes", {
            Sharing.UNCONDITIONAL: ("无条件共享", "Unconditional"),
            Sharing.CONDITIONAL: ("有条件共享", "Conditional"),
            Sharing.NONE: ("不予共享", "None")}),
    ),
)  # fmt: skip
