"""Writing what a decision says: facts with sources, conditions, the clause, reasons, remedies."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM, MATTER_NAMES, CaseEvent
from services.policy.documents.rules import DocumentKind, capital_amount, yuan
from services.policy.office import Remedies, office_of
from services.policy.overrides.models import CaseOverride
from services.policy.overrides.queries import of_attempt
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.situations import queries as situations
from services.policy.situations.models import FrozenSituation
from services.rulebook.situation import parse_canonical

UNKNOWN = "未知"
OUTCOMES = {"true": "符合", "false": "不符合", "unknown": "不能判定"}
VERDICTS: Mapping[DocumentKind, tuple[str, str]] = {
    DocumentKind.APPROVAL: ("批准", "决定：批准上述申请。"),
    DocumentKind.REFUSAL: ("不予批准", "决定：对上述申请不予批准。"),
    DocumentKind.REVOCATION: ("撤销批准", "决定：撤销此前就上述申请作出的批准决定。"),
}
DECIDING = {
    DocumentKind.APPROVAL: CaseEvent.DECIDE,
    DocumentKind.REFUSAL: CaseEvent.DECIDE,
    DocumentKind.REVOCATION: CaseEvent.REVOKE,
}
# What a condition looks at besides facts, and how a reader calls it.
DECLARED = "申报单位陈述"
HOLDINGS = {"recognitions": "称号", "grades": "等级", "lists": "名单", "history": "曾获项目"}
# Under what a situation keeps their grounds.
GROUND_OF = {"recognitions": "recognition", "grades": "recognition", "lists": "list"}


@dataclass(frozen=True)
class Grounds:
    """What a decision about a case rests on, read from what was frozen with its proposal."""

    case: Case
    frozen: FrozenSituation
    programme: PlanProgramme
    note: str
    override: CaseOverride | None

    @property
    def assessment(self) -> dict[str, Any]:
        return parse_canonical(self.frozen.assessment)

    @cached_property
    def situation(self) -> dict[str, Any]:
        return parse_canonical(self.frozen.situation)

    def source_of(self, names: Iterable[str]) -> str | None:
        """Say on whose statements the case's own values rest, as they were frozen with it."""
        frozen = self.situation.get("grounds", {})
        said = dict.fromkeys(_stated(frozen[name]) for name in names if name in frozen)
        return "；".join(each for each in said if each) or None

    def word_on(self, fact: str) -> str:
        """Say of a provisional fact what this decision takes it on."""
        situation = self.situation
        if fact in situation["declared"]:
            return "；本次由申报单位自行申报"
        if fact in situation.get("stale", {}):
            return "；登记逾期未更新，本次暂按原有记载"
        return ""


async def write_decision(
    session: AsyncSession, kind: DocumentKind, case: Case, programme: PlanProgramme
) -> dict[str, Any]:
    """Write the content of a decision about one case."""
    frozen = await situations.frozen(session, case)
    note, override = await _note(session, case, DECIDING[kind]), await of_attempt(session, case)
    grounds = Grounds(case, frozen, programme, note, override)
    verb, decision = VERDICTS[kind]
    title = programme.compiled.programme.title
    amount_fen = case.reservation_amount_fen if kind is DocumentKind.APPROVAL else None
    measure = programme.measure
    return {
        "title": f"关于{verb}{case.applicant_name}“{title}”申请的决定",
        "addressee": case.applicant_name,
        "opening": _opening(grounds),
        "facts": list(_facts(grounds)),
        "clause": {
            "words": f"{programme.plan.title}，{measure.heading}"
            f"（{'原文' if measure.verbatim else '摘要'}）：",
            "text": measure.clause,
            "verbatim": measure.verbatim,
        },
        "conditions": [
            {
                "id": each["id"],
                "says": each["says"],
                "outcome": OUTCOMES[each["outcome"]],
                "source": each["source"],
            }
            for each in grounds.assessment["conditions"]
        ],
        "decision": decision,
        "reasons": _reasons(grounds, kind),
        "amount": None if amount_fen is None else _amount(amount_fen),
        "remedies": _remedies(office_of(session).remedies),
        "grounds": {
            "case": str(case.id),
            "attempt": frozen.attempt,
            "situation_sha256": frozen.situation_sha256,
            "assessment_sha256": frozen.assessment_sha256,
            "rule_sha256": frozen.rule_sha256,
            "rule_version": frozen.rule_version,
            "language_version": frozen.language_version,
        },
    }


def plan_notes(programme: PlanProgramme, case: Case) -> list[str]:
    """Say what a reader must know of a plan that is not in force."""
    if programme.is_in_force(city_day(case.created_at)):
        return []
    return ["所依据的方案尚未施行"]


async def _note(session: AsyncSession, case: Case, event: CaseEvent) -> str:
    """Find what the deciding person said of the reasons."""
    rows = [row for row in await cases.history(session, case.id) if row.event == event]
    return rows[-1].note if rows else ""


def _opening(grounds: Grounds) -> str:
    case, programme = grounds.case, grounds.programme.compiled.programme
    who = (
        f"你单位（统一社会信用代码{case.applicant_id}）" if case.applicant_kind == FIRM else "你方"
    )
    kind = MATTER_NAMES.get(case.matter_kind, ("事项", ""))[0]
    matter = f"{case.matter_period}{kind}" if case.matter_period else f"{kind}{case.matter_id}"
    return (
        f"{who}就“{programme.title}”（{matter}）提出的申请（办件编号{case.id}），"
        "本机关经审查，现作出如下决定。"
    )


def _facts(grounds: Grounds) -> Iterator[dict[str, str]]:
    """List every fact that a condition looked at, with its value and where it comes from."""
    used: dict[str, Any] = {}
    for condition in grounds.assessment["conditions"]:
        for name, value in condition["facts"].items():
            used[name] = used.get(name, {}) | value if _is_map(value) else value
    for name, value in used.items():
        if name in HOLDINGS:
            yield from _holdings(grounds, name, value)
            continue
        fact = library().facts.get(name)
        source = grounds.source_of(
            [f"{name}:{each}" for each in value] if _is_map(value) else [name]
        )
        if source is None:
            source = f"{fact.source_zh}（{fact.owner.name}）" if fact else UNKNOWN
        yield {
            "title": fact.zh if fact else name,
            "value": _said(value, fact.unit if fact else None),
            "source": f"{source}{grounds.word_on(name)}",
        }


def _stated(ground: Mapping[str, Any]) -> str:
    """Word one statement: what it refers to, and the department that made it."""
    known = library().departments.get(ground["department"] or "")
    department = known.name if known else ground["department"]
    source = ground["source"] or ("" if department else DECLARED)
    return f"{source}（{department}）" if source and department else source or department or ""


def _holdings(grounds: Grounds, kind: str, held: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    entries = {**library().recognitions, **library().lists}
    for id_, value in held.items():
        entry = entries.get(id_)
        won = library().programmes.get(id_)
        title = entry.zh if entry else won.compiled.programme.title if won else id_
        source = grounds.source_of([f"{GROUND_OF.get(kind, kind)}/{id_}"])
        if source is None:
            source = f"{entry.owner.name}的登记" if entry else "本平台的办件记录"
        yield {"title": f"{HOLDINGS[kind]}：{title}", "value": _said(value, None), "source": source}


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


UNITS = {
    "fen": "元", "bp": "%", "points": "分", "years": "年", "days": "日", "months": "个月",
    "sqm": "平方米", "mu": "亩", "tce": "吨标准煤", "t": "吨", "rank": "位",
}  # fmt: skip


def _said(value: Any, unit: str | None) -> str:
    """Write a fact's value for a reader: amounts in yuan, shares in per cent, unknown as such."""
    if _is_map(value):
        by_year = cast("dict[str, Any]", value)
        return "；".join(f"{year}年：{_said(each, unit)}" for year, each in sorted(by_year.items()))
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int) and unit in ("fen", "bp"):
        return yuan(value) + UNITS[unit]
    return f"{value}{UNITS.get(unit or '', '')}"


def _reasons(grounds: Grounds, kind: DocumentKind) -> list[str]:
    case, assessment = grounds.case, grounds.assessment
    said = [assessment["reason"]] if kind is not DocumentKind.REVOCATION else []
    failed = [each["says"] for each in assessment["conditions"] if each["outcome"] == "false"]
    if kind is DocumentKind.REFUSAL and failed:
        said.append(f"不符合的条件：{'；'.join(failed)}。")
    if grounds.override is not None:
        amount_fen = grounds.override.amount_fen
        proposed = "批准" if amount_fen is None else f"{yuan(amount_fen)}元"
        said.append(f"经办人员突破规则结果提请{proposed}，理由：{grounds.override.reason}")
    if case.reservation_reason:
        said.append(f"资金核定：{case.reservation_reason}")
    if grounds.note:
        said.append(f"决定理由：{grounds.note}")
    return [*said, *plan_notes(grounds.programme, case)]


def _amount(fen: int) -> dict[str, Any]:
    return {"fen": fen, "figures": yuan(fen), "capital": capital_amount(fen)}


def _remedies(remedies: Remedies) -> str:
    review, court = remedies.reconsideration, remedies.litigation
    return (
        f"如不服本决定，可以自知道本决定之日起{review.days}日内向{review.authority}申请行政复议"
        f"（{review.source}），也可以自知道或者应当知道本决定之日起{court.months}个月内向"
        f"{court.court or '有管辖权的人民法院'}提起行政诉讼（{court.source}）。"
    )
