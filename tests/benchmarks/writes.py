"""A fact, its announcement and its audit row: as a request, as a unit alone, as bare statements."""

import itertools
from typing import Any

import orjson

from services.enterprise.facts.actions import state_year
from services.enterprise.facts.queries import indicators
from services.kernel.app import asgi_app
from services.kernel.clock import system_now
from services.kernel.ids import new_id
from services.kernel.runtime import Runtime
from services.kernel.unit import in_unit
from tests.benchmarks.asgi import Call
from tests.benchmarks.frame import Figure, Sizes
from tests.benchmarks.ground import REGISTRAR, Ground
from tests.benchmarks.transactions import Bench, compare_transactions

YEAR = 2025
AT_ONCE = (1, 8)

# What a fact, an outbox row and an audit row cost in the fewest words that SQL has for them.
ONE_CTE = """
WITH stated AS (
    INSERT INTO fact_statement (statement_id, uscc, fact, year, value, recorded_at, stated_by,
                                department, self_declared)
    VALUES ($1, $2, 'revenue_fen', 2025, $3, $4, 'bench', 'sjglj', false) RETURNING 1
), head AS (
    INSERT INTO outbox_head AS h (aggregate, seq) VALUES ('firm:' || $2, 1)
    ON CONFLICT (aggregate) DO UPDATE SET seq = h.seq + 1 RETURNING aggregate, seq
), told AS (
    INSERT INTO outbox (id, aggregate, seq, shard, type, subject, payload, payload_sha256,
                        occurred_at)
    SELECT $5, aggregate, seq, 1, 'liangxin.enterprise.firm.changed.v1',
           'lx.enterprise.firm.changed.01', $6, 'sha', $4 FROM head RETURNING 1
)
INSERT INTO audit_entry (id, at, actor, roles, action, outcome, thing, thing_id, detail)
VALUES ($7, $4, 'bench', 'registrar', 'fact.state', 'done', 'firm', $2, $6)
"""


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Compare the request and the unit with their own statements, and with one CTE."""
    figures: list[Figure] = []
    async with ground.still("enterprise") as runtime:
        for workers in AT_ONCE:
            for bench in (_request(ground, runtime), _unit(ground, runtime)):
                figures += await compare_transactions(ground, sizes, bench, workers)
    return figures


def _request(ground: Ground, runtime: Runtime) -> Bench:
    app = asgi_app(runtime.service, runtime)
    values = itertools.count(1)

    def request(uscc: str) -> Call:
        path = f"/v1/enterprise/firms/{uscc}/indicators/{YEAR}"
        body = orjson.dumps({"facts": {"revenue_fen": next(values)}, "source": "测速"})
        return Call("PUT", path, ground.bearer("registrar"), body)

    async def ours(call: Call) -> None:
        await call.send(app)

    return Bench("PUT indicators as a request (ASGI)", "enterprise", request, ours, ground.firms)


def _unit(ground: Ground, runtime: Runtime) -> Bench:
    values = itertools.count(1)

    def statement(uscc: str) -> tuple[str, dict[str, int]]:
        return uscc, {"revenue_fen": next(values)}

    async def ours(stated: tuple[str, dict[str, int]]) -> None:
        uscc, given = stated

        async def work(session: Any, now: Any) -> None:
            firm = await state_year(session, REGISTRAR, uscc, YEAR, given, "测速", now=now)
            await indicators(session, firm, YEAR)

        await in_unit(runtime, work)

    async def one_cte(connection: Any, uscc: str) -> None:
        await connection.execute(
            ONE_CTE, new_id(), uscc, "5", system_now(), new_id(), "{}", new_id()
        )

    return Bench(
        "fact + outbox + audit as a unit, no HTTP", "enterprise", statement, ours,
        ground.firms, "one CTE", one_cte,
    )  # fmt: skip
