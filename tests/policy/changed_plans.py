"""The plans with texts replaced in them, loaded as a release of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path

from services.policy.plan.actions.load_library import PLANS, load_library
from services.policy.plan.rules import Library

PLAN = "cixi-industry-2025/plan.yaml"
CLAUSE = "cixi-industry-2025/measures/clause-1-1.yaml"
CLEARED = {
    "legality_review: null": "legality_review: 合法性审核意见书（示例）",
    "collective_decision: null": "collective_decision: 常务会议纪要（示例）",
    "drafted_by: null": "drafted_by: 示例局",
    "market_opinion: null": "market_opinion: 无不同意见（示例）",
    "finding: null": "finding: no-restriction",
}
Changed = Callable[..., Library]


def load_changed(folder: Path, file: str = "", replaced: dict[str, str] | None = None) -> Library:
    """Load the plans with texts replaced in one file; the industry plan is cleared first."""
    for plan in PLANS.iterdir():
        if (plan / "plan.yaml").is_file():
            shutil.copytree(plan, folder / plan.name)
    for name, pairs in ((PLAN, CLEARED), (file, replaced or {})):
        for old, new in pairs.items():
            text = (folder / name).read_text("utf-8")
            assert old in text
            (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return load_library(folder)


def other_examples() -> dict[str, str]:
    """Replace the examples of the clause by one that any rule satisfies."""
    text = (PLANS / CLAUSE).read_text("utf-8")
    return {
        text[text.index("    examples:\n") :]: (
            "    examples:\n      - name: 没有事实，不作判定\n        day: 2026-11-23\n"
            "        given: {}\n        expect: {outcome: unknown}\n"
        )
    }
