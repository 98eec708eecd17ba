"""Showing the plans as they stand today."""

from collections.abc import Mapping
from datetime import date

from services.policy.parameters.rules import Decisions, in_force
from services.policy.plan.rules import (
    Department,
    FactEntry,
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
    PlanView,
    ProgrammeParameter,
    ProgrammeView,
)
from services.rulebook import Condition


def measure_view(measure: Measure, on: date) -> MeasureView:
    return MeasureView(
        number=measure.number, id=measure.id, plan=plan_view(measure.plan, on),
        part=measure.part, heading=measure.heading, clause=measure.clause,
        verbatim=measure.verbatim, departments=_departments(measure),
        programmes=list(measure.programmes),
    )  # fmt: skip


def plan_view(plan: Plan, on: date) -> PlanView:
    return PlanView(
        id=plan.id, version=plan.version, title=plan.title, title_en=plan.english,
        status=plan.status, document=plan.document, unified_number=plan.unified_number,
        published_on=plan.published_on, legality_review=plan.legality_review,
        collective_decision=plan.collective_decision, in_force_from=plan.first_day(),
        in_force_to=plan.in_force_to, in_force_reading=plan.in_force_reading,
        closing_clauses=dict(plan.closing_clauses), flags=plan.flags(on),
    )  # fmt: skip


def programme_view(
    programme: PlanProgramme,
    parameters: Mapping[str, ParameterEntry],
    decisions: Decisions,
    on: date,
) -> ProgrammeView:
    """Show a programme with its numbers of the day."""
    rule = programme.compiled.programme
    entries = {name: parameters[programme.parameter_id(name)] for name in rule.parameters}
    return ProgrammeView(
        id=programme.id, version=programme.version, title=rule.title, title_en=rule.english,
        measure=programme.measure.number, plan=plan_view(programme.plan, on),
        clause=programme.clause, beneficiary=rule.beneficiary, kind=rule.kind,
        departments=_departments(programme.measure), relation=rule.relation,
        stacking_group=programme.stacking_group, matter=rule.matter,
        notice_days=programme.notice_days,
        conditions=[_condition(each) for each in rule.conditions], amount=rule.amount,
        amount_kind=rule.amount_kind, facts=list(programme.compiled.facts),
        parameters={name: _parameter(e, decisions, on) for name, e in entries.items()},
        examples=[each.model_dump(mode="json", exclude_unset=True) for each in rule.examples],
    )  # fmt: skip


def fact_view(entry: FactEntry) -> FactView:
    return FactView.model_validate(
        {
            "fact": entry.name, "title": entry.zh, "title_en": entry.en,
            "period": entry.period, "type": entry.type, "unit": entry.unit,
            "owner": _department(entry.owner), "source": entry.source,
            "source_says": entry.source_zh, "source_says_en": entry.source_en,
            "sharing": entry.sharing, "low": entry.low, "high": entry.high,
            "values": list(entry.values),
        }
    )  # fmt: skip


def _departments(measure: Measure) -> DepartmentsView:
    return DepartmentsView(
        lead=_department(measure.lead),
        support=[_department(each) for each in measure.support],
        provisional=measure.departments_provisional,
    )


def _department(department: Department) -> DepartmentView:
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
