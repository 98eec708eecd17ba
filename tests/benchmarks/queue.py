"""The desk: the first page of a long queue beside its bare SQL, and batches of many cases."""

import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from services.kernel.actors import Actor, Role
from services.kernel.app import asgi_app
from services.kernel.clock import city_day, system_now
from services.kernel.database_urls import plain_url
from services.kernel.ids import new_id
from services.kernel.operations import OperationRunner, begin_operation
from services.kernel.runtime import Runtime
from services.kernel.tables import Operation
from services.kernel.unit import commit
from services.policy.case_batches.actions.begin_batch import OPERATION
from services.policy.contract.events import Party
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.service import begin
from services.policy.situations.queries import answer_for
from tests.benchmarks.asgi import Call
from tests.benchmarks.frame import Figure, Sizes, at_most, compare, interleaved, percentile
from tests.benchmarks.ground import Ground

CASES, BATCH, PAGE = 10_000, 500, 50
PAGES_A_ROUND = 40
P95_MS_GOAL = 50
GROWTH, JXJ, TOWN = "digital-growth", "jxj", "330282107"
REVIEWER = Actor(
    "bench-reviewer", "bench", frozenset({Role.REVIEWER}), frozenset({"policy:write"}), JXJ
)
APPROVER = Actor("bench-approver", "bench", frozenset({Role.APPROVER}), frozenset({"policy:write"}))
# As many of each as a queue has: most are decided, some wait.
STATES = ("submitted", "accepted", "in-review", "withdrawn", "refused", "returned", "withdrawn")
_FILL = """
INSERT INTO policy.policy_case
    (id, plan, plan_version, programme, measure, applicant_kind, applicant_id, applicant_name,
     matter_kind, matter_period, open_key, reference_year, state, version, person_version,
     attempt, proposed_outcome, reviewed_by, situation, assessment, facts_known_until, created_by,
     created_at, changed_at)
SELECT t.id, 'bench', 'bench', t.programme, NULL, 'firm', t.uscc, '示范测速有限公司', 'year',
       '2025', 'bench-' || t.id, 2025, t.state, 2, 2, (t.state = 'proposed')::int,
       CASE t.state WHEN 'proposed' THEN 'refuse' END,
       CASE t.state WHEN 'proposed' THEN 'bench-reviewer' END, $5::jsonb, $6::jsonb, now(), 'bench',
       now(), now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS t (id, programme, uscc, state)
"""
_COLUMNS = """
SELECT id, programme, measure, applicant_kind, applicant_id, applicant_name, matter_kind, matter_id,
       matter_period, state, version, reservation_state, reservation_amount_fen, external_ref,
       legacy, created_at, changed_at FROM policy_case
"""
_OF_DEPARTMENT = f"{_COLUMNS} WHERE programme = ANY($1) ORDER BY id DESC LIMIT 51"
_OF_STATE = f"{_COLUMNS} WHERE programme = ANY($1) AND state = $2 ORDER BY id DESC LIMIT 51"
_OF_TOWN = f"""{_COLUMNS} WHERE state = $1 AND applicant_kind = 'firm' AND EXISTS (
    SELECT FROM firm WHERE uscc = applicant_id AND town_code = $2) ORDER BY id DESC LIMIT 51"""


@dataclass(frozen=True)
class Deed:
    """What is done to many cases, by whom, from which state."""

    event: str
    state: str
    words: str
    actor: Actor
    client: str
    note: str = ""
    data: dict[str, str] = field(default_factory=dict[str, str])


DEEDS = (
    Deed("accept", "submitted", "accepted", REVIEWER, "reviewer"),
    # A refusal is decided without finance, so that the desk alone is measured.
    Deed("decide", "proposed", "decided", APPROVER, "approver", "测速", {"outcome": "refuse"}),
)


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Fill a queue, and read and move it as an officer's system does."""
    async with ground.still("policy") as runtime:
        await begin(runtime)
        await _fill(ground, runtime, CASES)
        app = asgi_app(runtime.service, runtime)
        bare = await ground.raw("policy")
        try:
            mine = list(library().programmes_of(JXJ))
            asked = (
                ("of a department", "reviewer", "", _OF_DEPARTMENT, (mine,)),
                ("of a department, submitted", "reviewer", "&state=submitted", _OF_STATE,
                 (mine, "submitted")),
                ("of a town, submitted", "reviewer-town", "&state=submitted", _OF_TOWN,
                 ("submitted", TOWN)),
            )  # fmt: skip
            figures: list[Figure] = []
            for words, who, query, statement, values in asked:
                call = Call("GET", f"/v1/policy/cases?limit={PAGE}{query}", ground.bearer(who))
                figures += await _page(sizes, words, call, app, bare, statement, values)
            for deed in DEEDS:
                figures += await _batch(ground, sizes, runtime, app, deed)
        finally:
            await bare.close()
    return figures


async def _page(
    sizes: Sizes, words: str, call: Call, app: Any, bare: Any, statement: str, values: Any
) -> list[Figure]:
    """Time the first page as a request, and its statement alone."""
    taken: list[float] = []

    async def ours() -> float:
        first = len(taken)
        taken.extend([await _timed(lambda: call.send(app)) for _ in range(PAGES_A_ROUND)])
        return percentile(taken[first:], 0.5)

    async def alone() -> float:
        times = [await _timed(lambda: bare.fetch(statement, *values)) for _ in range(PAGES_A_ROUND)]
        return percentile(times, 0.5)

    for _ in range(5):
        await call.send(app)
    measured = await interleaved(sizes.rounds, {"ours": ours, "bare SQL": alone})
    p95 = percentile(taken, 0.95)
    what = f"first page of {CASES:,} cases {words}"
    return [
        compare(f"{what}, p50", "ms", measured, ours="ours", peer="bare SQL"),
        Figure(f"{what}, p95", "ms", p95, goal=at_most(P95_MS_GOAL, "ms", p95)),
    ]


async def _batch(
    ground: Ground, sizes: Sizes, runtime: Runtime, app: Any, deed: Deed
) -> list[Figure]:
    """Move many cases by one batch, and as many by a request each."""
    count = sizes.of(BATCH, 50)

    async def ours() -> float:
        cases = await _fill(ground, runtime, count, states=(deed.state,))
        items = [{"case": str(each), "version": 2, "data": deed.data} for each in cases]
        began = time.perf_counter()
        async with runtime.sessions() as session:
            operation = begin_operation(
                session, deed.actor, OPERATION, total=count, now=system_now(),
                input_={"event": deed.event, "note": deed.note, "items": items},
            )  # fmt: skip
            await session.flush()
            id_ = operation.id
            await commit(session)
        runner = OperationRunner(runtime)
        while await runner._advance():
            pass
        took = time.perf_counter() - began
        async with runtime.sessions() as session:
            found = await session.get_one(Operation, id_)
            if found.result is None or found.result["moved"] != count:
                raise RuntimeError(f"the batch moved not all of {count}: {found.state}")
        return took

    async def singly() -> float:
        cases = await _fill(ground, runtime, count, states=(deed.state,))
        body = orjson.dumps(
            {"event": deed.event, "version": 2, "note": deed.note, "data": deed.data}
        )
        calls = [
            Call(
                "POST", f"/v1/policy/cases/{each}/events",
                {**ground.bearer(deed.client), "idempotency-key": str(new_id())}, body,
            )
            for each in cases
        ]  # fmt: skip
        began = time.perf_counter()
        for call in calls:
            await call.send(app)
        return time.perf_counter() - began

    peer = "a request each"
    measured = await interleaved(sizes.rounds, {"ours": ours, peer: singly})
    what = f"batch of {count} cases {deed.words}, each with its answer"
    return [compare(what, "s", measured, ours="ours", peer=peer, ratio_at_most=1)]


async def _fill(
    ground: Ground, runtime: Runtime, count: int, states: tuple[str, ...] = STATES
) -> list[Any]:
    """Write cases of the department's programmes, with grounds as long as real ones."""
    usccs = list(itertools.chain.from_iterable(ground.firms))
    situation, assessment = await _grounds(runtime, usccs[0])
    programmes = list(library().programmes_of(JXJ)) if len(states) > 1 else [GROWTH]
    ids = [new_id() for _ in range(count)]
    rows = (
        ids,
        [programmes[number % len(programmes)] for number in range(count)],
        [usccs[number % len(usccs)] for number in range(count)],
        [states[number % len(states)] for number in range(count)],
    )
    admin = await asyncpg.connect(plain_url(ground.settings.database_url))
    try:
        await admin.execute(_FILL, *rows, situation, assessment)
        await admin.execute("ANALYZE policy.policy_case")
    finally:
        await admin.close()
    return ids


async def _grounds(runtime: Runtime, uscc: str) -> tuple[str, str]:
    programme = library().programmes[GROWTH]
    async with runtime.sessions() as session:
        answer = await answer_for(
            session, programme, Party(kind="firm", id=uscc), await decisions(session),
            on=city_day(runtime.clock.now()), year=2025,
        )  # fmt: skip
    situation = {"situation": answer.situation.to_json(), "rule": programme.rule}
    return orjson.dumps(situation).decode(), orjson.dumps(answer.assessment.to_json()).decode()


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000
