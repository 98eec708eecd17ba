"""Measures 24 to 30, the closing clauses and the industry policy: what no single example shows."""

import re
from typing import Any

from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook.programme import Example
from services.rulebook.stated import read_situation

INDUSTRY = "cixi-industry-2025"
QUOTED = re.compile("“(.*?)”")


def programmes() -> list[PlanProgramme]:
    return [
        each
        for each in library().programmes.values()
        if (each.measure.number or 0) >= 24 or each.plan.id == INDUSTRY
    ]


def outcome(programme: PlanProgramme, example: Example, given: dict[str, Any]) -> str:
    compiled = programme.compiled
    situation = read_situation(
        on=example.day, facts=given, vocabulary=compiled.vocabulary, history=example.history
    )
    return compiled.assess(situation, example.parameters).to_json()["outcome"]


def test_a_fact_that_is_taken_away_never_refuses() -> None:
    for programme in programmes():
        for example in programme.compiled.programme.examples:
            if example.expect.outcome != "eligible":
                continue
            for name in example.given:
                rest = {fact: value for fact, value in example.given.items() if fact != name}
                refused = (programme.id, example.name, name)
                assert outcome(programme, example, rest) != "ineligible", refused


def test_each_condition_alone_can_refuse() -> None:
    for programme in programmes():
        failed: set[str] = set()
        for example in programme.compiled.programme.examples:
            no = [name for name, truth in example.expect.conditions.items() if truth == "false"]
            if example.expect.outcome == "ineligible" and len(no) == 1:
                failed.update(no)
        decides = {each.id for each in programme.compiled.programme.eligibility if each.decides}
        assert failed == decides, programme.id


def test_what_closes_the_plan_leads_to_what_exists() -> None:
    known = library()
    tasks = {task.id for measure in known.measures for task in measure.tasks}
    phrases = [phrase for each in known.measures for phrase in each.phrases]
    for clause in known.main.closing_clauses.values():
        phrases.extend(clause.phrases)
    for phrase in phrases:
        assert set(phrase.programmes) <= known.programmes.keys(), phrase.text
        assert set(phrase.tasks) <= tasks, phrase.text
        assert set(phrase.parameters) <= known.parameters.keys(), phrase.text


def test_no_measure_after_23_promises_a_number_that_its_clause_does_not_have() -> None:
    paying = {each.id for each in programmes() if each.compiled.programme.amount is not None}

    assert paying == {
        "future-industry-support", "rd-matching",
        "digital-growth", "software-growth", "first-version-software", "provincial-data-merchant",
    }  # fmt: skip
    unset = [name for name in library().parameters if name.startswith("special-fund-")]
    assert unset == ["special-fund-2025", "special-fund-2026", "special-fund-2027"]
    for name in (*unset, "future-industry-support.support_fen", "rd-matching.ratio_bp"):
        assert library().parameters[name].values == (), name


def test_what_a_text_calls_the_most_is_a_ceiling() -> None:
    kinds = {
        each.id: each.compiled.programme.amount_kind
        for each in programmes()
        if each.plan.id == INDUSTRY
    }

    assert kinds == dict.fromkeys(kinds, "ceiling")
    assert len(kinds) == 4


def test_support_for_confidential_talents_is_the_talent_office_s_alone() -> None:
    confidential = {each.id: each for each in programmes() if each.compiled.programme.confidential}

    assert confidential.keys() == {"priority-fund-support-talent", "priority-fund-support-team"}
    for each in confidential.values():
        departments = each.compiled.programme.departments
        assert departments is not None
        assert (departments.lead, departments.support) == ("rcb", ())
        assert each.notice_days == 0


def test_tax_relief_is_told_and_never_decided() -> None:
    for name in ("startup", "merger"):
        programme = library().programmes[f"tax-relief-push-{name}"].compiled.programme
        assert (programme.kind, programme.amount) == ("service", None)
        assert programme.departments is not None
        assert programme.departments.lead == "swj"


def test_what_a_source_quotes_stands_in_the_clause() -> None:
    known = library()
    closing = "".join(clause.text for clause in known.main.closing_clauses.values())
    for measure in known.measures:
        if (measure.number or 0) < 24:
            continue
        rules = [known.programmes[name].compiled.programme for name in measure.programmes]
        sources = [each.source for rule in rules for each in rule.eligibility]
        sources += [task.source for task in measure.tasks]
        quoted = [part for source in sources for part in QUOTED.findall(source)]
        parts = [part for each in quoted for part in each.split("……")]
        assert len(parts) > 5
        for part in parts:
            words = part.replace("‘", "“").replace("’", "”")
            assert words in measure.clause or words in closing, (measure.number, part)
