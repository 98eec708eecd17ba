"""What holds for all thirty measures alike."""

import re
from collections.abc import Iterator
from typing import Any

from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Measure, PlanProgramme
from services.rulebook import Programme
from services.rulebook.programme import Example
from services.rulebook.stated import read_situation

# Every kind of founder and every stage may come: these conditions ask, and exclude nobody.
OPEN_TO_ALL = {
    ("incubator-founding", "founder"),
    ("concept-validation-provincial", "founder"),
    ("concept-validation-ningbo", "founder"),
    ("incubator-life-cycle-service", "stage"),
}
# What no paper proves: points that experts give later, a history on record, rules not yet made.
WITHOUT_EVIDENCE = {
    ("high-tech-recommendation", "innovation-score"),
    ("large-strong", "once"),
    ("credit-risk-compensation", "meets-requirements"),
    ("loan-premium-subsidy", "meets-requirements"),
    ("loan-interest-subsidy", "meets-requirements"),
}
QUOTED = re.compile("“(.*?)”")


def programmes() -> list[PlanProgramme]:
    main = library().main.id
    return [each for each in library().programmes.values() if each.plan.id == main]


def rules() -> list[Programme]:
    return [each.compiled.programme for each in programmes()]


def measures() -> list[Measure]:
    main = library().main.id
    return [each for each in library().measures if each.plan.id == main]


def test_titles_and_recommendations_are_published_first_unless_they_are_confidential() -> None:
    shown = [r for r in rules() if r.kind in ("recommendation", "recognition", "appointment")]
    days = {r.id: r.notice_days for r in shown if r.notice_days != (0 if r.confidential else 5)}

    assert len(shown) > 50
    assert days == {}


def test_money_for_firms_is_published_first_unless_it_is_confidential() -> None:
    paying = [r for r in rules() if r.amount is not None and r.beneficiary != "town"]
    days = {r.id: r.notice_days for r in paying if r.notice_days != (0 if r.confidential else 5)}

    assert len(paying) > 15
    assert days == {}


def test_nobody_is_served_unasked_where_a_person_must_judge() -> None:
    unasked = [r for r in rules() if r.without_application and r.without_application.allowed]

    assert len(unasked) > 30
    assert [r.id for r in unasked if any(c.manual for c in r.eligibility)] == []
    assert {r.id for r in unasked if r.amount} == {"large-strong", "town-project-organising"}


def test_whether_a_firm_has_a_talent_project_is_the_talent_offices_to_tell() -> None:
    telling = {
        each.id: each for each in programmes() if "has_talent_project" in each.compiled.facts
    }

    assert telling.keys() == {"key-firm-talent-coverage", "high-tech-guidance-talent-firms"}
    for each in telling.values():
        assert each.compiled.programme.confidential
        assert each.lead_code == "rcb"
        assert each.compiled.programme.without_application is not None
        assert not each.compiled.programme.without_application.allowed


def test_each_condition_alone_can_refuse() -> None:
    written = [each.compiled.programme for each in library().programmes.values()]
    silent = {(r.id, c) for r in written for c in _deciding(r) - _refused(r)}

    assert silent == OPEN_TO_ALL


def test_a_fact_that_is_taken_away_never_refuses() -> None:
    for programme in library().programmes.values():
        for example in programme.compiled.programme.examples:
            if example.expect.outcome != "eligible":
                continue
            for name in example.given:
                rest = {fact: value for fact, value in example.given.items() if fact != name}
                told = (programme.id, example.name, name)
                assert _outcome(programme, example, rest) != "ineligible", told


def test_each_condition_has_something_that_proves_it() -> None:
    unproved = {
        (r.id, c.id)
        for r in rules()
        for c in r.eligibility
        if c.flag is None and not any(c.id in each.proves for each in r.evidence)
    }

    assert unproved == WITHOUT_EVIDENCE


def test_a_recommendation_names_its_number_in_the_upper_system() -> None:
    without = [
        r.id
        for r in rules()
        if r.kind == "recommendation" and "upper-filing" not in {each.id for each in r.evidence}
    ]

    assert without == ["upper-talent-recommendation"]


def test_a_number_left_open_stands_at_a_phrase_of_its_measure() -> None:
    for measure in measures():
        phrased = {name for phrase in measure.phrases for name in phrase.parameters}
        for name in measure.programmes:
            each = library().programmes[name]
            asked = {each.parameter_id(key) for key in each.compiled.programme.parameters}
            assert asked <= phrased, name


def test_a_duty_returns_each_year_or_is_done_once() -> None:
    intervals = {
        task.id: task.every
        for measure in measures()
        for task in measure.tasks
        if task.every not in (None, "year")
    }

    assert intervals == {"m13-scale-history": "month"}


def test_what_a_source_quotes_stands_in_the_clause() -> None:
    closing = "".join(clause.text for clause in library().main.closing_clauses.values())
    for measure in measures():
        words = list(_quoted(measure))
        assert len(words) > 5
        strange = [each for each in words if each not in measure.clause and each not in closing]
        assert strange == [], measure.number


def _outcome(programme: PlanProgramme, example: Example, given: dict[str, Any]) -> str:
    compiled = programme.compiled
    situation = read_situation(
        on=example.day, facts=given, vocabulary=compiled.vocabulary, history=example.history
    )
    return compiled.assess(situation, example.parameters).to_json()["outcome"]


def _deciding(rule: Programme) -> set[str]:
    return {each.id for each in rule.conditions if each.decides}


def _refused(rule: Programme) -> set[str]:
    """Give the conditions that an example shows as the only one to refuse."""
    found: set[str] = set()
    for example in rule.examples:
        no = [name for name, truth in example.expect.conditions.items() if truth == "false"]
        near = list(example.expect.near or ())
        if example.expect.outcome == "ineligible":
            found.update(*(names for names in (no, near) if len(names) == 1))
    return found


def _quoted(measure: Measure) -> Iterator[str]:
    sources = [task.source for task in measure.tasks]
    for name in measure.programmes:
        rule = library().programmes[name].compiled.programme
        parts = (*rule.eligibility, *rule.ceilings, *rule.instalments)
        sources.extend(part.source for part in parts)
    for part in (part for source in sources for part in source.split("；")):
        if part.startswith(("措施（", "尾款")):
            for words in (words for each in QUOTED.findall(part) for words in each.split("……")):
                yield words.replace("‘", "“").replace("’", "”")
