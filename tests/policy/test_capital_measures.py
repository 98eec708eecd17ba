"""Measures 24 to 30, the closing clauses and the industry policy: what no single example shows."""

from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme

INDUSTRY = "cixi-industry-2025"


def programmes() -> list[PlanProgramme]:
    return [
        each
        for each in library().programmes.values()
        if (each.measure.number or 0) >= 24 or each.plan.id == INDUSTRY
    ]


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
