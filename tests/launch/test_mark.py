"""`liangxin stop` ends the platform of its data folder, and nobody else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from services.launch.mark import end_platform, marked

SLEEPER = """
import sys, time
from pathlib import Path
from services.launch.mark import marked
with marked(Path(sys.argv[1])):
    print("marked", flush=True)
    time.sleep(60)
"""


def sleeper(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SLEEPER, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "marked\n"
    return process


def test_a_running_platform_is_ended(tmp_path: Path) -> None:
    with sleeper(tmp_path) as process:
        assert end_platform(tmp_path)
        assert not psutil.pid_exists(process.pid)
    assert not end_platform(tmp_path)


def test_where_none_runs_nothing_is_ended(tmp_path: Path) -> None:
    assert not end_platform(tmp_path)
    with marked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_was_given_the_same_number_later_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "platform.pid").write_text(f"{os.getpid()} {time.time() - 10**6}\n")
    assert not end_platform(tmp_path)


def test_the_mark_of_who_began_later_outlives_the_first(tmp_path: Path) -> None:
    with marked(tmp_path), sleeper(tmp_path) as later:
        assert end_platform(tmp_path)
        assert not psutil.pid_exists(later.pid)
    with sleeper(tmp_path) as later:
        word = (tmp_path / "platform.pid").read_text()
        with marked(tmp_path):
            (tmp_path / "platform.pid").write_text(word)
        assert (tmp_path / "platform.pid").read_text() == word
        later.kill()
