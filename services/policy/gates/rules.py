"""What is lacking before a plan or programme goes live, and what its rules restrict.

The restrictions are those of 公平竞争审查条例: who is registered here, moves here, buys here, pays
tax here, is named, or stands on a list whose criteria nobody can read, is treated otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.kernel.errors import Conflict
from services.policy.plan.rules import Library, Plan, PlanProgramme, PlanStatus
from services.rulebook import CompiledProgramme, Restriction
from services.rulebook.nodes import Const, FactAt, Node, OnList, YearsTotal, walk

RESTRICTION_NAMES: Final[dict[Restriction, tuple[str, str]]] = {
    "registration": ("限定登记地或财政管辖", "where the firm is registered"),
    "relocation": ("以迁入或不迁出为条件", "moving here, or not moving away"),
    "local-purchase": ("限定采购本地产品或服务", "buying here"),
    "tax-tied-amount": ("奖补与纳税额挂钩", "the tax paid here"),
    "named-beneficiary": ("指定特定经营者", "a named beneficiary"),
    "list-without-criteria": ("依据未公布标准的名单", "a list without published criteria"),
}
# Where a condition is for a person to check, its words are all there is to look at.
_WORDS: Final[tuple[tuple[Restriction, re.Pattern[str]], ...]] = (
    ("relocation", re.compile("迁入|迁出|迁至|不外迁|注册地不变")),
    ("registration", re.compile("注册在本|在本市注册|本市注册|本地注册|市本级|属地注册")),
    ("local-purchase", re.compile("本地采购|采购本地|本市产品|本地产品|本地供应商")),
    ("tax-tied-amount", re.compile("纳税额|缴税额|税收贡献|地方贡献|地方财政贡献|实缴税")),
)
_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


@dataclass(frozen=True)
class Finding:
    """A restriction that a rule contains: in which condition, or in what it pays where None."""

    restricts: Restriction
    condition: str | None


@dataclass(frozen=True)
class Shortfall:
    """Something that is lacking, by a stable code, in words, and where it is set."""

    code: str
    field: str
    zh: str
    en: str
    programme: str | None = None
    condition: str | None = None


def restrictions(programme: PlanProgramme, library: Library) -> list[Finding]:
    """List every restriction that can be seen in a programme's rule and words."""
    compiled = programme.compiled
    nodes = {condition.id: node for condition, node in compiled.checks}
    found: dict[Finding, None] = {}
    for condition in compiled.programme.conditions:
        node = nodes.get(condition.id)
        for restricts in (*_in_words(condition.says), *(_in_node(node, library) if node else ())):
            found[Finding(restricts, condition.id)] = None
    for restricts in _in_payment(compiled, library):
        found[Finding(restricts, None)] = None
    return list(found)


def _in_payment(compiled: CompiledProgramme, library: Library) -> Iterator[Restriction]:
    """Look at what is paid, and to whom first: amount, ceilings, instalments, rank and points."""
    nodes = [*compiled.terms.nodes, *([compiled.amount] if compiled.amount else [])]
    nodes += [compiled.sheet.total.points] if compiled.sheet else []
    for node in nodes:
        yield from _in_node(node, library)
    rule = compiled.programme
    for part in (*rule.ceilings, *rule.instalments, *(rule.score.parts if rule.score else ())):
        yield from _in_words(part.says)


def plan_shortfalls(plan: Plan) -> list[Shortfall]:
    """List what a plan lacks to go live: its procedure, its publication and its review."""
    review = plan.competition_review
    required: tuple[tuple[str, str, str, object], ...] = (
        ("document", "文号", "the document number", plan.document),
        ("unified_number", "规范性文件统一编号", "the unified number", plan.unified_number),
        ("legality_review", "合法性审核意见", "the review of legality", plan.legality_review),
        ("collective_decision", "集体讨论决定", "the collective decision",
         plan.collective_decision),
        ("published_on", "发布日期", "the day of publication", plan.published_on),
        ("in_force", "施行日期", "the first day of force", plan.first_day()),
        ("competition_review/drafted_by", "公平竞争审查的起草单位",
         "the drafting body of the competition review", review.drafted_by),
        ("competition_review/market_opinion", "市场监管部门的公平竞争审查意见",
         "the opinion of market regulation", review.market_opinion),
        ("competition_review/finding", "公平竞争审查结论",
         "the finding of the competition review", review.finding),
    )  # fmt: skip
    lacking = [
        Shortfall(f"{field.replace('/', '-').replace('_', '-')}-missing", field, f"缺少{zh}",
                  f"{en} is not recorded")
        for field, zh, en, value in required if value is None
    ]  # fmt: skip
    if plan.status is not PlanStatus.ISSUED:
        draft = Shortfall("not-issued", "status", "政策未发布", "the plan is not issued")
        lacking.insert(0, draft)
    if review.finding == "excepted" and review.article is None:
        zh, en = "缺少适用的例外条款", "the excepting article is not named"
        lacking.append(Shortfall("article-missing", "competition_review/article", zh, en))
    return lacking


def programme_shortfalls(programme: PlanProgramme, library: Library, on: date) -> list[Shortfall]:
    """List the restrictions of a programme that nothing excepts on the day."""
    stated = {
        Finding(each.restricts, each.condition): each
        for each in programme.compiled.programme.competition
    }
    lacking: list[Shortfall] = []
    for finding in restrictions(programme, library):
        if finding not in stated:
            zh, en = "未说明理由和例外", "neither reason nor exception is stated"
            lacking.append(_lack("restriction-unexplained", finding, programme, zh, en))
    for finding, exception in stated.items():
        if exception.article is None:
            zh, en = "尚无适用的例外条款", "no article excepts it"
            lacking.append(_lack("exception-missing", finding, programme, zh, en))
        elif exception.expires is not None and exception.expires < on:
            zh, en = "例外已到期", "its exception has expired"
            lacking.append(_lack("exception-expired", finding, programme, zh, en))
    return lacking


def require_live(programme: PlanProgramme, library: Library, on: date) -> None:
    """Refuse a case outside the demonstration: a draft pays nobody, nor what was not cleared."""
    plan = programme.plan
    if plan.status is PlanStatus.ISSUED and programme.first_day and not programme.is_in_force(on):
        raise Conflict(
            f"《{plan.title}》该项目尚未施行或已失效，不受理申报。",
            f"The programme of {plan.id} is not in force on this day; no case can be opened.",
            code="plan-not-in-force",
        )
    lacking = [*plan_shortfalls(plan), *programme_shortfalls(programme, library, on)]
    if lacking:
        raise Conflict(
            f"《{plan.title}》该项目尚不具备上线条件：{'；'.join(each.zh for each in lacking)}。"
            "请主管部门补齐后再受理。",
            f"The programme may not go live yet: {'; '.join(each.en for each in lacking)}.",
            code="plan-not-in-force" if plan.status is not PlanStatus.ISSUED else "gate-not-passed",
        )


def _lack(code: str, finding: Finding, programme: PlanProgramme, zh: str, en: str) -> Shortfall:
    name_zh, name_en = RESTRICTION_NAMES[finding.restricts]
    return Shortfall(
        code, "competition", f"{name_zh}：{zh}", f"{name_en}: {en}", programme.id, finding.condition
    )


def _in_words(says: str) -> Iterator[Restriction]:
    return (restricts for restricts, pattern in _WORDS if pattern.search(says))


def _in_node(node: Node, library: Library) -> Iterator[Restriction]:
    for part in walk(node):
        match part:
            case FactAt(name) | YearsTotal(name):
                if (restricts := library.facts[name].restricts) is not None:
                    yield restricts
            case OnList(name):
                if library.lists[name].criteria is None:
                    yield "list-without-criteria"
            case Const(str() as text) if _USCC.fullmatch(text):
                yield "named-beneficiary"
            case _:
                pass
