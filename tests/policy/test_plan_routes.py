"""The plan as data, read by anyone."""

from typing import Any

import pytest

from services.policy.plan.actions.load_library import library


async def get(platform: Any, path: str, client: str = "public") -> Any:
    answer = await platform.client(client).get(f"/v1/policy/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_measures_are_word_for_word(platform: Any) -> None:
    items = (await get(platform, "measures"))["items"]
    nine, twenty_seven = await get(platform, "measures/9"), await get(platform, "measures/27")

    assert {each["number"] for each in items} == {*range(1, 31), None}
    assert "对“大优强”企业（即营收五亿元以上企业）给予一次性奖励" in nine["clause"]
    assert "超过200万元、增长超过10%" in twenty_seven["clause"]
    assert twenty_seven["verbatim"] is True
    assert twenty_seven["departments"] == {
        "lead": {"code": "kjj", "name": "科技局"},
        "support": [{"code": "jxj", "name": "经信局"}, {"code": "czj", "name": "财政局"}],
        "provisional": True,
    }
    assert nine["departments"]["lead"]["code"] == "jxj"
    assert nine["programmes"][:2] == ["large-strong", "large-strong-retrofit"]
    assert all(each["text"] in nine["clause"] for each in nine["phrases"])


async def test_the_plan_says_that_it_is_a_draft(platform: Any) -> None:
    plan = (await get(platform, "measures/27"))["plan"]

    assert (plan["status"], plan["document"], plan["published_on"]) == (
        "draft-for-comment", None, None,
    )  # fmt: skip
    assert (plan["in_force_from"], plan["in_force_to"]) == (None, "2027-12-31")
    assert plan["flags"] == ["plan-not-in-force"]
    assert "从高、不重复" in plan["closing_clauses"]["stacking"]


@pytest.mark.parametrize("path", ["measures/31", "programmes/none"])
async def test_what_is_not_there_is_not_found(platform: Any, path: str) -> None:
    answer = await platform.client("public").get(f"/v1/policy/{path}")

    assert answer.status_code == 404


async def test_a_programme_shows_conditions_amount_and_open_numbers(platform: Any) -> None:
    found = await get(platform, "programmes/rd-matching")

    assert (found["relation"], found["stacking_group"], found["notice_days"]) == (
        "matches", "rd-investment", 5,
    )  # fmt: skip
    conditions = {each["id"]: each for each in found["conditions"]}
    assert conditions["rd-spend"]["when"] == "rd_internal_fen > 200000000"
    assert conditions["rd-spend"]["says"].startswith("年度研发经费内部支出超过200万元")
    assert found["amount"] == "ningbo_rd_award_fen * :ratio_bp / 10000"
    assert found["parameters"]["ratio_bp"]["parameter"] == "rd-matching.ratio_bp"
    assert "按一定比例" in found["parameters"]["ratio_bp"]["clause"]
    assert len(found["examples"]) >= 10


async def test_the_growth_award_stands_in_no_measure(platform: Any) -> None:
    found = await get(platform, "programmes/digital-growth")

    assert (found["measure"], found["notice_days"], found["relation"]) == (None, 0, "competes")
    assert found["plan"]["document"] == "慈政办发〔2025〕20号"
    assert found["plan"]["flags"] == []


async def test_every_fact_has_an_owner_and_a_lawful_source(platform: Any) -> None:
    items = (await get(platform, "facts"))["items"]
    names = [each["fact"] for each in items]

    assert names == list(library().facts)
    assert {"revenue_fen", "ningbo_rd_award_fen", "is_city_level", "lists"} <= set(names)
    assert all(each["owner"]["name"] and each["source_says"] for each in items)
    assert {each["period"] for each in items} == {"year", "day"}


async def test_closed_sets_have_names_in_two_languages(platform: Any) -> None:
    lists = {each["id"]: each for each in (await get(platform, "code-lists"))["items"]}

    assert {
        "case-states", "case-events", "outcomes", "condition-outcomes", "amount-statuses",
        "relations", "parameter-states",
    } <= lists.keys()  # fmt: skip
    assert len(lists["case-states"]["entries"]) == 14
    for code_list in lists.values():
        assert all(entry["title"] and entry["title_en"] for entry in code_list["entries"])
