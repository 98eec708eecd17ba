"""Summing up a run: cost against budget, who wins and loses most, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.firms.queries import firms_on
from services.policy.firms.rules import KnownFirm, situation_of
from services.policy.plan.actions.load_library import library
from services.policy.rationing.rules import SHARERS, Demand, Oversubscription, rank_of
from services.policy.sandbox_runs import queries, rules
from services.policy.sandbox_runs.actions.draw_up import FIRM, Scenario
from services.policy.sandbox_runs.models import SandboxRun
from services.policy.sandbox_runs.rules import Asked, Grant, Tally
from services.policy.sandbox_runs.schemas import (
    Budget,
    BudgetResult,
    MeasureResult,
    NewRun,
    NotAsked,
    Overdemand,
    ProgrammeResult,
    Reason,
    RunResult,
    ShownFirm,
    Side,
    Standing,
)
from services.policy.situations.queries import received_by_firms, standing_aid_of
from services.rulebook import Situation
from services.rulebook.stacking import Aid


@dataclass(frozen=True)
class Known:
    """What is known of firms beside their facts: what they once received, what aid stands."""

    received: Mapping[str, frozenset[str]]
    standing: Mapping[str, list[Aid]]


GONE = ("改动后没有这个项目。", "The changed plan has no such programme.")


async def sum_up(
    session: AsyncSession, run: SandboxRun, scenario: Scenario, tally: Tally, *, firms: int
) -> RunResult:
    """Put the counts of all firms together."""
    request = NewRun.model_validate(run.request)
    after = scenario.after.programmes
    return RunResult(
        on=run.on_day,
        demonstration=run.demonstration,
        firms=firms,
        programmes=_programmes(scenario, tally),
        measures=_measures(scenario, tally),
        before=_standing(tally.before.values()),
        after=_standing(tally.after.values()),
        budgets=await _budgets(session, run, request.budgets, after, tally),
        winners=_side(tally.winners),
        losers=_side(tally.losers),
        open=tally.open,
        winners_shown=await _shown(session, run, scenario, tally.most),
        losers_shown=await _shown(session, run, scenario, tally.least),
        not_asked=[
            NotAsked(
                programme=each.id, beneficiary=each.compiled.programme.beneficiary,
                confidential=each.compiled.programme.confidential,
                subjects=sorted({library().facts[name].subject for name in each.compiled.facts}),
            )
            for each in scenario.left_out
        ],
    )  # fmt: skip


def _programmes(scenario: Scenario, tally: Tally) -> list[ProgrammeResult]:
    before, after = scenario.before.programmes, scenario.after.programmes
    found: list[ProgrammeResult] = []
    for name in sorted(before.keys() | after.keys()):
        asked = after.get(name) or before[name]
        was = before.get(name)
        found.append(
            ProgrammeResult(
                programme=name, title=asked.title, measure=asked.measure,
                changed=not asked.is_as(was) or name not in after,
                before=_standing([tally.before.get(name, EMPTY)]) if was else None,
                after=_standing([tally.after.get(name, EMPTY)]) if name in after else None,
                parameters=dict(asked.values), sampled=list(asked.sampled),
            )
        )  # fmt: skip
    return found


EMPTY = [0, 0, 0, 0]


def _measures(scenario: Scenario, tally: Tally) -> list[MeasureResult]:
    before, after = scenario.before.programmes, scenario.after.programmes
    numbers = {asked.measure for asked in (*before.values(), *after.values())}
    return [
        MeasureResult(
            measure=number,
            before=_of_measure(number, before, tally.before),
            after=_of_measure(number, after, tally.after),
        )
        for number in sorted(each for each in numbers if each is not None)
    ]


def _of_measure(
    number: int, programmes: Mapping[str, Asked], counts: Mapping[str, list[int]]
) -> Standing | None:
    own = [name for name, asked in programmes.items() if asked.measure == number]
    return _standing([counts.get(name, EMPTY) for name in own]) if own else None


def _standing(counts: Iterable[list[int]]) -> Standing:
    """Add up; the cost is known only where every amount is."""
    entitled, unknown, open_, known_fen = map(sum, zip(EMPTY, *counts, strict=True))
    return Standing(
        entitled=entitled, unknown=unknown, open=open_, known_fen=known_fen,
        cost_fen=None if open_ else known_fen,
    )  # fmt: skip


def _side(counts: list[int]) -> Side:
    firms, fen, from_pending = counts
    return Side(firms=firms, fen=fen, from_pending=from_pending)


async def _budgets(
    session: AsyncSession,
    run: SandboxRun,
    given: Sequence[Budget],
    programmes: Mapping[str, Asked],
    tally: Tally,
) -> list[BudgetResult]:
    """Hold the cost against the budgets sent along, else against the lines that finance announced.

    On a line counts what is not reserved yet, as the cost is what would be paid beside that.
    """
    if given:
        return [await _budget(session, run, each, programmes, tally) for each in given]
    found: list[BudgetResult] = []
    for each in await queries.spendable(session, run.on_day.year):
        if _paid_from(each.budget, programmes):
            result = await _budget(session, run, each.budget, programmes, tally)
            found.append(
                result.model_copy(
                    update={
                        "lines": each.lines, "allotted_fen": each.allotted_fen,
                        "reserved_fen": each.reserved_fen,
                    }
                )
            )  # fmt: skip
    return found


def _paid_from(budget: Budget, programmes: Mapping[str, Asked]) -> dict[str, Asked]:
    return {
        name: asked
        for name, asked in programmes.items()
        if name == budget.programme or (budget.measure and asked.measure == budget.measure)
    }


async def _budget(
    session: AsyncSession,
    run: SandboxRun,
    budget: Budget,
    programmes: Mapping[str, Asked],
    tally: Tally,
) -> BudgetResult:
    """Hold the cost against what may be spent; a cost that is not known is neither."""
    own = _paid_from(budget, programmes)
    standing = _standing([tally.after.get(name, EMPTY) for name in own])
    cost, is_over = standing.cost_fen, standing.known_fen > budget.amount_fen
    is_enough = False if is_over else None if cost is None else True
    return BudgetResult(
        measure=budget.measure, programme=budget.programme, amount_fen=budget.amount_fen,
        cost_fen=cost, left_fen=None if cost is None else budget.amount_fen - cost,
        is_enough=is_enough,
        oversubscription=await _overdemand(session, run, budget, own) if is_over else None,
    )  # fmt: skip


async def _overdemand(
    session: AsyncSession, run: SandboxRun, budget: Budget, own: Mapping[str, Asked]
) -> Overdemand:
    """Share out what there is: by the rule that was asked for, else by the text's own."""
    stated = {asked.compiled.programme.oversubscription for asked in own.values()}
    rule = budget.oversubscription or (stated.pop() if len(stated) == 1 else None)
    if rule is None:
        return Overdemand(rule=None, served=None, paid_fen=None)
    rule = Oversubscription(rule)
    found = [
        Demand(amount, rank_of(rank))
        for amount, rank in await queries.demands(session, run.id, own.keys())
    ]
    shared = SHARERS[rule](found, budget.amount_fen)
    return Overdemand(rule=rule, **vars(shared))


async def _shown(
    session: AsyncSession, run: SandboxRun, scenario: Scenario, ranked: list[tuple[int, str]]
) -> list[ShownFirm]:
    """Show some firms with what changes for each, and by which condition."""
    usccs = [uscc for _, uscc in ranked]
    firms = {each.uscc: each.known() for each in await firms_on(session, usccs, run.on_day)}
    known = Known(
        await received_by_firms(session, usccs), await standing_aid_of(session, FIRM, usccs)
    )
    return [
        ShownFirm(
            uscc=uscc, name=firms[uscc].state.name, difference_fen=difference,
            reasons=_reasons(run, scenario, firms[uscc], known),
        )
        for difference, uscc in ranked
        if uscc in firms
    ]  # fmt: skip


def _reasons(run: SandboxRun, scenario: Scenario, firm: KnownFirm, known: Known) -> list[Reason]:
    received, standing = known.received.get(firm.uscc, ()), known.standing.get(firm.uscc, ())
    situation = situation_of(firm, library().vocabulary, on=run.on_day, year=None, history=received)
    result = rules.firm_result(firm.uscc, situation, scenario.before, scenario.after, standing)
    return [
        _reason(scenario, situation, programme, before, after)
        for programme, before, after in result.pairs
        if before != after
    ]


def _reason(
    scenario: Scenario, situation: Situation, programme: str, before: Grant, after: Grant
) -> Reason:
    asked = scenario.after.programmes.get(programme)
    reason, reason_en = GONE
    if asked is not None:
        assessment = asked.compiled.assess(situation, asked.values)
        reason, reason_en = assessment.reason, assessment.reason_en
    return Reason(
        programme=programme, before=scenario.before.outcome(programme, before),
        before_fen=before.amount_fen, after=scenario.after.outcome(programme, after),
        after_fen=after.amount_fen, reason=reason, reason_en=reason_en,
    )  # fmt: skip
