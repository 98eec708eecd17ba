"""免申即享 on plain values: what is judged worth an offer, its days, and the events of a batch."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from services.enterprise.contract.events import Ground
from services.kernel.calendar import Calendar
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.policy.cases import rules as cases
from services.policy.cases.rules import CaseEvent, CaseState
from services.policy.firms.rules import ground_of
from services.policy.offers.rules import (
    NEXT,
    BatchEvent,
    BatchState,
    Judged,
    LeftOut,
    OfferState,
    judge,
    last_day_of,
    move,
    remind_day_of,
    require_not_at_work,
    require_offerable,
    require_waiting,
    unlawful_of,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Assessment

ON = date(2026, 11, 23)
CALENDAR = Calendar.load()
UNSET: dict[str, str] = {}


def answer(**changes: Any) -> Assessment:
    base = Assessment(
        programme="p", measure=None, version="1", on=ON, outcome="eligible", conditions=(),
        missing=(), flags=(), near=(), amount_fen=100, amount_status="set", amount_kind="fixed",
        reason="", reason_en="",
    )  # fmt: skip
    return replace(base, **changes)


def judged(assessment: Assessment, *, declared: Any = (), unlawful: Any = (), stale: Any = (),
           manual: Any = UNSET, has_amount: bool = True) -> Judged:  # fmt: skip
    return judge(
        assessment, declared, unlawful, stale,
        facts=library().facts, manual=manual, has_amount=has_amount,
    )  # fmt: skip


def condition(id_: str, outcome: str) -> dict[str, Any]:
    return {"id": id_, "outcome": outcome}


MISSING = ({"fact": "revenue_fen", "year": 2025, "owner": "经信局"},)


@pytest.mark.parametrize(
    ("assessment", "reason"),
    [
        (answer(outcome="unknown", amount_fen=None, missing=MISSING), LeftOut.FACTS_UNKNOWN),
        (answer(amount_fen=None, amount_status="unknown-fact"), LeftOut.FACTS_UNKNOWN),
        (answer(conditions=(condition("c", "unknown"),)), LeftOut.FACTS_UNKNOWN),
        (answer(amount_fen=None, amount_status="pending-parameter"), LeftOut.AMOUNT_PENDING),
        (answer(amount_fen=0), LeftOut.AMOUNT_ZERO),
    ],
)
def test_what_is_not_settled_is_left_out(assessment: Assessment, reason: LeftOut) -> None:
    found = judged(assessment)
    assert (found.state, found.reason) == (OfferState.LEFT_OUT, reason)


def test_who_is_plainly_not_entitled_is_not_listed() -> None:
    assert judged(answer(outcome="ineligible", amount_fen=0)) == Judged(None)


def test_one_fen_is_an_offer_and_so_is_a_title_without_money() -> None:
    assert judged(answer(amount_fen=1)).state is OfferState.PREPARED
    without = answer(amount_fen=None, amount_status="pending-parameter")
    assert judged(without, has_amount=False).state is OfferState.PREPARED


def test_an_unknown_fact_is_listed_with_its_owner() -> None:
    (lack,) = judged(answer(outcome="unknown", missing=MISSING)).lacks
    assert (lack.fact, lack.year, lack.owner) == ("revenue_fen", 2025, "经信局")


def test_a_condition_for_people_is_told_apart_from_an_unknown_fact() -> None:
    open_ = answer(conditions=(condition("a", "true"), condition("m", "unknown")))
    found = judged(open_, manual={"m": "科技局"})
    assert (found.reason, found.lacks[0].condition) == (LeftOut.MANUAL_CHECK, "m")
    assert found.lacks[0].owner == "科技局"
    both = answer(conditions=(condition("m", "unknown"), condition("x", "unknown")))
    assert judged(both, manual={"m": "科技局"}).reason is LeftOut.FACTS_UNKNOWN


def test_the_firms_own_word_and_a_survey_offer_nothing() -> None:
    own = judged(answer(), declared=["revenue_fen:2025", "is_listed"])
    assert own.reason is LeftOut.SELF_DECLARED
    assert [(each.fact, each.year) for each in own.lacks] == [
        ("revenue_fen", 2025), ("is_listed", None),
    ]  # fmt: skip
    assert judged(answer(), unlawful=["revenue_fen:2025"]).reason is LeftOut.NO_LAWFUL_SOURCE


def test_a_register_out_of_date_offers_nothing_and_is_named_with_its_owner() -> None:
    late = judged(answer(), stale={"has_dishonesty_record": ON})
    assert late.reason is LeftOut.STALE_REGISTER
    (lack,) = late.lacks
    assert (lack.fact, lack.year) == ("has_dishonesty_record", None)
    assert lack.owner == library().facts["has_dishonesty_record"].owner.name
    own = judged(answer(), declared=["is_listed"], stale={"has_dishonesty_record": ON})
    assert own.reason is LeftOut.SELF_DECLARED


def ground(source: str | None, *facts: str) -> Ground:
    return Ground(
        statement_id=new_id(), department="jxj", source=source, recorded_at=datetime.now(UTC),
        facts=list(facts),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "is_lawful"),
    [
        ("企业年度报告", True), ("甬科〔2025〕2107-12号", True), ("税务申报", True), (None, False),
        ("", False), ("统计报表制度", False), ("规上研发统计年报", False), ("107-2表", False),
        ("一套表联网直报", False), ("microdata", False), ("Statistical Survey 2025", False),
    ],
)  # fmt: skip
def test_a_source_is_named_and_is_no_survey(source: str | None, is_lawful: bool) -> None:  # noqa: FBT001
    grounds = [ground(source, "revenue_fen:2025"), ground("107-1表", "revenue_fen:2023")]
    assert unlawful_of(["revenue_fen:2025"], grounds) == ([] if is_lawful else ["revenue_fen:2025"])
    # What rests on a title or a list has no statement; those name their documents.
    assert unlawful_of(["is_above_scale"], grounds) == []


def test_what_is_derived_rests_on_what_it_derives_from() -> None:
    fiscal, stated = ground("财政", "fiscal_jurisdiction"), ground("认定", "is_city_level")
    assert ground_of("is_city_level", [fiscal]) is fiscal
    assert ground_of("is_city_level", [fiscal, stated]) is stated
    assert ground_of("is_listed", [fiscal, stated]) is None


def test_days_are_counted_as_law_counts_them() -> None:
    # A Monday; the fifth working day is the Monday after.
    deadline = last_day_of(ON, 5, CALENDAR)
    assert deadline is not None
    assert (deadline.day, deadline.provisional) == (date(2026, 11, 30), False)
    far = last_day_of(ON, 60, CALENDAR)
    assert far is not None
    assert far.provisional is True
    assert last_day_of(ON, None, CALENDAR) is None
    assert remind_day_of(ON, 5, 2, CALENDAR) == date(2026, 11, 26)
    assert remind_day_of(ON, 5, 5, CALENDAR) is None
    assert remind_day_of(ON, 5, None, CALENDAR) is None


@pytest.mark.parametrize(
    ("state", "last", "is_over", "code"),
    [
        (OfferState.PREPARED, ON, False, None),
        (OfferState.PREPARED, None, False, None),
        (OfferState.PREPARED, date(2026, 11, 22), False, "offer-lapsed"),
        (OfferState.PREPARED, ON, True, "offer-lapsed"),
        (OfferState.CONFIRMED, ON, False, "offer-answered"),
        (OfferState.DECLINED, ON, False, "offer-answered"),
        (OfferState.LAPSED, ON, False, "offer-answered"),
    ],
)
def test_a_firm_answers_once_and_in_time(
    state: OfferState, last: date | None, is_over: bool, code: str | None  # noqa: FBT001
) -> None:  # fmt: skip
    if code is None:
        require_waiting(state, last, ON, is_over=is_over)
        return
    with pytest.raises(Conflict) as refused:
        require_waiting(state, last, ON, is_over=is_over)
    assert refused.value.code == code


@pytest.mark.parametrize(("state", "event"), list(product(BatchState, BatchEvent)))
def test_a_batch_moves_by_its_table_alone(state: BatchState, event: BatchEvent) -> None:
    if event in NEXT[state]:
        assert move(state, event) is NEXT[state][event]
        return
    with pytest.raises(Conflict) as refused:
        move(state, event)
    assert refused.value.code == "event-not-allowed"


def test_what_is_at_work_is_not_closed() -> None:
    require_not_at_work(BatchState.PREPARING, is_at_work=False)
    require_not_at_work(BatchState.OPEN, is_at_work=True)
    with pytest.raises(Conflict) as refused:
        require_not_at_work(BatchState.PREPARING, is_at_work=True)
    assert refused.value.code == "batch-preparing"


def test_a_draft_takes_either_its_own_events_or_those_of_an_offer() -> None:
    own = cases.moves(CaseState.DRAFT, offered=False)
    offered = cases.moves(CaseState.DRAFT, offered=True)
    assert set(own) == {CaseEvent.SUBMIT, CaseEvent.WITHDRAW}
    assert set(offered) == {CaseEvent.CONFIRM, CaseEvent.DECLINE}
    assert offered[CaseEvent.CONFIRM].to == (CaseState.ACCEPTED,)
    for state in CaseState:
        if state is not CaseState.DRAFT:
            assert cases.moves(state, offered=True) == cases.moves(state, offered=False)


def code_of(programme: PlanProgramme, facts: Any = None) -> str | None:
    try:
        require_offerable(programme, library().facts if facts is None else facts)
    except Conflict as refusal:
        return refusal.code
    return None


def changed(name: str, **changes: Any) -> PlanProgramme:
    known = library().programmes[name]
    rule = known.compiled.programme.model_copy(update=changes)
    return replace(known, compiled=replace(known.compiled, programme=rule))


def test_only_what_the_plan_gives_unasked_and_lawful_facts_decide_is_offered() -> None:
    programmes = library().programmes
    assert code_of(programmes["digital-growth"]) is None
    assert code_of(programmes["large-strong"]) is None
    assert code_of(programmes["rd-matching"]) == "application-needed"
    assert code_of(programmes["four-chain-check"]) == "matter-not-known"
    assert code_of(programmes["town-project-organising"]) == "matter-not-known"
    assert code_of(changed("digital-growth", confidential=True)) == "confidential-programme"
    assert code_of(changed("digital-growth", without_application=None)) == "application-needed"
    with pytest.raises(Conflict) as needed:
        require_offerable(programmes["rd-matching"], library().facts)
    stated = programmes["rd-matching"].compiled.programme.without_application
    assert stated is not None
    assert stated.because in needed.value.en
    surveyed = {**library().facts}
    surveyed["revenue_fen"] = replace(surveyed["revenue_fen"], is_survey=True)
    with pytest.raises(Conflict) as refused:
        require_offerable(programmes["digital-growth"], surveyed)
    assert refused.value.code == "no-lawful-source"
    assert "revenue_fen" in refused.value.zh
    assert "revenue_fen" in refused.value.en


def test_no_fact_of_the_plans_is_from_a_survey() -> None:
    assert [name for name, entry in library().facts.items() if entry.is_survey] == []
