"""A14, A19: what is put into an address is a value and nothing else, and no page is unbounded."""

import random
import time

import httpx
import pytest

from tests.abuse.calling import call_of, caller, once_each, operation_of, send
from tests.abuse.report import tried
from tests.contracts.matrix import Entry
from tests.contracts.world import World
from tests.faults.report import IS_FULL, SEED

INJECTIONS = (
    "'", '"', "';--", "' OR '1'='1", "1 OR 1=1", "1; DROP TABLE firm; --", "') UNION SELECT 1--",
    "'; SELECT pg_sleep(5); --", "1 AND (SELECT pg_sleep(5)) IS NULL", "name; --", "id DESC",
    "(SELECT 1)", "$1", "%s", "%(q)s", ":q", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{0.__class__}", "*)(uid=*))(|(uid=*", "admin)(&)", "*", "%", "_", "\\", "%00", "\x01", "\x7f",
    "\u202e", "\ufeff", "../../etc/passwd", "file:///etc/passwd", "|id", "`id`", "$(id)", "&& id",
    "\r\nX-Injected: 1", "<script>1</script>", "null", "None", "undefined", "true", "-1", "0",
    "1e309", "NaN", "[]", "{}", "٣", "１", "²", "9" * 400, "a" * 2000, "(a+)+$" * 20, "_" * 500,
    "%" * 500, "é", "e\u0301", "𠀀",
)  # fmt: skip
SAMPLE = 5
SECONDS_MAX = 3.0
LIMITS = ("1000000000", "201", "0", "-1", "1e9", "9" * 40, "x", "", "１", "1.5", "null")
READS = [each for each in once_each() if each.method == "GET"]
ASKED = [pytest.param(each, id=each.path) for each in READS if operation_of(each).get("parameters")]
PAGED = [
    pytest.param(each, id=each.path)
    for each in READS
    if any(p["name"] == "limit" for p in operation_of(each).get("parameters", []))
]
FINE = (200, 400, 403, 404, 409, 422, 428)


def chosen(name: str) -> tuple[str, ...]:
    """Take all of them, or a seeded sample, so that over all parameters each comes up."""
    chance = random.Random(f"{SEED}:{name}")  # noqa: S311  no secret
    return INJECTIONS if IS_FULL else tuple(chance.sample(INJECTIONS, SAMPLE))


def problem_with(answer: httpx.Response, seconds: float) -> str | None:
    if answer.status_code not in FINE:
        return f"{answer.status_code} {answer.text[:200]}"
    if seconds > SECONDS_MAX:
        return f"took {seconds:.1f} s"
    return "the answer has a header of the caller's" if "x-injected" in answer.headers else None


@pytest.mark.parametrize("entry", ASKED)
async def test_what_is_injected_is_a_value_and_nothing_else(world: World, entry: Entry) -> None:
    cell = caller(entry)
    made = await call_of(world, entry, cell)
    client, wrong = world.client(cell.client), list[str]()
    right = await send(client, entry, made)
    for parameter in operation_of(entry)["parameters"]:
        name, place = parameter["name"], parameter["in"]
        for value in chosen(f"{entry.route} {name}"):
            began = time.monotonic()
            answer = await send(
                client, entry, made, **spoiled(entry, made.path, name, place, value)
            )
            found = problem_with(answer, time.monotonic() - began)
            tried("A19", "injected into a query or a path", wrong=found is not None)
            if found:
                wrong.append(f"{name}={value!r}: {found}")
    assert wrong == []
    assert (await send(client, entry, made)).status_code == right.status_code


def spoiled(
    entry: Entry, path: str, name: str, place: str, value: str
) -> dict[str, dict[str, str] | str]:
    if place == "query":
        return {"params": {name: value}}
    if place == "header":
        return {"headers": {name: value.encode("ascii", "ignore").decode().strip() or "x"}}
    parts = path.split("/")
    parts[entry.path.split("/").index(f"{{{name}}}")] = httpx.QueryParams({"": value}).__str__()[1:]
    return {"path": "/".join(parts).replace("+", "%20")}


@pytest.mark.parametrize("entry", PAGED)
async def test_no_list_gives_more_than_its_page(world: World, entry: Entry) -> None:
    cell = caller(entry)
    made = await call_of(world, entry, cell)
    wrong: list[str] = []
    for limit in LIMITS:
        answer = await send(world.client(cell.client), entry, made, params={"limit": limit})
        tried("A14", "pages without bound", wrong=answer.status_code != 422)
        if answer.status_code != 422:
            wrong.append(f"{limit}: {answer.status_code}")
    assert wrong == []
    at_most = await send(world.client(cell.client), entry, made, params={"limit": 200})
    assert at_most.status_code == 200
    assert len(at_most.json()["items"]) <= 200


async def test_a_search_takes_wildcards_and_quotes_as_letters(world: World) -> None:
    for query in ("' OR '1'='1", "%", "_", "\\"):
        answer = await world.client("registrar").get("/v1/enterprise/firms", params={"q": query})
        names = [item["name"] for item in answer.json().get("items", [])]
        assert all(query in name for name in names), query
