"""Two wordings of one programme: each answers for its days, and no day has two."""

from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
import yaml

from services.policy.plan.actions.load_library import library, load_library
from services.policy.plan.actions.read_document import PlanInvalid
from services.policy.plan.rules import Library
from tests.policy.changed_plans import CLAUSE, copy_plans

GROWTH = "digital-growth"


def with_two_wordings(folder: Path, *, old_ends: str, new_begins: str) -> Library:
    """Add a wording of the clause that pays at most 20万元 beside the one of 30万元."""
    copy_plans(folder)
    path = folder / CLAUSE
    file = yaml.safe_load(path.read_text("utf-8"))
    (new,) = file["programmes"]
    old = deepcopy(new)
    old["amount"] = new["amount"].replace("LEAST(30000000,", "LEAST(20000000,")
    old["edition"] = {"to": date.fromisoformat(old_ends)}
    new["edition"] = {"from": date.fromisoformat(new_begins)}
    for wording in (old, new):
        wording["examples"] = [
            {
                "name": "没有事实",
                "day": date(2026, 1, 1),
                "given": {},
                "expect": {"outcome": "unknown"},
            }
        ]
    file["programmes"] = [old, new]
    path.write_text(yaml.safe_dump(file, allow_unicode=True), "utf-8")
    return load_library(folder)


def cap_on(known: Library, day: date) -> str:
    programme = known.programme_on(GROWTH, day)
    assert programme is not None
    return (programme.compiled.programme.amount or "").partition(",")[0]


def test_the_wording_of_the_day_answers(tmp_path: Path) -> None:
    known = with_two_wordings(tmp_path, old_ends="2026-03-31", new_begins="2026-04-01")

    assert cap_on(known, date(2026, 3, 31)) == "LEAST(20000000"
    assert cap_on(known, date(2026, 4, 1)) == "LEAST(30000000"
    assert [each.edition_days[0] for each in known.editions[GROWTH]] == [
        date(2026, 4, 1), date.min,
    ]  # fmt: skip


def test_two_wordings_for_one_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match="stands twice for a day"):
        with_two_wordings(tmp_path, old_ends="2026-04-01", new_begins="2026-04-01")


def test_a_wording_begins_nothing_before_its_plan(tmp_path: Path) -> None:
    known = with_two_wordings(tmp_path, old_ends="2024-12-31", new_begins="2025-01-01")
    programme = known.programme_on(GROWTH, date(2025, 9, 15))

    assert programme is not None
    assert not programme.is_in_force(date(2025, 9, 15))
    assert programme.is_in_force(date(2025, 9, 16))


@pytest.mark.parametrize(
    "programme", ["little-giant-recommendation", "ningbo-specialised-recommendation"]
)
def test_the_standard_of_2026_answers_no_day_before_it(programme: str) -> None:
    """What a later document asks is not asked of earlier days; people judge by the one before."""
    before = library().programme_on(programme, date(2026, 3, 31))
    after = library().programme_on(programme, date(2026, 4, 1))

    assert before is not None
    assert after is not None
    assert [each.id for each in before.compiled.programme.eligibility] == ["standard-of-2022"]
    assert "development-score" in [each.id for each in after.compiled.programme.eligibility]
    assert library().programmes[programme] == after
    assert before.measure.programmes.count(programme) == 1
