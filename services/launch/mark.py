"""Which process runs the platform on a data folder: `liangxin stop` ends it before its servers."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

END_SECONDS_MAX = 30


@contextmanager
def marked(folder: Path) -> Generator[None]:
    """Leave word, while the platform runs, of the process that runs it."""
    mark, word = _mark(folder), _word(psutil.Process())
    mark.write_text(word)
    try:
        yield
    finally:
        # Another may have begun on the same folder since; its mark is its own.
        if mark.exists() and mark.read_text() == word:
            mark.unlink()


def end_platform(folder: Path) -> bool:
    """End the platform that runs on a data folder; False if none does."""
    process = _marked_process(folder)
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _, living = psutil.wait_procs([process], timeout=END_SECONDS_MAX)
    for each in living:
        each.kill()
    return True


def _marked_process(folder: Path) -> psutil.Process | None:
    """Find the process that left the mark: a number alone may have been given to another since."""
    try:
        word = _mark(folder).read_text()
        process = psutil.Process(int(word.split()[0]))
        return process if _word(process) == word else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _word(process: psutil.Process) -> str:
    return f"{process.pid} {process.create_time()}\n"


def _mark(folder: Path) -> Path:
    return folder / "platform.pid"
