"""A block of firms is matched as each of them would be alone, whatever their states hold."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import orjson
import pytest
from asyncpg import ConnectionDoesNotExistError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.kernel.actors import SYSTEM
from services.kernel.tables import Operation
from services.kernel.unit import in_unit
from services.policy.contract.events import FirmMatched
from services.policy.firms.rules import KeptFirms
from services.policy.matches import rules
from services.policy.matches.actions import ask_firms as asking
from services.policy.matches.actions import review_bases
from services.policy.matches.actions.ask_firms import Asked, ask_each, ask_firms
from services.policy.matches.queries import matched_programmes
from services.policy.matches.rules import Ground
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library
from services.rulebook.columns.standings import Board
from services.rulebook.ruleset import rule_set
from tests.benchmarks.city_firms import city_firms
from tests.policy.steps import GROWTH, growing_firm

FIRMS = 150
SEEDS = (1, 2)
DAYS = (date(2026, 11, 23), date(2026, 3, 1))
# Nobody's reading of these is plain: of another type, out of bounds, of a year that is none.
ODD = (True, "1", "2026-01-01", -(10**18), 2**62, "x" * 501, 0)


@dataclass(frozen=True)
class Version:
    """A version of a list."""

    id: UUID
    list: str
    valid_from: date
    recorded_at: datetime
    complete: bool


@cache
def states() -> tuple[bytes, ...]:
    return tuple(each.model_dump_json().encode() for each in city_firms(FIRMS))


@cache
def ground(on: date, *, samples: bool) -> Ground:
    known = library()
    bases = tuple(
        rules.basis_of(each, numbers_of(each, known, {}, on, samples=samples), (), on, None)
        for each in matched_programmes(on)
    )
    return Ground(bases, rule_set(each.programme.compiled for each in bases))


def drawn_firms(chance: Random, on: date) -> tuple[KeptFirms, dict[str, frozenset[str]]]:
    """Take the city's firms and change each a little: what is known, of what type, since when."""
    names = sorted({name for each in ground(on, samples=True).bases
                    for name in rules.lists_of(each.programme)})  # fmt: skip
    versions = [
        Version(
            UUID(int=place), name, on - timedelta(days=chance.randrange(30)),
            datetime(2026, 1, 1 + chance.randrange(9), tzinfo=UTC), chance.random() < 0.5,
        )
        for place, name in enumerate(chance.choices(names, k=2 * len(names)))
    ]  # fmt: skip
    firms = [_changed(orjson.loads(each), chance, on) for each in states()]
    programmes = [each.programme.id for each in ground(on, samples=True).bases]
    return (
        KeptFirms(
            sorted((firm["uscc"], orjson.dumps(firm).decode()) for firm in firms),
            versions,
            {
                firm["uscc"]: {v.id for v in versions if chance.random() < 0.2}
                for firm in firms
                if chance.random() < 0.8
            },
        ),
        {
            firm["uscc"]: frozenset(chance.sample(programmes, 3))
            for firm in firms
            if chance.random() < 0.3
        },
    )


def _changed(firm: dict[str, Any], chance: Random, on: date) -> dict[str, Any]:
    firm = deepcopy(firm)
    _change_years(firm["yearly"], chance)
    _change_days(firm["daily"], chance, on)
    for title in firm["recognitions"]:
        if chance.random() < 0.2:
            title["revoked_on"] = str(on + timedelta(days=chance.randrange(-5, 5)))
        if chance.random() < 0.2:
            title["valid_to"] = chance.choice((str(on), str(on - timedelta(days=1)), "9999-12-31"))
    rare: list[tuple[float, Callable[[], None]]] = [
        (0.05, lambda: firm["daily"].update(revenue_fen=[_stated(10**12, chance, on)])),
        (0.05, lambda: firm["yearly"].update(is_above_scale={"2025": 1})),
        (0.2, lambda: firm.update(established_on=None, town_code=None)),
        (0.2, lambda: firm.update(
            fiscal_jurisdictions=[{"code": "330201", "valid_from": str(on)}])),
    ]  # fmt: skip
    for share, change in rare:
        if chance.random() < share:
            change()
    return firm


def _change_years(yearly: dict[str, Any], chance: Random) -> None:
    for name in list(yearly):
        match chance.choices(("forget", "other", "odd", "same"), (10, 10, 1, 79))[0]:
            case "forget":
                del yearly[name]
            case "other":
                year = chance.choice(list(yearly[name]))
                yearly[name][year] = chance.choice((0, 1, 10**9, 10**13))
            case "odd":
                yearly[name][chance.choice(("2025", "1899"))] = chance.choice(ODD)
            case _:
                pass


def _change_days(daily: dict[str, Any], chance: Random, on: date) -> None:
    for name in list(daily):
        match chance.choices(("forget", "other", "odd", "same"), (10, 10, 1, 79))[0]:
            case "forget":
                del daily[name]
            case "other":
                daily[name].append(_stated(daily[name][0]["value"], chance, on))
            case "odd":
                daily[name].append(_stated(chance.choice(ODD), chance, on))
            case _:
                pass


def _stated(value: Any, chance: Random, on: date) -> dict[str, Any]:
    """State another value for some day, or the contrary, or that it is not known any more."""
    other = (not value) if isinstance(value, bool) and chance.random() < 0.5 else value
    day = on + timedelta(days=chance.randrange(-3, 4))
    return {"value": chance.choice((other, other, None)), "valid_from": str(day)}


def told(asked: list[Asked]) -> dict[str, Any]:
    return {
        each.uscc: (
            each.days,
            {name: (new.standing, new.digest) for name, new in each.found.items()},
        )
        for each in asked
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("on", DAYS, ids=str)
@pytest.mark.parametrize("samples", [True, False])
def test_a_block_says_of_each_firm_what_is_said_of_it_alone(
    seed: int,
    on: date,
    samples: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = Random(seed)  # noqa: S311  repeatable, and nothing to guess
    firms, history = drawn_firms(chance, on)
    where = ground(on, samples=samples)
    alone = ask_each(firms, range(FIRMS), history, where, on)
    assert len(alone) == FIRMS
    left: list[int] = []

    def each_left(_: Any, places: list[int], *__: Any) -> list[Asked]:
        left.extend(places)
        return ask_each(firms, places, history, where, on)

    monkeypatch.setattr(asking, "ask_each", each_left)
    block = ask_firms(firms, history, where, on)
    assert told(block) == told(alone)
    # Some states are left to the whole reading, most are not.
    assert 0 < len(left) < FIRMS / 2
    kinds = Counter(new.standing.kind for each in block for new in each.found.values())
    assert kinds.keys() == {"entitled", "near", "unknown"}


def test_one_parameter_asks_of_a_block_what_it_asks_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = DAYS[0]
    firms, history = drawn_firms(Random(3), on)  # noqa: S311
    whole = ground(on, samples=True)
    for basis in whole.bases[::8]:
        where = Ground((basis,), rule_set([basis.programme.compiled]))
        block = told(ask_firms(firms, history, where, on))
        monkeypatch.setattr(asking, "BLOCK_LEAST", FIRMS + 1)
        assert block == told(ask_firms(firms, history, where, on)), basis.programme.id
        monkeypatch.undo()


def test_a_block_that_stumbles_is_asked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    on = DAYS[0]
    firms, history = drawn_firms(Random(4), on)  # noqa: S311
    where = ground(on, samples=True)
    expected = told(ask_firms(firms, history, where, on))

    def stumbles(*_: Any) -> Any:
        raise ArithmeticError

    monkeypatch.setattr(Board, "standings", stumbles)
    # Whoever renders the fault would show a whole block with it.
    monkeypatch.setattr(asking, "log", Mock())
    assert told(ask_firms(firms, history, where, on)) == expected


def test_grounds_that_no_firm_could_tell_apart_are_equal() -> None:
    on = DAYS[0]
    one, other = ground(on, samples=True), ground(on, samples=False)
    again = Ground(one.bases, rule_set(each.programme.compiled for each in one.bases))
    assert (one == again, hash(one) == hash(again), one == other) == (True, True, False)


@pytest.mark.parametrize(
    ("programmes", "firms"),
    [(0, 2_000), (1, 2_000), (20, 2_000), (40, 1_000), (88, 454), (200, 400)],
)
def test_the_more_programmes_the_fewer_firms_in_a_step(programmes: int, firms: int) -> None:
    """A step is one transaction: as long as it lasts, others wait for its locks and its turn."""
    assert review_bases.firms_at_once(programmes) == firms


async def test_steps_commit_one_by_one_and_go_on_where_the_last_one_ended(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody is matched in small steps; one that dies before its commit is done again, once."""
    monkeypatch.setattr(review_bases, "FIRMS_LEAST", 2)
    monkeypatch.setattr(review_bases, "FIRMS_MOST", 2)
    monkeypatch.setattr(asking, "BLOCK_LEAST", 1)
    usccs = [await growing_firm(platform) for _ in range(3)]
    runtime = platform.service("policy")
    told_before = {uscc: await told_events(platform, uscc) for uscc in usccs}
    starts: list[str] = []
    match = review_bases.match_firms

    async def dies_once(session: Any, chosen: Any, *rest: Any, **options: Any) -> int:
        changed = await match(session, chosen, *rest, **options)
        starts.append(min(chosen))
        if len(starts) == 1:
            raise OperationalError("", {}, ConnectionDoesNotExistError())
        return changed

    monkeypatch.setattr(review_bases, "match_firms", dies_once)

    async def forget(session: Any, now: datetime) -> UUID | None:
        await session.execute(text("DELETE FROM match WHERE programme = :p"), {"p": GROWTH})
        await session.execute(text("DELETE FROM match_basis WHERE programme = :p"), {"p": GROWTH})
        return await review_bases.review_bases(session, SYSTEM, now=now)

    operation = await in_unit(runtime, forget)
    await platform.settle()
    async with runtime.sessions() as session:
        row = await session.get(Operation, operation)
    assert (row.state, row.done) == ("finished", row.total)
    assert len(starts) > row.total / 2
    # The first step was done twice, since the first time it did not count; every other one once.
    assert starts == [starts[0], *sorted(set(starts))]
    for uscc in usccs:
        found = (await told_events(platform, uscc))[len(told_before[uscc]) :]
        assert [each["changes"] for each in found] == [
            [{"programme": GROWTH, "change": "newly-entitled"}]
        ]


async def told_events(platform: Any, uscc: str) -> list[dict[str, Any]]:
    sql = "SELECT payload::jsonb FROM outbox WHERE aggregate = :a AND type = :t ORDER BY seq"
    values = {"a": f"firm:{uscc}", "t": FirmMatched.TYPE}
    async with platform.service("policy").sessions() as session:
        return [row[0] for row in await session.execute(text(sql), values)]
