"""Finance's pure rules, with the worked case WC-24 and its neighbours."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.finance.aid.rules import Level, Purpose, Relation, require_own_level
from services.finance.awards import rules as awards
from services.finance.awards.rules import NO_WORDS, AwardState, Grant, counted_from, grant, stored
from services.finance.budgets.rules import Line, Shortage, choose_line
from services.finance.contract import events as contract
from services.finance.ledger.rules import ROUTES, AccountKind, TransferKind
from services.finance.payouts import rules as payouts
from services.finance.payouts.rules import LineState, PayoutEvent, PayoutState
from services.kernel.errors import Conflict, Forbidden
from services.kernel.ids import new_id
from services.policy.contract.events import Matter
from services.rulebook.stacking import (
    Aid,
    Clause,
    Limit,
    OneClause,
    Position,
    StackingMode,
    StackingTerms,
)
from tests.finance.steps import WAN

TOP_UP, HIGHEST_ONLY = StackingMode.TOP_UP, StackingMode.HIGHEST_ONLY


def where(**changes: Any) -> dict[str, Any]:
    return {
        "programme": "clause", "level": "cixi", "matter": "project:甲", "group": "upgrade",
        "relation": "competes", "year": 2026, **changes,
    }  # fmt: skip


def aid(
    wan: int, level: str = "ningbo", document: str | None = "甬经信〔2026〕1号", **changes: Any
) -> Aid:
    place = where(level=level, **{"programme": "workshop", **changes})
    return Aid(id=str(new_id()), amount_fen=wan * WAN, document=document, **place)


def granted_to(
    asked_fen: int,
    standing: Sequence[Aid],
    mode: StackingMode = TOP_UP,
    *,
    rules: tuple[OneClause, ...] = (),
    clause: Clause = NO_WORDS,
    **changes: Any,
) -> Grant:
    terms = StackingTerms(mode, clause, rules)
    return grant(asked_fen, Position(**where(**changes)), standing, terms)


@pytest.mark.parametrize(
    ("asked", "others", "mode", "granted"),
    [
        # WC-24: Ningbo 30 paid, clause A asks 50, clause B asks 20; the whole matter ends at 50.
        (50, [30], TOP_UP, 20),
        (20, [30, 20], TOP_UP, 0),
        # The same the other way round: B first gets nothing, then A the difference.
        (20, [30], TOP_UP, 0),
        # Without Ningbo: B takes its 20, A tops up to 50.
        (50, [20], TOP_UP, 30),
        # WC-24: Ningbo 60 paid leaves nothing, and never less than nothing.
        (50, [60], TOP_UP, 0),
        (50, [50], TOP_UP, 0),
        (50, [], TOP_UP, 50),
        (30, [10], TOP_UP, 20),
        (30, [10], HIGHEST_ONLY, 0),
        (30, [40], TOP_UP, 0),
        (30, [40], HIGHEST_ONLY, 0),
        (30, [], HIGHEST_ONLY, 30),
    ],
)
def test_competing_aid_is_set_off(
    asked: int, others: list[int], mode: StackingMode, granted: int
) -> None:
    answer = granted_to(asked * WAN, [aid(each) for each in others], mode)
    assert answer.amount_fen == granted * WAN
    assert len(answer.counted) == len(others)
    assert (answer.reason is None) == (not others)


@pytest.mark.parametrize("relation", [Relation.MATCHES, Relation.TOPS_UP])
@pytest.mark.parametrize("mode", list(StackingMode))
def test_a_match_is_never_reduced_by_its_base(relation: Relation, mode: StackingMode) -> None:
    answer = granted_to(20 * WAN, [aid(90)], mode, relation=relation.value)
    assert (answer.amount_fen, answer.reason, answer.counted) == (20 * WAN, None, ())


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize(
    ("mode", "earlier", "granted"),
    [(TOP_UP, 5, 15), (TOP_UP, 20, 0), (HIGHEST_ONLY, 5, 0), (HIGHEST_ONLY, 20, 0)],
)
def test_a_programme_never_grants_one_matter_twice(
    relation: Relation, mode: StackingMode, earlier: int, granted: int
) -> None:
    own = aid(earlier, "cixi", None, programme="clause", group="another")
    base = [] if relation is Relation.COMPETES else [aid(90)]
    answer = granted_to(20 * WAN, [own, *base], mode, relation=relation.value)
    assert (answer.amount_fen, answer.counted) == (granted * WAN, (own,))
    assert answer.reason is not None
    code = "reduced-by-other-aid" if granted else "covered-by-other-aid"
    assert answer.reason.code == code


def test_an_event_that_is_not_allowed_is_refused_in_names_not_codes() -> None:
    with pytest.raises(Conflict) as refused:
        payouts.require_allowed("checked", ["prepared"], PayoutEvent.CHECK)
    assert refused.value.zh == "支付批次当前状态为“已复核”，可办理：撤销、送国库。"
    assert refused.value.en == "The payment batch is checked; possible now: cancel, send."


@pytest.mark.parametrize(
    "spelled",
    [{"period": "２０２５"}, {"period": " 2025 "}, {"period": "2025\u3000", "id": " "}],
)
def test_a_year_has_one_spelling(spelled: dict[str, str]) -> None:
    matter = Matter(kind="year", **spelled)
    assert (matter.key(), matter.period_fault()) == ("year:2025", None)


def test_an_id_has_one_spelling() -> None:
    assert Matter(kind="project", id=" Ｐ１  \t甲 ").key() == "project:P1 甲"


@pytest.mark.parametrize("period", [None, "25", "2025-06", "20 25", "٢٠٢٥", "二〇二五"])
def test_a_year_is_four_digits(period: str | None) -> None:
    fault = Matter(kind="year", period=period).period_fault()
    assert fault is not None
    assert fault.code == "matter-period"


def test_a_refusal_names_level_document_and_amount() -> None:
    answer = granted_to(30 * WAN, [aid(40)])
    assert answer.reason is not None
    assert answer.reason.code == "covered-by-other-aid"
    assert answer.reason.zh == (
        "同一事项已获宁波市级“workshop”40万元（甬经信〔2026〕1号），合计40万元，不低于拟给的30万元；"
        "按从高、不重复，不再给予。"
    )
    assert "CNY 400,000.00" in answer.reason.en


def test_a_reduction_says_what_is_left_and_why() -> None:
    answer = granted_to(30 * WAN, [aid(10, "cixi", None)])
    assert answer.reason is not None
    assert answer.reason.code == "reduced-by-other-aid"
    assert "慈溪市级“workshop”10万元（本平台核定）" in answer.reason.zh
    assert "补差20万元" in answer.reason.zh


def test_a_long_list_of_aid_is_cut_short() -> None:
    answer = granted_to(50 * WAN, [aid(1) for _ in range(8)])
    assert answer.reason is not None
    assert "另3笔" in answer.reason.zh
    assert answer.amount_fen == 42 * WAN


@given(
    asked=st.integers(1, 10**15),
    others=st.lists(st.integers(1, 10**15), max_size=8),
    mode=st.sampled_from(StackingMode),
)
def test_the_matter_never_gets_more_than_the_highest(
    asked: int, others: list[int], mode: StackingMode
) -> None:
    competing = [replace(aid(1), amount_fen=each) for each in others]
    granted = granted_to(asked, competing, mode).amount_fen
    assert 0 <= granted <= asked
    assert granted + sum(others) <= max(asked, sum(others))
    if mode is TOP_UP:
        assert granted + sum(others) == max(asked, sum(others))


COST = Limit("actual-cost", "补助总额不超过实际投入", "matter", 100 * WAN, "第五条")
ONE = OneClause(
    "one-clause", "同一项目只能享受一条", "matter", 1, ("clause", "workshop"), source="第九条"
)


@pytest.mark.parametrize(
    ("others", "granted", "code"),
    [
        (49, 50, None),
        (50, 50, None),
        (51, 49, "reduced-by-ceiling"),
        (100, 0, "covered-by-ceiling"),
        (120, 0, "covered-by-ceiling"),
    ],
)
def test_a_ceiling_at_actual_cost_counts_all_aid_for_the_matter(
    others: int, granted: int, code: str | None
) -> None:
    other = aid(others, group="elsewhere", relation="matches")
    answer = granted_to(50 * WAN, [other], limits=(COST,))
    assert answer.amount_fen == granted * WAN
    assert (answer.reason and answer.reason.code) == code


def test_a_ceiling_is_quoted_with_its_source() -> None:
    answer = granted_to(50 * WAN, [aid(70, group="elsewhere")], limits=(COST,))
    assert answer.reason is not None
    assert answer.reason.zh == (
        "已获宁波市级“workshop”70万元（甬经信〔2026〕1号），合计70万元；"
        "按“补助总额不超过实际投入”（第五条），拟给50万元，核给30万元。"
    )


def test_a_programme_of_its_own_cap_is_granted_the_cap() -> None:
    """WC-24: a match of 2500 under a ceiling of 2000 is granted 2000."""
    cap = replace(COST, limit_fen=2000 * WAN, says="最高2000万元")
    answer = granted_to(2500 * WAN, [], relation="matches", limits=(cap,))
    assert answer.amount_fen == 2000 * WAN
    assert answer.reason is not None
    assert answer.reason.zh == "按“最高2000万元”（第五条），拟给2,500万元，核给2,000万元。"


def test_of_clauses_of_which_one_may_be_received_the_second_is_refused() -> None:
    answer = granted_to(50 * WAN, [aid(1, group="elsewhere")], rules=(ONE,))
    assert answer.amount_fen == 0
    assert answer.reason is not None
    assert answer.reason.code == "one-clause"
    assert answer.reason.zh.endswith("按“同一项目只能享受一条”（第九条），不能再享受本项。")


def test_the_frozen_words_of_the_clause_are_quoted() -> None:
    clause = Clause("highest", "与上级补助相重复的按照“从高、不重复”原则", "行动方案尾款")
    answer = granted_to(30 * WAN, [aid(10)], clause=clause)
    assert answer.reason is not None
    assert answer.reason.zh.endswith(
        "按“与上级补助相重复的按照‘从高、不重复’原则”（行动方案尾款）补差20万元。"
    )


def test_the_reason_can_be_given_again_from_what_was_kept() -> None:
    standing = [aid(70, group="elsewhere", limits=(COST,)), aid(10)]
    answer = granted_to(50 * WAN, standing, limits=(COST,))
    kept = [counted_from(stored(each), Position(**where())) for each in answer.counted]
    assert granted_to(50 * WAN, kept, limits=(COST,)) == answer
    early = {"aid_id": "1", "level": "ningbo", "programme": "p", "amount_fen": 1, "document": None}
    assert counted_from(early, Position(**where())).group == "upgrade"


def test_the_first_line_that_holds_enough_is_taken() -> None:
    lines = [Line(new_id(), name, 2026, fen) for name, fen in (("a", 5), ("b", 10), ("c", 20))]
    assert choose_line(lines, 10, ("甲", "a")) == lines[1]
    assert choose_line(lines, 20, ("甲", "a")) == lines[2]


def test_a_line_that_lacks_one_fen_is_exhausted() -> None:
    line = Line(new_id(), "专项甲", 2026, 999_999)
    answer = choose_line([line], 1_000_000, ("甲", "a"))
    assert isinstance(answer, Shortage)
    assert answer.code == "budget-exhausted"
    assert answer.zh == "预算不足：预算指标“专项甲”暂不足以安排。"
    assert answer.detail["available_fen"] == 999_999


def test_no_line_at_all_names_what_was_looked_for() -> None:
    answer = choose_line([], 1, awards.purpose_in_words(2026, 13, "p"))
    assert isinstance(answer, Shortage)
    assert (answer.code, answer.zh) == (
        "no-budget-line",
        "2026年度第13条措施没有已批准的预算指标。",
    )
    assert answer.en == "There is no approved budget line for measure 13 in 2026."


def test_every_group_of_a_matter_shares_one_lock() -> None:
    one, other = (Purpose("firm", "A", "project:1", group) for group in ("x", "y"))
    assert one.lock_keys() == other.lock_keys()
    matter = Purpose("firm", "A", "project:2", "x").lock_keys()
    stranger = Purpose("firm", "B", "project:1", "x").lock_keys()
    assert matter.matter != one.lock_keys().matter
    assert matter[1:] == one.lock_keys()[1:], "the beneficiary is the same"
    assert len({*one.lock_keys(), *stranger}) == 6
    assert all(-(2**63) <= key < 2**63 for key in one.lock_keys())


@pytest.mark.parametrize(
    ("level", "town", "allowed"),
    [
        (Level.CIXI, None, True),
        (Level.TOWN, "330282107", True),
        (Level.NINGBO, None, False),
        (Level.TOWN, None, False),
        (Level.CIXI, "330282107", False),
    ],
)
def test_a_registrar_declares_the_own_level_only(
    level: Level, town: str | None, *, allowed: bool
) -> None:
    if allowed:
        require_own_level(level, town)
        return
    with pytest.raises(Forbidden) as refused:
        require_own_level(level, town)
    assert refused.value.code == "level-not-own"


@pytest.mark.parametrize(("state", "target"), list(product(AwardState, AwardState)))
def test_an_award_moves_only_along_its_table(state: AwardState, target: AwardState) -> None:
    if target in awards.NEXT[state]:
        assert awards.move(state, target) is target
        return
    with pytest.raises(Conflict) as refused:
        awards.move(state, target)
    assert refused.value.code == "event-not-allowed"


def test_what_is_over_stays_over() -> None:
    assert awards.NEXT[AwardState.VOIDED] == awards.NEXT[AwardState.RECOVERED] == frozenset()


def test_every_state_of_an_award_can_be_announced() -> None:
    assert {state.value for state in AwardState} == set(get_args(contract.AwardState))


@pytest.mark.parametrize(("state", "event"), list(product(PayoutState, PayoutEvent)))
def test_a_batch_moves_only_along_its_table(state: PayoutState, event: PayoutEvent) -> None:
    lines = [LineState.SENT, LineState.SETTLED]
    if event in payouts.ALLOWED[state]:
        payouts.require_allowed(state, lines, event)
        return
    with pytest.raises(Conflict) as refused:
        payouts.require_allowed(state, lines, event)
    assert refused.value.code == "event-not-allowed"


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["sent", "settled"], PayoutState.SENT),
        (["held", "settled"], PayoutState.SENT),
        (["settled", "settled"], PayoutState.SETTLED),
        (["settled", "cancelled"], PayoutState.SETTLED),
        (["settled", "returned"], PayoutState.PARTLY_RETURNED),
        (["sent", "returned"], PayoutState.PARTLY_RETURNED),
    ],
)
def test_a_batch_is_what_became_of_its_lines(lines: list[str], state: PayoutState) -> None:
    assert payouts.state_after_answers(lines) is state


def test_a_batch_whose_lines_all_came_back_allows_nothing_more() -> None:
    assert payouts.allowed_events("partly-returned", ["returned"]) == frozenset()


def test_every_transfer_goes_between_two_accounts_and_back_again() -> None:
    assert set(ROUTES) == set(TransferKind)
    assert all(debit is not credit for debit, credit in ROUTES.values())
    assert ROUTES[TransferKind.RELEASE] == ROUTES[TransferKind.RESERVE][::-1]
    assert ROUTES[TransferKind.RETURN] == ROUTES[TransferKind.PAY][::-1]
    assert all(credit is not AccountKind.APPROPRIATION for _, credit in ROUTES.values())
