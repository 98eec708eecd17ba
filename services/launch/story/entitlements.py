"""Act one: what firms are entitled to, and why."""

from typing import Any

from services.launch.city.model import City
from services.launch.story.case_life import yuan
from services.launch.story.stage import Stage

ON = "2026-11-23"
OUTCOMES = {
    "eligible": "符合 eligible",
    "ineligible": "不符合 ineligible",
    "unknown": "未知 unknown",
}
MARKS = {"true": "[green]是[/green]", "false": "[red]否[/red]", "unknown": "[yellow]未知[/yellow]"}


async def show_entitlements(stage: Stage) -> None:
    """Show four firms: an amount, a pending parameter, a boundary missed, a missing fact."""
    stage.act("一、应享政策与理由", "entitlements with their reasons")
    for role, programme, outcome, status in (
        ("eligible", "digital-growth", "eligible", "set"),
        ("pending", "large-strong", "eligible", "pending-parameter"),
        ("boundary", "digital-growth", "ineligible", "set"),
        ("unknown", "digital-growth", "unknown", "unknown-fact"),
    ):
        uscc = stage.city.cast[role]
        answer = await stage.caller.get("auditor", f"/v1/policy/firms/{uscc}/entitlements", on=ON)
        assessment = next(p for p in answer["programmes"] if p["programme"] == programme)
        _show(stage, _name(stage.city, uscc), assessment)
        stage.check(f"{role}: {programme} is {outcome}", assessment["outcome"], outcome)
        stage.check(f"{role}: its amount is {status}", assessment["amount_status"], status)
    missing = [(m["fact"], m["year"]) for m in assessment["missing"] if m["owner"]]
    stage.check(
        "unknown: names the missing fact, its year and its owner",
        missing,
        [("revenue_fen", 2024)],
    )


def _show(stage: Stage, name: str, assessment: dict[str, Any]) -> None:
    amount = yuan(assessment["amount_fen"])
    pending = (
        "（政策未定金额 amount not set by the plan）"
        if assessment["amount_status"] == "pending-parameter"
        else ""
    )
    outcome = OUTCOMES[assessment["outcome"]]
    heading = f"[bold]{name}[/bold] · {assessment['programme']} · {outcome} · {amount}{pending}"
    stage.console.print(heading)
    table = stage.table("条件 condition", "结果", "所用事实 facts", "依据 source")
    for condition in assessment["conditions"]:
        facts = "；".join(f"{k}={v}" for k, v in condition["facts"].items())
        table.add_row(condition["says"], MARKS[condition["outcome"]], facts, condition["source"])
    stage.console.print(table)
    for gap in assessment["missing"]:
        stage.console.print(f"  缺少 missing: {gap['fact']} {gap['year'] or ''} ← {gap['owner']}")


def _name(city: City, uscc: str) -> str:
    return next(f.name for f in city.firms if f.uscc == uscc)
