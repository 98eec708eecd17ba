"""Money is paid where a clause speaks of it, and nowhere else."""

from services.policy.plan.actions.load_library import library

# 给予一定政策支持、拨投结合；限额奖励；风险补偿、保费补贴、贷款贴息。
PAYING = {
    17: {"grant-then-equity", "major-achievement-landing"},
    18: {"industrial-design-purchase"},
    19: {"credit-risk-compensation", "loan-premium-subsidy", "loan-interest-subsidy"},
}


def test_support_without_a_word_of_money_pays_nothing() -> None:
    paying: dict[int | None, set[str]] = {}
    for name, each in library().programmes.items():
        if each.measure.number in range(16, 24) and each.compiled.amount is not None:
            paying.setdefault(each.measure.number, set()).add(name)

    assert paying == PAYING


def test_what_these_clauses_pay_hangs_on_numbers_that_nobody_has_set() -> None:
    for name in set[str]().union(*PAYING.values()):
        parameters = [each for each in library().parameters.values() if each.programme == name]
        assert parameters, name
        assert all(each.values == () and each.sample is not None for each in parameters), name
