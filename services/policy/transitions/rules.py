"""Every transition of a case as data: who, until when, what it needs, what it writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.kernel.actors import ROLE_NAMES
from services.policy.cases.rules import (
    EVENT_NAMES,
    LEGACY_STATES,
    NEXT,
    STATE_NAMES,
    CaseEvent,
    CaseState,
)
from services.policy.cases.rules import SystemEvent as Told
from services.policy.clocks.rules import CLOCK_OF, PAUSING, ClockKind
from services.policy.clocks.rules import KIND_NAMES as CLOCK_NAMES

Says = tuple[str, str]
_S, _E = CaseState, CaseEvent
NOTHING: Says = ("", "")
BY_FINANCE: Says = ("资金服务的答复", "finance's answer")
BY_CLOCK: Says = ("业务时钟", "the business clock")
BY_REGISTRY: Says = ("登记服务的答复", "the registry's word")
BY_OWNER: Says = ("主管部门的陈述", "a statement of the fact's owner")
BY_RULE: Says = ("自动", "by itself")
# How a case comes to be.
BEGINNINGS: tuple[tuple[Told, Says, tuple[CaseState, ...]], ...] = (
    (Told.CREATED, ("建立", "begun"), (_S.DRAFT,)),
    (Told.IMPORTED, ("历史办件导入", "imported from earlier years"), LEGACY_STATES),
    (Told.REOPENED, ("原决定被撤销后重新办理", "begun anew after its decision was undone"),
     (_S.IN_REVIEW,)),
)  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """One arrow of the diagram; `until` is the clock of the state that it leaves."""

    event: str
    name: Says
    leaves: CaseState
    reaches: tuple[CaseState, ...]
    who: Says
    until: ClockKind | None
    needs: Says
    writes: Says


# What each event of a person needs beside its role and its state.
NEEDS: Mapping[CaseEvent, Says] = {
    _E.SUBMIT: ("本单位的草稿", "the applicant's own draft"),
    _E.ACCEPT: ("本部门或本镇（街道）的件，无利害关系、未回避",
                "one's own desk; no stake, not recused"),
    _E.RETURN: ("本部门或本镇（街道）的件，无利害关系、未回避；写明所缺，未写的由系统列明",
                "one's own desk; no stake, not recused; what is missing, listed if not said"),
    _E.COMPLETE: ("本单位的件", "the applicant's own case"),
    _E.REVIEW: ("本部门或本镇（街道）的件，无利害关系、未回避",
                "one's own desk; no stake, not recused"),
    _E.PROPOSE: ("提请批准：提请前的环节均已通过，符合条件，金额确定，名额未满；提请不予批准：无",
                 "for approval: the steps passed, eligible, an amount, a place; for refusal: none"),
    _E.DECIDE: ("未参与审核、未回避的另一人；公示期满；资金已预留、环节已通过，或不予批准的理由",
                "not who reviewed or recused; notice over; money held, steps passed; or a reason"),
    _E.WITHDRAW: ("本单位的件", "the applicant's own case"),
    _E.REVOKE: ("未参与审核、未回避的另一人；写明理由",
                "another person than who reviewed, not recused; the reason"),
    _E.OBJECT: ("公示期内，写明理由", "within the notice, with a reason"),
    _E.CONFIRM: ("免申即享的草稿，期限内，只一次", "a draft prepared unasked; in time, and once"),
    _E.DECLINE: ("免申即享的草稿", "a draft prepared unasked"),
}  # fmt: skip
# What each writes beside its line of history and of audit.
WRITES: Mapping[CaseEvent, Says] = {
    _E.SUBMIT: ("当日所知的事实和结果", "what is known today, and what follows"),
    _E.ACCEPT: NOTHING,
    _E.RETURN: ("受理时限暂停", "the clock of acceptance stops"),
    _E.COMPLETE: ("当日所知的事实和结果；暂停的时限续计", "what is known today; clocks go on"),
    _E.REVIEW: ("各审核环节；第一个环节开始办理", "the steps, the first of them open"),
    _E.PROPOSE: ("冻结的情形；批准的，请求预留资金（award.proposed）",
                 "the frozen situation; for approval, a reservation asked for (award.proposed)"),
    _E.DECIDE: ("批准：case.decided；不予批准：case.ended；公示结果",
                "approved: case.decided; refused: case.ended; the result of the notice"),
    _E.WITHDRAW: ("case.ended；公示结果", "case.ended; the result of the notice"),
    _E.REVOKE: ("case.ended；公示结果", "case.ended; the result of the notice"),
    _E.OBJECT: ("异议；公示暂停，剩余天数保留", "an objection; the notice stops"),
    _E.CONFIRM: ("当日所知的事实和结果；offer.answered", "what is known today; offer.answered"),
    _E.DECLINE: ("offer.answered", "offer.answered"),
}  # fmt: skip

_REVIEWER: Says = ROLE_NAMES["reviewer"]
_ANYBODY: Says = ("任何人", "anybody")


@dataclass(frozen=True)
class _Beside:
    """A transition that is no event of the case's own: finance, the notice, a step."""

    event: Told
    name: Says
    leaves: CaseState
    reaches: tuple[CaseState, ...]
    who: Says
    needs: Says
    writes: Says


_OTHER_FACTS: Says = (
    "移出公示名单；重新审核并再次提请", "the item leaves the list; reviewed and proposed again"
)  # fmt: skip
# Where facts turn out to be other ones than a case was proposed on, and nothing is decided yet.
_SENT_BACK = tuple(
    beside
    for state in (_S.PROPOSED, _S.IN_NOTICE, _S.SUSPENDED)
    for beside in (
        _Beside(Told.FACTS_CHANGED, ("核对不一致", "a provisional fact is stated otherwise"), state,
                (_S.IN_REVIEW,), BY_OWNER,
                ("与暂用事实不一致", "it is not what was taken for the time being"), _OTHER_FACTS),
        _Beside(Told.FACT_OBJECTION_ANSWERED,
                ("对事实的异议成立", "the objection to a fact is upheld"), state, (_S.IN_REVIEW,),
                ROLE_NAMES["registrar"],
                ("主管部门的新陈述", "a new statement of the fact's owner"), _OTHER_FACTS),
    )
)  # fmt: skip
_BESIDE = (
    *_SENT_BACK,
    _Beside(Told.OFFER_LAPSED, ("期满未确认", "the offer lapses"), _S.DRAFT, (_S.WITHDRAWN,),
            BY_CLOCK, ("免申即享的草稿，期限届满", "a draft prepared unasked, its last day over"),
            ("case.ended；offer.answered；仍可自行申报",
             "case.ended; offer.answered; the firm may still apply")),
    _Beside(Told.STEP_RETURNED, ("环节退回补正", "a step returns it"), _S.IN_REVIEW, (_S.RETURNED,),
            _REVIEWER, ("本环节的经办部门或镇（街道），写明需补正的内容",
                        "the desk that has the step, saying what is wanted"),
            ("本环节等待；审核和环节时限暂停", "the step waits; its clock and the review's stop")),
    _Beside(Told.NOTICE_BEGUN, ("公示开始", "the notice begins"), _S.PROPOSED, (_S.IN_NOTICE,),
            BY_FINANCE, ("资金已预留，且该项目须公示；不涉及资金的，提请即公示",
                         "the money held, and a programme with a notice; without money at once"),
            ("公示名单及其哈希（notice.published）", "the list with its hash (notice.published)")),
    _Beside(Told.SUSPENDED, ("因异议中止", "an objection suspends it"), _S.IN_NOTICE,
            (_S.SUSPENDED,), _ANYBODY, ("公示期内、实名、附证据", "in time, signed, with evidence"),
            ("异议（objection.received）；公示暂停", "the objection; the notice stops")),
    # One without a name or evidence suspends nothing, and may be right.
    _Beside(Told.OBJECTION_UPHELD, ("异议成立", "the objection is upheld"), _S.IN_NOTICE,
            (_S.IN_REVIEW, _S.PROPOSED), _REVIEWER, ("书面答复", "a written reply"),
            ("从名单中移除；重新审核，或提请不予批准",
             "the item leaves the list; reviewed again, or proposed for refusal")),
    _Beside(Told.OBJECTION_UPHELD, ("异议成立", "the objection is upheld"), _S.SUSPENDED,
            (_S.IN_REVIEW, _S.PROPOSED), _REVIEWER, ("书面答复", "a written reply"),
            ("从名单中移除；重新审核，或提请不予批准",
             "the item leaves the list; reviewed again, or proposed for refusal")),
    _Beside(Told.OBJECTION_DISMISSED, ("异议不成立", "the objection is dismissed"), _S.SUSPENDED,
            (_S.IN_NOTICE,), _REVIEWER, ("书面答复；没有其他待办的异议",
                                         "a written reply; no other objection waits"),
            ("公示按剩余天数续计", "the notice goes on with the days left")),
    _Beside(Told.AWARDED, ("核定", "awarded"), _S.DECIDED, (_S.AWARDED,), BY_FINANCE, NOTHING,
            NOTHING),
    _Beside(Told.PAID, ("拨付", "paid"), _S.DECIDED, (_S.CLOSED,), BY_FINANCE,
            ("全部到账", "all of it settled"), NOTHING),
    _Beside(Told.PAID, ("拨付", "paid"), _S.AWARDED, (_S.CLOSED,), BY_FINANCE,
            ("全部到账", "all of it settled"), NOTHING),
    _Beside(Told.TITLE_RECORDED, ("称号已登记", "the title is on record"), _S.DECIDED,
            (_S.CLOSED,), BY_REGISTRY, ("不涉及资金的项目", "a programme without money"),
            ("称号的登记编号", "the record of the title")),
    _Beside(Told.COMPLETED, ("办结", "completed"), _S.DECIDED, (_S.CLOSED,), BY_RULE,
            ("不涉及资金、也不授予称号的项目", "a programme without money or title"), NOTHING),
    _Beside(Told.PAYMENT_RETURNED, ("退汇", "the payment comes back"), _S.CLOSED, (_S.AWARDED,),
            BY_FINANCE, NOTHING, NOTHING),
)  # fmt: skip


def transitions() -> Iterator[Transition]:
    """Give every transition, state by state in the order of a life."""
    for state, moves in NEXT.items():
        for event, move in moves.items():
            roles = [ROLE_NAMES[role] for role in sorted(move.who)]
            who = "、".join(zh for zh, _ in roles), ", ".join(en for _, en in roles)
            yield Transition(
                event, EVENT_NAMES[event], state, move.to, who, CLOCK_OF.get(state), NEEDS[event],
                WRITES[event],
            )  # fmt: skip
        for each in _BESIDE:
            if each.leaves is state:
                yield Transition(
                    each.event, each.name, state, each.reaches, each.who, CLOCK_OF.get(state),
                    each.needs, each.writes,
                )  # fmt: skip


def diagram() -> str:
    """Draw the life of a case as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    lines += [f"    {_node(state)}: {STATE_NAMES[state][0]} {state}" for state in CaseState]
    for event, (name, _), states in BEGINNINGS:
        lines += [f"    [*] --> {_node(state)}: {name} {event}" for state in states]
    for each in transitions():
        for to in each.reaches:
            lines.append(f"    {_node(each.leaves)} --> {_node(to)}: {each.name[0]} {each.event}")
    ends = [state for state, moves in NEXT.items() if not moves]
    lines += [f"    {_node(state)} --> [*]" for state in ends]
    return "\n".join(lines)


def page() -> str:
    """Write the page of the documentation: the diagram, and the table behind it."""
    rows = [
        "| 状态 from | 事项 event | 到 to | 谁 who | 时限 until | 须 needs | 写入 writes |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in transitions():
        until = _said(CLOCK_NAMES[each.until]) if each.until else "–"
        to = "<br>".join(f"{STATE_NAMES[state][0]} `{state}`" for state in each.reaches)
        cells = (
            f"{STATE_NAMES[each.leaves][0]} `{each.leaves}`",
            f"{each.name[0]} `{each.event}`", to, _said(each.who), until,
            _said(each.needs), _said(each.writes),
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    stopped = "、".join(STATE_NAMES[state][0] for state in CaseState if state in PAUSING)
    return "\n".join(
        [
            "# 办件的状态与流转 The life of a case", "",
            "本页由`make contracts`生成。 This page is written by `make contracts`.",
            "", "```mermaid", diagram(), "```", "",
            f"时限在下列状态暂停 Clocks stand still while a case is: {stopped}。",
            "时限到期不推进办件，不产生资金或称号。 By silence nothing is granted.",
            "", *rows, "",
        ]
    )  # fmt: skip


def _node(state: CaseState) -> str:
    return state.replace("-", "_")


def _said(says: Says) -> str:
    return "<br>".join(dict.fromkeys(text for text in says if text)) or "–"
