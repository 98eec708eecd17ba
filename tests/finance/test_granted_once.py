"""A programme grants one matter once, whatever its relation to other aid."""

import asyncio

import pytest

from tests.conftest import TestPlatform
from tests.finance.steps import (
    WAN,
    award_of,
    budget,
    decision,
    declare,
    fresh,
    hear,
    held,
    move,
    own,
    paid,
    reserve,
)


@pytest.mark.parametrize("relation", ["matches", "tops-up", "competes"])
@pytest.mark.parametrize(
    ("mode", "again_wan", "granted_wan"),
    [("top-up", 20, 0), ("top-up", 30, 10), ("highest-only", 30, 0)],
)
async def test_a_programme_grants_one_matter_once_whatever_its_relation(
    platform: TestPlatform, relation: str, mode: str, again_wan: int, granted_wan: int
) -> None:
    programme = fresh("matching")
    await budget(platform, programme, 500 * WAN)
    terms = {"relation": relation, "stacking_mode": mode}
    first = own(platform, programme, 20, **terms)
    await declare(platform, first, 90, stacking_group=fresh("base"))
    assert (await reserve(platform, first)).amount_fen == 20 * WAN
    await hear(platform, decision(first.case_id))
    terms["stacking_group"] = fresh("another")
    again = await reserve(
        platform, own(platform, programme, again_wan, matter=first.matter, **terms)
    )
    assert again.amount_fen == granted_wan * WAN
    code = "reduced-by-other-aid" if granted_wan else "covered-by-other-aid"
    assert again.reason_code == code


async def test_two_cases_at_once_are_not_both_granted(platform: TestPlatform) -> None:
    programme = fresh("matching")
    line = await budget(platform, programme, 500 * WAN)
    first = own(platform, programme, 20, relation="matches")
    second = own(platform, programme, 20, relation="matches", matter=first.matter)
    awards = await asyncio.gather(*(reserve(platform, each) for each in (first, second)))
    assert sorted(award.state for award in awards) == ["refused", "reserved"]
    assert await held(platform, line["id"]) == (480 * WAN, 20 * WAN, 0)


async def test_a_match_may_be_granted_anew_once_recovered(platform: TestPlatform) -> None:
    programme = fresh("matching")
    await budget(platform, programme, 500 * WAN)
    first = own(platform, programme, 20, relation="matches")
    await hear(platform, first, decision(first.case_id))
    granted = await award_of(platform, first.case_id)
    assert granted is not None
    await paid(platform, granted)
    path, version = f"awards/{granted.id}", granted.version + 2
    data = {"amount_fen": 5 * WAN, "document": "慈财追〔2026〕1号"}
    await move(platform, platform.client("treasurer"), path, "recover", version, **data)
    confirming = platform.client("treasurer-b")
    answer = await move(platform, confirming, path, "confirm-recovery", version + 1)
    assert answer.status_code == 200, answer.text
    again = await reserve(
        platform, own(platform, programme, 20, relation="matches", matter=first.matter)
    )
    assert (again.state, again.amount_fen) == ("reserved", 5 * WAN)
