"""The desk's queue: whoever reads the first of 10,000 cases, nothing sorts or reads them whole."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy.dialects import postgresql

from services.kernel.actors import Actor, Role
from services.kernel.database_urls import plain_url
from services.kernel.ids import new_id
from services.kernel.pages import PageRequest
from services.policy.cases.queries import CaseFilter, cases_page
from services.policy.cases.rules import CaseState
from tests.policy.steps import GROWTH, TOWN, firm_client, growing_firm, open_case

CASES = 10_000
PAGE = PageRequest(limit=50, seal_key=b"")
# Besides the page itself: what a few cases of a rare kind may cost.
ROWS_READ_MAX = 2_500
DEPARTMENT = Actor("reviewer", "reviewer", frozenset({Role.REVIEWER}), department="jxj")
TOWNS = Actor("town", "town", frozenset({Role.REVIEWER}), town_code=TOWN)
AUDITOR = Actor("auditor", "auditor", frozenset({Role.AUDITOR}))
FILL = """
INSERT INTO policy_case ({columns})
SELECT {values} FROM policy_case c, generate_series(1, {cases}) AS n WHERE c.id = $1
"""
NAMES = """
SELECT column_name FROM information_schema.columns
WHERE table_name = 'policy_case' AND table_schema = 'policy' ORDER BY ordinal_position
"""
STATES = "(ARRAY['submitted', 'accepted', 'in-review', 'withdrawn', 'refused'])[1 + n % 5]"
PROGRAMMES = f"(ARRAY['{GROWTH}', 'software-growth', 'talent-project-matching'])[1 + n % 3]"


@pytest.fixture(scope="module")
async def drafted(platform: Any) -> Any:
    uscc = await growing_firm(platform)
    return await open_case(platform, await firm_client(platform, uscc), uscc)


@pytest.fixture
async def queue(platform: Any, drafted: Any) -> AsyncIterator[Any]:
    """Give a connection that sees a long queue and its statistics, which are gone with it."""
    url = plain_url(platform.service("policy").settings.database_url)
    connection = await asyncpg.connect(url, server_settings={"search_path": "policy"})
    rolled_back = connection.transaction()
    await rolled_back.start()
    try:
        names = [row["column_name"] for row in await connection.fetch(NAMES)]
        fresh = {
            "id": "gen_random_uuid()", "open_key": f"'{new_id()}-' || n", "state": STATES,
            "programme": PROGRAMMES,
        }  # fmt: skip
        values = ", ".join(fresh.get(name, f"c.{name}") for name in names)
        fill = FILL.format(columns=", ".join(names), values=values, cases=CASES)
        await connection.execute(fill, UUID(drafted["id"]))
        await connection.execute("ANALYZE policy_case")
        yield connection
    finally:
        await rolled_back.rollback()
        await connection.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


@pytest.mark.parametrize(
    ("actor", "wanted"),
    [
        (DEPARTMENT, CaseFilter()),
        (DEPARTMENT, CaseFilter(state=CaseState.SUBMITTED)),
        (DEPARTMENT, CaseFilter(programme=GROWTH, state=CaseState.SUBMITTED)),
        (DEPARTMENT, CaseFilter(programme=GROWTH)),
        (TOWNS, CaseFilter(state=CaseState.SUBMITTED)),
        (AUDITOR, CaseFilter(state=CaseState.IN_REVIEW)),
        (AUDITOR, CaseFilter(external_ref="nobody's")),
    ],
)
async def test_the_first_page_sorts_nothing_whole(
    queue: Any, actor: Actor, wanted: CaseFilter
) -> None:
    statement = cases_page(actor, PAGE, wanted).compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    sql = str(statement).replace("%%", "%")
    assert "situation" not in sql.partition("FROM")[0]
    explained = await queue.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    plan = orjson.loads(explained)[0]["Plan"]
    sorted_ = [
        each["Plans"][0]["Actual Rows"] for each in nodes(plan) if each["Node Type"] == "Sort"
    ]
    read = sum(
        each["Actual Rows"] + each.get("Rows Removed by Filter", 0)
        for each in nodes(plan)
        if each.get("Relation Name") == "policy_case"
    )
    assert max(sorted_, default=0) <= PAGE.limit + 1, plan
    assert read <= ROWS_READ_MAX, plan
