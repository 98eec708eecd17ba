"""What a case is filled with on plain values: provisional facts compared, grounds, claims."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.enterprise.contract.events import FirmChanged, Ground, HeldRecognition
from services.kernel.errors import Conflict, Forbidden, Invalid, Refusal
from services.kernel.ids import new_id
from services.policy.cases.rules import CaseState
from services.policy.fact_objections.rules import (
    OBJECTED_IN,
    FactObjectionEvent,
    FactObjectionState,
    checked_claim,
    contested,
    require_another_value,
    require_held,
    require_open,
    require_open_case,
    require_whose,
)
from services.policy.firms.rules import KnownFirm, ListEntry, asked_of, stale_of
from services.policy.office import Renewal, load_office
from services.policy.plan.actions.load_library import library
from services.policy.prefill.rules import (
    COMPARED,
    UNDECIDED,
    UNFROZEN,
    Check,
    CheckOutcome,
    grounds_of,
    provisional_in,
    require_renewable,
    settled,
    split_name,
    value_in,
)

ON = date(2026, 11, 23)
FACTS: dict[str, Any] = {"revenue_fen": {"2024": 5, "2025": 0}, "is_listed": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revenue_fen:2024", 5), ("revenue_fen:2025", 0), ("revenue_fen:2023", None),
        ("revenue_fen", None), ("is_listed", False), ("is_listed:2025", None), ("staff", None),
    ],
)  # fmt: skip
def test_zero_and_false_are_values_and_absent_is_none(name: str, value: Any) -> None:
    found = value_in(FACTS, name)
    assert found == value
    assert type(found) is type(value)


def test_a_name_has_a_year_or_none() -> None:
    assert split_name("revenue_fen:2025") == ("revenue_fen", 2025)
    assert split_name("is_listed") == ("is_listed", None)


def test_only_what_the_owner_has_spoken_on_is_compared() -> None:
    provisional = ["is_listed", "revenue_fen:2024", "revenue_fen:2025"]
    now = {"revenue_fen": {"2024": 5, "2025": 1}, "is_listed": True}
    assert settled(provisional, provisional, FACTS, now) == []
    found = settled(provisional, ["is_listed"], FACTS, now)
    assert found == [Check("revenue_fen:2024", 5, 5), Check("revenue_fen:2025", 0, 1)]
    assert [each.outcome for each in found] == [CheckOutcome.CONFIRMED, CheckOutcome.CHANGED]
    (gone,) = settled(["is_listed"], [], FACTS, {})
    assert (gone.declared, gone.stated, gone.outcome) == (False, None, CheckOutcome.CHANGED)


def test_every_state_is_before_in_or_after_the_proposal_or_ended() -> None:
    ended = {CaseState.WITHDRAWN, CaseState.REFUSED, CaseState.REVOKED}
    assert set(COMPARED) | ended == set(CaseState)
    assert not UNFROZEN & UNDECIDED
    assert OBJECTED_IN == UNFROZEN | UNDECIDED


def test_what_is_provisional_is_the_firms_word_and_what_a_register_owes() -> None:
    situation = {"declared": ["revenue_fen:2025"], "stale": {"is_listed": "2026-07-02"}}
    assert provisional_in(situation) == ["is_listed", "revenue_fen:2025"]
    assert provisional_in({"declared": []}) == []


@pytest.mark.parametrize(
    ("fact", "department", "days", "since"),
    [
        ("is_listed", "jrb", 30, None), ("is_listed", "jrb", 29, ON),
        ("is_listed", "jrb", 28, date(2026, 11, 22)),
        # Nobody owes a firm's own word, nor a fact that no register promises.
        ("is_listed", None, 1, None), ("is_above_scale", "tjj", 1, None),
    ],
)  # fmt: skip
def test_a_register_owes_a_statement_after_the_days_that_it_promised(
    fact: str, department: str | None, days: int, since: date | None
) -> None:
    ground = Ground(
        statement_id=new_id(), department=department, source=None, facts=[fact],
        # In the city it is the 24th of October already.
        recorded_at=datetime(2026, 10, 23, 17, tzinfo=UTC),
    )  # fmt: skip
    found = stale_of([fact], [ground], {"is_listed": days}, ON)
    assert found == ({} if since is None else {fact: since})
    assert stale_of([], [ground], {"is_listed": days}, ON) == {}


def test_only_facts_as_of_a_day_are_renewed() -> None:
    require_renewable(load_office().renewals, library().facts)
    for wrong in ("revenue_fen", "no_such_fact"):
        with pytest.raises(ValueError, match=wrong):
            require_renewable([wrong], library().facts)


def test_a_promise_to_renew_has_a_source() -> None:
    with pytest.raises(ValidationError, match="source"):
        Renewal(days=30)


def known(**parts: Any) -> KnownFirm:
    head = {"version": 1, "uscc": "a", "name": "b", "statement_id": new_id()}
    state = FirmChanged.model_validate({**head, "recorded_at": datetime.now(UTC), **parts})
    return KnownFirm(state, (), tuple(state.grounds))


def test_what_a_rule_looks_at_is_named_with_its_ground() -> None:
    compiled = library().programmes["digital-growth"].compiled
    assert asked_of(compiled, 2025) == [
        "is_above_scale", "is_digital_manufacturing", "revenue_fen:2023", "revenue_fen:2024",
        "revenue_fen:2025",
    ]  # fmt: skip
    ground = Ground(
        statement_id=new_id(), department="jxj", source="年报", recorded_at=datetime.now(UTC),
        facts=["revenue_fen:2025", "staff_count:2025"],
    )  # fmt: skip
    found = grounds_of(compiled, known(grounds=[ground]), 2025, ON)
    assert list(found) == ["revenue_fen:2025"]
    assert (found["revenue_fen:2025"]["source"], found["revenue_fen:2025"]["department"]) == (
        "年报", "jxj",
    )  # fmt: skip


def test_a_list_is_told_by_its_version_and_a_title_by_its_paper() -> None:
    compiled = library().programmes["rd-matching"].compiled
    entry = ListEntry(
        "ningbo-rd-post-subsidy", new_id(), date(2026, 1, 1), datetime.now(UTC), complete=True,
        is_member=False, valid_to=date(2026, 12, 31), document="甬科〔2026〕1号", department="kjj",
    )  # fmt: skip
    later = ListEntry(
        "ningbo-rd-post-subsidy", new_id(), date(2026, 6, 1), datetime.now(UTC), complete=False,
        is_member=False,
    )  # fmt: skip
    firm = KnownFirm(known().state, (entry, later))
    found = grounds_of(compiled, firm, 2025, ON)["list/ningbo-rd-post-subsidy"]
    assert found["valid_from"] == "2026-06-01"
    firm = KnownFirm(known().state, (replace(entry, is_member=True), later))
    found = grounds_of(compiled, firm, 2025, ON)["list/ningbo-rd-post-subsidy"]
    assert (found["source"], found["valid_to"]) == ("甬科〔2026〕1号", "2026-12-31")

    asks = next(
        each
        for each in library().programmes.values()
        if "holds('little-giant')" in str(each.compiled.programme.eligibility)
    )
    held = HeldRecognition(
        recognition="little-giant", valid_from=date(2025, 1, 1), issuer="工信部",
        document="工信部〔2025〕1号",
    )  # fmt: skip
    found = grounds_of(asks.compiled, known(recognitions=[held]), 2025, ON)
    assert found["recognition/little-giant"]["source"] == "工信部 工信部〔2025〕1号"
    revoked = held.model_copy(update={"revoked_on": ON})
    assert grounds_of(asks.compiled, known(recognitions=[revoked]), 2025, ON) == {}


@pytest.mark.parametrize(
    ("fact", "says", "is_right"),
    [
        ("revenue_fen", 0, True), ("revenue_fen", -1, False), ("revenue_fen", True, False),
        ("revenue_fen", 10**15, True), ("revenue_fen", 10**15 + 1, False),
        ("revenue_fen", "1", False), ("revenue_fen", None, True),
        ("is_listed", False, True), ("is_listed", 0, False),
        ("per_mu_class", "A", True), ("per_mu_class", "E", False),
    ],
)  # fmt: skip
def test_a_claim_fits_its_fact(fact: str, says: Any, is_right: bool) -> None:  # noqa: FBT001
    entry = library().facts[fact]
    if is_right:
        assert checked_claim(entry, says) == says
        return
    with pytest.raises(Invalid):
        checked_claim(entry, says)


def refusal(check: Any, *args: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        check(*args)
    return refused.value


def test_contested_facts_are_named_in_the_reader_s_language() -> None:
    said = contested([("营业收入 revenue_fen（2025年）", "Revenue revenue_fen (2025)")])
    assert "营业收入" in said.zh
    assert "Revenue revenue_fen (2025)" in said.en
    assert said.en.isascii()


def test_only_what_is_held_and_asked_is_objected_to() -> None:
    require_held("is_listed", False, ["is_listed"])  # noqa: FBT003  false is held
    assert refusal(require_held, "is_listed", 1, []).code == "fact-not-of-this-case"
    near = refusal(require_held, "revenu_fen", 1, ["revenue_fen:2025", "is_listed"])
    assert "是否指revenue_fen（2025年）" in near.zh
    assert "did you mean revenue_fen (2025)" in near.en
    assert "revenu_fen" not in near.zh + near.en
    assert refusal(require_held, "is_listed", None, ["is_listed"]).code == "fact-not-held"
    assert refusal(require_another_value, 5, 5).code == "fact-same"
    require_another_value(None, 5)


@pytest.mark.parametrize("state", list(CaseState))
def test_facts_are_objected_to_until_the_decision(state: CaseState) -> None:
    if state in OBJECTED_IN:
        require_open_case(state)
    else:
        assert isinstance(refusal(require_open_case, state), Conflict)


def test_each_event_of_an_objection_has_its_owner_and_happens_once() -> None:
    require_whose(FactObjectionEvent.UPHOLD, ["registrar"])
    require_whose(FactObjectionEvent.WITHDRAW, ["institution"])
    for event, role in (("uphold", "firm"), ("dismiss", "reviewer"), ("withdraw", "registrar")):
        found = refusal(require_whose, FactObjectionEvent(event), [role])
        assert isinstance(found, Forbidden)
    require_open(FactObjectionState.OPEN)
    for state in set(FactObjectionState) - {FactObjectionState.OPEN}:
        assert refusal(require_open, state).code == "objection-closed"
