"""A call with six passing firms and five places, from its publication to a bulk decision.

The programme ranks by nothing, so all who pass are equals; the call says how equals are told
apart before anybody applies. Its cases stand in public notice in one list.
"""

from datetime import date, timedelta
from typing import Any

from services.launch.city.model import BudgetLine, Firm
from services.launch.city.standing import CITY_DIVISION
from services.launch.city.uscc import SEQUENCES, make_uscc
from services.launch.story import case_life
from services.launch.story.case_life import yuan
from services.launch.story.notice import move_clock
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage
from services.launch.story.trial import follow

YEAR = 2025
PROGRAMME = "software-growth"
PLACES = 5
OPEN_DAYS = 20
WAN_FEN = 1_000_000
BUDGET_FEN = 150 * WAN_FEN
REVENUE_BEFORE_WAN = 2000
# By how much the revenue of each grew; the programme gives at most 5 % of it.
GROWN_WAN = {
    "慈溪市示范云帆软件有限公司": 400,
    "慈溪市示范数桥信息技术有限公司": 450,
    "慈溪市示范智港软件有限公司": 500,
    "慈溪市示范海图数据服务有限公司": 550,
    "慈溪市示范简码软件有限公司": 600,
    "慈溪市示范迟到软件有限公司": 650,
}
# Its numbers are those of no firm of the city, and far from the ones that others count from.
FIRST_SEQUENCE = SEQUENCES - 1000
FIRMS = tuple(
    Firm(
        make_uscc(CITY_DIVISION, FIRST_SEQUENCE + number), name, "6513", "330282107",
        date(2015, 6, 1), CITY_DIVISION,
    )
    for number, name in enumerate(GROWN_WAN)
)  # fmt: skip
Case = dict[str, Any]


async def fill_five_places(stage: Stage) -> None:
    """Give five places to six firms that pass, and have the five decided on at once."""
    stage.act("申报批次：六家过线，五个名额", "a call: six firms pass, five places")
    # Until when a firm may apply is matched by the calls of that moment: nobody is on the way now.
    await until_quiet(stage.settings)
    call = await _publish(stage)
    cases = await _apply(stage, call)
    await _return_and_complete(stage, cases[0])
    for event in ("accept", "review"):
        answers = await _at_once(stage, "reviewer", event, cases)
        sentence = f"{event}: each of the six is answered"
        stage.check(sentence, [each["moved"] for each in answers], [True] * len(cases))
    await until_quiet(stage.settings)
    await _rank(stage, call, cases)
    await _propose(stage, cases)
    notice = await _list_publicly(stage, call, cases[:PLACES])
    await _decide(stage, notice, cases)


async def _publish(stage: Stage) -> dict[str, Any]:
    """Have money, a call written by a reviewer and published by an approver; read it as anyone."""
    caller = stage.caller
    today = date.fromisoformat((await caller.get("admin", "/v1/demo/clock"))["today"])
    line = BudgetLine(
        today.year, None, PROGRAMME, f"{today.year}年软件和信息服务业增长奖励资金（演示）", "jxj",
        BUDGET_FEN,
    )  # fmt: skip
    budget = await caller.post("treasurer", "/v1/finance/budgets", line.body())
    approve = {"event": "approve", "version": budget["version"]}
    await caller.post("approver", f"/v1/finance/budgets/{budget['id']}/events", approve)
    new = {
        "programme": PROGRAMME,
        "year": today.year,
        "window": {"opens_on": str(today), "closes_on": str(today + timedelta(days=OPEN_DAYS))},
        "document": "慈演示经信〔2026〕1号",
        "budget_fen": BUDGET_FEN,
        "quota": PLACES,
        "ties": "first-submitted",
        "notice": "list",
    }
    call = await caller.post("reviewer", "/v1/policy/calls", new)
    own = {"event": "publish", "version": call["version"]}
    path = f"/v1/policy/calls/{call['id']}"
    refused = await caller.post("reviewer", f"{path}/events", own, expect=(403,))
    stage.check("who wrote the call does not publish it", refused["code"], "role-required")
    call = await _do(stage, "approver", call, "publish")
    preview = await caller.get("public", f"{path}/preview")
    stage.console.print(f"  {preview['title']}", highlight=False)
    (limits,) = [s["paragraphs"] for s in preview["sections"] if s["heading"] == "名额与资金"]
    stage.console.print(f"  {'；'.join(limits)}", highlight=False)
    stage.check(
        "anybody reads that it is open, its places, its money, and how equals are told apart",
        [call["state"], call["open_today"], limits[:2]],
        ["published", True, [f"名额{PLACES}个；末位并列的：先提交者优先",
                             f"本批次预算{BUDGET_FEN // 100:,}元"]],
    )  # fmt: skip
    return call


async def _apply(stage: Stage, call: dict[str, Any]) -> list[Case]:
    """Have six firms registered, and each apply by its own system, one after the other."""
    cases: list[Case] = []
    for number, firm in enumerate(FIRMS, 1):
        statement = await _register(stage, firm)
        client = await case_life.sign_up_firm(stage.caller, firm.uscc, f"demo-software-{number}")
        case = await case_life.open_case(
            stage.caller, client, firm.uscc, PROGRAMME, YEAR, after=statement
        )
        case = await case_life.move(stage.caller, client, case, "submit")
        cases.append({**case, "client": client})
    stage.check(
        "six firms apply, and each falls under the open call",
        [[each["call"], each["state"], each["assessment"]["outcome"]] for each in cases],
        [[call["id"], "submitted", "eligible"]] * len(FIRMS),
    )
    return cases


async def _register(stage: Stage, firm: Firm) -> str:
    """Register a firm and state what the programme asks; give the last statement."""
    caller, path = stage.caller, f"/v1/enterprise/firms/{firm.uscc}"
    await caller.post("registrar", "/v1/enterprise/firms", firm.body())
    revenues = {
        YEAR - 2: REVENUE_BEFORE_WAN,
        YEAR - 1: REVENUE_BEFORE_WAN,
        YEAR: REVENUE_BEFORE_WAN + GROWN_WAN[firm.name],
    }
    # Level first, then grown: the average of both years is above zero.
    for year, wan in revenues.items():
        body = {"facts": {"revenue_fen": wan * WAN_FEN}, "source": "企业年度报告（演示）"}
        await caller.put("registrar", f"{path}/indicators/{year}", body)
    facts = {
        "facts": {"is_software_information_service": True, "is_above_scale": True},
        "valid_from": f"{YEAR}-01-01",
        "source": "经信局认定（演示）",
    }
    return str((await caller.post("registrar", f"{path}/facts", facts))["statement_id"])


async def _return_and_complete(stage: Stage, case: Case) -> None:
    """Return the first application for completion; it is completed after all others came in."""
    caller = stage.caller
    await case_life.move(caller, "reviewer", case, "return")
    returned = await caller.get(case["client"], f"/v1/policy/cases/{case['id']}")
    stage.check(
        "退回补正: the first is returned, and waits for its firm",
        [returned["state"], returned["allowed_events"]],
        ["returned", ["complete", "withdraw"]],
    )
    completed = await case_life.move(caller, case["client"], case, "complete")
    stage.check("补正: completed, it is submitted again", completed["state"], "submitted")


async def _rank(stage: Stage, call: dict[str, Any], cases: list[Case]) -> None:
    """Rank: who was the first to submit has a place, even if it was returned since."""
    call = await _do(stage, "reviewer", call, "rank")
    ranking = await stage.caller.get("reviewer", f"/v1/policy/calls/{call['id']}/ranking")
    within = {each["case"]: each["within"] for each in ranking["items"]}
    table = stage.table("企业 firm", "上限 at most", "名额 place")
    for case in cases:
        table.add_row(
            case["applicant_name"],
            yuan(case["assessment"]["amount_fen"]),
            "有 yes" if within[case["id"]] else "无 no",
        )
    stage.console.print(table)
    stage.check(
        "the five that submitted first have places, the returned one among them",
        [within[each["id"]] for each in cases],
        [True] * PLACES + [False] * (len(cases) - PLACES),
    )


async def _propose(stage: Stage, cases: list[Case]) -> None:
    """Propose the five; the sixth is refused a place, and proposed for refusal for that reason."""
    caller = stage.caller
    *five, sixth = cases
    refused = await case_life.move(caller, "reviewer", sixth, "propose", expect=(409,))
    stage.console.print(f"  {refused['detail']}", highlight=False)
    stage.check("the sixth is refused a place", refused["code"], "outside-quota")
    stage.check_holds("by the rule that the call stated", "先提交者优先" in refused["detail"])
    answers = await _at_once(stage, "reviewer", "propose", five)
    held = [await case_life.answered(caller, "reviewer", each) for each in five]
    stage.check(
        "the five are proposed, and finance holds 5 % of what each grew by",
        [[each["state"] for each in answers], [each["reservation"]["amount_fen"] for each in held]],
        [["proposed"] * PLACES, [wan * WAN_FEN // 20 for wan in list(GROWN_WAN.values())[:PLACES]]],
    )
    data = {"outcome": "refuse"}
    note = refused["detail"]
    (answer,) = await _at_once(stage, "reviewer", "propose", [sixth], data=data, note=note)
    stage.check("the sixth is proposed for refusal", answer["state"], "proposed")


async def _list_publicly(stage: Stage, call: dict[str, Any], five: list[Case]) -> dict[str, Any]:
    """Publish the five in one list, which anybody reads."""
    caller = stage.caller
    await _do(stage, "approver", call, "publish-list")
    listed = await caller.get("approver", f"/v1/policy/cases/{five[0]['id']}")
    notice = await caller.get("public", f"/v1/policy/notices/{listed['notice']['id']}")
    stage.check(
        "公示: one list names the five and what each is to get",
        [[each["applicant_name"], each["amount_fen"]] for each in notice["items"]],
        [[name, wan * WAN_FEN // 20] for name, wan in list(GROWN_WAN.items())[:PLACES]],
    )
    return notice


async def _decide(stage: Stage, notice: dict[str, Any], cases: list[Case]) -> None:
    """Decide on all at once: too early for the five in notice, and again when it is over."""
    *five, sixth = cases
    early = await _at_once(stage, "approver", "decide", five, data={"outcome": "approve"})
    stage.check(
        "decided before the notice is over, each is refused for itself",
        [each["problem"] and each["problem"]["code"] for each in early],
        ["notice-running"] * PLACES,
    )
    await move_clock(stage, f"{notice['items'][0]['decision_from']}T00:00:00+08:00")
    for case in five:
        await case_life.past_notice(stage.caller, "approver", case)
    items = [(each, {"outcome": "approve"}) for each in five] + [(sixth, {"outcome": "refuse"})]
    answers = await _batch(stage, "approver", "decide", items, note="集体研究决定（演示）。")
    stage.check(
        "in one bulk decision five are approved and the sixth is not, with an answer each",
        [[each["case"], each["state"]] for each in answers],
        [[each["id"], "decided"] for each in five] + [[sixth["id"], "refused"]],
    )
    total = 0
    for case in five:
        awarded = await case_life.until(
            stage.caller, "approver", case, lambda c: c["state"] == "awarded"
        )
        total += awarded["reservation"]["amount_fen"]
    stage.console.print(f"  五家核定 awarded to five: {yuan(total)}", highlight=False)
    stage.check(
        "finance has made five awards", total,
        sum(list(GROWN_WAN.values())[:PLACES]) * WAN_FEN // 20,
    )  # fmt: skip


async def _at_once(
    stage: Stage,
    role: str,
    event: str,
    cases: list[Case],
    *,
    data: dict[str, Any] | None = None,
    note: str = "",
) -> list[dict[str, Any]]:
    """Do the same to several cases in one batch."""
    return await _batch(stage, role, event, [(each, data or {}) for each in cases], note=note)


async def _batch(
    stage: Stage, role: str, event: str, items: list[tuple[Case, dict[str, Any]]], *, note: str
) -> list[dict[str, Any]]:
    """Do one event to many cases, follow the operation, and give its answers in their order."""
    sent: list[dict[str, Any]] = []
    for case, data in items:
        current = await stage.caller.get(role, f"/v1/policy/cases/{case['id']}")
        sent.append({"case": case["id"], "version": current["version"], "data": data})
    body = {"event": event, "note": note, "items": sent}
    begun = await stage.caller.post(role, "/v1/policy/case-batches", body)
    done = await follow(stage, role, begun["id"])
    return list(done["result"]["items"])


async def _do(stage: Stage, role: str, call: dict[str, Any], event: str) -> dict[str, Any]:
    """Move a call by one event, at the version it has now."""
    path = f"/v1/policy/calls/{call['id']}"
    current = await stage.caller.get(role, path)
    body = {"event": event, "version": current["version"]}
    moved: dict[str, Any] = await stage.caller.post(role, f"{path}/events", body)
    return moved
