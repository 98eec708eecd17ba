"""A few measures of the plans with texts replaced in them, loaded as a release of their own."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import yaml

from services.policy.plan.actions.load_library import PLANS, load_library
from services.policy.plan.rules import Library

MAIN = "cixi-2025-2027"
PLAN = "cixi-industry-2025/plan.yaml"
CLAUSE = "cixi-industry-2025/measures/clause-1-1.yaml"
KEPT = ("m09", "m27")
CLEARED = {
    "legality_review: null": "legality_review: 合法性审核意见书（示例）",
    "collective_decision: null": "collective_decision: 常务会议纪要（示例）",
    "drafted_by: null": "drafted_by: 示例局",
    "market_opinion: null": "market_opinion: 无不同意见（示例）",
    "finding: null": "finding: no-restriction",
}
Changed = Callable[..., Library]


def copy_plans(folder: Path) -> None:
    """Copy the plans with two measures of the action plan: a fault is found in few as in many."""
    for plan in PLANS.iterdir():
        if (plan / "plan.yaml").is_file():
            shutil.copytree(plan, folder / plan.name)
    for measure in (folder / MAIN / "measures").iterdir():
        if measure.stem not in KEPT:
            measure.unlink()
    _keep_parameters(folder / MAIN / "parameters.yaml", _programmes(folder))


def load_changed(folder: Path, file: str = "", replaced: dict[str, str] | None = None) -> Library:
    """Load the copy with texts replaced in one file; the industry plan is cleared first."""
    copy_plans(folder)
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


def _programmes(folder: Path) -> set[str]:
    files = [yaml.safe_load(path.read_text("utf-8")) for path in folder.glob("*/measures/*.yaml")]
    return {programme["id"] for file in files for programme in file["programmes"]}


def _keep_parameters(path: Path, programmes: set[str]) -> None:
    """Leave the numbers of the programmes that were kept, and those of no programme."""
    kept: list[str] = []
    is_kept = True
    for line in path.read_text("utf-8").splitlines(keepends=True):
        named = re.match(r" {2,4}([a-z0-9-]+)(\.[a-z0-9_]+)?: ?", line)
        if named and (named[2] or re.match(r"  [a-z]", line)):
            is_kept = named[2] is None or named[1] in programmes
        elif re.match(r"[a-z]", line):
            is_kept = True
        if is_kept:
            kept.append(line)
    path.write_text("".join(kept), "utf-8")
