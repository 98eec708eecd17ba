"""When a case takes files, on plain values: every state, for applicants and for officers."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from services.kernel.actors import Actor
from services.kernel.errors import Refusal
from services.policy.cases.rules import FINISHED, CaseState
from services.policy.evidence.rules import (
    FILES_MAX,
    EvidenceState,
    Material,
    require_material,
    require_office,
    require_open,
    require_room,
    require_scanned,
    require_withdrawable,
    state_of,
    status_of,
)

UPLOADED, SCANNED, WITHDRAWN = EvidenceState


def refused(code: str | None) -> AbstractContextManager[Any]:
    return nullcontext() if code is None else pytest.raises(Refusal, check=lambda e: e.code == code)


@pytest.mark.parametrize("state", CaseState)
def test_applicants_add_in_two_states_only(state: CaseState) -> None:
    is_open = state in (CaseState.DRAFT, CaseState.RETURNED)
    with refused(None if is_open else "evidence-closed"):
        require_open(state, is_internal=False)


@pytest.mark.parametrize("state", CaseState)
def test_officers_add_once_it_was_handed_in(state: CaseState) -> None:
    with refused("evidence-closed" if state is CaseState.DRAFT else None):
        require_open(state, is_internal=True)


@pytest.mark.parametrize("state", CaseState)
def test_an_internal_paper_stays_with_a_finished_case(state: CaseState) -> None:
    is_shut = state in FINISHED or state is CaseState.DRAFT
    with refused("evidence-closed" if is_shut else None):
        require_withdrawable(SCANNED, state, is_internal=True, is_own=True)


@pytest.mark.parametrize(
    ("state", "is_own", "code"),
    [
        (UPLOADED, True, None),
        (SCANNED, True, None),
        (WITHDRAWN, True, "evidence-withdrawn"),
        (SCANNED, False, "not-your-evidence"),
    ],
)
def test_who_added_a_paper_withdraws_it_once(
    state: EvidenceState, code: str | None, *, is_own: bool
) -> None:
    with refused(code):
        require_withdrawable(state, CaseState.IN_REVIEW, is_internal=True, is_own=is_own)


@pytest.mark.parametrize(
    ("roles", "code"),
    [({"reviewer"}, None), ({"approver"}, None), ({"treasurer", "firm"}, "not-your-case")],
)
def test_who_adds_internal_papers(roles: set[str], code: str | None) -> None:
    with refused(code):
        require_office(Actor("x", "x", frozenset(roles)))


@pytest.mark.parametrize(("files", "code"), [(FILES_MAX - 1, None), (FILES_MAX, "evidence-full")])
def test_the_room_of_a_case(files: int, code: str | None) -> None:
    with refused(code):
        require_room(files)


@pytest.mark.parametrize(
    ("reached", "code"),
    [
        ({UPLOADED}, "evidence-not-scanned"),
        ({UPLOADED, SCANNED}, None),
        ({UPLOADED, SCANNED, WITHDRAWN}, None),
        ({UPLOADED, WITHDRAWN}, "evidence-not-scanned"),
    ],
)
def test_only_what_was_scanned_is_given_out(reached: set[str], code: str | None) -> None:
    with refused(code):
        require_scanned(reached)


def test_the_last_state_reached_is_the_state() -> None:
    assert state_of({UPLOADED}) is UPLOADED
    assert state_of({UPLOADED, SCANNED}) is SCANNED
    assert state_of({UPLOADED, WITHDRAWN}) is WITHDRAWN


def test_a_material_is_held_uploaded_or_missing() -> None:
    asked, held = Material("a", "甲", "A", (), held=False), Material("b", "乙", "B", (), held=True)
    assert status_of(asked, ()) == "missing"
    assert status_of(asked, ("a",)) == "uploaded"
    assert status_of(held, ("b",)) == status_of(held, ()) == "held"
    require_material(None, ())
    require_material("a", (asked, held))
    with refused("material-unknown"):
        require_material("c", (asked, held))
