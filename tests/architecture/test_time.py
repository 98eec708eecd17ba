"""Time is passed in: only the kernel's clock asks the machine for it."""

from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, dotted, findings, imported, planted, sources

CLOCKS = (
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
)
CLOCK_MODULE = "services/kernel/clock.py"
ALLOWED = {
    CLOCK_MODULE: "it is the clock",
    "gateway/rates.py": "the rate limiter counts in the clock of its library",
}


def clock_readings(source: Source) -> Iterator[str]:
    for node in source.nodes:
        name = dotted(node)
        if name.endswith(tuple(f".{clock}" for clock in CLOCKS)) or name in CLOCKS:
            yield source.at(node, name)
    for node, name in imported(source):
        if name in {"time.time", "time.time_ns"}:
            yield source.at(node, name)


def test_only_the_clock_tells_the_time() -> None:
    written = sources("services/**/*.py", "gateway/**/*.py")
    # launch measures start-up and generates the demonstration.
    judged = [source for source in written if not source.path.startswith("services/launch/")]
    found = findings(clock_readings, judged)

    assert [finding for finding in found if finding.split(":")[0] not in ALLOWED] == []
    assert {finding.split(":")[0] for finding in found} == set(ALLOWED), "an exception is stale"


def test_every_way_to_tell_the_time_is_found(tmp_path: Path) -> None:
    text = """\
import datetime as datetime_module
from datetime import date, datetime
from time import time

started = datetime.now()
aware = datetime_module.datetime.now(tz=None)
default_factory = datetime.utcnow
today = date.today()
"""
    found = findings(clock_readings, planted(tmp_path, "services/finance/late.py", text))

    assert sorted(found) == [
        "services/finance/late.py:3: time.time",
        "services/finance/late.py:5: datetime.now",
        "services/finance/late.py:6: datetime_module.datetime.now",
        "services/finance/late.py:7: datetime.utcnow",
        "services/finance/late.py:8: date.today",
    ]
