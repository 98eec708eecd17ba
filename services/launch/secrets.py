"""The secrets of the demonstration, made once and kept beside its data.

A production process is given its own by the environment and refuses to start without them.
"""

import os
import secrets
from pathlib import Path


def ensure_secret(folder: Path, name: str) -> str:
    """Read a secret from its file, or make it: only the owner may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip()
