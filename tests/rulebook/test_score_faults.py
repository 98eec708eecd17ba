"""Scoring tables, pass lines and classes that the language refuses."""

from typing import Any

import pytest

from services.rulebook import RuleError
from tests.rulebook.test_scores import SIZE_CLASS, answer, bands, compiled


def _part(**changed: Any) -> dict[str, Any]:
    part = {"id": "p", "says": "得分", "max": 10, "of": "staff_count", "bands": bands("5: 10", 0)}
    return {**part, **changed}


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no way": (_part(of=None, bands=[]), "/score/parts/0", "missing-key"),
    "two ways": (_part(points="staff_count"), "/score/parts/0", "missing-key"),
    "bands without of": (_part(of=None), "/score/parts/0", "missing-key"),
    "ascending": (
        _part(bands=bands("5: 5", "6: 6", 0)), "/score/parts/0/bands/1", "bad-value",
    ),
    "the same bound twice": (
        _part(bands=bands("5: 5", "5: 4", 0)), "/score/parts/0/bands/1", "bad-value",
    ),
    "no otherwise": (
        _part(bands=[{"at_least": 5, "points": 5}]), "/score/parts/0/bands/0", "bad-value",
    ),
    "points beyond the cap": (
        _part(bands=bands("5: 11", 0)), "/score/parts/0/bands/0/points", "bad-value",
    ),
    "a range upside down": (
        _part(bands=bands("5: 9-8", 0)), "/score/parts/0/bands/0", "bad-value",
    ),
    "a bound that is not exact": (
        _part(bands=[{"at_least": "0.35", "points": 5}, {"otherwise": 0}]),
        "/score/parts/0/bands/0/at_least", "bad-value",
    ),
    "two bounds in one row": (
        _part(bands=[{"at_least": 5, "above": 5, "points": 5}, {"otherwise": 0}]),
        "/score/parts/0/bands/0", "missing-key",
    ),
    "an unknown key": (_part(cap=5), "/score/parts/0/cap", "unknown-key"),
    "an item above its part": (
        _part(of=None, bands=[], items=[_part(id="i", max=11)]),
        "/score/parts/0/items/0/max", "bad-value",
    ),
    "items that never reach the cap": (
        _part(of=None, bands=[], items=[_part(id="i", max=9, bands=bands("5: 9", 0))]),
        "/score/parts/0/max", "bad-value",
    ),
    "the same item twice": (
        _part(of=None, bands=[], items=[_part(id="i"), _part(id="i")]),
        "/score/parts/0/items/1/id", "duplicate",
    ),
    "an unknown fact": (_part(of="staf_count"), "/score/parts/0/of", "unknown-fact"),
    "judged by no fact": (
        _part(of=None, bands=[], judged="nobody"), "/score/parts/0/judged", "unknown-fact",
    ),
    "the name of a fact": (_part(id="staff-count"), "/score/parts/0/id", "duplicate"),
    "the name of the total": (_part(id="score"), "/score/parts/0/id", "duplicate"),
    "points that never differ": (
        _part(of=None, bands=[], points=5), "/score/parts/0/points", "constant-condition",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "pointer", "code"), FAULTS.values(), ids=list(FAULTS))
def test_a_table_with_a_fault_does_not_load(part: dict[str, Any], pointer: str, code: str) -> None:
    data = {**SIZE_CLASS, "score": {"says": "得分", "parts": [part]}}
    with pytest.raises(RuleError) as caught:
        compiled(data)
    assert [(issue.pointer, issue.code) for issue in caught.value.issues] == [(pointer, code)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("score > 70 AND nobody > 0", "unknown-fact"),
        ("score", "type-mismatch"),
        ("5 > 4", "constant-condition"),
        ("TRUE", "constant-condition"),
    ],
)
def test_a_pass_line_is_a_condition_over_points(line: str, code: str) -> None:
    data = {**SIZE_CLASS, "score": {"says": "得分", "pass": line, "parts": [_part()]}}
    with pytest.raises(RuleError) as caught:
        compiled(data)
    assert [(i.pointer, i.code) for i in caught.value.issues] == [("/score/pass", code)]


def test_the_pass_line_has_an_id_of_its_own() -> None:
    taken = {"says": "得分", "id": "staffed", "pass": "p >= 5", "parts": [_part()]}
    with pytest.raises(RuleError) as caught:
        compiled({**SIZE_CLASS, "score": taken})
    assert [(i.pointer, i.code) for i in caught.value.issues] == [("/score/id", "duplicate")]
    told = answer({**SIZE_CLASS, "score": {**taken, "id": "line"}}, staff_count=5)
    assert told["conditions"][-1]["id"] == "line"
    assert told["conditions"][-1]["facts"] == {"staff_count": 5}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("staff_count > 5", "type-mismatch"),
        ("'large'", "constant-condition"),
        ("CASE WHEN staff_count > 5 THEN 'large' END", "bad-argument"),
    ],
)
def test_a_class_is_a_text_or_a_number(text: str, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        compiled({**SIZE_CLASS, "classes": {"size": text}})
    assert [(i.pointer, i.code) for i in caught.value.issues] == [("/classes/size", code)]
