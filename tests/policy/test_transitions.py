"""The table of transitions says what the machine does, and its page is committed."""

from services.launch.commands.documents import REPOSITORY, written_documents
from services.policy.cases.rules import NEXT, WITHOUT_MONEY, CaseEvent, CaseState, SystemEvent
from services.policy.prefill.rules import UNDECIDED
from services.policy.transitions import rules
from services.policy.transitions.rules import NEEDS, WRITES


def test_every_transition_of_the_machine_is_in_the_table_once() -> None:
    found = list(rules.transitions())
    by_hand = [(each.leaves, each.event) for each in found if each.event in set(CaseEvent)]
    assert sorted(by_hand) == sorted(
        (state, event) for state, moves in NEXT.items() for event in moves
    )
    for each in found:
        if each.event in set(CaseEvent):
            assert each.reaches == NEXT[each.leaves][CaseEvent(each.event)].to


def test_every_event_says_what_it_needs_and_writes() -> None:
    assert set(NEEDS) == set(WRITES) == set(CaseEvent)
    assert all(zh and en for zh, en in NEEDS.values())


def test_what_moves_a_case_beside_its_events_is_in_the_table() -> None:
    beside = {each.event for each in rules.transitions()} - set(CaseEvent)
    assert beside == {
        SystemEvent.STEP_RETURNED, SystemEvent.NOTICE_BEGUN, SystemEvent.SUSPENDED,
        SystemEvent.OBJECTION_UPHELD, SystemEvent.OBJECTION_DISMISSED, SystemEvent.AWARDED,
        SystemEvent.PAID, SystemEvent.PAYMENT_RETURNED, SystemEvent.FACTS_CHANGED,
        SystemEvent.FACT_OBJECTION_ANSWERED, SystemEvent.OFFER_LAPSED,
        SystemEvent.TITLE_RECORDED, SystemEvent.COMPLETED,
    }  # fmt: skip


def test_a_case_that_goes_on_by_itself_does_so_in_the_table() -> None:
    drawn = {(each.leaves, each.event, to) for each in rules.transitions() for to in each.reaches}
    for state, ways in WITHOUT_MONEY.items():
        assert {(state, event, to) for event, to in ways.items()} <= drawn
    sent_back = {
        (state, event, CaseState.IN_REVIEW)
        for state in UNDECIDED
        for event in (SystemEvent.FACTS_CHANGED, SystemEvent.FACT_OBJECTION_ANSWERED)
    }
    assert sent_back <= drawn


def test_every_state_is_drawn_and_can_be_reached() -> None:
    drawn = rules.diagram()
    reached = {to for each in rules.transitions() for to in each.reaches}
    assert reached == set(CaseState) - {CaseState.DRAFT}
    assert all(f"    {state.replace('-', '_')}: " in drawn for state in CaseState)


def test_the_page_is_the_one_that_the_code_writes() -> None:
    written = written_documents()
    assert set(written) == {"gateway/openapi.json", "gateway/asyncapi.json", "docs/cases.md"}
    assert (REPOSITORY / "docs/cases.md").read_bytes() == written["docs/cases.md"]
