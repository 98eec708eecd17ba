"""Acts two to five and seven: from facts to money, once; the same again; beside its base."""

from datetime import datetime, timedelta
from typing import Any

from services.launch.city.cast import DEMO_FIRMS
from services.launch.story import case_life
from services.launch.story.case_life import yuan
from services.launch.story.stage import Stage

YEAR = 2025
PROGRAMME = "digital-growth"
CAP_FEN = 30_000_000
WAN_FEN = 1_000_000


async def pay_a_case(stage: Stage) -> dict[str, Any]:
    """Register the outside firm, state its facts, and take its case to payment."""
    stage.act("二、从事实到拨付", "from facts to payment")
    firm = DEMO_FIRMS["demo_firm"]
    caller = stage.caller
    await caller.post("registrar", "/v1/enterprise/firms", firm.body())
    statement = await _state_facts(stage, firm.uscc)
    case = await case_life.open_case(caller, "firm", firm.uscc, PROGRAMME, YEAR, after=statement)
    stage.check(
        "the case opens with an eligible assessment", case["assessment"]["outcome"], "eligible"
    )
    case = await case_life.review_and_propose(caller, "firm", "reviewer", case)
    stage.check(
        "finance reserved 245 full steps of 500 yuan",
        case["reservation"]["amount_fen"],
        245 * 50_000,
    )
    case = await case_life.decide(caller, "approver", case)
    payout = await case_life.pay(caller, [case], "慈演示拨〔2026〕1号")
    table = stage.table("企业", "项目", "金额", "资金文件", "状态")
    for line in payout["lines"]:
        table.add_row(
            firm.name, PROGRAMME, yuan(line["amount_fen"]), payout["document"], line["state"]
        )
    stage.console.print(table)
    stage.check("the payout is settled", payout["state"], "settled")
    return case


async def _state_facts(stage: Stage, uscc: str) -> str:
    """State what the registry must know: revenue of three years, the firm's kind and size."""
    for year, wan in ((2023, 8000), (2024, 10_000), (2025, 34_500)):
        await stage.caller.put(
            "registrar",
            f"/v1/enterprise/firms/{uscc}/indicators/{year}",
            {"facts": {"revenue_fen": wan * WAN_FEN}, "source": "企业年度报告（演示）"},
        )
    answer = await stage.caller.post(
        "registrar",
        f"/v1/enterprise/firms/{uscc}/facts",
        {
            "facts": {"is_digital_manufacturing": True, "is_above_scale": True},
            "valid_from": "2025-01-01",
            "source": "经信局认定（演示）",
        },
    )
    return str(answer["statement_id"])


async def apply_twice(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have two cases proposed: for the matter that was paid, and by a firm that Ningbo has paid."""
    stage.act("三、两件新申报", "two more applications")
    caller, uscc = stage.caller, stage.city.cast["topped_up"]
    paid_before = DEMO_FIRMS["demo_firm"].uscc
    again = await case_life.open_case(caller, "firm", paid_before, PROGRAMME, YEAR)
    again = await case_life.propose(caller, "firm", "reviewer", again)
    firm = await case_life.sign_up_firm(caller, uscc, "demo-topped-up")
    more = await case_life.open_case(caller, firm, uscc, PROGRAMME, YEAR)
    stage.check(
        "the programme's own amount is at its cap", more["assessment"]["amount_fen"], CAP_FEN
    )
    more = await case_life.propose(caller, firm, "reviewer", more)
    stage.check("both are proposed", [again["state"], more["state"]], ["proposed"] * 2)
    return again, more


async def refuse_the_same_again(stage: Stage, case: dict[str, Any]) -> None:
    """See finance refuse what was paid already, naming what was granted."""
    stage.act("四、同一事项再次申请", "the same matter again")
    case = await case_life.answered(stage.caller, "reviewer", case)
    stage.console.print(f"  {case['reservation']['reason']}", highlight=False)
    stage.check("finance refuses to pay the matter twice", case["reservation"]["state"], "refused")
    ended = await case_life.move(stage.caller, "approver", case, "decide", {"outcome": "refuse"})
    stage.check("the case ends refused", ended["state"], "refused")


async def top_up(stage: Stage, case: dict[str, Any]) -> None:
    """Pay only the difference to a firm at the cap whose matter Ningbo has already paid."""
    stage.act("五、从高、不重复：补差", "the higher amount once: the difference is paid")
    caller = stage.caller
    case = await case_life.answered(caller, "reviewer", case)
    stage.console.print(f"  {case['reservation']['reason']}", highlight=False)
    stage.check(
        "Ningbo paid 100,000 yuan, so 200,000 are reserved",
        case["reservation"]["amount_fen"],
        20_000_000,
    )
    case = await case_life.decide(caller, "approver", case)
    await case_life.pay(caller, [case], "慈演示拨〔2026〕2号")


async def pay_beside_its_base(stage: Stage) -> None:
    """Pay a match beside the award it matches, at the ratio that two people have set."""
    stage.act("七、配套与其基数并行", "a match is paid beside its base")
    caller, uscc = stage.caller, stage.city.cast["match"]
    base = await _base(stage, uscc)
    firm = await case_life.sign_up_firm(caller, uscc, "demo-match")
    case = await case_life.open_case(caller, firm, uscc, "rd-matching", YEAR)
    case = await case_life.review_and_propose(caller, firm, "reviewer", case)
    case = await case_life.until(caller, "reviewer", case, lambda c: c["state"] == "in-notice")
    await _pass_notice(stage)
    await case_life.past_notice(caller, "approver", case)
    case = await case_life.decide(caller, "approver", case)
    await case_life.pay(caller, [case], "慈演示拨〔2026〕3号")
    table = stage.table("层级 level", "项目 programme", "金额 amount")
    table.add_row("宁波 ningbo", "研发投入后补助", yuan(base))
    table.add_row(
        "慈溪 cixi", "rd-matching（演示比例50%）", yuan(case["reservation"]["amount_fen"])
    )
    stage.console.print(table)
    stage.check(
        "the match is half of its base, not reduced by it",
        case["reservation"]["amount_fen"],
        base // 2,
    )


async def _base(stage: Stage, uscc: str) -> int:
    aid = await stage.caller.get("auditor", "/v1/finance/aid", beneficiary=uscc)
    return next(int(a["amount_fen"]) for a in aid["items"] if a["level"] == "ningbo")


async def _pass_notice(stage: Stage) -> None:
    """Move the demonstration's clock past the last day of the notice."""
    clock = await stage.caller.get("admin", "/v1/demo/clock")
    later = datetime.fromisoformat(clock["now"]) + timedelta(days=14)
    await stage.caller.post("admin", "/v1/demo/clock", {"now": later.isoformat()})
    stage.console.print(
        f"  业务时钟移至 the business clock moves to {later:%Y-%m-%d}", highlight=False
    )
