"""A31: a process that would open the door too far does not start, and says which setting."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.abuse.report import tried

SECRET = "kq9V2xTz7LmB4nRw8PfD6sHjC3gYaE5u"
PRODUCTION = {
    "LIANGXIN_PROFILE": "production",
    "LIANGXIN_AUDIT_KEY": SECRET,
    "LIANGXIN_SECRET_KEY": SECRET[::-1],
    # Nothing answers there: a process that gets so far has let the settings pass.
    "DATABASE_URL": "postgresql://admin:hidden-word@127.0.0.1:9/liangxin",
    "NATS_URL": "nats://127.0.0.1:9",
    "IDENTITY_URL": "http://127.0.0.1:9",
}
WEAK = ("", "short", "changeme" * 4, "x" * 64)
REFUSED: list[tuple[str, str, str]] = [
    *(
        ("finance", name, weak)
        for name in ("LIANGXIN_AUDIT_KEY", "LIANGXIN_SECRET_KEY")
        for weak in WEAK
    ),
    ("finance", "LIANGXIN_CRASH_AT", "relay:published"),
    ("gateway", "LIANGXIN_GATEWAY_DOCS_OPEN", "true"),
    ("gateway", "LIANGXIN_GATEWAY_CORS_ORIGINS", "*"),
    ("gateway", "LIANGXIN_GATEWAY_CORS_ORIGINS", "null"),
]
SECONDS_MAX = 60


async def run(what: str, folder: Path, **changes: str) -> tuple[int, str]:
    """Start a process of the production profile and wait until it has ended."""
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith(("LIANGXIN", "DATABASE", "NATS"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.launch", "run", what, "--port", "0",
        cwd=Path(__file__).parents[2],
        env={**kept, **PRODUCTION, "LIANGXIN_DATA": str(folder), **changes},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize(("what", "name", "value"), REFUSED)
async def test_a_process_with_such_a_setting_does_not_start(
    tmp_path: Path, what: str, name: str, value: str
) -> None:
    code, said = await run(what, tmp_path, **{name: value})
    assert code != 0
    assert name.removeprefix("LIANGXIN_GATEWAY_").lower() in said.lower(), said
    assert "hidden-word" not in said
    assert not value or value in ("*", "null", "true", "short") or value not in said
    tried("A31", "settings that open the door too far")
