"""Wordings of a programme: kept when a release brings them, and compared part by part."""

from datetime import UTC, datetime
from typing import Any

from services.kernel.unit import commit
from services.policy.plan.actions.load_library import library
from services.policy.versions.actions import keep_versions
from services.policy.versions.rules import Change, changes
from tests.policy.changed_plans import CLAUSE, Changed, other_examples

GROWTH = "digital-growth"
PATH = f"/v1/policy/programmes/{GROWTH}"


def test_a_changed_condition_is_told_by_its_id() -> None:
    before = {"eligibility": [{"id": "a", "when": "x > 1"}, {"id": "b", "when": "y"}]}
    after = {"eligibility": [{"id": "b", "when": "y"}, {"id": "a", "when": "x > 2"}]}

    assert changes(before, after) == [Change("/eligibility/a/when", "x > 1", "x > 2")]


def test_what_comes_and_what_goes_is_told() -> None:
    before = {"eligibility": [{"id": "a", "when": "x"}], "notice_days": 5}
    after = {"eligibility": [{"id": "b", "when": "x"}], "notice_days": 5}

    assert changes(before, after) == [
        Change("/eligibility/a", {"id": "a", "when": "x"}, None),
        Change("/eligibility/b", None, {"id": "b", "when": "x"}),
    ]


def test_the_same_rule_has_no_changes() -> None:
    rule: dict[str, Any] = {"amount": ":a", "parameters": {"a": {"unit": "fen"}}, "list": [1, 2]}

    assert changes(rule, dict(rule)) == []


async def test_every_wording_of_the_release_is_kept(platform: Any) -> None:
    answer = await platform.client("public").get(f"{PATH}/versions")

    assert answer.status_code == 200
    current = [each for each in answer.json()["items"] if each["current"]]
    assert [each["version"] for each in current] == [library().programmes[GROWTH].version]


async def test_a_new_wording_stands_beside_the_old_and_the_difference_is_told(
    platform: Any, changed: Changed
) -> None:
    new = changed(CLAUSE, {"LEAST(30000000,": "LEAST(20000000,", **other_examples()})
    async with platform.service("policy").sessions() as session:
        await keep_versions(session, new, now=datetime(2026, 12, 1, tzinfo=UTC))
        await keep_versions(session, new, now=datetime(2026, 12, 2, tzinfo=UTC))
        await commit(session)
    before, after = (known.programmes[GROWTH].version for known in (library(), new))
    client = platform.client("public")
    listed = (await client.get(f"{PATH}/versions")).json()["items"]
    told = (await client.get(f"{PATH}/changes", params={"before": before, "after": after})).json()
    text = (await client.get(f"{PATH}/versions/{after}")).json()

    assert [each["version"] for each in listed].count(after) == 1
    amount = library().programmes[GROWTH].compiled.programme.amount
    (change,) = told["changes"]
    assert change["pointer"] == "/programme/amount"
    assert (change["before"], "20000000" in change["after"]) == (amount, True)
    assert text["rule"]["programme"]["amount"] == change["after"]


async def test_an_unknown_version_is_not_found(platform: Any) -> None:
    for path in (f"{PATH}/versions/none", "/v1/policy/programmes/none/versions"):
        assert (await platform.client("public").get(path)).status_code == 404
