"""What finance answers to what policy proposes, decides and ends."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.finance import reactions
from services.kernel.errors import Forbidden
from services.kernel.ids import new_id
from services.kernel.tables import AuditEntry
from tests.conftest import TestPlatform
from tests.finance.steps import (
    NOW,
    WAN,
    Outcome,
    award_of,
    award_view,
    budget,
    decision,
    declare,
    end,
    fresh,
    hear,
    held,
    ledger,
    own,
    proposal,
    reserve,
)


@pytest.mark.parametrize(
    ("paid_wan", "mode", "state", "granted_wan"),
    [
        (10, "top-up", "reserved", 20),
        (10, "highest-only", "refused", 0),
        (40, "top-up", "refused", 0),
        (40, "highest-only", "refused", 0),
    ],
)
async def test_aid_for_the_same_matter_and_group_is_set_off(
    platform: TestPlatform, paid_wan: int, mode: str, state: str, granted_wan: int
) -> None:
    programme = fresh("digital-growth")
    line = await budget(platform, programme, 100 * WAN)
    proposed = own(platform, programme, 30, stacking_mode=mode)
    declared = await declare(platform, proposed, paid_wan)
    award = await reserve(platform, proposed)
    assert (award.state, award.amount_fen) == (state, granted_wan * WAN)
    assert award.counted == [
        {
            "aid_id": declared["id"],
            "level": "ningbo",
            "programme": "ningbo-workshop",
            "amount_fen": paid_wan * WAN,
            "document": "甬经信〔2026〕1号",
            "matter": proposed.matter.key(),
            "group": programme,
            "relation": "competes",
            "year": 2026,
            "limits": [],
        }
    ]
    assert f"{paid_wan}万元（甬经信〔2026〕1号）" in (award.reason_zh or "")
    assert await held(platform, line["id"]) == ((100 - granted_wan) * WAN, granted_wan * WAN, 0)


@pytest.mark.parametrize("what", ["matter", "group", "beneficiary", "withdrawn", "relation"])
async def test_aid_for_anything_else_is_left_out(platform: TestPlatform, what: str) -> None:
    programme = fresh("digital-growth")
    await budget(platform, programme, 100 * WAN)
    relation = "matches" if what == "relation" else "competes"
    proposed = own(platform, programme, 30, relation=relation)
    changes: dict[str, dict[str, Any]] = {
        "matter": {"matter": {"kind": "project", "id": fresh("another")}},
        "group": {"stacking_group": fresh("another")},
        "beneficiary": {"beneficiary": {"kind": "firm", "id": platform.uscc("firm-b")}},
    }
    declared = await declare(platform, proposed, 40, **changes.get(what, {}))
    if what == "withdrawn":
        event = {"event": "withdraw", "version": 1, "note": "登记有误"}
        path = f"/v1/finance/aid/{declared['id']}/events"
        await platform.client("treasurer").post(path, json=event, headers=platform.key())
    award = await reserve(platform, proposed)
    assert (award.state, award.amount_fen, award.counted) == ("reserved", 30 * WAN, [])
    assert award.reason_code is None


async def test_wc_24_two_clauses_and_ningbo_end_at_the_highest(platform: TestPlatform) -> None:
    group = fresh("stacking")
    await budget(platform, group, 500 * WAN)
    clause_a = own(platform, group, 50)
    clause_b = own(platform, group, 20, matter=clause_a.matter, stacking_group=group)
    await declare(platform, clause_a, 30)
    assert (await reserve(platform, clause_a)).amount_fen == 20 * WAN
    second = await reserve(platform, clause_b)
    assert (second.state, second.reason_code) == ("refused", "covered-by-other-aid")


async def test_wc_24_the_smaller_clause_first_is_topped_up_by_the_larger(
    platform: TestPlatform,
) -> None:
    group = fresh("stacking")
    await budget(platform, group, 500 * WAN)
    small = own(platform, group, 20)
    large = own(platform, group, 50, matter=small.matter)
    assert (await reserve(platform, small)).amount_fen == 20 * WAN
    assert (await reserve(platform, large)).amount_fen == 30 * WAN


async def test_wc_24_two_matters_are_both_paid(platform: TestPlatform) -> None:
    group = fresh("stacking")
    await budget(platform, group, 500 * WAN)
    for kind in ("technical-upgrade", "green-factory"):
        matter = {"kind": kind, "period": "2025"}
        award = await reserve(platform, own(platform, group, 50, matter=matter))
        assert (award.state, award.amount_fen) == ("reserved", 50 * WAN)


async def test_a_base_is_not_reduced_by_the_match_that_came_before_it(
    platform: TestPlatform,
) -> None:
    group, matching = fresh("stacking"), fresh("matching")
    for programme in (group, matching):
        await budget(platform, programme, 500 * WAN)
    match = own(platform, matching, 20, relation="matches", stacking_group=group)
    base = own(platform, group, 50, matter=match.matter)
    await hear(platform, match)
    assert (await reserve(platform, base)).amount_fen == 50 * WAN


async def test_what_was_let_go_counts_no_more(platform: TestPlatform) -> None:
    group = fresh("stacking")
    await budget(platform, group, 500 * WAN)
    first = own(platform, group, 50)
    await hear(platform, first, end(first.case_id, "withdrawn"))
    again = await reserve(platform, own(platform, group, 50, matter=first.matter))
    assert (again.state, again.amount_fen) == ("reserved", 50 * WAN)


async def test_without_an_approved_line_nothing_is_reserved(platform: TestPlatform) -> None:
    award = await reserve(platform, proposal(fresh("programme"), 100, measure=29))
    assert (award.state, award.reason_code) == ("refused", "no-budget-line")
    other_year = fresh("programme")
    await budget(platform, other_year, 100, year=2027)
    award = await reserve(platform, proposal(other_year, 100))
    assert award.reason_code == "no-budget-line"


async def _audited(platform: TestPlatform, award_id: UUID) -> dict[str, Any]:
    """Read what the audit tells of an award's refusal."""
    async with platform.service("finance").sessions() as session:
        detail = await session.scalar(
            select(AuditEntry.detail).where(
                AuditEntry.action == "award.refuse", AuditEntry.thing_id == str(award_id)
            )
        )
    assert detail is not None
    return json.loads(detail)


async def test_only_the_audit_is_told_what_an_exhausted_line_holds(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000_000)
    await reserve(platform, proposal(programme, 900_000))
    award = await reserve(platform, proposal(programme, 100_001))
    assert (award.state, award.reason_code) == ("refused", "budget-exhausted")
    assert award.reason_zh == f"预算不足：预算指标“{line['name']}”暂不足以安排。"
    assert not any("1,000" in (text or "") for text in (award.reason_zh, award.reason_en))
    assert (await _audited(platform, award.id))["available_fen"] == 100_000
    exact = await reserve(platform, proposal(programme, 100_000))
    assert exact.state == "reserved"
    assert await held(platform, line["id"]) == (0, 1_000_000, 0)


async def test_a_measure_finds_its_line_and_the_next_one_when_it_is_full(
    platform: TestPlatform,
) -> None:
    year = 2041
    first = await budget(platform, None, 100, measure=9, year=year)
    second = await budget(platform, None, 100, measure=9, year=year)
    lines = [
        (
            await reserve(platform, proposal("large-strong", 80, measure=9, budget_year=year))
        ).budget_id
        for _ in range(2)
    ]
    assert [str(each) for each in lines] == [first["id"], second["id"]]


async def test_a_refused_case_may_be_proposed_again(platform: TestPlatform) -> None:
    programme = fresh("programme")
    proposed = proposal(programme, 500)
    assert (await reserve(platform, proposed)).state == "refused"
    line = await budget(platform, programme, 1_000)
    assert (await reserve(platform, proposed)).state == "refused", "the same attempt counts once"
    award = await reserve(platform, proposed.model_copy(update={"attempt": 2}))
    assert (award.state, award.attempt, award.version) == ("reserved", 2, 2)
    assert await held(platform, line["id"]) == (500, 500, 0)


async def test_a_later_attempt_replaces_the_reservation(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await reserve(platform, proposed)
    award = await reserve(platform, proposed.model_copy(update={"attempt": 2, "amount_fen": 900}))
    assert (award.state, award.amount_fen) == ("reserved", 900)
    late = await reserve(platform, proposed)
    assert (late.attempt, late.amount_fen) == (2, 900)
    assert await held(platform, line["id"]) == (100, 900, 0)
    gone = await reserve(platform, proposed.model_copy(update={"attempt": 3, "amount_fen": 1_001}))
    assert (gone.state, gone.reason_code) == ("refused", "budget-exhausted")
    assert await held(platform, line["id"]) == (1_000, 0, 0)


async def test_a_decision_counts_for_its_own_attempt_only(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await hear(platform, proposed, decision(proposed.case_id, attempt=2))
    award = await award_of(platform, proposed.case_id)
    assert award is not None
    assert award.state == "reserved"
    await hear(platform, decision(proposed.case_id), decision(proposed.case_id))
    award = await award_of(platform, proposed.case_id)
    assert award is not None
    assert (award.state, award.version) == ("awarded", 2)


async def test_a_decision_by_one_person_alone_is_not_carried_out(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await hear(platform, proposed)
    alone = decision(proposed.case_id, decided_by="reviewer")
    async with platform.service("finance").sessions() as session:
        with pytest.raises(Forbidden) as refused:
            await reactions.decide_award(session, alone, NOW)
    assert refused.value.code == "four-eyes"


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("outcome", ["refused", "withdrawn", "revoked"])
async def test_what_is_held_for_a_case_that_ended_is_let_go(
    platform: TestPlatform, outcome: Outcome, *, decided: bool
) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await hear(platform, proposed)
    if decided:
        await hear(platform, decision(proposed.case_id))
    await hear(platform, end(proposed.case_id, outcome), end(proposed.case_id, outcome))
    award = await award_of(platform, proposed.case_id)
    assert award is not None
    assert (award.state, award.reason_code) == ("voided", f"case-{outcome}")
    assert await held(platform, line["id"]) == (1_000, 0, 0)


async def test_a_proposal_that_comes_after_the_end_reserves_nothing(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await hear(platform, end(proposed.case_id, "withdrawn"), proposed)
    assert await award_of(platform, proposed.case_id) is None
    assert await held(platform, line["id"]) == (1_000, 0, 0)


async def test_a_proposal_of_nothing_is_refused_and_not_stuck(platform: TestPlatform) -> None:
    award = await reserve(platform, proposal(fresh("programme"), 0))
    assert (award.state, award.reason_code) == ("refused", "nothing-to-grant")


async def test_every_change_is_announced_with_the_whole_state(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000)
    proposed = proposal(programme, 800)
    await hear(platform, proposed, decision(proposed.case_id), end(proposed.case_id, "revoked"))
    award = await award_of(platform, proposed.case_id)
    assert award is not None
    async with platform.service("finance").engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        rows = await raw.fetch(
            "SELECT payload::jsonb->>'state' AS state, payload::jsonb->>'version' AS version,"
            " payload::jsonb->'line'->>'id' AS line FROM outbox WHERE aggregate = $1 ORDER BY seq",
            f"award:{award.id}",
        )
    states = [(row["state"], row["version"]) for row in rows]
    assert states == [("reserved", "1"), ("awarded", "2"), ("voided", "3")]
    assert {row["line"] for row in rows} == {line["id"]}


async def test_one_award_is_read_with_its_frozen_terms(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 100 * WAN)
    proposed = own(platform, programme, 30)
    award = await reserve(platform, proposed)
    later = await declare(platform, proposed, 10)
    shown = await award_view(platform, award.id, "firm")
    assert shown["terms"] == {
        "relation": "competes",
        "stacking_group": programme,
        "stacking_mode": "top-up",
        "stacking_source": "行动计划 附则：从高、不重复",
        "stacking_clause": None,
        "stacking_version": None,
        "ceilings": [],
        "one_clause": [],
    }
    assert (shown["competing"], shown["amount_fen"]) == ([], 30 * WAN)
    assert [each["aid_id"] for each in shown["competing_now"]] == [later["id"]]


async def test_a_firm_sees_its_own_awards_only(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 100 * WAN)
    award = await reserve(platform, own(platform, programme, 1))
    query = {"case_id": str(award.case_id)}
    for client, found in (("firm", 1), ("firm-b", 0), ("reviewer", 1), ("institution", 0)):
        listed = await platform.client(client).get("/v1/finance/awards", params=query)
        assert len(listed.json()["items"]) == found, client
    foreign = await platform.client("firm-b").get(f"/v1/finance/awards/{award.id}")
    assert foreign.status_code == 404


async def test_an_institution_sees_what_it_is_paid(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 100 * WAN)
    institution = {"kind": "institution", "id": "demo-institution"}
    award = await reserve(platform, own(platform, programme, 1, payee=institution))
    shown = await award_view(platform, award.id, "institution")
    assert shown["payee"] == institution


async def test_awards_are_found_by_state_and_beneficiary(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 100)
    beneficiary = {"kind": "association", "id": fresh("association")}
    award = await reserve(platform, proposal(programme, 1, beneficiary=beneficiary))
    query = {"beneficiary": beneficiary["id"], "state": "reserved"}
    client = platform.client("reviewer")
    found = (await client.get("/v1/finance/awards", params=query)).json()["items"]
    assert [each["id"] for each in found] == [str(award.id)]
    none = await client.get("/v1/finance/awards", params={**query, "state": "paid"})
    assert none.json()["items"] == []


async def test_an_unknown_award_is_not_found(platform: TestPlatform) -> None:
    answer = await platform.client("auditor").get(f"/v1/finance/awards/{new_id()}")
    assert answer.status_code == 404


async def test_the_ledger_adds_up(platform: TestPlatform) -> None:
    found = await ledger(platform)
    assert (found["sum_fen"], found["breaches"]) == (0, [])
