"""Reading what a case is filled with, and what of it is not settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.database import raw_connection
from services.kernel.errors import Conflict
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM, CaseState
from services.policy.contract.events import Party
from services.policy.fact_objections.queries import checks_of, open_objections
from services.policy.firms.rules import asked_of, values_in
from services.policy.panels.queries import judged_facts
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Department, PlanProgramme
from services.policy.plan.schemas import DepartmentView
from services.policy.prefill import rules
from services.policy.prefill.rules import PrefillKind, PrefillState
from services.policy.prefill.schemas import (
    CheckView,
    LawfulSource,
    PrefillItem,
    PrefillList,
)
from services.policy.situations.actions import situation_document
from services.policy.situations.queries import answer_for

# Every change of every firm comes by here, so it is asked on the driver itself.
_PROVISIONAL = """
SELECT id FROM policy_case
WHERE applicant_kind = 'firm' AND applicant_id = $1 AND state = ANY($2::text[])
      AND (situation->'declared' <> '[]'::jsonb OR situation ? 'stale')
ORDER BY id
"""
_NO_GROUND: Mapping[str, Any] = dict.fromkeys(
    ("department", "source", "statement_id", "recorded_at", "valid_from", "valid_to")
)


@dataclass(frozen=True)
class Filled:
    """What a case rests on, with everything that is said beside a value."""

    programme: PlanProgramme
    document: Mapping[str, Any]
    missing: frozenset[tuple[str, int | None]]
    objections: Mapping[str, UUID]
    checks: Mapping[str, CheckView]
    is_frozen: bool

    @property
    def year(self) -> int:
        return self.document["situation"]["year"]

    @property
    def stale(self) -> Mapping[str, str]:
        return self.document.get("stale", {})

    def ground(self, name: str) -> Mapping[str, Any]:
        return self.document.get("grounds", {}).get(name) or _NO_GROUND


async def provisional_cases(session: AsyncSession, uscc: str) -> list[UUID]:
    """Find the cases of a firm that rest on its own word, or on a register out of date."""
    connection = await raw_connection(session)
    rows = await connection.fetch(_PROVISIONAL, uscc, list(rules.COMPARED))
    return [row["id"] for row in rows]


async def filled(session: AsyncSession, found: Case, *, now: datetime) -> Filled:
    """Give what a case rests on: as of today, and from its proposal on as it was frozen."""
    programme = library().programme_on(found.programme, city_day(found.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，无法列出预填事实。",
            "The programme is no longer part of the plans; its facts cannot be listed.",
            code="programme-gone",
        )
    document, assessment = found.situation, found.assessment
    is_frozen = CaseState(found.state) not in rules.UNFROZEN
    if not is_frozen and found.applicant_kind == FIRM:
        applicant = Party(kind=found.applicant_kind, id=found.applicant_id)
        answer = await answer_for(
            session, programme, applicant, await decisions(session), on=city_day(now),
            year=found.reference_year, judged=await judged_facts(session, found, programme),
        )  # fmt: skip
        document = situation_document(found, programme, answer)
        assessment = answer.assessment.to_json()
    return Filled(
        programme, document,
        frozenset((each["fact"], each["year"]) for each in assessment.get("missing", ())),
        await open_objections(session, found.id),
        {each.name: each for each in await checks_of(session, found)}, is_frozen,
    )  # fmt: skip


async def prefill(session: AsyncSession, found: Case, *, now: datetime) -> PrefillList:
    """Show every value that the rule looks at, and of each by whose word it is held."""
    case = await filled(session, found, now=now)
    compiled = case.programme.compiled
    items = [_fact(case, name) for name in asked_of(compiled, case.year)]
    held = sorted(set(rules.holdings_in(compiled.nodes)))
    return PrefillList(
        case=found.id, frozen=case.is_frozen,
        facts_known_until=datetime.fromisoformat(case.document["facts_known_until"]),
        items=[*items, *(_holding(case, kind, name) for kind, name in held)],
    )  # fmt: skip


async def unproved(session: AsyncSession, found: Case, *, now: datetime) -> frozenset[str]:
    """Name the conditions of which a fact is asked and not there, as the prefill says."""
    if library().programme_on(found.programme, city_day(found.created_at)) is None or found.legacy:
        return frozenset()
    shown = await prefill(session, found, now=now)
    return frozenset(each for item in shown.items if item.asked for each in item.conditions)


def _fact(case: Filled, name: str) -> PrefillItem:
    fact, year = rules.split_name(name)
    entry, ground = library().facts[fact], case.ground(name)
    value = rules.value_in(case.document["situation"]["facts"], name)
    state = PrefillState.MISSING if value is None else PrefillState.HELD
    if value is not None and (name in case.document["declared"] or name in case.stale):
        state = PrefillState.PROVISIONAL
    return PrefillItem(
        kind=PrefillKind.FACT, name=fact, title=entry.zh, title_en=entry.en, year=year,
        value=value, unit=entry.unit, state=state,
        asked=value is None and (fact, year) in case.missing,
        conditions=[
            condition.id
            for condition, node in case.programme.compiled.checks
            if name in set(values_in([node], case.year))
        ],
        owner=_department(entry.owner),
        lawful_source=LawfulSource(
            code=entry.source, says=entry.source_zh, says_en=entry.source_en
        ),
        stale_since=date.fromisoformat(case.stale[name]) if name in case.stale else None,
        objection=case.objections.get(name), check=case.checks.get(name), **ground,
    )  # fmt: skip


def _holding(case: Filled, kind: PrefillKind, name: str) -> PrefillItem:
    situation = case.document["situation"]
    zh, en, owner = name, name, None
    if kind is PrefillKind.HISTORY:
        programme = library().programmes.get(name)
        if programme is not None:
            rule = programme.compiled.programme
            zh, en = rule.title, rule.english or name
        value = None if situation["history"] is None else name in situation["history"]
        grade = None
    else:
        known = library().recognitions if kind is PrefillKind.RECOGNITION else library().lists
        if name in known:
            zh, en, owner = known[name].zh, known[name].en, _department(known[name].owner)
        held = situation["recognitions" if kind is PrefillKind.RECOGNITION else "lists"] or {}
        value, grade = _state_in(held, name)
    return PrefillItem(
        kind=kind, name=name, title=zh, title_en=en, year=None, value=value, grade=grade,
        state=PrefillState.MISSING if value is None else PrefillState.HELD,
        asked=value is None and (name, None) in case.missing,
        conditions=[
            condition.id
            for condition, node in case.programme.compiled.checks
            if (kind, name) in set(rules.holdings_in([node]))
        ],
        owner=owner, objection=None, **case.ground(f"{kind.value}/{name}"),
    )  # fmt: skip


def _state_in(held: Mapping[str, Any], name: str) -> tuple[bool | None, str | None]:
    """Read whether a title or list is held, as it is written down in a situation."""
    if name in held.get("held", {}):
        return True, held["held"][name]
    if held.get("complete") or name in held.get("not_held", ()):
        return False, None
    return None, None


def _department(owner: Department) -> DepartmentView:
    return DepartmentView(code=owner.code, name=owner.name)
