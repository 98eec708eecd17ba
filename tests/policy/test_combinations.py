"""The best lawful combination of an evaluation: beside aid that stands, with its reasons."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.policy.evaluations.rules import ProgrammeAnswer, best_combination, reason
from services.policy.plan.actions.load_library import library
from services.rulebook import Situation
from services.rulebook.stacking import Aid, Clause, Cut, StackingMode, StackingTerms
from tests.policy.steps import (
    ON,
    WAN,
    approve,
    budget,
    firm_client,
    growing_firm,
    move,
    open_case,
    propose,
)

PATH = "/v1/policy/evaluations"
TERMS = StackingTerms(StackingMode.TOP_UP, Clause("stacking", "从高、不重复"))


async def ask(platform: Any, facts: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Ask what given facts entitle to; give the combination."""
    answer = await platform.client("public").post(PATH, json={"on": ON, "facts": facts, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["combination"]


async def refuse(platform: Any, body: Any) -> dict[str, Any]:
    answer = await platform.client("public").post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    return answer.json()


def test_of_competing_aid_for_one_matter_only_the_highest_is_chosen() -> None:
    large = library().programmes["large-strong"].compiled
    situation = Situation(
        on=date(2026, 11, 23), facts={"revenue_fen": {2025: 50_000 * WAN}}, history=frozenset()
    )

    def answer(programme: str, fen: int | None, **terms: Any) -> ProgrammeAnswer:
        assessment = replace(large.assess(situation, {"award_fen": fen}), programme=programme)
        values: dict[str, Any] = {
            "relation": "competes", "matter": "year:2025", "stacking_group": "g", **terms,
        }  # fmt: skip
        return ProgrammeAnswer(None, programme, assessment, {}, **values)

    found = best_combination(
        [
            answer("b", 20),
            answer("a", 50),
            answer("c", 50),
            answer("match", 5, relation="matches"),
            answer("top-up", 7, relation="tops-up"),
            answer("other-group", 3, stacking_group="h"),
            answer("other-year", 2, matter="year:2024"),
        ],
        [],
        TERMS,
        year=2026,
    )

    assert tuple(each.candidate.programme for each in found.chosen) == (
        "a",
        "match",
        "other-group",
        "other-year",
        "top-up",
    )
    assert found.total_fen == 50 + 5 + 7 + 3 + 2
    assert [(d.candidate.programme, d.given_up_fen, d.cut.rule) for d in found.dropped] == [
        ("b", 20, TERMS.clause), ("c", 50, TERMS.clause),
    ]  # fmt: skip
    assert found.undecided == ()

    open_ = best_combination(
        [
            answer("b", 20),
            answer("a", 50),
            answer("pending", None),
            answer("p", None, stacking_group="h"),
            answer("q", None, stacking_group="h"),
            answer("alone", None, stacking_group="i"),
        ],
        [],
        TERMS,
        year=2026,
    )
    chosen = [(each.candidate.programme, each.amount_fen) for each in open_.chosen]
    assert (chosen, open_.dropped, open_.total_fen) == ([("a", 50), ("alone", None)], (), 50)
    assert [u.candidate.programme for u in open_.undecided] == ["b", "p", "pending", "q"]


GROWN = {
    "revenue_fen": {"2023": 150_000 * WAN, "2024": 200_000 * WAN, "2025": 260_000 * WAN},
    "is_above_scale": True,
    "is_digital_manufacturing": True,
}


def given(wan: int, **changes: Any) -> dict[str, Any]:
    return {
        "programme": "ningbo-growth", "level": "ningbo", "stacking_group": "digital-growth",
        "amount_fen": wan * WAN, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("aid", "paid", "dropped"),
    [
        ([], 30, []),
        ([given(10)], 20, []),
        ([given(30)], None, ["digital-growth"]),
        ([given(60)], None, ["digital-growth"]),
        # Another matter, another group, and what is paid beside its base, take nothing away.
        ([given(30, matter={"kind": "year", "period": "2024"})], 30, []),
        ([given(30, stacking_group="other")], 30, []),
        ([given(30, relation="matches")], 30, []),
        ([given(10), given(5, level="town", programme="town-growth")], 15, []),
    ],
)
async def test_wc_24_aid_that_stands_is_set_off(
    platform: Any, aid: list[dict[str, Any]], paid: int | None, dropped: list[str]
) -> None:
    found = await ask(platform, GROWN, aid=aid, programmes=["digital-growth"])

    amounts = [each["amount_fen"] for each in found["amounts"]]
    assert amounts == ([paid * WAN] if paid else [])
    assert (found["total_fen"], found["flags"]) == ((paid or 0) * WAN, [])
    assert [each["programme"] for each in found["dropped"]] == dropped
    assert {each["given_up_fen"] for each in found["dropped"]} <= {30 * WAN}


async def test_a_reason_quotes_the_clause_and_names_the_aid(platform: Any) -> None:
    clause = library().stacking.highest.clause
    less = await ask(platform, GROWN, aid=[given(10)])
    none = await ask(platform, GROWN, aid=[given(60)])

    (amount,) = [each for each in less["amounts"] if each["programme"] == "digital-growth"]
    words = clause.says.replace("“", "‘").replace("”", "’")
    assert amount["reason"] == (
        f"同一事项另有“ningbo-growth”100,000元，按“{words}”（行动方案尾款）补差200,000元。"
    )
    (dropped,) = none["dropped"]
    assert (dropped["clause"], dropped["rule"]) == (clause.says, clause.id)
    assert dropped["reason"].endswith(f"按“{words}”（行动方案尾款）不再给予300,000元。")


async def test_given_aid_that_does_not_fit_is_refused_by_field(platform: Any) -> None:
    body = {"on": ON, "facts": GROWN, "aid": [given(1, matter={"kind": "year"})]}
    (error,) = (await refuse(platform, body))["errors"]
    assert (error["pointer"], error["code"]) == ("/aid/0/matter/period", "matter-period")
    for wrong in (given(0), given(1, level="galactic"), given(1, more=1)):
        assert await refuse(platform, {**body, "aid": [wrong]})


TALENT = {
    "id": "talent-match",
    "title": "人才项目配套",
    "beneficiary": "firm",
    "relation": "matches",
    "matter": "project",
    "ceilings": [
        {"id": "cap", "says": "最高2000万元的配套支持", "of": "matter", "limit": 2_000 * WAN,
         "source": "措施（二）"},
    ],
    "eligibility": [{"id": "any", "says": "营业收入大于零", "when": "revenue_fen > 0"}],
    "amount": "revenue_fen",
}  # fmt: skip


@pytest.mark.parametrize(("wan", "paid"), [(1_999, 1_999), (2_000, 2_000), (2_500, 2_000)])
async def test_wc_24_a_talent_match_is_paid_up_to_its_cap(
    platform: Any, wan: int, paid: int
) -> None:
    found = await ask(platform, {"revenue_fen": wan * WAN}, programme=TALENT, aid=[])
    (amount,) = found["amounts"]
    assert (amount["asked_fen"], amount["amount_fen"]) == (wan * WAN, paid * WAN)
    assert (amount["reason"] is None) == (wan == paid)
    if wan > paid:
        assert "“最高2000万元的配套支持”（措施（二））" in amount["reason"]


async def entitled(platform: Any, uscc: str) -> dict[str, Any]:
    answer = await platform.client("auditor").get(
        f"/v1/policy/firms/{uscc}/entitlements", params={"on": ON}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["combination"]


async def test_a_firm_s_own_awards_are_counted_and_given_back_when_let_go(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    before = await entitled(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    held = await entitled(platform, uscc)
    await move(platform, firm, case, "withdraw")
    await platform.settle()
    after = await entitled(platform, uscc)

    assert (before["total_fen"], before["flags"]) == (30 * WAN, ["other-aid-unknown"])
    assert held["total_fen"] == 0
    (dropped,) = held["dropped"]
    assert (dropped["programme"], dropped["given_up_fen"]) == ("digital-growth", 30 * WAN)
    assert "“数字经济制造业企业增长奖励”300,000元" in dropped["reason"]
    assert after == before


async def test_an_award_carries_the_words_that_it_was_granted_under(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    await approve(platform, case)
    found = await platform.client("auditor").get(
        "/v1/finance/awards", params={"case_id": case["id"]}
    )
    terms = found.json()["items"][0]["terms"]

    clause, plan = library().stacking.highest.clause, library().main
    assert terms["stacking_clause"] == {
        "id": clause.id, "says": clause.says, "source": clause.source,
    }  # fmt: skip
    assert terms["stacking_version"] == f"{plan.id}@{plan.version}"
    assert (terms["ceilings"], terms["one_clause"]) == ([], [])


def test_confidential_aid_counts_and_is_not_named_to_everyone() -> None:
    standing = Aid(
        id="1", programme="secret", level="cixi", matter="year:2025", group="g",
        relation="competes", year=2026, amount_fen=7,
    )  # fmt: skip
    cut = Cut("competing", TERMS.clause, 0, (standing,))
    assert "“人才计划”0.07元" in reason(cut, 5, {"secret": "人才计划"})[0]
    zh, en = reason(cut, 5, {"secret": None})
    assert zh == "同一事项另有一项补助，按“从高、不重复”不再给予0.05元。"
    assert not {"secret", "0.07"} & set(en.split())
