"""Act six: a number is tried over the whole city, then set by two people, and firms are told."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from services.launch.caller import UnexpectedAnswer
from services.launch.story.case_life import POLL_S, yuan
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage

MATCHING, RATIO = "rd-matching", "rd-matching.ratio_bp"
MEASURE = 27
RATIO_BP = 5000
BUDGET_FEN = 5_000_000_000
OVER = ("finished", "failed")


async def try_then_set(stage: Stage) -> None:
    """See what half of Ningbo's award would cost, set it, and see who stands otherwise now."""
    stage.act("六、先测算，再定数，再匹配", "tried first, then set, then matched")
    # What was loaded is matched after it was heard.
    await until_quiet(stage.settings)
    waiting = await _entitled(stage, bool)
    stage.check(
        "before, every entitled firm waits for the ratio",
        {each["amount_status"] for each in waiting},
        {"pending-parameter"},
    )
    foretold = await _try(stage)
    operation = await _set(stage)
    stage.check(
        "every firm was matched again",
        [operation["state"], operation["done"]],
        ["finished", operation["total"]],
    )
    told = await _entitled(stage, lambda items: not any(map(_is_pending, items)))
    _show(stage, told)
    stage.check("as many are entitled as before", len(told), len(waiting))
    known = [each["amount_fen"] for each in told if each["amount_fen"] is not None]
    stage.check(
        "what is known of their amounts is what the sandbox foretold",
        [sum(known), len(told) - len(known)],
        [foretold["known_fen"], foretold["open"]],
    )
    stage.check(
        "of the others the base is missing, and whoever states it is named",
        {lack["fact"] for each in told for lack in each["missing"] if lack["owner"]},
        {"ningbo_rd_award_fen"} if foretold["open"] else set[str](),
    )


async def _try(stage: Stage) -> dict[str, Any]:
    """Run the sandbox to its end; show cost, winners and losers beside the version in force."""
    change = {"change": "parameter", "parameter": RATIO, "value": RATIO_BP}
    body = {
        "name": "研发配套比例50%（演示）",
        "changes": [change],
        "budgets": [{"measure": MEASURE, "amount_fen": BUDGET_FEN}],
    }
    begun = await stage.caller.post("reviewer", "/v1/policy/sandbox-runs", body)
    await follow(stage, "reviewer", begun["id"])
    run = await stage.caller.get("reviewer", f"/v1/policy/sandbox-runs/{begun['id']}")
    result = run["result"]
    found = next(p for p in result["programmes"] if p["programme"] == MATCHING)
    (budget,) = result["budgets"]
    table = stage.table("", "符合 entitled", "金额未知 open", "已知金额 known", "所需资金 cost")
    for name, side in (("现行 in force", found["before"]), ("测算 as tried", found["after"])):
        table.add_row(
            name, str(side["entitled"]), str(side["open"]), yuan(side["known_fen"]),
            yuan(side["cost_fen"]),
        )  # fmt: skip
    stage.console.print(table)
    winners, losers = result["winners"], result["losers"]
    stage.console.print(
        f"  预算 budget {yuan(budget['amount_fen'])}，"
        f"已知金额超出预算 exceeded by what is known: {budget['is_enough'] is False}；"
        f"增加 winners {winners['firms']}家 {yuan(winners['fen'])}；"
        f"减少 losers {losers['firms']}家 {yuan(losers['fen'])}",
        highlight=False,
    )
    before, after = found["before"], found["after"]
    stage.check("in force, the cost is not known", before["cost_fen"], None)
    stage.check(
        "who waits for the number wins, except where the base is unknown, too",
        [winners["firms"], winners["from_pending"], losers["firms"]],
        [before["open"] - after["open"], winners["firms"], 0],
    )
    stage.check("what they win is what is known", winners["fen"], after["known_fen"])
    return after


async def _set(stage: Stage) -> dict[str, Any]:
    """Have one person propose the ratio and another approve it, who then follows the matching."""
    caller = stage.caller
    today = (await caller.get("admin", "/v1/demo/clock"))["today"]
    proposal = await caller.post(
        "reviewer",
        "/v1/policy/parameters",
        {
            "parameter": RATIO,
            "value": RATIO_BP,
            "valid_from": today,
            "source": "演示取值，非正式政策",
        },
    )
    approve = {"event": "approve", "version": proposal["version"]}
    path = f"/v1/policy/parameters/{proposal['id']}/events"
    approved = await caller.post("approver", path, approve)
    return await follow(stage, "approver", approved["operation"])


async def follow(stage: Stage, role: str, operation: str) -> dict[str, Any]:
    """Follow long work to its end."""
    deadline = time.monotonic() + stage.caller.patience_s
    while True:
        found = await stage.caller.get(role, f"/v1/policy/operations/{operation}")
        if found["state"] in OVER:
            return found
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"the operation stayed at {found['done']} of {found['total']}")
        await asyncio.sleep(POLL_S)


async def _entitled(
    stage: Stage, holds: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """List who is entitled to the match, once all who were stated have been matched."""
    deadline = time.monotonic() + stage.caller.patience_s
    while True:
        page = await stage.caller.get(
            "reviewer", "/v1/policy/matches", programme=MATCHING, outcome="eligible", limit=200
        )
        if holds(page["items"]):
            return page["items"]
        if time.monotonic() > deadline:
            raise UnexpectedAnswer("firms were not matched in time")
        await asyncio.sleep(POLL_S)


def _is_pending(match: dict[str, Any]) -> bool:
    return match["amount_status"] == "pending-parameter"


def _show(stage: Stage, told: list[dict[str, Any]]) -> None:
    table = stage.table("企业 firm", "应享 entitled to", "截止 until")
    for each in told[:5]:
        table.add_row(each["name"], yuan(each["amount_fen"]), each["until_day"] or "—")
    stage.console.print(table)
