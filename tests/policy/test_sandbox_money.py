"""The sandbox beside what stands: declared aid, own awards, budget lines; and every outcome."""

import io
from typing import Any

import pytest
from polars import DataFrame, read_parquet

from services.kernel.exports import Format
from tests.policy.steps import (
    GROWTH,
    WAN,
    budget,
    code,
    declare_aid,
    firm_client,
    fresh_uscc,
    growing_firm,
    open_case,
    propose,
    register,
)
from tests.policy.test_sandbox import DRAFT, LARGE, PATH, of, ran

CHANGE = [{"change": "programme", "programme": DRAFT}]


async def table(platform: Any, run: dict[str, Any], **params: Any) -> DataFrame:
    answer = await platform.client("auditor").get(
        f"{PATH}/{run['id']}", headers={"Accept": Format.PARQUET}, params=params
    )
    assert answer.status_code == 200, answer.text
    return read_parquet(io.BytesIO(answer.content))


def row_of(found: DataFrame, uscc: str, programme: str = GROWTH) -> dict[str, Any]:
    (row,) = found.filter((found["uscc"] == uscc) & (found["programme"] == programme)).rows(
        named=True
    )
    return row


async def growth_of(platform: Any, uscc: str) -> tuple[int, int]:
    row = row_of(await table(platform, await ran(platform, CHANGE)), uscc)
    return row["before_fen"], row["after_fen"]


async def test_aid_of_another_level_counts_until_it_is_withdrawn(platform: Any) -> None:
    uscc = await growing_firm(platform)
    assert await growth_of(platform, uscc) == (30 * WAN, 30 * WAN)
    await declare_aid(platform, uscc, 10)
    await platform.settle()
    # The difference (补差) is what is left of it.
    assert await growth_of(platform, uscc) == (20 * WAN, 20 * WAN)

    aid = await platform.client("auditor").get("/v1/finance/aid", params={"beneficiary": uscc})
    (entry,) = aid.json()["items"]
    withdrawn = await platform.client("treasurer").post(
        f"/v1/finance/aid/{entry['id']}/events",
        json={"event": "withdraw", "version": entry["version"], "note": "登记有误"},
        headers=platform.key(),
    )
    assert withdrawn.status_code == 200, withdrawn.text
    await platform.settle()
    assert await growth_of(platform, uscc) == (30 * WAN, 30 * WAN)


async def test_an_entitlement_counts_declared_aid_and_names_it_to_who_may_read_the_ledger(
    platform: Any,
) -> None:
    uscc = await growing_firm(platform)
    await declare_aid(platform, uscc, 10)
    await platform.settle()
    reasons = {}
    for who in ("auditor", "registrar"):
        answer = await platform.client(who).get(f"/v1/policy/firms/{uscc}/entitlements")
        found = answer.json()["combination"]
        (amount,) = [each for each in found["amounts"] if each["programme"] == GROWTH]
        assert (amount["asked_fen"], amount["amount_fen"]) == (30 * WAN, 20 * WAN)
        reasons[who] = amount["reason"]
    assert "“ningbo-digital”100,000元" in reasons["auditor"]
    assert "ningbo-digital" not in reasons["registrar"]
    assert "一项补助" in reasons["registrar"]


async def test_what_is_reserved_is_not_paid_again_and_its_line_holds_less(platform: Any) -> None:
    """A cost is what would be paid beside what stands, so it is held against what is left."""
    await budget(platform, amount_fen=500_000 * WAN)
    uscc = await growing_firm(platform)
    first = (await ran(platform, CHANGE))["result"]
    await propose(platform, firm := await firm_client(platform, uscc),
                  await open_case(platform, firm, uscc))  # fmt: skip
    await platform.settle()
    run = await ran(platform, CHANGE)
    second = run["result"]

    row = row_of(await table(platform, run), uscc)
    assert (row["before"], row["before_fen"]) == ("eligible", 0)
    (was,) = [each for each in first["budgets"] if each["programme"] == GROWTH]
    (is_,) = [each for each in second["budgets"] if each["programme"] == GROWTH]
    assert is_["allotted_fen"] == was["allotted_fen"]
    assert is_["lines"] == was["lines"]
    assert is_["reserved_fen"] - was["reserved_fen"] == 30 * WAN
    assert was["amount_fen"] - is_["amount_fen"] == 30 * WAN
    assert is_["cost_fen"] == was["cost_fen"] - 30 * WAN
    assert is_["cost_fen"] == of(second, GROWTH)["after"]["cost_fen"]
    assert is_["is_enough"] is True


async def test_lines_count_once_approved_and_only_where_none_are_sent_along(platform: Any) -> None:
    today = (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    body = {
        "year": int(today[:4]), "measure": 9, "name": "测试指标", "department": "经信局",
        "amount_fen": 12_345 * WAN,
    }  # fmt: skip

    async def lines_of_nine() -> list[str]:
        result = (await ran(platform, CHANGE))["result"]
        return [
            line for each in result["budgets"] if each["measure"] == 9 for line in each["lines"]
        ]

    draft = await platform.client("treasurer").post(
        "/v1/finance/budgets", json=body, headers=platform.key()
    )
    await platform.settle()
    assert draft.json()["id"] not in await lines_of_nine()
    approved = await platform.client("approver").post(
        f"/v1/finance/budgets/{draft.json()['id']}/events",
        json={"event": "approve", "version": 1, "data": {}},
        headers=platform.key(),
    )
    assert approved.status_code == 200, approved.text
    await platform.settle()
    assert draft.json()["id"] in await lines_of_nine()
    given = await ran(platform, CHANGE, budgets=[{"measure": 27, "amount_fen": 5}])
    (only,) = given["result"]["budgets"]
    assert (only["measure"], only["lines"], only["allotted_fen"]) == (27, [], None)


async def test_a_file_holds_every_outcome_that_is_asked_for(platform: Any) -> None:
    entitled, unknown = await growing_firm(platform), fresh_uscc()
    refused = await growing_firm(platform, 200_000)
    await register(platform, unknown)
    await platform.settle()
    run = await ran(platform, CHANGE)
    names = [each["programme"] for each in run["result"]["programmes"]]

    default = await table(platform, run)
    assert set(default["before"]) | set(default["after"]) <= {
        "eligible", "pending-parameter", "absent", "ineligible", "unknown",
    }  # fmt: skip
    assert default.filter(default["uscc"] == unknown).height == 0
    found = await table(platform, run, outcome="unknown", programme=GROWTH)
    assert row_of(found, unknown)["after_fen"] is None
    assert set(found["programme"]) == {GROWTH}
    assert entitled not in set(found["uscc"])
    found = await table(platform, run, outcome="refused", programme=GROWTH)
    row = row_of(found, refused)
    assert (row["before"], row["before_fen"], row["after_fen"]) == ("ineligible", 0, 0)
    found = await table(platform, run, outcome=["entitled", "refused", "unknown", "pending"])
    assert found.filter(found["uscc"] == unknown).height == len(names)
    assert found.height == len(names) * run["result"]["firms"]
    assert row_of(found, entitled)["after_fen"] == 30 * WAN
    only = await table(platform, run, outcome="pending")
    assert LARGE not in set(only.filter(only["uscc"] == unknown)["programme"])
    assert (only["before"].eq("pending-parameter") | only["after"].eq("pending-parameter")).all()
    # The counts of the result are those of the file.
    counted = of(run["result"], GROWTH)["after"]
    whole = await table(platform, run, outcome=["entitled", "unknown"], programme=GROWTH)
    assert whole["after"].eq("eligible").sum() == counted["entitled"]
    assert whole["after"].eq("unknown").sum() == counted["unknown"]


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"outcome": "maybe"}, 422, "validation-failed"),
        ({"programme": "large-stong"}, 422, "programme-unknown"),
    ],
)
async def test_what_a_file_cannot_hold_is_refused(
    platform: Any, params: dict[str, str], status: int, error: str
) -> None:
    run = await ran(platform, CHANGE)
    answer = await platform.client("auditor").get(
        f"{PATH}/{run['id']}", headers={"Accept": Format.PARQUET}, params=params
    )
    assert answer.status_code == status, answer.text
    if "programme" in params:
        assert code(answer) == (status, error)
        assert "large-strong" in answer.json()["errors"][0]["detail"]
