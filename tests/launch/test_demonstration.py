"""What `liangxin demo --without` takes."""

import pytest

from services.launch.commands.demonstration import _read_without
from services.launch.configuration import SERVICE_NAMES
from services.launch.story.outage import PROBES


def test_any_service_may_be_left_out_for_a_while() -> None:
    assert _read_without("", split=False) is None
    assert _read_without("finance=60", split=True) == ("finance", 60.0)
    assert _read_without("policy=0.5", split=True) == ("policy", 0.5)
    assert set(PROBES) == set(SERVICE_NAMES)


@pytest.mark.parametrize("words", ["finance", "finance=", "finance=0", "finance=601", "gateway=5"])
def test_what_cannot_be_left_out_is_said(words: str) -> None:
    with pytest.raises(SystemExit, match="SERVICE=SECONDS"):
        _read_without(words, split=True)


def test_only_a_process_of_its_own_can_be_left_out() -> None:
    with pytest.raises(SystemExit, match="--split"):
        _read_without("finance=60", split=False)
