"""Random conditions and amounts, as the small trees that `interpreter` writes and computes."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from services.rulebook import Vocabulary
from tests.rulebook.builders import VOCABULARY as BOUNDED
from tests.rulebook.random_facts import MONEY_MAX

VOCABULARY = Vocabulary(
    replace(fact, low=-MONEY_MAX, high=MONEY_MAX) if fact.type == "int" else fact
    for fact in BOUNDED.values()
)
YEARLY = ["revenue_fen", "net_profit_fen", "staff_count"]
BOOLS = ["is_listed", "is_above_scale", "is_city_level"]
IDS = ["a", "b"]
PARAMETERS = ["rate_bp", "cap_fen"]
REFUSED_AS_IDLE = {"constant-condition", "bad-argument", "too-large"}

yearly = st.sampled_from(YEARLY)
leaves = st.one_of(
    yearly.map(lambda name: ("fact", name)),
    yearly.map(lambda name: ("fact", name)),
    st.just(("fact", "class1_ip_count")),
    st.tuples(st.sampled_from(["prior", "sum_years", "avg_years"]), yearly, st.integers(1, 3)),
    st.sampled_from(PARAMETERS).map(lambda name: ("param", name)),
    st.integers(0, 12).map(lambda number: ("lit", str(number))),
    st.sampled_from(["0.5", "0.1", "2.25", "7.0"]).map(lambda text: ("lit", text)),
)
texts = st.sampled_from([("fact", "industry_code"), ("grade", "a"), ("grade", "b")])
words = st.sampled_from([("lit", "'1'"), ("lit", "'2'"), ("lit", "''")])
atoms = st.one_of(
    st.sampled_from(BOOLS).map(lambda name: ("fact", name)),
    st.tuples(st.sampled_from(["holds", "on_list", "once_ever"]), st.sampled_from(IDS)),
    st.tuples(st.sampled_from(["=", "<>"]), texts, words),
    st.tuples(st.just("in"), texts, st.lists(words, min_size=1, max_size=3)),
    st.tuples(st.just("null"), st.sampled_from(BOOLS + YEARLY).map(lambda name: ("fact", name))),
)
ORDERS = st.sampled_from(["<", "<=", ">", ">=", "=", "<>"])


def numbers(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return leaves
    part = numbers(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(st.sampled_from(["+", "-", "*", "/", "/"]), part, part),
        st.tuples(st.sampled_from(["LEAST", "GREATEST"]), part, part),
        st.tuples(st.just("FLOOR"), part),
        st.tuples(st.just("case"), conditions(depth - 1), part, part),
    )


def conditions(depth: int) -> st.SearchStrategy[Any]:
    number = numbers(min(depth, 2))
    compared = st.one_of(
        st.tuples(ORDERS, number, number),
        st.tuples(st.just("between"), number, leaves, leaves),
    )
    if depth == 0:
        return st.one_of(atoms, compared)
    part = conditions(depth - 1)
    return st.one_of(
        atoms,
        compared,
        compared,
        st.tuples(st.sampled_from(["AND", "OR"]), part, part),
        st.tuples(st.sampled_from(["AND", "OR"]), part, part, part),
        st.tuples(st.just("not"), part),
        st.tuples(st.just("case"), part, part, part),
    )
