"""免申即享 over the city: found, prepared, confirmed by one word; silence is granted nothing."""

import asyncio
import time
from typing import Any

from services.launch.caller import UnexpectedAnswer
from services.launch.story import case_life
from services.launch.story.case_life import POLL_S, yuan
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage
from services.launch.story.trial import follow

YEAR = 2025
PROGRAMME = "digital-growth"
PAGE = 200
ANSWERS = ("confirmed", "declined", "lapsed")
Batch = dict[str, Any]
Offer = dict[str, Any]


async def offer_unasked(stage: Stage) -> None:
    """Offer a programme to whoever is entitled; one confirms, one declines, others are silent."""
    stage.act("免申即享：一批次、一句话", "given without application: a batch, and a word")
    batch = await _prepare(stage)
    offers = await _offers(stage, batch, state="prepared")
    await _check_found(stage, batch, offers)
    uscc = stage.city.cast["eligible"]
    theirs = [each for each in offers if each["uscc"] == uscc]
    others = [each for each in offers if each["uscc"] != uscc]
    if not theirs or not others:
        raise UnexpectedAnswer(f"{uscc} and another are entitled, and the batch has {len(offers)}")
    await _confirm(stage, theirs[0])
    await _decline(stage, others[0])
    await _close(stage, batch, silent=len(offers) - 2)


async def _prepare(stage: Stage) -> Batch:
    """Have a batch begun by a reviewer and approved by an approver; follow it over all firms."""
    caller = stage.caller
    # Who was registered since is asked about, too, once policy has heard of it.
    await until_quiet(stage.settings)
    new = {"programme": PROGRAMME, "year": YEAR}
    batch = await caller.post("reviewer", "/v1/policy/offer-batches", new)
    stage.check(
        "begun, it is a draft that has asked about nobody",
        [batch["state"], batch["counts"]["asked"], batch["progress"]],
        ["draft", 0, None],
    )
    approved = await _do(stage, batch, "approve")
    done = await follow(stage, "approver", approved["progress"]["operation"])
    stage.check(
        "approved by another, it is worked off to its end",
        [done["state"], done["done"]],
        ["finished", done["total"]],
    )
    return await _read(stage, batch)


async def _check_found(stage: Stage, batch: Batch, offers: list[Offer]) -> None:
    """Show how many there are, and that each firm of the city is accounted for."""
    counts = batch["counts"]
    left_out: dict[str, int] = {name: n for name, n in counts["left_out"].items() if n}
    table = stage.table("查询 asked", "不符合 not entitled", "列入 offered", "未列入 left out")
    table.add_row(
        str(counts["asked"]),
        str(counts["not_entitled"]),
        str(counts["prepared"]),
        "\n".join(f"{name} {number}" for name, number in sorted(left_out.items())),
    )
    stage.console.print(table)
    stage.console.print(
        f"  金额合计 {yuan(sum(each['amount_fen'] for each in offers))}，"
        f"确认期至 firms may answer until {batch['window']['last_day']}"
        f"（{batch['window']['days']}个工作日，{batch['window']['source']}）",
        highlight=False,
    )
    stage.check("it waits for the firms", batch["state"], "open")
    firms = await _count_firms(stage)
    accounted = counts["not_entitled"] + counts["prepared"] + sum(left_out.values())
    stage.check(
        "every firm was asked about: offered it, left out for a reason, or not entitled",
        [counts["asked"], accounted],
        [firms, firms],
    )
    whole = [each for each in offers if each["case"] and each["amount_fen"]]
    stage.check(
        "each offer is a prepared case with its amount, and each waits",
        [len(offers), len(whole), counts["waiting"]],
        [counts["prepared"]] * 3,
    )
    unknown = stage.city.cast["unknown"]
    lacking = [
        each
        for each in await _offers(stage, batch, state="left-out", reason="facts-unknown")
        if each["uscc"] == unknown
    ]
    for each in lacking:
        stage.console.print(f"  {each['name']}：{each['reason_says']}", highlight=False)
    stage.check(
        "a firm with an unknown fact is offered nothing, and the fact and its owner are named",
        [
            (lack["fact"], lack["year"], bool(lack["owner"]))
            for each in lacking
            for lack in each["lacks"]
        ],
        [("revenue_fen", YEAR - 1, True)],
    )
    paid = stage.city.cast["topped_up"]
    has_case = await _offers(stage, batch, state="left-out", reason="case-exists")
    stage.check_holds(
        "who was awarded it already is not offered it again",
        paid in {each["uscc"] for each in has_case},
    )


async def _confirm(stage: Stage, offer: Offer) -> None:
    """Have the story's firm confirm, once; then its case is reviewed and decided as any other."""
    caller = stage.caller
    firm = await case_life.sign_up_firm(caller, offer["uscc"], "demo-offered")
    case = await caller.get(firm, f"/v1/policy/cases/{offer['case']}")
    stage.console.print(f"  {offer['name']} {yuan(offer['amount_fen'])}", highlight=False)
    stage.check(
        "the firm finds a prepared case, to be confirmed or declined",
        [case["state"], case["allowed_events"], case["assessment"]["amount_fen"]],
        ["draft", ["confirm", "decline"], offer["amount_fen"]],
    )
    case = await case_life.move(caller, firm, case, "confirm")
    stage.check("one word, and it is accepted", case["state"], "accepted")
    again = await case_life.move(caller, firm, case, "confirm", expect=(409,))
    stage.console.print(f"  {again['detail']}", highlight=False)
    stage.check("a second word is refused", again["code"], "event-not-allowed")
    case = await case_life.move(caller, "reviewer", case, "review")
    stage.check("comparison and confirmation over, it is in review", case["state"], "in-review")
    case = await case_life.move(caller, "reviewer", case, "propose")
    await case_life.answered(caller, "reviewer", case)
    case = await case_life.decide(caller, "approver", case)
    stage.check(
        "proposed and decided by two people, it is awarded what was offered",
        [case["state"], case["reservation"]["amount_fen"]],
        ["awarded", offer["amount_fen"]],
    )


async def _decline(stage: Stage, offer: Offer) -> None:
    """Have another firm decline: its case ends, and it is not asked again."""
    firm = await case_life.sign_up_firm(stage.caller, offer["uscc"], "demo-declining")
    case = await case_life.move(stage.caller, firm, {"id": offer["case"]}, "decline")
    stage.check("another declines, and its case is withdrawn", case["state"], "withdrawn")


async def _close(stage: Stage, batch: Batch, *, silent: int) -> None:
    """Close the batch: whoever was silent has not applied, and nothing was granted to it."""
    await _do(stage, batch, "close", note="演示结束，未确认的视为未申请。")
    counts = await _until_nobody_waits(stage, batch)
    stage.check(
        "closed: one has confirmed, one has declined, and the silent were granted nothing",
        [*(counts[name] for name in ANSWERS), counts["waiting"]],
        [1, 1, silent, 0],
    )


async def _until_nobody_waits(stage: Stage, batch: Batch) -> dict[str, Any]:
    """Wait until what nobody answered has lapsed, one after the other; give the counts then."""
    deadline = time.monotonic() + stage.caller.patience_s
    while True:
        found = await _read(stage, batch)
        if found["counts"]["waiting"] == 0:
            return dict(found["counts"])
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"offers did not lapse: {found['counts']}")
        await asyncio.sleep(POLL_S)


async def _do(stage: Stage, batch: Batch, event: str, *, note: str = "") -> Batch:
    current = await _read(stage, batch)
    body = {"event": event, "version": current["version"], "note": note}
    path = f"/v1/policy/offer-batches/{batch['id']}/events"
    moved: Batch = await stage.caller.post("approver", path, body)
    return moved


async def _read(stage: Stage, batch: Batch) -> Batch:
    found: Batch = await stage.caller.get("approver", f"/v1/policy/offer-batches/{batch['id']}")
    return found


async def _count_firms(stage: Stage) -> int:
    """Count the firms that the registry holds, page by page."""
    return len(await _every(stage, "auditor", "/v1/enterprise/firms"))


async def _offers(stage: Stage, batch: Batch, **asked: str) -> list[Offer]:
    """Read the firms of a batch that answer to what is asked."""
    return await _every(
        stage, "reviewer", f"/v1/policy/offer-batches/{batch['id']}/offers", **asked
    )


async def _every(stage: Stage, role: str, path: str, **asked: str) -> list[dict[str, Any]]:
    """Read a list to its end."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await stage.caller.get(role, path, limit=PAGE, **asked, **cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
