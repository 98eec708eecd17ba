"""Many programmes in one function: the same answers, equal expressions computed once."""

from services.rulebook.ruleset import rule_set
from tests.rulebook.builders import programme, situation

FIRM = situation(
    is_listed=True, is_above_scale=True, is_city_level=False, revenue_fen=1_000, staff_count=None
)
GRANTED = programme("is_listed", "is_above_scale", id="granted", amount="revenue_fen / 3")
REFUSED = programme("is_listed", "is_city_level", id="refused", amount="revenue_fen")
OPEN = programme("is_listed", "staff_count > 5", id="open", amount="revenue_fen")
FREE = programme("is_listed", {"manual": True}, id="free")
FLAGGED = programme({"when": "is_listed", "flag": "look"}, id="flagged", amount="revenue_fen")
PROGRAMMES = [GRANTED, REFUSED, OPEN, FREE, FLAGGED]


def test_a_set_answers_as_each_of_its_programmes() -> None:
    answers = rule_set(PROGRAMMES).decide(FIRM)
    assert answers == tuple(tuple(each.decide(FIRM)) for each in PROGRAMMES)
    assert answers == (
        (True, (True, True), 333),
        (False, (True, False), 0),
        (None, (True, None), None),
        (True, (True,), 0),
        (None, (True,), None),
    )


def test_what_several_ask_is_computed_once() -> None:
    twice = [
        programme("revenue_fen > 5 AND is_listed", id="a"),
        programme("revenue_fen > 5 OR is_above_scale", id="b"),
    ]
    source = rule_set(twice).function.source
    assert source.count("> (5)") == 1
    assert source.count("facts.get") == 3


def test_an_amount_is_reckoned_only_for_who_receives_it() -> None:
    twice = [programme(c, id=c.replace("_", "-"), amount="revenue_fen * 7")
             for c in ("is_listed", "is_city_level", "is_above_scale")]  # fmt: skip
    assert [answer[2] for answer in rule_set(twice).decide(FIRM)] == [7_000, 0, 7_000]


def test_two_programmes_may_use_one_name_for_two_numbers() -> None:
    number = {"parameters": {"rate": {"unit": "bp", "value": 1}}}
    rules = rule_set(
        [
            programme("is_listed", id="a", amount="revenue_fen * :rate", **number),
            programme("is_listed", id="b", amount="revenue_fen * :rate", **number),
            programme("revenue_fen > :floor", id="c", parameters={"floor": "fen"}),
        ]
    )
    assert [answer[2] for answer in rules.decide(FIRM)] == [1_000, 1_000, 0]
    numbers = rules.in_force({"b.rate": 5, "c.floor": 7, "unheard-of": 1})
    assert numbers == {"a.rate": 1, "b.rate": 5, "c.floor": 7}
    assert [answer[2] for answer in rules.decide(FIRM, numbers)] == [1_000, 5_000, 0]
    assert [answer[0] for answer in rules.decide(FIRM)] == [True, True, None]
