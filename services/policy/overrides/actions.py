"""Departing from a rule's result: how far, and on record for ever."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.cases.models import Case
from services.policy.contract.desk import CaseOverridden
from services.policy.evaluations.access import is_confidential
from services.policy.overrides.models import CaseOverride
from services.policy.overrides.rules import RuleResult, amount_of
from services.policy.overrides.schemas import Override
from services.policy.parameters.rules import Number
from services.policy.situations.queries import Answer
from services.rulebook import CompiledProgramme
from services.rulebook.columns.widths import most_fen
from services.rulebook.evaluate import World, value_of
from services.rulebook.explain import cause_of


def overridden_amount(compiled: CompiledProgramme, answer: Answer, override: Override) -> int:
    """Give the amount that an officer proposes against the rule, within what the rule knows."""
    return amount_of(rule_result(compiled, answer), override.amount_fen)


async def record_override(
    session: AsyncSession,
    actor: Actor,
    case: Case,
    answer: Answer,
    override: Override,
    amount_fen: int | None,
    *,
    now: datetime,
) -> None:
    """Mark this attempt of a case for ever, with what the rule gave, and announce it."""
    given = answer.assessment
    session.add(
        CaseOverride(
            id=new_id(), case_id=case.id, attempt=case.attempt, reason=override.reason,
            rule_outcome=given.outcome, rule_amount_fen=given.amount_fen, amount_fen=amount_fen,
            made_by=actor.subject, made_at=now,
        )
    )  # fmt: skip
    await session.flush()
    if is_confidential(case.programme):
        return
    event = CaseOverridden(
        case_id=case.id, attempt=case.attempt, programme=case.programme,
        rule_outcome=given.outcome, rule_amount_fen=given.amount_fen, amount_fen=amount_fen,
        proposed_by=actor.subject,
    )  # fmt: skip
    announce(session, event, now=now)


def rule_result(compiled: CompiledProgramme, answer: Answer) -> RuleResult:
    """Ask the rule again with its conditions aside: what it computes, and could ever pay."""
    amount = compiled.amount
    if amount is None:
        raise Conflict(
            "该项目的条款没有金额，不能突破规则给予资金。",
            "The programme's clause gives no amount; no override gives money under it.",
            code="amount-none",
        )
    world = World(answer.situation, _values(answer.numbers))
    open_ = [node for condition, node in compiled.checks if condition.decides]
    causes = [cause_of(node, world) for node in (*open_, amount)]
    value: Any = value_of(amount, world)
    return RuleResult(
        outcome=answer.assessment.outcome,
        granted_fen=answer.assessment.amount_fen,
        computed_fen=None if value is None else max(0, int(value // 1)),
        most_fen=most_fen(amount, compiled.vocabulary, _bounds(compiled, answer.numbers)),
        waits_for_number=any(cause.parameters for cause in causes),
    )


def _values(numbers: Mapping[str, Number]) -> dict[str, int | None]:
    return {name: number.value for name, number in numbers.items()}


def _bounds(
    compiled: CompiledProgramme, numbers: Mapping[str, Number]
) -> dict[str, tuple[int, int]]:
    """Hold each number at its value of the day; one that is not set, within its own bounds."""
    bounds: dict[str, tuple[int, int]] = {}
    for name, declared in compiled.programme.parameters.items():
        number = numbers.get(name)
        known = number.value if number else declared.value
        bounds[name] = declared.bounds if known is None else (known, known)
    return bounds
