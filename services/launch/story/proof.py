"""The last acts: the decision recomputed, the ledger's sum, the audit chain, the end state."""

from typing import Any

from services.kernel.sealer import verify_chain
from services.launch.registry import SERVICES
from services.launch.story.end_state import FILE_NAME, SHOWN_CHARS, read_end_state
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage


async def replay_decision(stage: Stage, case: dict[str, Any]) -> None:
    """Recompute a decision from its frozen situation."""
    stage.act("八、决定可复算", "a decision replayed")
    report = await stage.caller.get("auditor", f"/v1/policy/cases/{case['id']}/replay")
    stage.console.print(
        f"  situation {report['situation_sha256']}\n  assessment {report['assessment_sha256']}",
        highlight=False,
    )
    sentence = "the recomputed assessment equals the frozen one byte for byte"
    stage.check_holds(sentence, report["same"])


async def check_ledger(stage: Stage) -> None:
    """Every transfer has two sides, so the sum over all accounts is zero."""
    stage.act("九、账本平衡", "the ledger's sum")
    report = await stage.caller.get("auditor", "/v1/finance/ledger/check")
    table = stage.table("账户 accounts", "划转 transfers", "合计 sum", "不符 breaches")
    table.add_row(
        str(report["accounts"]),
        str(report["transfers"]),
        f"{report['sum_fen']} 分",
        str(len(report["breaches"])),
    )
    stage.console.print(table)
    stage.check("the sum over all accounts is 0", report["sum_fen"], 0)
    stage.check("every balance equals its transfers", report["breaches"], [])


async def check_audit(stage: Stage) -> None:
    """Recompute every service's audit chain, as `liangxin audit verify` does."""
    stage.act("十、审计链核验", "the audit chains")
    table = stage.table("服务 service", "已封存 sealed", "结果 result")
    for name in SERVICES:
        report = await verify_chain(
            name,
            stage.settings.service_url(name),
            stage.settings.audit_key,
            stage.settings.data / "checkpoints",
        )
        table.add_row(name, str(report.sealed), "完整 holds" if report.holds else str(report.fault))
        stage.check_holds(f"{name}: the chain holds", report.holds)
    stage.console.print(table)


async def show_end_state(stage: Stage) -> None:
    """Show what the story leaves behind; its digest is the same however the platform is run."""
    stage.act("十一、终态", "the end state")
    await until_quiet(stage.settings)
    state = await read_end_state(stage.caller, stage.settings)
    state.write(stage.settings.data / FILE_NAME)
    table = stage.table("内容 section", "行 rows", "sha256")
    for name, rows in state.sections.items():
        table.add_row(name, str(len(rows)), state.section_sha256(name)[:SHOWN_CHARS])
    stage.console.print(table)
    stage.check(
        "policy knows every firm and list as enterprise states it",
        state.sections["firms as heard"],
        state.sections["firms as stated"],
    )
    stage.console.print(f"  终态 end state {state.sha256}", highlight=False)
