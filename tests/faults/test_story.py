"""The story in one process, and as separate processes with one of them away: one end state."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import orjson

from tests.faults.report import held, wholly

AWAY = "finance=60"
STORY_S_MAX = 900.0


@wholly
async def test_the_story_ends_the_same_with_finance_away_for_a_minute(tmp_path: Path) -> None:
    alone = await _end_state(tmp_path / "one")
    split = await _end_state(tmp_path / "split", "--split", "--without", AWAY)
    sections = alone["sections"].keys() | split["sections"].keys()
    rows = {name: (alone["sections"][name], split["sections"][name]) for name in sections}
    lost = [name for name, (wanted, got) in rows.items() if any(r not in got for r in wanted)]
    double = [name for name, (wanted, got) in rows.items() if len(got) > len(wanted)]
    held(
        "split",
        f"the story as separate processes, {AWAY} s",
        tries=sum(len(wanted) for wanted, _ in rows.values()),
        lost=len(lost),
        double=len(double),
        note=f"end state {split['sha256'][:16]}, in one process {alone['sha256'][:16]}",
    )
    assert (lost, double) == ([], [])
    assert split["sha256"] == alone["sha256"]


async def _end_state(folder: Path, *options: str) -> dict[str, Any]:
    """Play the story as anybody does; give what it leaves behind."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.launch", "demo", *options),
        env={**os.environ, "LIANGXIN_DATA": str(folder), "COLUMNS": "200"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), STORY_S_MAX)
    assert process.returncode == 0, printed.decode()
    return orjson.loads(await asyncio.to_thread((folder / "demo" / "end-state.json").read_bytes))
