"""The words that rules use are the words that the register keeps, fact by fact."""

from services.enterprise.vocabulary.rules import facts, recognitions
from services.launch.city.offices import DEPARTMENTS
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import FactEntry

TYPES = {"integer": "int", "boolean": "bool", "date": "date", "text": "text", "ids": "ids"}
PERIODS = {"yearly": "year", "day": "day"}


def meaning(entry: FactEntry) -> tuple[object, ...]:
    return (
        entry.period, entry.type, entry.unit, entry.zh, entry.owner.code, entry.source,
        entry.low, entry.high,
    )  # fmt: skip


def test_both_vocabularies_say_the_same() -> None:
    kept = {
        each.name: (
            PERIODS[each.period], TYPES[each.type], each.unit, each.zh, each.owners[0],
            each.source, each.low, each.high,
        )
        for each in facts()
    }  # fmt: skip
    of_firms = (entry for entry in library().facts.values() if entry.subject == "firm")
    known = {entry.name: meaning(entry) for entry in of_firms}

    assert len(kept) > 70
    assert known == kept


def test_every_recognition_a_rule_may_name_is_kept() -> None:
    assert library().vocabulary.recognitions == {each.id for each in recognitions()}


def test_every_bureau_is_a_department() -> None:
    names = {each.code: each.short_zh for each in DEPARTMENTS}
    bureaus = {entry.owner.code: entry.owner.name for entry in library().facts.values()}

    assert bureaus.items() <= names.items()
