"""Every closed set of values that policy knows, with Chinese and English names."""

from services.kernel.code_lists import CodeList
from services.kernel.file_types import FILE_TYPE_NAMES
from services.policy.calls.rules import NOTICE_NAMES, RANK_BY_NAMES, TIES_NAMES
from services.policy.calls.rules import STATE_NAMES as CALL_STATES
from services.policy.cases.rules import CaseEvent as Do
from services.policy.cases.rules import CaseState as In
from services.policy.cases.rules import ReservationState, SystemEvent
from services.policy.clocks import rules as clock_rules
from services.policy.documents import rules as document_rules
from services.policy.evidence.rules import (
    EVIDENCE_STATE_NAMES,
    MARK_NAMES,
    MATERIAL_STATUS_NAMES,
)
from services.policy.fact_objections import rules as fact_rules
from services.policy.gates.rules import RESTRICTION_NAMES
from services.policy.matches.rules import Change, Kind
from services.policy.meetings import rules as meeting_rules
from services.policy.notices.rules import (
    OBJECTION_STATE_NAMES,
    RESULT_NAMES,
)
from services.policy.offers import rules as offer_rules
from services.policy.office import RETENTION_NAMES
from services.policy.panels import rules as panel_rules
from services.policy.parameters.rules import ParameterState
from services.policy.plan.rules import BENEFICIARY_NAMES, KIND_NAMES, PlanStatus, Sharing
from services.policy.prefill import rules as prefill_rules
from services.policy.rationing.rules import Oversubscription
from services.policy.recommendations import rules as recommendation_rules
from services.policy.records import RECORDS
from services.policy.sandbox_runs.rules import Outcome, Wanted
from services.policy.steps import rules as step_rules
from services.policy.tasks import rules as task_rules
from services.policy.titles.rules import TITLE_STATE_NAMES

CODE_LISTS: tuple[CodeList, ...] = (
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
        SystemEvent.IMPORTED: ("历史办件导入", "Imported from earlier years"),
        SystemEvent.RESERVED: ("资金已预留", "Reserved"),
        SystemEvent.RESERVATION_REFUSED: ("资金未预留", "Reservation refused"),
        SystemEvent.RESERVATION_ENDED: ("预留已解除", "Reservation ended"),
        SystemEvent.NOTICE_BEGUN: ("公示开始", "Notice begun"),
        SystemEvent.NOTICE_ENDED: ("公示期满", "Notice ended"),
        Do.OBJECT: ("提出异议", "Object"),
        SystemEvent.SUSPENDED: ("因异议中止", "Suspended by an objection"),
        SystemEvent.OBJECTION_UPHELD: ("异议成立", "Objection upheld"),
        SystemEvent.OBJECTION_DISMISSED: ("异议不成立", "Objection dismissed"),
        SystemEvent.AWARDED: ("立项", "Awarded"), SystemEvent.PAID: ("已拨付", "Paid"),
        Do.CONFIRM: ("确认", "Confirm"), Do.DECLINE: ("放弃", "Decline"),
        SystemEvent.OFFER_LAPSED: ("期满未确认", "Lapsed unconfirmed"),
        SystemEvent.FACTS_CHANGED: ("核对不一致，事实有变", "Facts changed"),
        SystemEvent.FACTS_CONFIRMED: ("核对一致", "Facts confirmed"),
        SystemEvent.FACT_OBJECTED: ("对事实提出异议", "A fact objected to"),
        SystemEvent.FACT_OBJECTION_ANSWERED: ("对事实异议的答复", "Objection to a fact answered"),
        SystemEvent.STEP_PASSED: ("环节通过", "A step passed"),
        SystemEvent.STEP_FAILED: ("环节未通过", "A step failed"),
        SystemEvent.STEP_RETURNED: ("环节退回补正", "Returned by a step"),
        SystemEvent.RECUSED: ("有人回避", "Somebody recused"),
        SystemEvent.TITLE_RECORDED: ("称号已登记", "Title recorded"),
        SystemEvent.TITLE_NOT_RECORDED: ("称号未能登记", "Title not recorded"),
        SystemEvent.TITLE_REVOKED: ("称号已撤销", "Title revoked"),
        SystemEvent.PANEL_JUDGED: ("专家评审结束", "Judged by a panel"),
        SystemEvent.PANEL_REOPENED: ("重新评审", "Judged anew"),
        SystemEvent.COMPLETED: ("办结", "Completed")}),
    CodeList("review-steps", "审核环节", "Steps of a review", {**step_rules.KIND_NAMES}),
    CodeList("review-step-states", "审核环节状态", "States of a step",
             {**step_rules.STEP_STATE_NAMES}),
    CodeList("review-step-events", "审核环节事项", "Events of a step",
             {**step_rules.STEP_EVENT_NAMES}),
    CodeList("case-clocks", "办件时限", "Clocks of a case", {**clock_rules.KIND_NAMES}),
    CodeList("case-alerts", "办件提醒", "Alerts of a case", {**clock_rules.ALERT_NAMES}),
    CodeList("title-states", "称号登记情况", "What the registry holds of a title",
             {**TITLE_STATE_NAMES}),
    CodeList("recommendation-states", "推荐申报状态", "States of a recommendation",
             {**recommendation_rules.STATE_NAMES}),
    CodeList("recommendation-events", "推荐申报事项", "Events of a recommendation",
             {**recommendation_rules.EVENT_NAMES}),
    CodeList("recommendation-origins", "推荐申报来源", "Where a recommendation is from",
             {**recommendation_rules.ORIGIN_NAMES}),
    CodeList("recommendation-levels", "推荐申报的上级", "Levels that decide on recommendations",
             {**recommendation_rules.LEVEL_NAMES}),
    CodeList("fact-objection-states", "对事实异议的状态", "States of an objection to a fact",
             {**fact_rules.NAMES}),
    CodeList("prefill-kinds", "预填事项的种类", "Kinds of what a case is filled with",
             {**prefill_rules.KIND_NAMES}),
    CodeList("prefill-states", "预填事项的状态", "Whether a value is held",
             {**prefill_rules.STATE_NAMES}),
    CodeList("fact-check-outcomes", "暂用事实的核对结果", "What became of a provisional fact",
             {**prefill_rules.OUTCOME_NAMES}),
    CodeList("offer-batch-states", "免申即享批次状态", "States of a batch of offers",
             {**offer_rules.STATE_NAMES}),
    CodeList("offer-states", "免申即享结果", "What became of an offer",
             {**offer_rules.OFFER_NAMES}),
    CodeList("offer-reasons", "未列入免申即享的原因", "Why a firm is left out",
             {**offer_rules.REASON_NAMES}),
    CodeList("call-states", "申报批次状态", "States of a call", {**CALL_STATES}),
    CodeList("call-notices", "申报批次公示方式", "How a call's cases stand in notice",
             {**NOTICE_NAMES}),
    CodeList("ties", "末位并列的处理", "Ties at the last place", {**TIES_NAMES}),
    CodeList("ranking-grounds", "排序依据", "What a call ranks by", {**RANK_BY_NAMES}),
    CodeList("panel-states", "专家评审组状态", "States of a panel", {**panel_rules.STATE_NAMES}),
    CodeList("panel-events", "专家评审组事项", "Events of a panel",
             {**panel_rules.EVENT_NAMES}),
    CodeList("sheet-states", "评分表状态", "States of a sheet",
             {**panel_rules.SHEET_STATE_NAMES}),
    CodeList("sheet-events", "评分表事项", "Events of a sheet",
             {**panel_rules.SHEET_EVENT_NAMES}),
    CodeList("unscored-reasons", "没有得分的原因", "Why a case has no score",
             {**panel_rules.NO_SCORE_NAMES}),
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
    CodeList("sandbox-export-outcomes", "测算导出范围", "Outcomes in a file of the sandbox", {
        Wanted.ENTITLED: ("符合", "Entitled"), Wanted.REFUSED: ("不符合", "Refused"),
        Wanted.UNKNOWN: ("暂不能判定", "Unknown"),
        Wanted.PENDING: ("待参数确定", "Pending a parameter")}),
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
)  # fmt: skip
