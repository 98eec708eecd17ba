"""The sandbox over HTTP: a changed plan over the city, beside the version in force."""

import io
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook
from polars import read_parquet

from services.kernel.errors import Conflict
from services.kernel.exports import Format
from services.policy.plan.actions.load_library import library
from services.policy.sandbox_runs.actions.step_run import scenario_of
from services.policy.sandbox_runs.models import SandboxRun
from tests.policy.steps import (
    GROWTH,
    WAN,
    code,
    fresh_uscc,
    growing_firm,
    publish,
    register,
    state,
    state_of_day,
)

PATH = "/v1/policy/sandbox-runs"
MATCHING, LARGE = "rd-matching", "large-strong"
RATIO = f"{MATCHING}.ratio_bp"
DRAFT: dict[str, Any] = {
    "id": "sandbox-draft", "title": "草案", "beneficiary": "firm",
    "parameters": {"rate_bp": {"value": 1000, "unit": "bp"}},
    "eligibility": [
        {"id": "revenue", "says": "营收", "when": "revenue_fen >= 250000000000", "source": "草案"}
    ],
    "amount": "LEAST(revenue_fen * :rate_bp / 10000, 50000000)",
}  # fmt: skip


async def begin(platform: Any, body: dict[str, Any], who: str = "reviewer", **params: Any) -> Any:
    return await platform.client(who).post(PATH, json=body, params=params)


async def ran(platform: Any, changes: list[Any], **body: Any) -> dict[str, Any]:
    """Run to the end, and give the run with its result."""
    params = {"overlay": body.pop("overlay")} if "overlay" in body else {}
    answer = await begin(platform, {"changes": changes, **body}, **params)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/policy/operations/{answer.json()['id']}"
    await platform.settle()
    found = await platform.client("reviewer").get(f"{PATH}/{answer.json()['id']}")
    assert found.status_code == 200, found.text
    assert found.json()["state"] == "finished", found.text
    return found.json()


def of(result: dict[str, Any], programme: str) -> dict[str, Any]:
    return next(each for each in result["programmes"] if each["programme"] == programme)


async def matching_firm(platform: Any, award_wan: int = 100) -> str:
    """Register a firm that is entitled to a match whose ratio nobody has set."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, rd_wan in ((2024, 1_000), (2025, 1_200)):
        await state(
            platform, uscc, year, rd_internal_fen=rd_wan * WAN, revenue_fen=30_000 * WAN,
            ningbo_rd_award_fen=award_wan * WAN,
        )  # fmt: skip
    await state_of_day(platform, uscc, is_above_scale=True)
    await publish(platform, "ningbo-rd-post-subsidy", [uscc], complete=False)
    await platform.settle()
    return uscc


async def test_a_ratio_is_tried_before_it_is_set(platform: Any) -> None:
    uscc = await matching_firm(platform)
    run = await ran(
        platform, [{"change": "parameter", "parameter": RATIO, "value": 5000}], name="半数配套",
        budgets=[{"measure": 27, "amount_fen": 10**15}],
    )  # fmt: skip
    result = run["result"]
    found = of(result, MATCHING)
    assert found["changed"] is True
    # Pending is not zero: the cost of the version in force is not known.
    assert found["before"]["open"] >= 1
    assert found["before"]["cost_fen"] is None
    assert (found["after"]["open"], found["parameters"]) == (0, {"ratio_bp": 5000})
    assert found["after"]["cost_fen"] >= 50 * WAN
    (measure,) = [each for each in result["measures"] if each["measure"] == 27]
    assert measure["after"] == found["after"]
    (budget,) = result["budgets"]
    assert (budget["is_enough"], budget["cost_fen"]) == (True, found["after"]["cost_fen"])
    assert budget["left_fen"] == 10**15 - budget["cost_fen"]
    winners = result["winners"]
    assert winners["firms"] == winners["from_pending"] >= 1
    assert winners["fen"] == found["after"]["cost_fen"]
    assert result["losers"] == {"firms": 0, "fen": 0, "from_pending": 0}
    shown = {each["uscc"]: each for each in result["winners_shown"]}
    (reason,) = shown[uscc]["reasons"]
    assert (reason["programme"], reason["before"], reason["after_fen"]) == (
        MATCHING, "pending-parameter", 50 * WAN,
    )  # fmt: skip
    assert reason["reason"]
    # Nothing is published by it.
    answer = await platform.client("auditor").get(f"/v1/policy/firms/{uscc}/entitlements")
    (today,) = [p for p in answer.json()["programmes"] if p["programme"] == MATCHING]
    assert today["amount_status"] == "pending-parameter"


async def test_an_unset_parameter_is_filled_by_the_overlay_only(platform: Any) -> None:
    await matching_firm(platform)
    change = [{"change": "amount", "programme": GROWTH, "amount": "1"}]
    plain = await ran(platform, change)
    assert of(plain["result"], MATCHING)["sampled"] == []
    assert of(plain["result"], MATCHING)["after"]["cost_fen"] is None
    sampled = await ran(platform, change, overlay="demonstration")
    assert (sampled["demonstration"], sampled["result"]["demonstration"]) == (True, True)
    assert of(sampled["result"], MATCHING)["sampled"] == ["ratio_bp"]
    assert of(sampled["result"], MATCHING)["after"]["cost_fen"] > 0


async def test_a_stricter_condition_has_losers_with_their_reason(platform: Any) -> None:
    uscc = await growing_firm(platform, 230_000)
    when = "(revenue_fen - prior(revenue_fen, 1)) / prior(revenue_fen, 1) >= 20 / 100"
    run = await ran(
        platform,
        [{"change": "condition", "programme": GROWTH, "condition": "growth", "when": when}],
    )
    result = run["result"]
    found = of(result, GROWTH)
    assert found["after"]["entitled"] < found["before"]["entitled"]
    losers = {each["uscc"]: each for each in result["losers_shown"]}
    assert losers[uscc]["difference_fen"] == -(300 * 50_000)
    (reason,) = losers[uscc]["reasons"]
    assert (reason["after"], reason["after_fen"]) == ("ineligible", 0)
    lost = found["before"]["known_fen"] - found["after"]["known_fen"]
    assert result["losers"]["fen"] == lost
    assert result["winners"]["firms"] == 0


async def test_a_condition_left_out_and_a_measure_switched_off(platform: Any) -> None:
    for wan in (60_000, 1):
        uscc = fresh_uscc()
        await register(platform, uscc)
        await state(platform, uscc, 2025, revenue_fen=wan * WAN)
    await platform.settle()
    run = await ran(platform, [{"change": "measure", "measure": 9, "programmes": []}])
    found = of(run["result"], LARGE)
    assert found["after"] is None
    assert found["before"]["entitled"] >= 1
    known = {"change": "condition", "programme": LARGE, "condition": "revenue", "when": None}
    run = await ran(platform, [known])
    found = of(run["result"], LARGE)
    assert found["after"]["entitled"] > found["before"]["entitled"]


async def test_a_draft_is_tried_beside_all_and_in_the_place_of_its_own(platform: Any) -> None:
    # A revenue that no other firm of these tests has: only fifty winners are shown.
    uscc = await growing_firm(platform, 271_828)
    when = f"revenue_fen = {271_828 * WAN}"
    draft = {**DRAFT, "eligibility": [{**DRAFT["eligibility"][0], "when": when}]}
    run = await ran(platform, [{"change": "programme", "programme": draft}])
    found = of(run["result"], "sandbox-draft")
    assert found["before"] is None
    assert found["after"]["entitled"] >= 1
    winners = {each["uscc"]: each for each in run["result"]["winners_shown"]}
    assert winners[uscc]["difference_fen"] == 50_000_000
    instead = {**DRAFT, "id": GROWTH, "stacking_group": GROWTH}
    run = await ran(platform, [{"change": "programme", "programme": instead}])
    found = of(run["result"], GROWTH)
    assert found["before"] is not None
    assert found["parameters"] == {"rate_bp": 1000}


async def test_competing_programmes_are_paid_once(platform: Any) -> None:
    """A rival of the same group and matter pays the higher, not both."""
    # A revenue that no other firm of these tests has: only fifty winners are shown.
    uscc = await growing_firm(platform, 314_159)
    rival = {
        **DRAFT, "stacking_group": GROWTH, "amount": "40000000",
        "eligibility": [{**DRAFT["eligibility"][0], "when": f"revenue_fen = {314_159 * WAN}"}],
    }  # fmt: skip
    run = await ran(platform, [{"change": "programme", "programme": rival}])
    own = {each["uscc"]: each for each in run["result"]["winners_shown"]}[uscc]
    before = next(r for r in own["reasons"] if r["programme"] == GROWTH)["before_fen"]
    assert own["difference_fen"] == 40_000_000 - before


async def test_a_small_budget_is_shared_by_the_rule(platform: Any) -> None:
    await growing_firm(platform)
    await growing_firm(platform, 250_000)
    change = {"change": "programme", "programme": {**DRAFT, "rank_by": "revenue_fen"}}
    for rule in ("pro-rata", "ranked", "first-come", None):
        budget = {"programme": "sandbox-draft", "amount_fen": 60_000_000}
        if rule is not None:
            budget["oversubscription"] = rule
        run = await ran(platform, [change], budgets=[budget])
        (found,) = run["result"]["budgets"]
        assert found["is_enough"] is False
        assert found["left_fen"] < 0
        shared = found["oversubscription"]
        assert shared["rule"] == rule
        if rule == "pro-rata":
            assert 0 < shared["paid_fen"] <= 60_000_000
            assert shared["share_bp"] < 10_000
        elif rule == "ranked":
            assert shared["paid_fen"] <= 60_000_000
        elif rule == "first-come":
            assert shared["served"] == [1, 1]
            assert shared["paid_fen"] is None
        else:
            assert shared["served"] is None


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("change", "pointer", "code_", "hint"),
    [
        ({"change": "parameter", "parameter": "rd-matching.ratio", "value": 1},
         "/changes/0/parameter", "parameter-unknown", RATIO),
        ({"change": "parameter", "parameter": RATIO, "value": 10_001},
         "/changes/0/value", "value-out-of-bounds", None),
        ({"change": "parameter", "parameter": RATIO, "value": "half"},
         "/changes/0/value", "value-type", None),
        ({"change": "condition", "programme": "digital-grow", "condition": "growth", "when": None},
         "/changes/0/programme", "programme-unknown", GROWTH),
        ({"change": "condition", "programme": GROWTH, "condition": "grow", "when": None},
         "/changes/0/condition", "condition-unknown", "growth"),
        ({"change": "condition", "programme": GROWTH, "condition": "growth", "when": "revenu > 1"},
         "/changes/0/when", "unknown-fact", "revenue_fen"),
        ({"change": "amount", "programme": GROWTH, "amount": "revenu_fen"},
         "/changes/0/amount", "unknown-fact", "revenue_fen"),
        ({"change": "programme", "programme": {**DRAFT, "amount": "revenu_fen"}},
         "/changes/0/programme/amount", "unknown-fact", "revenue_fen"),
        ({"change": "programme", "programme": {**DRAFT, "beneficiary": "town"}},
         "/changes/0/programme/beneficiary", "not-for-firms", None),
        ({"change": "measure", "measure": 31, "programmes": []},
         "/changes/0/measure", "measure-unknown", None),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_with_its_place_and_the_nearest_name(
    platform: Any, change: dict[str, Any], pointer: str, code_: str, hint: str | None
) -> None:
    answer = await begin(platform, {"changes": [change]})
    assert faults(answer) == [(pointer, code_)]
    if hint is not None:
        assert hint in answer.json()["errors"][0]["detail"]


async def test_a_thing_is_changed_once_and_a_budget_has_one_purpose(platform: Any) -> None:
    change = {"change": "parameter", "parameter": RATIO, "value": 1}
    twice = await begin(platform, {"changes": [change, change]})
    assert faults(twice) == [("/changes/1/parameter", "changed-twice")]
    budgets = [{"measure": 27, "programme": MATCHING, "amount_fen": 1}]
    both = await begin(platform, {"changes": [change], "budgets": budgets})
    assert faults(both) == [("/budgets/0", "budget-purpose")]
    budgets = [{"programme": "rd-match", "amount_fen": 1}]
    unknown = await begin(platform, {"changes": [change], "budgets": budgets})
    assert faults(unknown) == [("/budgets/0/programme", "programme-unknown")]
    empty = await begin(platform, {"changes": []})
    assert empty.status_code == 422


async def test_a_run_is_exported_for_people_and_for_programs(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc, name="=1+1示范测试有限公司")
    await state(platform, uscc, 2025, revenue_fen=300_000 * WAN)
    await platform.settle()
    run = await ran(platform, [{"change": "programme", "programme": DRAFT}])
    files: dict[str, bytes] = {}
    for wanted in (Format.XLSX, Format.PARQUET):
        answer = await platform.client("auditor").get(
            f"{PATH}/{run['id']}", headers={"Accept": wanted}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == wanted
        files[wanted] = answer.content
    table = read_parquet(io.BytesIO(files[Format.PARQUET]))
    own = table.filter((table["uscc"] == uscc) & (table["programme"] == "sandbox-draft")).row(
        0, named=True
    )
    assert (own["before"], own["after"], own["after_fen"]) == ("absent", "eligible", 50_000_000)
    sheet = load_workbook(io.BytesIO(files[Format.XLSX])).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == table.height + 1
    named = [row for row in rows if row[0] == uscc and row[3] == "sandbox-draft"]
    # What a spreadsheet would compute is told as text.
    assert named[0][1] == "'=1+1示范测试有限公司"


async def test_an_amount_beyond_all_treasuries_ends_the_run_and_says_so(platform: Any) -> None:
    await growing_firm(platform)
    draft = {**DRAFT, "amount": "revenue_fen * 1000"}
    answer = await begin(platform, {"changes": [{"change": "programme", "programme": draft}]})
    assert answer.status_code == 202, answer.text
    await platform.settle()
    operation = await platform.client("reviewer").get(answer.headers["location"])
    assert operation.json()["state"] == "failed"
    assert [each["code"] for each in operation.json()["errors"]] == ["amount-too-large"]
    run = await platform.client("reviewer").get(f"{PATH}/{answer.json()['id']}")
    assert (run.json()["state"], run.json()["result"]) == ("failed", None)
    export = await platform.client("reviewer").get(
        f"{PATH}/{answer.json()['id']}", headers={"Accept": Format.PARQUET}
    )
    assert code(export) == (409, "run-not-finished")


def test_a_plan_that_is_replaced_under_way_ends_the_run() -> None:
    run = SandboxRun(
        on_day=date(2026, 11, 23),
        request={"changes": [{"change": "parameter", "parameter": RATIO, "value": 1}]},
        ground={"numbers": {}, "sampled": [], "mode": None, "plans": {}},
    )
    with pytest.raises(Conflict) as refused:
        scenario_of(run)
    assert refused.value.code == "plan-changed"
    plans = {plan.id: plan.version for plan in library().plans.values()}
    run.ground = {**run.ground, "plans": plans}
    assert scenario_of(run).after.programmes[MATCHING].values == {"ratio_bp": 1}


@pytest.mark.parametrize(
    ("who", "status"),
    [("registrar", 403), ("firm", 403), ("auditor", 403), ("approver", 202), ("public", 401)],
)
async def test_who_may_try_a_plan(platform: Any, who: str, status: int) -> None:
    body = {"changes": [{"change": "parameter", "parameter": RATIO, "value": 1}]}
    assert (await begin(platform, body, who)).status_code == status
    await platform.settle()


async def test_too_many_runs_at_once_are_refused(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.policy.sandbox_runs.actions.begin_run.OPEN_RUNS_MAX", 0)
    body = {"changes": [{"change": "parameter", "parameter": RATIO, "value": 1}]}
    answer = await begin(platform, body)
    assert code(answer) == (429, "runs-under-way")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("change", [{"parameter": "nope", "value": 1}, {"change": "nope"}])
async def test_the_kind_of_a_change_is_asked_for_by_name(
    platform: Any, change: dict[str, Any]
) -> None:
    answer = await platform.client("reviewer").post(
        "/v1/policy/sandbox-runs", json={"changes": [change]}, headers=platform.key()
    )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/changes/0/change"
    assert error["detail"] == (
        "须写明change，取其一：parameter、condition、amount、programme、measure。"
    )
