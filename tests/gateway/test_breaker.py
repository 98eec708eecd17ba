"""A breaker on a clock of the test's own."""

from gateway.breaker import Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(failures_max=3, open_seconds=5.0)
    for _ in range(3):
        assert breaker.admits(at)
        breaker.fail(at)
    return breaker


def test_a_breaker_opens_after_failures_in_a_row() -> None:
    breaker = opened()
    assert breaker.is_open
    assert not breaker.admits(4.9)
    assert breaker.wait_seconds(0.5) == 5


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(failures_max=3, open_seconds=5.0)
    for _ in range(5):
        breaker.fail(0.0)
        breaker.fail(0.0)
        breaker.succeed()
    assert breaker.admits(0.0)
    assert not breaker.is_open


def test_one_request_finds_out_whether_the_service_is_back() -> None:
    breaker = opened()
    assert breaker.admits(5.0)
    assert not breaker.admits(5.0)
    breaker.succeed()
    assert not breaker.is_open
    assert breaker.admits(5.0)


def test_a_failed_probe_keeps_it_open_for_as_long_again() -> None:
    breaker = opened()
    assert breaker.admits(5.0)
    breaker.fail(6.0)
    assert not breaker.admits(10.9)
    assert breaker.admits(11.0)


def test_a_probe_whose_caller_left_makes_room_for_another() -> None:
    breaker = opened()
    assert breaker.admits(5.0)
    breaker.give_up()
    assert breaker.is_open
    assert breaker.admits(5.0)


def test_a_service_that_says_it_is_back_is_asked_at_once() -> None:
    breaker = opened()
    breaker.hear_ready(1.0)
    assert breaker.is_open
    assert breaker.admits(1.0)
    assert not breaker.admits(1.0)
    breaker.fail(1.5)
    assert not breaker.admits(6.4)


def test_a_service_that_was_never_away_says_nothing_new() -> None:
    breaker = Breaker(failures_max=3, open_seconds=5.0)
    breaker.hear_ready(1.0)
    assert not breaker.is_open
