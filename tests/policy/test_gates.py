"""What keeps a plan from going live, and how a restriction of competition is seen."""

from datetime import date

import pytest

from services.kernel.errors import Conflict
from services.policy.gates.rules import (
    Finding,
    plan_shortfalls,
    programme_shortfalls,
    require_live,
    restrictions,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Library
from tests.policy.changed_plans import CLAUSE, CLEARED, PLAN, Changed, other_examples

DAY = date(2026, 11, 23)


def codes(known: Library, programme: str = "digital-growth", on: date = DAY) -> list[str]:
    return [each.code for each in programme_shortfalls(known.programmes[programme], known, on)]


def test_the_draft_lacks_all_of_its_procedure() -> None:
    lacking = [each.code for each in plan_shortfalls(library().main)]

    assert lacking == [
        "not-issued", "document-missing", "unified-number-missing", "legality-review-missing",
        "collective-decision-missing", "published-on-missing", "in-force-missing",
        "competition-review-drafted-by-missing", "competition-review-market-opinion-missing",
        "competition-review-finding-missing",
    ]  # fmt: skip


def test_a_cleared_plan_goes_live(changed: Changed) -> None:
    known = changed()
    programme = known.programmes["digital-growth"]

    assert plan_shortfalls(programme.plan) == []
    require_live(programme, known, DAY)


@pytest.mark.parametrize("lacking", sorted(CLEARED.values()))
def test_each_lack_keeps_it_from_going_live(changed: Changed, lacking: str) -> None:
    (original,) = (old for old, new in CLEARED.items() if new == lacking)
    known = changed(PLAN, {lacking: original})

    with pytest.raises(Conflict) as refused:
        require_live(known.programmes["digital-growth"], known, DAY)
    assert refused.value.code == "gate-not-passed"


def test_before_its_first_day_a_cleared_plan_takes_no_case(changed: Changed) -> None:
    known = changed()
    programme = known.programmes["digital-growth"]

    require_live(programme, known, date(2025, 9, 16))
    with pytest.raises(Conflict) as refused:
        require_live(programme, known, date(2025, 9, 15))
    assert refused.value.code == "plan-not-in-force"


def test_a_programme_of_a_special_policy_has_days_of_its_own(changed: Changed) -> None:
    own = "    in_force: {from: 2026-11-24, to: 2026-11-30}\n    notice_days: 0"
    known = changed(CLAUSE, {"    notice_days: 0": own})
    programme = known.programmes["digital-growth"]

    inside = [date(2026, 11, day) for day in range(22, 33 - 2) if programme.is_in_force(
        date(2026, 11, day))]  # fmt: skip
    assert (inside[0], inside[-1]) == (date(2026, 11, 24), date(2026, 11, 30))


@pytest.mark.parametrize(
    ("old", "new", "restricts"),
    [
        ("when: is_digital_manufacturing", "when: is_city_level", "registration"),
        ("when: is_digital_manufacturing", "when: town_code = '330282107'", "registration"),
        ("when: is_digital_manufacturing", "when: tax_paid_fen >= 100", "tax-tied-amount"),
        ("when: is_digital_manufacturing", "when: on_list('ningbo-rd-post-subsidy')",
         "list-without-criteria"),
        ("when: is_digital_manufacturing", "when: industry_code = '91330282MA00T35T2N'",
         "named-beneficiary"),
        ("says: 数字经济制造业企业", "says: 承诺五年内不迁出的企业", "relocation"),
        ("says: 数字经济制造业企业", "says: 采购本地产品的企业", "local-purchase"),
    ],
)  # fmt: skip
def test_a_restriction_is_seen_in_rule_and_words(
    changed: Changed, old: str, new: str, restricts: str
) -> None:
    known = changed(CLAUSE, {**other_examples(), old: new})
    found = restrictions(known.programmes["digital-growth"], known)

    assert [each.restricts for each in found] == [restricts]
    assert codes(known) == ["restriction-unexplained"]


def test_an_amount_tied_to_tax_is_seen(changed: Changed) -> None:
    capped = {"    amount: LEAST(30000000,": "    amount: LEAST(tax_paid_fen,"}
    known = changed(CLAUSE, {**other_examples(), **capped})
    programme = known.programmes["digital-growth"]

    assert restrictions(programme, known) == [Finding("tax-tied-amount", None)]


CEILING = (
    "    ceilings:\n      - {id: cap, says: 合计不超过上限, of: group, limit: tax_paid_fen}\n"
    "    amount: LEAST("
)
INSTALMENTS = (
    "    instalments:\n      - {id: first, says: 首期, share_bp: 10000, when: tax_paid_fen > 1}\n"
    "    amount: LEAST("
)
SCORE = (
    "    score:\n      says: 得分\n      parts:\n"
    "        - {id: tax, says: 税收, max: 5, of: tax_paid_fen, bands: [{at_least: 1, points: 5},"
    " {otherwise: 0}]}\n    amount: LEAST("
)


@pytest.mark.parametrize(
    ("terms", "restricts"),
    [
        (CEILING, "tax-tied-amount"),
        (INSTALMENTS, "tax-tied-amount"),
        ("    rank_by: tax_paid_fen\n    amount: LEAST(", "tax-tied-amount"),
        (SCORE, "tax-tied-amount"),
        (CEILING.replace("合计不超过上限", "合计不超过地方贡献").replace("tax_paid", "revenue"),
         "tax-tied-amount"),
    ],
)  # fmt: skip
def test_what_stands_beside_the_amount_is_looked_at_too(
    changed: Changed, terms: str, restricts: str
) -> None:
    known = changed(CLAUSE, {**other_examples(), "    amount: LEAST(": terms})

    assert [each.restricts for each in restrictions(known.programmes["digital-growth"], known)] == [
        restricts
    ]
    assert codes(known) == ["restriction-unexplained"]


def test_an_exception_counts_once_its_article_is_named_and_until_it_expires(
    changed: Changed,
) -> None:
    article = "        article: 第十二条（示例）\n        expires: 2026-11-23"
    registration = "        condition: city-level\n        article: null"
    named = {registration: f"        condition: city-level\n{article}"}
    assert codes(library(), "rd-matching").count("exception-missing") == 2
    known = changed("cixi-2025-2027/measures/m27.yaml", named)

    assert codes(known, "rd-matching").count("exception-missing") == 1
    assert "exception-expired" not in codes(known, "rd-matching", date(2026, 11, 23))
    assert "exception-expired" in codes(known, "rd-matching", date(2026, 11, 24))


def test_every_restriction_of_our_plans_is_explained() -> None:
    unexplained = [
        (name, shortfall.condition, shortfall.zh)
        for name, programme in library().programmes.items()
        for shortfall in programme_shortfalls(programme, library(), DAY)
        if shortfall.code == "restriction-unexplained"
    ]
    assert unexplained == []
