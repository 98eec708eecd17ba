"""Where an applicant stands, in short: agreed with the whole answer on every example."""

from datetime import date
from typing import Any

import pytest

from services.rulebook import Vocabulary, compile_programme, load_programme, read_situation
from services.rulebook.standing import Standing, standing_of
from services.rulebook.vocabulary import Fact

FACTS = Vocabulary(
    [
        Fact("revenue_fen", "year", "int", owner="税务局"),
        Fact("staff_count", "year", "int", owner="人社局"),
        Fact("is_listed", "day", "bool", owner="金融办"),
    ]
)
RULE: dict[str, Any] = {
    "id": "growth", "title": "增长", "parameters": {"rate_bp": {"unit": "bp"}},
    "eligibility": [
        {"id": "revenue", "says": "营收", "when": "revenue_fen >= 1000"},
        {"id": "staff", "says": "职工", "when": "staff_count >= 10"},
        {"id": "listed", "says": "上市", "when": "is_listed"},
    ],
    "amount": "revenue_fen * :rate_bp / 10000",
}  # fmt: skip


def stands(rate_bp: int | None = 5000, **facts: Any) -> Standing | None:
    compiled = compile_programme(load_programme(RULE), FACTS)
    situation = read_situation(on=date(2026, 11, 23), facts=facts, vocabulary=FACTS)
    values = {"rate_bp": rate_bp}
    standing = standing_of(compiled, situation, compiled.decide(situation, values), values)
    whole = compiled.assess(situation, values)
    if standing is not None and standing.kind != "near":
        assert (standing.amount_fen, standing.amount_status) == (
            whole.amount_fen, whole.amount_status,
        )  # fmt: skip
        assert standing.missing == whole.missing
    if standing is not None and standing.kind == "near":
        assert standing.near == whole.near
    return standing


def test_entitled_with_an_amount_or_pending_or_without_the_fact() -> None:
    known = {"staff_count": 10, "is_listed": True}
    assert stands(revenue_fen=1001, **known) == Standing("entitled", 500, "set")
    pending = stands(None, revenue_fen=1001, **known)
    assert pending == Standing("entitled", None, "pending-parameter")


def test_a_near_miss_is_worth_what_it_would_pay_at_the_threshold() -> None:
    near = stands(revenue_fen=950, staff_count=10, is_listed=True)
    assert near is not None
    assert (near.kind, near.amount_fen, near.amount_status) == ("near", 500, "set")
    assert [each["lacking"] for each in near.near] == [50]
    both = stands(revenue_fen=999, staff_count=9, is_listed=True)
    assert both is not None
    assert [each["condition"] for each in both.near] == ["revenue", "staff"]


@pytest.mark.parametrize(
    "facts",
    [
        # One fails by far, one is no matter of more or less, one is not known.
        {"revenue_fen": 950, "staff_count": 1, "is_listed": True},
        {"revenue_fen": 950, "staff_count": 10, "is_listed": False},
        {"revenue_fen": 950, "staff_count": 10},
        {"revenue_fen": 899, "staff_count": 10, "is_listed": True},
    ],
)
def test_what_more_stands_in_the_way_of_is_no_near_miss(facts: dict[str, Any]) -> None:
    assert stands(**facts) is None


def test_an_unknown_is_told_where_something_of_it_is_known_to_hold() -> None:
    unknown = stands(revenue_fen=1000)
    assert unknown is not None
    assert unknown.kind == "unknown"
    assert unknown.missing == (
        {"fact": "is_listed", "year": None, "owner": "金融办"},
        {"fact": "staff_count", "year": 2025, "owner": "人社局"},
    )
    assert stands() is None
