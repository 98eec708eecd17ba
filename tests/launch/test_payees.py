"""The thirty payees of the story are firms of their own."""

from services.enterprise.codes.uscc import canonical_uscc
from services.launch.city.cast import DEMO_FIRMS
from services.launch.city.generate import FIRMS_MAX
from services.launch.story.payees import FIRST_SEQUENCE, PAYEES, payee_firms


def test_the_payees_are_no_firms_of_any_city() -> None:
    codes = {firm.uscc for firm in payee_firms()}
    assert len(codes) == len({firm.name for firm in payee_firms()}) == PAYEES
    assert [canonical_uscc(code) for code in codes] == list(codes)
    assert FIRST_SEQUENCE >= FIRMS_MAX
    assert codes.isdisjoint(firm.uscc for firm in DEMO_FIRMS.values())
