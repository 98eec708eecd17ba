"""The operator's commands, run as an operator runs them: a process with the same variables."""

import asyncio
import re
import sys

import httpx

from services.launch.split import Child
from tests.faults.ground import Ground

SECONDS_MAX = 120.0


async def liangxin(ground: Ground, *words: str, expect: int = 0) -> str:
    """Run `liangxin WORDS`; give what it printed, or fail with it."""
    environment = ground.split.services["identity"].environment
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.launch", *words),
        env={**environment, "DATABASE_URL": ground.settings.database_url, "COLUMNS": "400"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    assert process.returncode == expect, printed.decode()
    return printed.decode()


def another(child: Child, suffix: str) -> Child:
    """Give one more instance of a service, on a port of its own."""
    name = f"{child.log.stem}-{suffix}.log"
    return Child(child.name, child.environment, child.log.with_name(name))


async def counted(child: Child, metric: str) -> int:
    """Sum an instance's counter over its labels."""
    async with httpx.AsyncClient(base_url=child.url, timeout=5) as http:
        text = (await http.get("/metrics")).text
    found = re.findall(rf"^{metric}_total{{[^}}]*}} (\S+)$", text, re.MULTILINE)
    return round(sum(map(float, found)))
