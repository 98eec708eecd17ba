"""What an author of a plan asks of the command line: whether the files hold."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from services.policy.plan.actions.load_library import library, load_library
from services.policy.plan.actions.read_document import PlanInvalid
from services.policy.plan.rules import Library


def check_plans(console: Console, folder: Path | None) -> int:
    """Read the plans below a folder; 1 where one of them has a fault."""
    try:
        found = library() if folder is None else load_library(folder)
    except PlanInvalid as refusal:
        for fault in refusal.faults:
            console.print(escape(str(fault)), soft_wrap=True)
        console.print(f"{len(refusal.faults)} faults · {len(refusal.faults)}处错误")
        return 1
    for line in _summary(found):
        console.print(escape(line), soft_wrap=True)
    return 0


def _summary(found: Library) -> list[str]:
    lines: list[str] = []
    for plan in found.plans.values():
        measures = [each for each in found.measures if each.plan == plan]
        programmes = [each for each in found.programmes.values() if each.plan == plan]
        examples = sum(len(each.compiled.programme.examples) for each in programmes)
        lines.append(
            f"{plan.id} ({plan.version}): {len(measures)} measures, {len(programmes)} programmes,"
            f" {examples} examples hold"
        )
    return [*lines, f"{len(found.facts)} facts, {len(found.parameters)} parameters"]
