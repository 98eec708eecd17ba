"""What else is wrong with a programme whose shape has a fault: its author is told all at once.

What was refused is left out of a copy, and the rest is read again. Where that cannot be, since
other parts name what is wrong, only what was found first is told.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from services.rulebook import Issue, RuleError

CONDITIONS = "eligibility"
# What a condition must have, so that the others can be read.
FILLED = {"id": "unnamed-{}", "says": "—"}
TITLES = {"id": "unnamed", "title": "—"}
# Expressions name what these declare: without them, every name would be told as a fault.
NAMED_BY_OTHERS = ("parameters", "score")
ROUNDS_MAX = 6


def faults_beside(
    data: Mapping[str, Any], error: RuleError, compile_: Callable[[Mapping[str, Any]], None]
) -> list[Issue]:
    """Read a copy without what was refused; give the faults that were not told yet."""
    rest, issues = deepcopy(dict(data)), error.issues
    touched = [issue.pointer for issue in issues]
    found: list[Issue] = []
    for _ in range(ROUNDS_MAX):
        mended = [_mend(rest, issue) for issue in issues]
        if not all(mended):
            break
        try:
            compile_(rest)
        except RuleError as following:
            issues = following.issues
            # What follows from our own leaving out is no fault of the author's.
            found += [each for each in issues if not _is_within(each.pointer, touched)]
            touched += [each.pointer for each in issues]
        else:
            break
    return found


def _is_within(pointer: str, touched: Iterable[str]) -> bool:
    return any(each == pointer or each.startswith(f"{pointer}/") for each in touched)


def _mend(data: dict[str, Any], issue: Issue) -> bool:
    """Leave out what an issue points to, or put something in its place, if that can be."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in issue.pointer.split("/")[1:]]
    if not steps:
        return False
    if issue.code == "unknown-key":
        return _remove(data, steps)
    if steps[0] == CONDITIONS:
        return _mend_condition(data, steps[1:])
    if steps[0] in TITLES:
        data[steps[0]] = TITLES[steps[0]]
        return True
    return steps[0] not in NAMED_BY_OTHERS and data.pop(steps[0], ...) is not ...


def _mend_condition(data: dict[str, Any], steps: list[str]) -> bool:
    conditions = data.get(CONDITIONS)
    if not steps or not isinstance(conditions, list):
        return False
    index = int(steps[0])
    if not isinstance(conditions[index], dict):
        conditions[index] = {}
    condition: dict[str, Any] = conditions[index]
    key = steps[1] if len(steps) > 1 else "when"
    if key in FILLED:
        condition[key] = FILLED[key].format(index)
    elif key in ("when", "manual"):
        condition.pop("when", None)
        condition["manual"] = True
    else:
        condition.pop(key, None)
    return True


def _remove(data: dict[str, Any], steps: list[str]) -> bool:
    part: Any = data
    for step in steps[:-1]:
        part = part[int(step)] if isinstance(part, list) else part[step]
    return isinstance(part, dict) and part.pop(steps[-1], ...) is not ...
