"""What given facts entitle to, asked by anyone over HTTP."""

from typing import Any

import pytest

from services.policy.plan.actions.load_library import library
from tests.policy.steps import ON, WAN

PATH = "/v1/policy/evaluations"
LIST = ["ningbo-rd-post-subsidy"]


async def ask(platform: Any, facts: dict[str, Any], **body: Any) -> dict[str, Any]:
    overlay = body.pop("overlay", None)
    answer = await platform.client("public").post(
        PATH,
        json={"on": ON, "facts": facts, **body},
        params={"overlay": overlay} if overlay else {},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ask_one(platform: Any, programme: str, facts: dict[str, Any]) -> dict[str, Any]:
    answer = await ask(platform, facts)
    return next(each for each in answer["programmes"] if each["programme"] == programme)


async def refuse(platform: Any, body: Any) -> dict[str, Any]:
    answer = await platform.client("public").post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def matching(prior: int, current: int, revenue: int, **facts: Any) -> dict[str, Any]:
    """Give a row of the worked case, its money in hundredths of 万元."""
    return {
        "rd_internal_fen": {"2024": prior * WAN // 100, "2025": current * WAN // 100},
        "revenue_fen": {"2025": revenue * WAN // 100},
        "ningbo_rd_award_fen": {"2025": 110_000_00},
        "is_above_scale": True,
        "is_city_level": True,
        "lists": LIST,
        **facts,
    }


@pytest.mark.parametrize(
    ("facts", "outcome", "failed"),
    [
        (matching(200_00, 220_00, 6000_00), "ineligible", "rd-growth"),
        (matching(200_00, 221_00, 6000_00), "eligible", None),
        (matching(180_00, 200_00, 5000_00), "ineligible", "rd-spend"),
        (matching(180_00, 200_01, 5000_00), "eligible", None),
        (matching(200_00, 221_00, 7366_00), "eligible", None),
        (matching(200_00, 221_00, 7367_00), "ineligible", "rd-share"),
        (matching(200_00, 221_00, 6000_00, lists=[]), "ineligible", "on-ningbo-list"),
        (matching(200_00, 221_00, 6000_00, is_city_level=False), "ineligible", "city-level"),
        (matching(200_00, 221_00, 6000_00, is_above_scale=False), "ineligible", "above-scale"),
        (matching(200_00, 221_00, 6000_00, lists=None), "unknown", None),
    ],
)
async def test_who_is_matched(
    platform: Any, facts: dict[str, Any], outcome: str, failed: str | None
) -> None:
    answer = await ask_one(platform, "rd-matching", facts)

    assert answer["outcome"] == outcome
    assert [c["id"] for c in answer["conditions"] if c["outcome"] == "false"] == (
        [failed] if failed else []
    )
    if outcome == "eligible":
        assert (answer["amount_fen"], answer["amount_status"]) == (None, "pending-parameter")
    if outcome == "ineligible":
        assert (answer["amount_fen"], answer["amount_status"]) == (0, "set")


async def test_growth_from_nothing_is_for_a_person_to_judge(platform: Any) -> None:
    answer = await ask_one(platform, "rd-matching", matching(0, 300_00, 6000_00))
    outcomes = {c["id"]: c["outcome"] for c in answer["conditions"]}

    assert answer["outcome"] == "unknown"
    assert outcomes["rd-growth"] == "unknown"
    assert answer["missing"] == []
    assert answer["flags"] == ["zero-base"]


def growing(before: int, prior: int, current: int, **facts: Any) -> dict[str, Any]:
    return {
        "revenue_fen": {"2023": before, "2024": prior, "2025": current},
        "is_digital_manufacturing": True,
        "is_above_scale": True,
        **facts,
    }


@pytest.mark.parametrize(
    ("facts", "outcome", "amount_fen"),
    [
        # Ten percent is enough, a fen less is not.
        (growing(100 * WAN, 100 * WAN, 110 * WAN), "eligible", 0),
        (growing(10_000 * WAN, 10_000 * WAN, 11_000 * WAN), "eligible", 500_000),
        (growing(10_000 * WAN, 10_000 * WAN, 11_000 * WAN - 1), "ineligible", 0),
        # The average of two growth rates must be above zero, not at it.
        (growing(10_000 * WAN, 9_000 * WAN, 9_900 * WAN), "ineligible", 0),
        (growing(10_000 * WAN, 9_000 * WAN, 9_900 * WAN + 1), "eligible", 450_000),
        # Each full million yuan counts, the rest does not.
        (growing(1_000 * WAN, 1_000 * WAN, 1_200 * WAN - 1), "eligible", 50_000),
        (growing(1_000 * WAN, 1_000 * WAN, 1_200 * WAN), "eligible", 100_000),
        # 300,000 yuan and not a fen more.
        (growing(100_000 * WAN, 100_000 * WAN, 159_999 * WAN), "eligible", 29_950_000),
        (growing(100_000 * WAN, 100_000 * WAN, 160_000 * WAN), "eligible", 30_000_000),
        (growing(100_000 * WAN, 100_000 * WAN, 160_100 * WAN), "eligible", 30_000_000),
        (growing(100 * WAN, 100 * WAN, 900_000 * WAN), "eligible", 30_000_000),
        (growing(1, 1, 1_200 * WAN, is_digital_manufacturing=False), "ineligible", 0),
        (growing(1, 1, 1_200 * WAN, is_above_scale=False), "ineligible", 0),
        # One condition that fails is enough, whatever is unknown.
        (growing(1, 1, 1_200 * WAN, is_above_scale=False, revenue_fen=None), "ineligible", 0),
        (growing(0, 100 * WAN, 1_200 * WAN), "unknown", None),
        (growing(100 * WAN, 0, 1_200 * WAN), "unknown", None),
    ],
)
async def test_who_grew_and_by_how_much(
    platform: Any, facts: dict[str, Any], outcome: str, amount_fen: int | None
) -> None:
    answer = await ask_one(platform, "digital-growth", facts)

    assert (answer["outcome"], answer["amount_fen"]) == (outcome, amount_fen)
    assert (answer["measure"], answer["amount_kind"]) == (None, "ceiling")


async def test_a_year_that_is_missing_is_named_with_its_owner(platform: Any) -> None:
    facts = growing(0, 0, 0, revenue_fen={"2024": 100 * WAN, "2025": 1_200 * WAN})
    answer = await ask_one(platform, "digital-growth", facts)

    assert answer["outcome"] == "unknown"
    assert answer["amount_status"] == "unknown-fact"
    assert answer["missing"] == [{"fact": "revenue_fen", "year": 2023, "owner": "经信局"}]


async def test_five_hundred_million_is_large_and_history_is_open(platform: Any) -> None:
    at, below = 50_000 * WAN, 50_000 * WAN - 1
    large = await ask_one(platform, "large-strong", {"revenue_fen": {"2025": at}})
    small = await ask_one(platform, "large-strong", {"revenue_fen": {"2025": below}})

    assert (large["outcome"], large["amount_status"]) == ("eligible", "pending-parameter")
    assert large["flags"] == ["history-unchecked"]
    assert (small["outcome"], small["amount_fen"]) == ("ineligible", 0)
    assert [miss["condition"] for miss in small["near"]] == ["revenue"]


async def test_the_answer_names_plan_version_and_reading(platform: Any) -> None:
    answer = await ask(platform, growing(10_000 * WAN, 10_000 * WAN, 11_000 * WAN))
    by_id = {each["programme"]: each for each in answer["programmes"]}

    assert answer["on"] == ON
    assert answer["plan"] == {
        "id": "cixi-2025-2027",
        "version": library().main.version,
        "flags": ["plan-not-in-force"],
    }
    assert answer["facts_known_until"] is None
    assert answer["demonstration"] is False
    assert list(by_id) == sorted(by_id) == sorted(library().programmes)
    assert by_id["digital-growth"]["plan"]["flags"] == []
    assert by_id["rd-matching"]["plan"]["flags"] == ["plan-not-in-force"]
    sources = {c["id"]: c["source"] for c in by_id["digital-growth"]["conditions"]}
    assert "平台理解" in sources["two-year-average"]


async def test_a_bare_value_is_the_reference_years(platform: Any) -> None:
    facts = {"revenue_fen": 50_000 * WAN}
    answer = await ask(platform, facts)
    earlier = await ask(platform, facts, year=2023)

    assert answer["year"] == 2025
    large = next(p for p in answer["programmes"] if p["programme"] == "large-strong")
    assert large["conditions"][0]["facts"] == {"revenue_fen": 50_000 * WAN}
    assert large["outcome"] == "eligible"
    assert earlier["year"] == 2023


async def test_the_day_is_today_by_default(platform: Any) -> None:
    answer = await platform.client("public").post(PATH, json={"facts": {}})

    assert answer.json()["on"] == platform.service("policy").clock.today().isoformat()


async def test_programmes_can_be_chosen(platform: Any) -> None:
    answer = await ask(platform, {}, programmes=["large-strong"])
    assert [each["programme"] for each in answer["programmes"]] == ["large-strong"]

    problem = await refuse(platform, {"facts": {}, "programmes": ["large-strong", "huge"]})
    assert problem["errors"][0]["pointer"] == "/programmes/1"


async def test_samples_fill_what_is_unset_and_are_marked(platform: Any) -> None:
    answer = await ask(platform, matching(200_00, 221_00, 6000_00), overlay="demonstration")
    found = next(p for p in answer["programmes"] if p["programme"] == "rd-matching")

    assert answer["demonstration"] is True
    assert (found["amount_fen"], found["amount_status"]) == (5_500_000, "set")
    assert found["parameters"]["ratio_bp"]["sample"] is True


async def test_the_best_combination_counts_what_is_known(platform: Any) -> None:
    facts = {
        **matching(200_00, 221_00, 6000_00),
        **growing(10_000 * WAN, 10_000 * WAN, 11_000 * WAN),
        "rd_internal_fen": {"2024": 10_000 * WAN, "2025": 12_000 * WAN},
    }
    plain = (await ask(platform, facts))["combination"]
    samples = (await ask(platform, facts, overlay="demonstration"))["combination"]

    assert plain["chosen"] == ["digital-growth", "rd-matching"]
    assert (plain["dropped"], plain["undecided"], plain["total_fen"]) == ([], [], 500_000)
    assert (plain["complete"], samples["complete"]) == (False, True)
    assert [(each["programme"], each["amount_fen"]) for each in plain["amounts"]] == [
        ("digital-growth", 500_000), ("rd-matching", None),
    ]  # fmt: skip
    assert (plain["mode"], plain["flags"]) == ("top-up", ["other-aid-unknown"])
    assert samples["total_fen"] == 500_000 + 5_500_000


@pytest.mark.parametrize(
    ("facts", "pointer", "code"),
    [
        ({"revenu_fen": 1}, "/facts/?", "unknown-fact"),
        ({"revenue_fen": -1}, "/facts/revenue_fen/2025", "out-of-bounds"),
        ({"revenue_fen": 10**16}, "/facts/revenue_fen/2025", "out-of-bounds"),
        ({"revenue_fen": True}, "/facts/revenue_fen/2025", "wrong-type"),
        ({"revenue_fen": "1"}, "/facts/revenue_fen/2025", "wrong-type"),
        ({"revenue_fen": 1.5}, "/facts/revenue_fen/2025", "wrong-type"),
        ({"revenue_fen": {"25": 1}}, "/facts/revenue_fen", "bad-value"),
        ({"revenue_fen": {"2025": {"x": 1}}}, "/facts/revenue_fen/2025", "wrong-type"),
        ({"is_above_scale": 1}, "/facts/is_above_scale", "wrong-type"),
        ({"is_above_scale": {"2025": True}}, "/facts/is_above_scale", "wrong-period"),
        ({"established_on": "2012-5-1"}, "/facts/established_on", "wrong-type"),
        ({"per_mu_class": "E"}, "/facts/per_mu_class", "bad-value"),
        ({"lists": "all"}, "/facts/lists", "wrong-type"),
        ({"recognitions": [1]}, "/facts/recognitions/0", "wrong-type"),
    ],
)
async def test_a_fact_that_does_not_fit_is_named_and_not_echoed(
    platform: Any, facts: dict[str, Any], pointer: str, code: str
) -> None:
    problem = await refuse(platform, {"on": ON, "facts": facts})
    (error,) = problem["errors"]

    assert (error["pointer"], error["code"]) == (pointer, code)
    assert "revenu_fen" not in error["detail"]


async def test_an_unknown_fact_is_answered_with_the_nearest_name(platform: Any) -> None:
    problem = await refuse(platform, {"facts": {"revenue_fan": 1, "staff_cound": 2}})

    assert [error["pointer"] for error in problem["errors"]] == [
        "/facts/?", "/facts/?",
    ]  # fmt: skip
    assert "revenue_fen" in problem["errors"][0]["detail"]
    assert "staff_count" in problem["errors"][1]["detail"]


async def test_an_unknown_field_or_a_year_of_another_age_is_refused(platform: Any) -> None:
    for body in ({"facts": {}, "uscc": "91330282MA00T35T2N"}, {"facts": {}, "year": 1},
                 {"facts": {}, "year": "2025"}, {"facts": {}, "on": "23.11.2026"}, {}):  # fmt: skip
        await refuse(platform, body)


DRAFT: dict[str, Any] = {
    "id": "draft",
    "title": "试行条款",
    "beneficiary": "firm",
    "parameters": {"rate_bp": {"value": 1000, "unit": "bp"}},
    "eligibility": [
        {
            "id": "intensity",
            "says": "研发强度3%以上",
            "when": "rd_internal_fen * 10000 >= 300 * revenue_fen",
            "source": "草案",
        }
    ],
    "amount": "LEAST(rd_internal_fen * :rate_bp / 10000, 50000000)",
}


async def test_a_draft_is_tried_alone(platform: Any) -> None:
    facts = {"rd_internal_fen": 300 * WAN, "revenue_fen": 10_000 * WAN}
    answer = await ask(platform, facts, programme=DRAFT)
    capped = await ask(platform, {**facts, "rd_internal_fen": 9_000 * WAN}, programme=DRAFT)
    below = await ask(platform, {**facts, "rd_internal_fen": 300 * WAN - 1}, programme=DRAFT)

    (found,) = answer["programmes"]
    assert (found["programme"], found["outcome"], found["amount_fen"]) == (
        "draft", "eligible", 30 * WAN,
    )  # fmt: skip
    assert (found["plan"], found["measure"]) == (None, None)
    assert answer["combination"]["total_fen"] == 30 * WAN
    assert capped["programmes"][0]["amount_fen"] == 50_000_000
    assert below["programmes"][0]["outcome"] == "ineligible"
    assert (await ask(platform, facts))["programmes"][0]["programme"] != "draft"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount": "revenue_fan / 2"}, "/programme/amount", "unknown-fact"),
        ({"amount": ":rate / 2"}, "/programme/amount", "unknown-parameter"),
        ({"amount": "__import__('os')"}, "/programme/amount", "not-allowed"),
        ({"amount": "1; DROP TABLE firm"}, "/programme/amount", "not-allowed"),
        ({"amounts": "1"}, "/programme/amounts", "unknown-key"),
        ({"eligibility": [{"id": "a", "says": "甲", "when": "1 = 1", "source": ""}]},
         "/programme/eligibility/0/when", "constant-condition"),
        ({"eligibility": []}, "/programme/eligibility", "bad-value"),
    ],
)  # fmt: skip
async def test_a_draft_that_is_not_in_the_language_is_refused(
    platform: Any, changes: dict[str, Any], pointer: str, code: str
) -> None:
    problem = await refuse(platform, {"facts": {}, "programme": {**DRAFT, **changes}})

    assert (pointer, code) in [(e["pointer"], e["code"]) for e in problem["errors"]]


async def test_every_role_may_ask(platform: Any) -> None:
    for role in ("firm", "registrar", "reviewer", "approver", "treasurer", "auditor", "bank",
                 "institution", "steward", "admin", "public"):  # fmt: skip
        answer = await platform.client(role).post(PATH, json={"facts": {}})
        assert answer.status_code == 200, role


async def test_given_facts_need_no_database(platform: Any) -> None:
    runtime = platform.service("policy")
    await ask(platform, {})
    taken = []
    pool = runtime.engine.pool
    connect = pool.connect
    pool.connect = lambda: taken.append(1) or connect()
    try:
        for _ in range(60):
            await ask(platform, growing(1, 2, 3))
    finally:
        pool.connect = connect

    # The worker polls meanwhile, some ten times a second.
    assert len(taken) < 30
