"""Showing what keeps a plan from going live."""

from dataclasses import asdict
from datetime import date

from services.policy.gates import rules
from services.policy.gates.rules import Finding
from services.policy.gates.schemas import (
    CompetitionReviewView,
    GateView,
    RestrictionView,
    ShortfallView,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import plan_view
from services.policy.plan.rules import Plan, PlanProgramme
from services.rulebook import CompetitionException


def gate_view(plan: Plan, on: date) -> GateView:
    """Gather what the plan and each of its programmes lacks on a day."""
    plans = library()
    programmes = [each for each in plans.programmes_on(on).values() if each.plan == plan]
    lacking = rules.plan_shortfalls(plan)
    for each in programmes:
        lacking.extend(rules.programme_shortfalls(each, plans, on))
    return GateView(
        plan=plan_view(plan, on),
        on=on,
        passed=not lacking,
        competition_review=CompetitionReviewView(**asdict(plan.competition_review)),
        shortfalls=[
            ShortfallView(
                code=each.code, field=each.field, says=each.zh, says_en=each.en,
                programme=each.programme, condition=each.condition,
            )
            for each in lacking
        ],
        restrictions=[view for each in programmes for view in _restrictions(each)],
    )  # fmt: skip


def _restrictions(programme: PlanProgramme) -> list[RestrictionView]:
    stated = {
        Finding(each.restricts, each.condition): each
        for each in programme.compiled.programme.competition
    }
    seen = set(rules.restrictions(programme, library()))
    return [
        _restriction(programme, finding, stated.get(finding))
        for finding in [*stated, *sorted(seen - stated.keys(), key=str)]
    ]


def _restriction(
    programme: PlanProgramme, finding: Finding, exception: CompetitionException | None
) -> RestrictionView:
    return RestrictionView(
        programme=programme.id, condition=finding.condition, restricts=finding.restricts,
        says=rules.RESTRICTION_NAMES[finding.restricts][0],
        article=exception and exception.article, reason=exception and exception.reason,
        expires=exception and exception.expires,
    )  # fmt: skip
