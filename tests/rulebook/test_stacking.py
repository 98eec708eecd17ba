"""从高、不重复: what one grant may be beside other aid, and the best lawful set of them."""

from dataclasses import replace
from typing import Any

import pytest

from services.rulebook.combine import YearsDiffer, best_combination
from services.rulebook.stacking import (
    Aid,
    OneClause,
    StackingMode,
    room,
)
from tests.rulebook.builders import FEN_PER_WAN as WAN
from tests.rulebook.granting import CLAUSE, TERMS, aid, asks, ceiling, dropped, paid

TOP_UP, HIGHEST_ONLY = StackingMode.TOP_UP, StackingMode.HIGHEST_ONLY


def test_wc_24_ningbo_30_and_clauses_50_and_20_pay_20() -> None:
    clauses = [asks("clause-a", 50 * WAN), asks("clause-b", 20 * WAN)]
    found = best_combination(clauses, [aid("ningbo", 30 * WAN)], TERMS)

    assert paid(found) == {"clause-a": 20 * WAN}
    assert dropped(found) == {"clause-b": (20 * WAN, "highest")}
    assert (found.total_fen, found.is_complete) == (20 * WAN, True)
    (cut,) = found.chosen[0].cuts
    assert (cut.kind, cut.rule, [each.id for each in cut.counted]) == (
        "competing", CLAUSE, [f"ningbo:{30 * WAN}"],
    )  # fmt: skip


@pytest.mark.parametrize("fen", [50 * WAN, 60 * WAN])
def test_wc_24_more_was_paid_already_and_never_less_than_nothing_is_left(fen: int) -> None:
    clauses = [asks("clause-a", 50 * WAN), asks("clause-b", 20 * WAN)]
    found = best_combination(clauses, [aid("ningbo", fen)], TERMS)

    assert (paid(found), found.total_fen, set(dropped(found))) == ({}, 0, {"clause-a", "clause-b"})


def test_wc_24_two_matters_are_both_paid() -> None:
    found = best_combination(
        [
            asks("technical-upgrade", 50 * WAN, matter="project:技改"),
            asks("green-factory", 20 * WAN, matter="project:绿色工厂"),
        ],
        [],
        TERMS,
    )
    assert paid(found) == {"technical-upgrade": 50 * WAN, "green-factory": 20 * WAN}


def test_wc_24_under_highest_only_nothing_more_is_paid() -> None:
    terms = replace(TERMS, mode=HIGHEST_ONLY)
    clauses = [asks("clause-a", 50 * WAN), asks("clause-b", 20 * WAN)]

    assert paid(best_combination(clauses, [aid("ningbo", 30 * WAN)], terms)) == {}
    assert paid(best_combination(clauses, [], terms)) == {"clause-a": 50 * WAN}


@pytest.mark.parametrize("mode", list(StackingMode))
@pytest.mark.parametrize("relation", ["matches", "tops-up"])
def test_wc_24_a_match_is_paid_beside_its_base(relation: Any, mode: StackingMode) -> None:
    terms = replace(TERMS, mode=mode)
    found = best_combination(
        [asks("match", 15 * WAN, relation=relation), asks("clause", 20 * WAN)],
        [aid("ningbo", 30 * WAN)],
        terms,
    )
    assert paid(found) == {"match": 15 * WAN}


@pytest.mark.parametrize("relation", ["matches", "tops-up", "competes"])
@pytest.mark.parametrize("mode", list(StackingMode))
def test_wc_24_a_duplicate_is_refused(relation: Any, mode: StackingMode) -> None:
    """The same programme for the same matter again, even in another group, is no second grant."""
    earlier = aid("match", 15 * WAN, level="cixi", relation=relation, group="another")
    found = best_combination(
        [asks("match", 15 * WAN, relation=relation)], [earlier], replace(TERMS, mode=mode)
    )
    assert (paid(found), list(dropped(found))) == ({}, ["match"])


def test_a_duplicate_for_another_matter_is_none() -> None:
    earlier = aid("match", 15 * WAN, level="cixi", relation="matches", matter="project:乙")
    assert paid(best_combination([asks("match", 15 * WAN)], [earlier], TERMS)) == {
        "match": 15 * WAN
    }


def test_wc_24_the_talent_match_is_capped_at_2000() -> None:
    cap = ceiling("matter", 2000 * WAN, says="最高2000万元")
    match = asks("talent-match", 2500 * WAN, relation="matches", limits=(cap,))
    assert paid(best_combination([match], [], TERMS)) == {"talent-match": 2000 * WAN}


@pytest.mark.parametrize(
    ("granted", "left"), [(1499, 501), (1500, 500), (1999, 1), (2000, 0), (2001, 0)]
)
def test_a_ceiling_counts_all_aid_for_the_matter_of_every_level_and_group(
    granted: int, left: int
) -> None:
    cap = ceiling("matter", 2000)
    other = aid("national", granted, level="national", group="another", relation="matches")
    found = room(asks("p", 501, limits=(cap,)), 501, [other], TERMS)
    assert found.amount_fen == left
    if left < 501:
        assert (found.cuts[0].kind, found.cuts[0].rule.says) == ("ceiling", "不超过实际投入")


@pytest.mark.parametrize(
    ("of", "counted"),
    [("group", {"same"}), ("matter", {"same", "group"}), ("beneficiary-year", {"same", "matter"})],
)
def test_each_ceiling_counts_its_own_scope(of: Any, counted: set[str]) -> None:
    standing = [
        aid("same", 1, relation="matches"),
        aid("group", 1, group="another", year=2025),
        aid("matter", 1, matter="project:乙"),
        aid("year", 1, matter="project:乙", year=2025),
    ]
    (cut,) = room(asks("p", 10, limits=(ceiling(of, 9),)), 10, standing, TERMS).cuts
    assert {each.programme for each in cut.counted} == counted
    assert cut.left_fen == 9 - len(counted)


def test_a_ceiling_of_earlier_aid_binds_what_comes_after() -> None:
    earlier = aid("base", 80, relation="matches", limits=(ceiling("matter", 100),))
    assert room(asks("later", 50, relation="matches"), 50, [earlier], TERMS).amount_fen == 20


def test_a_ceiling_that_is_not_known_leaves_nothing_until_it_is() -> None:
    assert room(asks("p", 50), 50, [], TERMS).amount_fen == 50
    unknown = (ceiling("matter", None),)
    assert room(asks("p", 50, limits=unknown), 50, [], TERMS).amount_fen == 0


ONE = OneClause(
    "one-clause", "同一项目只能享受一条", "matter", 1, ("a", "b", "c"), ("other-group",), ("c",)
)


@pytest.mark.parametrize(
    ("standing", "left"),
    [
        ([], 50),
        ([aid("b", 1, group="x")], 0),
        ([aid("anything", 1, group="other-group")], 0),
        # A repeatable clause is not counted, nor one for another matter, nor one not named.
        ([aid("c", 1, group="x")], 50),
        ([aid("b", 1, group="x", matter="project:乙")], 50),
        ([aid("d", 1, group="x")], 50),
        # More for the same clause and matter is no other clause: the difference is paid.
        ([aid("a", 20, level="cixi", group="x")], 30),
    ],
)
def test_of_the_clauses_named_one_is_received_for_a_matter(standing: list[Aid], left: int) -> None:
    found = room(asks("a", 50), 50, standing, replace(TERMS, rules=(ONE,)))
    assert found.amount_fen == left
    if not left:
        assert (found.cuts[0].kind, found.cuts[0].rule.says) == (
            "one-clause", "同一项目只能享受一条",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("per", "blocked"),
    [("beneficiary-year", ["year"]), ("beneficiary", ["year", "past"]), ("matter", [])],
)
def test_a_rule_counts_for_its_matter_its_year_or_ever(per: Any, blocked: list[str]) -> None:
    terms = replace(TERMS, rules=(replace(ONE, per=per),))
    standing = {
        "year": aid("b", 1, matter="project:乙"),
        "past": aid("b", 1, matter="project:乙", year=2025),
    }
    found = [
        n for n, each in standing.items() if not room(asks("a", 5), 5, [each], terms).amount_fen
    ]
    assert found == blocked


def test_a_rule_of_one_level_does_not_count_another() -> None:
    terms = replace(TERMS, rules=(replace(ONE, levels=("cixi",)),))
    ours = aid("b", 1, level="cixi", group="x")
    assert room(asks("a", 5), 5, [aid("b", 1, group="x")], terms).amount_fen == 5
    assert room(asks("a", 5), 5, [ours], terms).amount_fen == 0


def test_a_repeatable_clause_is_received_beside_any_and_for_each_matter() -> None:
    found = best_combination(
        [
            asks("a", 50),
            asks("b", 40, group="x"),
            asks("c", 5, group="y"),
            asks("c", 6, group="y", matter="project:乙"),
        ],
        [],
        replace(TERMS, rules=(replace(ONE, per="beneficiary"),)),
    )
    assert [(c.candidate.name, c.amount_fen) for c in found.chosen] == [
        (("a", "project:甲"), 50), (("c", "project:乙"), 6), (("c", "project:甲"), 5),
    ]  # fmt: skip
    assert dropped(found) == {"b": (40, "one-clause")}


def test_the_best_set_is_not_the_one_that_begins_with_the_highest() -> None:
    """One clause of 60 excludes two others of 40 and 30, by two rules: 70 is the better."""
    rules = (
        OneClause("first", "二者只享受一项", "matter", 1, ("a", "b")),
        OneClause("second", "二者只享受一项", "matter", 1, ("a", "c")),
    )
    candidates = [asks("a", 60, group="g"), asks("b", 40, group="h"), asks("c", 30, group="i")]
    found = best_combination(candidates, [], replace(TERMS, rules=rules))
    assert (paid(found), dropped(found)) == ({"b": 40, "c": 30}, {"a": (60, "first")})


def test_while_an_amount_is_not_known_nothing_that_it_is_joined_to_is_dropped() -> None:
    found = best_combination(
        [
            asks("b", 20),
            asks("a", 50),
            asks("pending", None),
            asks("p", None, group="h"),
            asks("q", None, group="h"),
            asks("alone", None, group="i"),
            asks("apart", 7, group="j"),
        ],
        [],
        TERMS,
    )
    assert paid(found) == {"a": 50, "alone": None, "apart": 7}
    assert [each.candidate.programme for each in found.undecided] == ["b", "p", "pending", "q"]
    assert {each.rule for each in found.undecided} == {CLAUSE}
    assert (found.dropped, found.total_fen, found.is_complete) == ((), 57, False)


def test_a_ceiling_that_is_not_known_leaves_its_scope_undecided() -> None:
    open_ = asks("open", 30, group="h", relation="matches", limits=(ceiling("matter", None),))
    found = best_combination([open_, asks("known", 20)], [], TERMS)
    assert (paid(found), found.is_complete) == ({"known": 20}, False)
    ((undecided, rule),) = [(each.candidate, each.rule) for each in found.undecided]
    assert (undecided.programme, rule.id) == ("open", "actual-cost")


def test_what_pays_nothing_by_its_own_rule_is_chosen_unless_a_rule_excludes_it() -> None:
    title = asks("title", 0, group="x")
    assert paid(best_combination([title], [], TERMS)) == {"title": 0}
    rules = (OneClause("one", "只享受一项", "matter", 1, ("title", "a")),)
    found = best_combination([title, asks("a", 5)], [], replace(TERMS, rules=rules))
    assert (paid(found), dropped(found)) == ({"a": 5}, {"title": (0, "one")})


def test_of_equal_sets_the_first_is_taken_in_whatever_order_they_are_asked() -> None:
    candidates = [asks(name, 50) for name in ("c", "a", "b")]
    for shift in range(3):
        found = best_combination(candidates[shift:] + candidates[:shift], [], TERMS)
        assert paid(found) == {"a": 50}


def test_candidates_of_several_years_are_not_settled_at_once() -> None:
    with pytest.raises(YearsDiffer):
        best_combination([asks("a", 1), asks("b", 1, year=2027)], [], TERMS)


def test_more_for_a_grant_of_an_earlier_year_takes_a_place_of_this_year() -> None:
    rule = OneClause("one", "每年只享受一项", "beneficiary-year", 1, ("b", "f"))
    earlier = aid("b", 3, level="cixi", year=2025)
    found = best_combination(
        [asks("b", 8), asks("h", 7), asks("f", 6, group="x")], [earlier],
        replace(TERMS, rules=(rule,)),
    )  # fmt: skip
    assert (paid(found), dropped(found)) == ({"f": 6, "h": 4}, {"b": (8, "one")})
