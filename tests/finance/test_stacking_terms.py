"""Ceilings and one-clause rules frozen with a proposal hold when money is reserved."""

import asyncio
from typing import Any

import pytest

from services.rulebook.stacking import Clause, Limit, OneClause
from tests.conftest import TestPlatform
from tests.finance.steps import (
    WAN,
    award_of,
    award_view,
    budget,
    decision,
    declare,
    end,
    fresh,
    hear,
    own,
    proposal,
    reserve,
    sent,
)

CLAUSE = Clause("highest", "与上级补助相重复的按照“从高、不重复”原则", "行动方案尾款")


def ceiling(of: Any, wan: int) -> Limit:
    return Limit("actual-cost", "补助总额不超过实际投入", of, wan * WAN, "第五条")


def someone() -> dict[str, str]:
    return {"kind": "firm", "id": fresh("FIRM").upper()}


async def lines(platform: TestPlatform, *programmes: str) -> None:
    for each in programmes:
        await budget(platform, each, 10_000 * WAN)


async def test_aid_of_other_levels_and_groups_counts_under_a_ceiling_at_actual_cost(
    platform: TestPlatform,
) -> None:
    programme = fresh("upgrade")
    await lines(platform, programme)
    asked = own(platform, programme, 50, ceilings=(ceiling("matter", 100),))
    await declare(platform, asked, 70, stacking_group=fresh("elsewhere"))
    award = await reserve(platform, asked)

    assert (award.state, award.amount_fen) == ("reserved", 30 * WAN)
    assert award.reason_code == "reduced-by-ceiling"
    assert "“补助总额不超过实际投入”（第五条）" in (award.reason_zh or "")
    assert [each["amount_fen"] for each in award.counted] == [70 * WAN]


async def test_a_ceiling_binds_what_another_programme_asks_later(platform: TestPlatform) -> None:
    first, second = fresh("first"), fresh("second")
    await lines(platform, first, second)
    capped = own(platform, first, 80, ceilings=(ceiling("matter", 100),))
    later = own(platform, second, 50, matter=capped.matter)
    assert (await reserve(platform, capped)).amount_fen == 80 * WAN
    award = await reserve(platform, later)
    assert (award.amount_fen, award.reason_code) == (20 * WAN, "reduced-by-ceiling")


async def test_what_was_let_go_leaves_its_ceiling_behind(platform: TestPlatform) -> None:
    first, second = fresh("first"), fresh("second")
    await lines(platform, first, second)
    capped = own(platform, first, 80, ceilings=(ceiling("matter", 100),))
    await hear(platform, capped, end(capped.case_id, "withdrawn"))
    award = await reserve(platform, own(platform, second, 150, matter=capped.matter))
    assert (award.amount_fen, award.reason_code) == (150 * WAN, None)


async def test_a_ceiling_of_the_year_counts_every_matter_of_that_year(
    platform: TestPlatform,
) -> None:
    first, second = fresh("first"), fresh("second")
    await lines(platform, first, second)
    await budget(platform, first, 10_000 * WAN, year=2025)
    firm = {"beneficiary": someone()}
    await reserve(platform, proposal(first, 30 * WAN, budget_year=2025, **firm))
    await reserve(platform, proposal(first, 60 * WAN, **firm))
    asked = proposal(second, 50 * WAN, ceilings=(ceiling("beneficiary-year", 100),), **firm)
    award = await reserve(platform, asked)
    assert (award.amount_fen, award.reason_code) == (40 * WAN, "reduced-by-ceiling")

    # It binds what comes after it, too, though that asks for no ceiling of its own.
    last = await reserve(platform, proposal(first, 5 * WAN, **firm))
    assert (last.state, last.reason_code) == ("refused", "covered-by-ceiling")
    other = await reserve(platform, proposal(first, 5 * WAN, beneficiary=someone()))
    assert other.amount_fen == 5 * WAN


@pytest.mark.parametrize(("per", "granted_wan"), [("matter", 20), ("beneficiary-year", 0)])
async def test_one_clause_of_those_named_is_received(
    platform: TestPlatform, per: Any, granted_wan: int
) -> None:
    first, second = fresh("first"), fresh("second")
    await lines(platform, first, second)
    rule = OneClause("one", "只能享受一条", per, 1, (first, second), source="第九条")
    firm = {"beneficiary": someone(), "one_clause": (rule,)}
    taken = proposal(first, 30 * WAN, **firm)
    assert (await reserve(platform, taken)).amount_fen == 30 * WAN
    same = await reserve(platform, proposal(second, 20 * WAN, matter=taken.matter, **firm))
    assert (same.state, same.reason_code) == ("refused", "one-clause")
    assert "“只能享受一条”（第九条）" in (same.reason_zh or "")
    award = await reserve(platform, proposal(second, 20 * WAN, **firm))
    assert award.amount_fen == granted_wan * WAN


async def test_two_cases_at_once_do_not_pass_a_ceiling_of_the_year(platform: TestPlatform) -> None:
    programme = fresh("upgrade")
    await lines(platform, programme)
    terms = {"beneficiary": someone(), "ceilings": (ceiling("beneficiary-year", 30),)}
    cases = [proposal(programme, 20 * WAN, **terms) for _ in range(3)]
    awards = await asyncio.gather(*(reserve(platform, each) for each in cases))
    assert sorted(award.amount_fen for award in awards) == [0, 10 * WAN, 20 * WAN]


async def test_two_cases_at_once_do_not_pass_a_ceiling_that_stands(platform: TestPlatform) -> None:
    programme = fresh("upgrade")
    await lines(platform, programme)
    firm = {"beneficiary": someone()}
    capped = proposal(programme, 10 * WAN, ceilings=(ceiling("beneficiary-year", 40),), **firm)
    assert (await reserve(platform, capped)).amount_fen == 10 * WAN
    cases = [proposal(programme, 20 * WAN, **firm) for _ in range(3)]
    awards = await asyncio.gather(*(reserve(platform, each) for each in cases))
    assert sorted(award.amount_fen for award in awards) == [0, 10 * WAN, 20 * WAN]


async def test_the_terms_of_an_award_are_shown_as_they_were_frozen(platform: TestPlatform) -> None:
    programme = fresh("upgrade")
    await lines(platform, programme)
    rule = OneClause("one", "只能享受一条", "matter", 1, (programme, "other"), source="第九条")
    asked = own(
        platform, programme, 30, ceilings=(ceiling("matter", 100),), one_clause=(rule,),
        stacking_clause=CLAUSE, stacking_version="cixi-2025-2027@1",
    )  # fmt: skip
    award = await reserve(platform, asked)
    terms = (await award_view(platform, award.id, "auditor"))["terms"]

    assert terms["ceilings"] == [
        {"id": "actual-cost", "says": "补助总额不超过实际投入", "of": "matter",
         "limit_fen": 100 * WAN, "source": "第五条"},
    ]  # fmt: skip
    assert (terms["one_clause"][0]["at_most"], terms["one_clause"][0]["source"]) == (1, "第九条")
    assert terms["stacking_clause"]["says"] == CLAUSE.says
    assert terms["stacking_version"] == "cixi-2025-2027@1"


async def test_on_its_way_to_payment_an_award_still_tells_its_ceiling(
    platform: TestPlatform,
) -> None:
    programme = fresh("upgrade")
    await lines(platform, programme)
    asked = own(platform, programme, 50, ceilings=(ceiling("matter", 100),))
    await declare(platform, asked, 70, stacking_group=fresh("elsewhere"))
    await hear(platform, asked, decision(asked.case_id))
    award = await award_of(platform, asked.case_id)
    assert award is not None
    before = (award.reason_code, award.reason_zh)
    await sent(platform, award)
    after = await award_of(platform, asked.case_id)

    assert after is not None
    assert before[0] == "reduced-by-ceiling"
    assert (after.state, after.reason_code, after.reason_zh) == ("paying", *before)
