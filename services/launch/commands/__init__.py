"""What the `liangxin` command does, one module for each kind of work."""

from services.launch.commands.documents import print_matrix, write_contracts
from services.launch.commands.operating import (
    check_migrations,
    migrate_all,
    parked,
    replay_case,
    republish,
    restate,
    verify_audit,
)
from services.launch.commands.running import demonstration_token, play_story, run_all, run_one

__all__ = [
    "check_migrations",
    "demonstration_token",
    "migrate_all",
    "parked",
    "play_story",
    "print_matrix",
    "replay_case",
    "republish",
    "restate",
    "run_all",
    "run_one",
    "verify_audit",
    "write_contracts",
]
