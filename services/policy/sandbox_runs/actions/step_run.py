"""Working a run off: the next firms are asked under both versions, and what they win is counted.

Each step is a transaction of its own; grants and counts commit with the progress, so that a crash
goes on where it stopped. Rules are asked beside the loop.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.errors import Conflict, Invalid
from services.kernel.operations import Step
from services.kernel.tables import Operation
from services.policy.firms.queries import firms_on
from services.policy.firms.rules import StoredFirm, situation_of
from services.policy.matches.queries import count_firms, firms_after
from services.policy.plan.actions.load_library import library
from services.policy.sandbox_runs.actions.draw_up import FIRM, Ground, Scenario, draw_up
from services.policy.sandbox_runs.actions.sum_up import Known, sum_up
from services.policy.sandbox_runs.models import SandboxRun
from services.policy.sandbox_runs.rules import FirmResult, Grant, Tally, firm_result
from services.policy.sandbox_runs.schemas import NewRun
from services.policy.situations.queries import received_by_firms, standing_aid_of

FIRMS_AT_ONCE = 300
SCENARIOS_KEPT = 8
GRANT_FEN_MAX = 10**13
_WRITE = """
INSERT INTO sandbox_grant (run_id, programme, uscc, before, before_fen, after, after_fen, rank)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                         $7::bigint[], $8::text[])
"""
_WRITE_OUTCOMES = """
INSERT INTO sandbox_outcome (run_id, uscc, before, after)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
"""


@dataclass(frozen=True)
class Written:
    """The rows of some firms: what is granted, and every outcome as letters."""

    grants: list[tuple[Any, ...]]
    outcomes: list[tuple[str, str, str]]


async def step_run(session: AsyncSession, operation: Operation, _: Actor, __: datetime) -> Step:
    """Ask the next firms; once there are none, sum up."""
    run = await session.get_one(SandboxRun, operation.id)
    scenario = scenario_of(run)
    work = operation.input
    usccs = await firms_after(session, work["after"], FIRMS_AT_ONCE)
    counted = operation.total or await count_firms(session)
    total = max(counted, operation.done + len(usccs))
    if not usccs:
        tally = Tally.from_json(work["tally"])
        result = await sum_up(session, run, scenario, tally, firms=operation.done)
        return Step(operation.done, operation.done, [], result.model_dump(mode="json"))
    firms = await firms_on(session, usccs, run.on_day)
    known = Known(
        await received_by_firms(session, usccs), await standing_aid_of(session, FIRM, usccs)
    )
    tally = Tally.from_json(work["tally"])
    rows = await asyncio.to_thread(_ask, firms, known, scenario, run.on_day, tally)
    connection = await raw_connection(session)
    for statement, some in ((_WRITE, rows.grants), (_WRITE_OUTCOMES, rows.outcomes)):
        if some:
            await connection.execute(statement, run.id, *map(list, zip(*some, strict=True)))
    operation.input = {"after": usccs[-1], "tally": tally.to_json()}
    return Step(operation.done + len(usccs), total, [])


def scenario_of(run: SandboxRun) -> Scenario:
    """Draw up what the run asks, as long as the plans are those that it began with."""
    plans = {plan.id: plan.version for plan in library().plans.values()}
    if run.ground["plans"] != plans:
        raise Conflict(
            "测算期间政策文本已更换版本，请重新测算。",
            "The plans were replaced while the run was under way; begin it again.",
            code="plan-changed",
        )
    return _scenario(orjson.dumps(run.request), orjson.dumps(run.ground), run.on_day)


@lru_cache(maxsize=SCENARIOS_KEPT)
def _scenario(request: bytes, ground: bytes, on: date) -> Scenario:
    """Make both versions once in a process: every step of a run asks the same."""
    asked = NewRun.model_validate(orjson.loads(request))
    return draw_up(asked, Ground.from_json(orjson.loads(ground)), on)


def _ask(
    firms: Iterable[StoredFirm], known: Known, scenario: Scenario, on: date, tally: Tally
) -> Written:
    """Ask both versions about each firm, count, and give the rows to keep."""
    facts = {*scenario.before.rules.facts, *scenario.after.rules.facts}
    results = [
        firm_result(
            firm.uscc,
            situation_of(
                firm.known(), library().vocabulary, on=on, year=None,
                history=known.received.get(firm.uscc, ()), only=facts,
            ),
            scenario.before,
            scenario.after,
            known.standing.get(firm.uscc, ()),
        )
        for firm in firms
    ]  # fmt: skip
    tally.add(results)
    names, before, after = scenario.names, scenario.before, scenario.after
    return Written(
        [row for result in results for row in _rows(result, scenario)],
        [
            (each.uscc, before.letters(names, each.before), after.letters(names, each.after))
            for each in results
        ],
    )


def _rows(result: FirmResult, scenario: Scenario) -> Iterator[tuple[Any, ...]]:
    """Keep the amounts of what is granted under either version; the rest is kept as letters."""
    for programme, before, after in result.pairs:
        if before.is_entitled or after.is_entitled:
            _require_modest(programme, after)
            rank = result.ranks.get(programme)
            yield (
                programme, result.uscc,
                scenario.before.outcome(programme, before).value, before.amount_fen,
                scenario.after.outcome(programme, after).value, after.amount_fen,
                None if rank is None else str(rank),
            )  # fmt: skip


def _require_modest(programme: str, grant: Grant) -> None:
    """End a run whose draft pays more to one firm than any treasury has."""
    if (grant.amount_fen or 0) > GRANT_FEN_MAX:
        raise Invalid(
            f"项目{programme}对单个企业的金额超过{GRANT_FEN_MAX}分，请更正金额公式。",
            f"{programme} would pay one firm more than {GRANT_FEN_MAX} fen; correct its amount.",
            code="amount-too-large",
        )
