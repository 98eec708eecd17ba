"""Commands about a platform: where none has been they say so, end with 2, and make nothing."""

import asyncio
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.launch.cli import app
from services.launch.embedded import start_embedded, stop_embedded

COMMANDS = (
    ("replay", "0192f0c5-0000-7000-8000-000000000001"),
    ("audit", "verify"),
    ("events", "parked", "policy"),
    ("events", "restate", "policy"),
    ("events", "republish"),
)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("DATABASE_URL", "NATS_URL", "LIANGXIN_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    monkeypatch.setenv("LIANGXIN_DATA", str(folder))
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_no_platform_has_been_nothing_is_made(
    elsewhere: Path, command: tuple[str, ...]
) -> None:
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 2, answer.output
    assert "没有平台的数据" in answer.output
    assert "set LIANGXIN_DATA" in answer.output
    assert "DATABASE_URL" in answer.output
    assert not elsewhere.exists()


def test_coverage_counts_nothing_and_makes_nothing(elsewhere: Path) -> None:
    answer = CliRunner().invoke(app, ["coverage"])
    assert answer.exit_code == 0, answer.output
    assert "no platform has run on this data yet" in answer.output
    assert not elsewhere.exists()


def test_an_empty_database_and_one_that_is_away_are_told_alike(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    asyncio.run(start_embedded(elsewhere))
    try:
        for command in COMMANDS:
            answer = CliRunner().invoke(app, command)
            assert answer.exit_code == 2, answer.output
            assert "没有平台的数据库" in answer.output
    finally:
        stop_embedded(elsewhere)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:9/liangxin")
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:9")
    for name in ("AUDIT_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"LIANGXIN_{name}", secrets.token_hex(32))
    monkeypatch.setenv("LIANGXIN_ISSUER", "https://liangxin.example")
    answer = CliRunner().invoke(app, COMMANDS[0])
    assert answer.exit_code == 2, answer.output
    assert "DATABASE_URL" in answer.output
