"""Server processes that live in a session of their own and outlast a crash of the program.

A server is known by its command line, which names its data directory: process ids are used again
after a restart, and a pid file alone would make us adopt, or end, somebody else's process.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

import psutil

START_SECONDS_MAX = 60
POLL_SECONDS = 0.005
LOG_TAIL_BYTES = 2_000

# The shell starts the server and ends at once, so that the server is nobody's child here: it needs
# no waiting for, and a program that ends leaves no unfinished business.
DETACH = 'log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null & echo $!'


class ServerDidNotStart(RuntimeError):
    """Says which server failed, with the end of its log."""


def spawn(command: Sequence[str], log: Path) -> int:
    """Start a server that neither Ctrl-C nor our own crash takes down; return its process id."""
    shell = subprocess.run(
        ["/bin/sh", "-c", DETACH, "sh", str(log), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=server_environment(),
        check=True,
    )
    return int(shell.stdout)


def server_environment() -> dict[str, str]:
    """Keep the caller's PGPORT, LC_ALL and the like from changing what a server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def find(program: str, argument: str) -> list[psutil.Process]:
    """Return the living servers of a program that were started with this argument."""
    found = {
        process.pid: process
        for process, command in _running()
        if Path(command[0]).name == program and argument in command[1:]
    }
    # A helper that was forked a moment ago still bears its server's command line.
    return [process for process in found.values() if _is_top(process, found)]


def find_titled(title: str) -> list[psutil.Process]:
    """Return the living processes that gave themselves a title which begins like this."""
    return [process for process, command in _running() if command[0].startswith(title)]


def await_ready(
    name: str, process_id: int, is_ready: Callable[[], bool], logs: Sequence[Path]
) -> None:
    """Wait until a server answers; one that ended, or is late, raises with the end of its logs."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not is_ready():
        if not is_alive(process_id) or time.monotonic() > deadline:
            tails = "".join(f"\n{log}:\n{_tail(log)}" for log in logs if log.exists())
            raise ServerDidNotStart(f"{name} did not start.{tails}")
        time.sleep(POLL_SECONDS)


def is_alive(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(processes: Iterable[psutil.Process], signals: Sequence[tuple[signal.Signals, int]]) -> None:
    """Send each signal in turn, giving the processes its seconds, until none is left."""
    left = list(processes)
    for number, seconds in signals:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        left = await_end(left, seconds)


def await_end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for processes to end; return those that have not."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left := [process for process in left if is_alive(process.pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return left


def _is_top(process: psutil.Process, process_ids: Container[int]) -> bool:
    try:
        return process.ppid() not in process_ids
    except psutil.NoSuchProcess:
        return False


def _running() -> Iterable[tuple[psutil.Process, list[str]]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if command and process.status() != psutil.STATUS_ZOMBIE:
                yield process, command


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
