"""What the digest of the end state leaves out, and what it does not."""

from typing import Any

from services.launch.story.end_state import _digest, _plain


def _state(**title: Any) -> dict[str, Any]:
    held = {"id": "1", "recognition": "gazelle-star", "valid_to": None, **title}
    return {"name": "甲", "version": 1, "recognitions": [held]}


def test_ids_and_versions_do_not_tell_runs_apart() -> None:
    assert _digest(_plain(_state())) == _digest(_plain({**_state(id="2"), "version": 3}))


def test_another_title_or_day_does() -> None:
    known = _digest(_plain(_state()))
    assert _digest(_plain(_state(valid_to="2027-01-31"))) != known
    assert _digest(_plain(_state(recognition="tech-sme"))) != known
    assert _digest(_plain({**_state(), "recognitions": []})) != known
