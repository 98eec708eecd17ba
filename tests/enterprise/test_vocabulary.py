"""The words of the register: complete, consistent, owned, and the same as the plan's."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import delete, select

from services.enterprise.vocabulary.actions import own_every_fact, seed_owners
from services.enterprise.vocabulary.models import FactOwner, RecognitionOwner
from services.enterprise.vocabulary.queries import owned_facts, owned_recognitions
from services.enterprise.vocabulary.rules import (
    Fact,
    FactType,
    FieldFault,
    Period,
    checked_value,
    fact,
    facts,
    lawful_sources,
    nearest,
    recognitions,
)
from services.kernel.actors import Actor
from services.kernel.days import parse_day
from services.kernel.unit import in_unit
from services.launch.city.offices import DEPARTMENTS
from tests.conftest import TestPlatform

PLAN = Path(__file__).parents[2] / "services/policy/plan/cixi-2025-2027/facts.yaml"
TYPES = {"int": "integer", "bool": "boolean", "text": "text", "date": "date", "ids": "ids"}
PERIODS = {"year": Period.YEARLY, "day": Period.DAY}


def plan_facts() -> dict[str, Any]:
    return yaml.safe_load(PLAN.read_text("utf-8"))


def test_the_registry_and_the_plan_mean_the_same_by_every_fact() -> None:
    stated = plan_facts()["facts"]
    plan = {name: each for name, each in stated.items() if each.get("subject", "firm") == "firm"}

    assert {each.name for each in facts()} == plan.keys()
    for mine in facts():
        theirs = plan[mine.name]
        bounds = theirs.get("bounds") or {}
        assert (mine.period, mine.type) == (PERIODS[theirs["period"]], TYPES[theirs["type"]])
        assert (mine.low, mine.high) == (bounds.get("low"), bounds.get("high")), mine.name
        assert (mine.unit, mine.owners[0]) == (theirs.get("unit"), theirs["owner"]), mine.name


def test_the_registry_and_the_plan_know_the_same_recognitions() -> None:
    plan = plan_facts()["recognitions"]

    assert {each.id for each in recognitions()} == plan.keys()
    for mine in recognitions():
        assert mine.owners[0] == plan[mine.id]["owner"], mine.id


def test_every_fact_is_owned_sourced_bounded_and_named_twice() -> None:
    departments = {each.code for each in DEPARTMENTS}

    assert len(facts()) > 70
    for each in facts():
        assert set(each.owners) <= departments, each.name
        assert each.owners, each.name
        assert each.source in lawful_sources()
        assert re.search("[\u4e00-\u9fff]", each.zh)
        assert each.en
        if each.type is FactType.INTEGER:
            assert each.low is not None, each.name
            assert each.high is not None, each.name
            assert each.unit, each.name


INTEGER = Fact("n", Period.YEARLY, FactType.INTEGER, "", "", (), "", low=-5, high=5)
BOOLEAN = Fact("b", Period.DAY, FactType.BOOLEAN, "", "", (), "")


@pytest.mark.parametrize("value", [-5, 0, 5])
def test_a_bound_itself_is_allowed(value: int) -> None:
    assert checked_value(INTEGER, value) == value


@pytest.mark.parametrize("value", [-6, 6, 10**19, True, False, 1.0, "1", None, [1]])
def test_an_integer_is_strictly_one_and_within_its_bounds(value: object) -> None:
    with pytest.raises(FieldFault):
        checked_value(INTEGER, value)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_boolean_is_strictly_one(value: object) -> None:
    with pytest.raises(FieldFault):
        checked_value(BOOLEAN, value)


@pytest.mark.parametrize(
    "value",
    [
        "20120501",
        "2012-5-1",
        "２０１２-05-01",
        "2012-02-30",
        "0001-01-01",
        1,
        None,
        True,
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
)
def test_a_day_is_written_in_one_way(value: object) -> None:
    with pytest.raises(FieldFault):
        parse_day(value)


def test_the_nearest_name_is_found_or_none() -> None:
    assert nearest("revenu_fen", [each.name for each in facts()]) == "revenue_fen"
    assert nearest("完全不同", [each.name for each in facts()]) is None


async def test_owners_follow_the_vocabulary_and_grants_stay(platform: TestPlatform) -> None:
    department = "test-office"
    actor = Actor("a", "a", frozenset({"registrar"}), department=department)

    async def work(session: Any, _: Any) -> tuple[set[str], frozenset[str], frozenset[str]]:
        session.add(FactOwner(fact="staff_count", department="dissolved", origin="vocabulary"))
        await session.flush()
        await own_every_fact(session, department)
        await seed_owners(session)
        await seed_owners(session)
        staff = select(FactOwner.department).where(FactOwner.fact == "staff_count")
        owners = set((await session.scalars(staff)).all())
        mine = await owned_facts(session, actor), await owned_recognitions(session, actor)
        for model in (FactOwner, RecognitionOwner):
            await session.execute(delete(model).where(model.department == department))
        return owners, *mine

    owners, mine, titles = await in_unit(platform.service("enterprise"), work)
    known = fact("staff_count")
    assert known is not None
    assert owners >= {*known.owners, department}
    assert "dissolved" not in owners
    assert mine == {each.name for each in facts()}
    assert titles == {each.id for each in recognitions()}
