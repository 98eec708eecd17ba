"""A call as the notice that people read: its clause, what is asked, and what is not yet set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.policy.calls.rules import TIES_NAMES, Ties
from services.policy.parameters.rules import UNIT_NAMES, Number
from services.policy.plan.rules import BENEFICIARY_NAMES, PLAN_NOT_IN_FORCE, PlanProgramme
from services.rulebook.reasons import yuan


@dataclass(frozen=True)
class Paragraphs:
    """A part of the notice as people read it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """What a call adds to its programme."""

    opens_on: date
    closes_on: date
    budget_fen: int | None
    quota: int | None
    ties: Ties
    per_applicant: int | None
    document: str | None
    contact: str
    asked: tuple[str, ...]
    held: tuple[str, ...]


def notice(
    programme: PlanProgramme, terms: Terms, numbers: Mapping[str, Number], today: date
) -> list[Paragraphs]:
    """Write the notice of a call: what the clause says, what is asked, and what is not yet set."""
    rule = programme.compiled.programme
    parts = [
        Paragraphs("申报依据", _grounds(programme, terms, today)),
        Paragraphs("申报对象", (BENEFICIARY_NAMES[rule.beneficiary][0],)),
        Paragraphs(
            "申报条件", tuple(_condition(each.says, each.source) for each in rule.conditions)
        ),
        Paragraphs("支持标准", _standard(programme, numbers)),
        Paragraphs("申报时间", (f"{terms.opens_on}至{terms.closes_on}（含首尾两日）",)),
        Paragraphs("名额与资金", _limits(programme, terms)),
        Paragraphs("申报材料", terms.asked or ("无需提交材料",)),
    ]
    if terms.held:
        parts.append(Paragraphs("免予提交（由部门自行核查）", terms.held))
    parts.append(Paragraphs("公示", (_published(programme),)))
    parts.append(Paragraphs("咨询", (terms.contact,)))
    return parts


def _grounds(programme: PlanProgramme, terms: Terms, today: date) -> tuple[str, ...]:
    lines = [f"《{programme.plan.title}》{programme.clause}：{programme.measure.clause}"]
    if terms.document:
        lines.append(terms.document)
    if PLAN_NOT_IN_FORCE in programme.flags(today):
        lines.append("提示：该政策今日尚未施行或仍为征求意见稿，不能据以拨付资金。")
    return tuple(lines)


def _published(programme: PlanProgramme) -> str:
    """Say who publishes: what an upper level decides on is its own to publish, and not ours."""
    if programme.compiled.programme.confidential:
        return "不公示"
    if programme.compiled.programme.recommends is not None:
        return "由上级公示：认定结果由上级部门公示，推荐申报不在本市另行公示"
    days = programme.notice_days
    return f"公示{days}个工作日" if days else "不公示"


def _condition(says: str, source: str) -> str:
    return f"{says}（依据{source}）" if source else says


def _standard(programme: PlanProgramme, numbers: Mapping[str, Number]) -> tuple[str, ...]:
    rule = programme.compiled.programme
    if rule.amount is None:
        return ("本项目不直接给付资金",)
    lines = [f"按条款计算，{'为最高额' if rule.amount_kind == 'ceiling' else '为定额'}"]
    for name, declared in rule.parameters.items():
        value = numbers[name].value
        title = declared.title or name
        lines.append(f"{title}：{_written(declared.unit, value)}")
    return tuple(lines)


def _written(unit: str, value: int | None) -> str:
    if value is None:
        return "尚未确定，以正式文件为准"
    if unit == "fen":
        return f"{yuan(value)}元"
    if unit == "bp":
        return f"{value // 100}.{value % 100:02d}%"
    return f"{value}{UNIT_NAMES.get(unit, ('', ''))[0]}"


def _limits(programme: PlanProgramme, terms: Terms) -> tuple[str, ...]:
    rule = programme.compiled.programme
    lines = [
        f"名额{terms.quota}个；末位并列的：{TIES_NAMES[terms.ties][0]}"
        if terms.quota is not None
        else "不限名额",
        f"本批次预算{yuan(terms.budget_fen)}元" if terms.budget_fen is not None else "预算另行安排",
    ]
    if terms.per_applicant is not None:
        lines.append(f"每个申报主体限报{terms.per_applicant}项")
    elif rule.applications is not None:
        lines.append(rule.applications.says)
    return tuple(lines)
