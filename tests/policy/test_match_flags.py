"""A match says that its plan is not in force, to who reads it and to who hears of it."""

from datetime import date
from typing import Any

import pytest

from services.policy.matches import rules
from services.policy.plan.actions.load_library import library
from tests.policy.steps import GROWTH, WAN, growing_firm, state
from tests.policy.test_matches import LARGE, every, stands, told


async def test_a_match_of_a_draft_plan_is_marked(platform: Any) -> None:
    """Of a plan that is not in force nothing is paid yet: who reads or hears of a match sees it."""
    uscc = await growing_firm(platform)
    await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await platform.settle()
    draft, issued = await stands(platform, uscc, LARGE), await stands(platform, uscc, GROWTH)
    assert draft is not None
    assert issued is not None
    assert (draft["flags"], issued["flags"]) == (["plan-not-in-force"], [])
    event = (await told(platform, uscc))[-1]
    flags = {each["programme"]: each["flags"] for each in event["programmes"]}
    assert (flags[LARGE], flags[GROWTH]) == (["plan-not-in-force"], [])
    (listed,) = [
        each
        for each in await every(platform, programme=LARGE, outcome="eligible")
        if each["uscc"] == uscc
    ]
    assert listed["flags"] == ["plan-not-in-force"]


def test_firms_are_matched_anew_when_a_plan_comes_into_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programme, day = library().programmes[LARGE], date(2026, 11, 23)
    before = rules.basis_of(programme, {}, (), day, None)
    assert before.flags == ("plan-not-in-force",)
    monkeypatch.setattr(type(programme), "flags", lambda *_: [])
    after = rules.basis_of(programme, {}, (), day, None)
    assert (after.flags, after.digest == before.digest) == ((), False)


async def test_an_unknown_programme_is_told_the_nearest(platform: Any) -> None:
    answer = await platform.client("auditor").get(
        "/v1/policy/matches", params={"programme": "rd-maching"}
    )
    assert answer.status_code == 422
    assert "rd-matching" in answer.json()["errors"][0]["detail"]
