"""Random rules on random facts: columns answer as the compiled function does."""

from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from services.rulebook import RuleError, RuleSet, compile_programme, load_programme, rule_set
from tests.rulebook import interpreter
from tests.rulebook.columns_of import polars_answers
from tests.rulebook.random_facts import situations
from tests.rulebook.random_rules import (
    PARAMETERS,
    REFUSED_AS_IDLE,
    VOCABULARY,
    conditions,
    numbers,
)

FACT_SETS = 60
REFUSED = {*REFUSED_AS_IDLE, "overflow"}
settings_here = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def random_rule(name: str, condition: Any, amount: Any) -> Any:
    """Compile what chance has written; None where the language rightly refuses it."""
    data = {
        "id": name,
        "title": "草案",
        "eligibility": [
            {"id": "c", "says": "c", "when": interpreter.sql(condition)},
            {"id": "d", "says": "d", "when": f"({interpreter.sql(condition)}) OR is_listed"},
        ],
        "amount": interpreter.sql(amount),
        "classes": {"size": f"CASE WHEN {interpreter.sql(condition)} THEN 'a' ELSE 'b' END"},
        "parameters": dict.fromkeys(PARAMETERS, "number"),
    }
    try:
        return compile_programme(load_programme(data), VOCABULARY)
    except RuleError as error:
        if {issue.code for issue in error.issues} <= REFUSED:
            return None
        raise


def numbers_of(rules: RuleSet, values: tuple[int | None, int | None]) -> dict[str, int | None]:
    given_by_name = dict(zip(PARAMETERS, values, strict=True))
    return {name: given_by_name[name.partition(".")[2]] for name in rules.numbers}


maybe = st.one_of(st.none(), st.integers(-4, 12), st.sampled_from([10**9, -(10**9)]))


@settings_here
@given(
    condition=conditions(2), amount=numbers(2), values=st.tuples(maybe, maybe),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_columns_agree_on_random_rules(
    condition: Any, amount: Any, values: tuple[int | None, int | None], seed: int
) -> None:
    compiled = random_rule("draft", condition, amount)
    if compiled is None:
        reject()
    rules = rule_set([compiled])
    given_numbers = numbers_of(rules, values)
    drawn = situations(rules, FACT_SETS, seed)
    decided = [rules.decide(each, given_numbers) for each in drawn]
    assert polars_answers(rules, drawn, given_numbers) == decided
