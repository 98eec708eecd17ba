"""Showing the plans as they stand today."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from pydantic import BaseModel

from services.kernel.errors import Invalid
from services.policy.parameters.rules import Decisions, in_force
from services.policy.plan.rules import (
    Department,
    FactEntry,
    Library,
    Measure,
    ParameterEntry,
    Plan,
    PlanProgramme,
)
from services.policy.plan.schemas import (
    ConditionText,
    DepartmentsView,
    DepartmentView,
    FactView,
    MeasureView,
    PhraseView,
    PlanView,
    ProgrammeParameter,
    ProgrammeView,
)
from services.policy.records import RECORDS
from services.policy.wording import unknown_name
from services.rulebook import Condition


def programme_unknown(pointer: str, name: str, known: Iterable[str]) -> Invalid:
    """Name the programmes that are most like the one that was asked for."""
    return unknown_name(pointer, "programme-unknown", name, known)


def programmes(
    library: Library, on: date, *, measure: int | None, kind: str | None, beneficiary: str | None
) -> Iterator[PlanProgramme]:
    """Go through the programmes of a day, all or those asked for."""
    for each in library.programmes_on(on).values():
        rule = each.compiled.programme
        wanted = (measure, kind, beneficiary)
        stated = (rule.measure, rule.kind, rule.beneficiary)
        if all(want in (None, has) for want, has in zip(wanted, stated, strict=True)):
            yield each


def measure_view(measure: Measure, on: date) -> MeasureView:
    return MeasureView(
        number=measure.number, id=measure.id, plan=plan_view(measure.plan, on),
        part=measure.part, heading=measure.heading, clause=measure.clause,
        verbatim=measure.verbatim, departments=_departments(measure),
        programmes=list(dict.fromkeys(measure.programmes)),
        tasks=[each.id for each in measure.tasks],
        phrases=[
            PhraseView(
                text=each.text, programmes=list(each.programmes), tasks=list(each.tasks),
                parameters=list(each.parameters), why_not=each.why_not,
            )
            for each in measure.phrases
        ],
    )  # fmt: skip


def plan_view(plan: Plan, on: date) -> PlanView:
    return PlanView(
        id=plan.id, version=plan.version, title=plan.title, title_en=plan.english,
        status=plan.status, document=plan.document, unified_number=plan.unified_number,
        published_on=plan.published_on, legality_review=plan.legality_review,
        collective_decision=plan.collective_decision, in_force_from=plan.first_day(),
        in_force_to=plan.in_force_to, in_force_reading=plan.in_force_reading,
        closing_clauses={name: clause.text for name, clause in plan.closing_clauses.items()},
        flags=plan.flags(on),
    )  # fmt: skip


def programme_view(
    programme: PlanProgramme, library: Library, decisions: Decisions, on: date
) -> ProgrammeView:
    """Show a programme with its numbers of the day."""
    rule = programme.compiled.programme
    entries = {name: library.parameters[programme.parameter_id(name)] for name in rule.parameters}
    return ProgrammeView(
        id=programme.id, version=programme.version, title=rule.title, title_en=rule.english,
        measure=programme.measure.number, plan=plan_view(programme.plan, on),
        clause=programme.clause, beneficiary=rule.beneficiary, kind=rule.kind,
        departments=_departments_of(programme, library), relation=rule.relation, base=rule.base,
        stacking_group=programme.stacking_group, matter=rule.matter,
        notice_days=programme.notice_days, confidential=rule.confidential,
        in_force_from=programme.first_day, in_force_to=programme.last_day,
        flags=programme.flags(on),
        instalments=dumped(rule.instalments), ceilings=dumped(rule.ceilings),
        places=rule.places and rule.places.model_dump(mode="json"),
        applications=rule.applications and rule.applications.model_dump(mode="json"),
        panel=rule.panel and rule.panel.model_dump(mode="json"),
        oversubscription=rule.oversubscription, window=rule.window.model_dump(mode="json"),
        without_application=(
            rule.without_application and rule.without_application.model_dump(mode="json")
        ),
        evidence=dumped(rule.evidence), steps=dumped(rule.steps),
        sources=_sources(programme, library),
        grants=rule.grants and rule.grants.model_dump(mode="json"),
        recommends=rule.recommends and rule.recommends.model_dump(mode="json"),
        records={name: RECORDS[name][0] for name in rule.records},
        competition=dumped(rule.competition),
        conditions=[_condition(each) for each in rule.conditions], amount=rule.amount,
        amount_kind=rule.amount_kind, facts=list(programme.compiled.facts),
        parameters={name: _parameter(e, decisions, on) for name, e in entries.items()},
        examples=[each.model_dump(mode="json", exclude_unset=True) for each in rule.examples],
    )  # fmt: skip


def fact_view(entry: FactEntry) -> FactView:
    return FactView.model_validate(
        {
            "fact": entry.name, "title": entry.zh, "title_en": entry.en, "subject": entry.subject,
            "period": entry.period, "type": entry.type, "unit": entry.unit,
            "owner": department_view(entry.owner), "source": entry.source,
            "source_says": entry.source_zh, "source_says_en": entry.source_en,
            "sharing": entry.sharing, "low": entry.low, "high": entry.high,
            "values": list(entry.values),
        }
    )  # fmt: skip


def _departments(measure: Measure) -> DepartmentsView:
    return DepartmentsView(
        lead=department_view(measure.lead),
        support=[department_view(each) for each in measure.support],
        provisional=measure.departments_provisional,
    )


def _departments_of(programme: PlanProgramme, library: Library) -> DepartmentsView:
    own, view = programme.compiled.programme.departments, _departments(programme.measure)
    if own is None:
        return view
    known = library.departments
    return view.model_copy(
        update={
            "lead": department_view(known[own.lead]),
            "support": [department_view(known[code]) for code in own.support],
        }
    )


def _sources(programme: PlanProgramme, library: Library) -> dict[str, str]:
    """Name the lawful path to each fact that the rule asks for."""
    return {name: library.facts[name].source_zh for name in programme.compiled.facts}


def dumped(parts: Iterable[BaseModel]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json", by_alias=True) for each in parts]


def department_view(department: Department) -> DepartmentView:
    return DepartmentView(code=department.code, name=department.name)


def _condition(condition: Condition) -> ConditionText:
    return ConditionText(
        id=condition.id, says=condition.says, says_en=condition.english, when=condition.when,
        manual=condition.manual, flag=condition.flag, source=condition.source,
    )  # fmt: skip


def _parameter(entry: ParameterEntry, decisions: Decisions, on: date) -> ProgrammeParameter:
    dated = in_force(entry, decisions, on)
    return ProgrammeParameter(
        parameter=entry.id, title=entry.zh, unit=entry.unit, clause=entry.clause,
        state="in-force" if dated else "unset",
        value=dated.value if dated else None, valid_from=dated.valid_from if dated else None,
        source=dated.source if dated else None,
    )  # fmt: skip
