"""The NATS server that comes with the package index: JetStream on disk, one user, loopback only.

Its configuration holds the port and the password, both kept from one start to the next, so that
clients find a restarted server where it was. The file is for its owner's eyes only.
"""

import json
import os
import secrets
import signal
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from services.launch import processes
from services.launch.processes import ServerDidNotStart

HOST = "127.0.0.1"
USER = "liangxin"
PROBE_SECONDS = 1.0
GREETING_BYTES_MAX = 8_192
LOG_BYTES_MAX = 10_000_000
START_ATTEMPTS = 3
STOP_SIGNALS = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))


@dataclass(frozen=True)
class Settings:
    """What has to be the same after a restart."""

    name: str
    port: int
    password: str


def start(directory: Path) -> str:
    """Start the server of a directory, or adopt it if it lives; return its URL."""
    directory = directory.resolve()
    directory.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    settings = _read(directory)
    for server in processes.find("nats-server", str(_configuration(directory))):
        if settings is not None:
            _await_answer(server.pid, settings, directory)
            return _url(settings)
        processes.end([server], STOP_SIGNALS)
    return _launch(directory, settings or _new_settings())


def stop(directory: Path) -> None:
    """End the server of a directory, whoever started it."""
    configuration = str(_configuration(directory.resolve()))
    processes.end(processes.find("nats-server", configuration), STOP_SIGNALS)


def _launch(directory: Path, settings: Settings) -> str:
    """Start the server; where its port was taken meanwhile, on another."""
    for attempt in range(1, START_ATTEMPTS + 1):
        if not _is_free(settings.port):
            settings = Settings(settings.name, _free_port(), settings.password)
        _write(directory, settings)
        process_id = processes.spawn(
            [str(_binary()), "-c", str(_configuration(directory))], _start_log(directory)
        )
        try:
            _await_answer(process_id, settings, directory)
        except ServerDidNotStart:
            if attempt == START_ATTEMPTS or _is_free(settings.port):
                raise
        else:
            break
    return _url(settings)


def _await_answer(process_id: int, settings: Settings, directory: Path) -> None:
    # nats-py waits two seconds after a refused connection, so the URL is handed out only when
    # the port answers, with the name that only our server knows.
    def is_ready() -> bool:
        greeting = _greeting(settings.port)
        return greeting.get("server_name") == settings.name and greeting.get("jetstream") is True

    logs = (_start_log(directory), _log(directory))
    processes.await_ready("NATS", process_id, is_ready, logs)


def _greeting(port: int) -> dict[str, object]:
    """Read the INFO line with which a NATS server greets; nothing where none listens."""
    received = b""
    try:
        with socket.create_connection((HOST, port), PROBE_SECONDS) as connection:
            while b"\r\n" not in received and len(received) < GREETING_BYTES_MAX:
                if not (chunk := connection.recv(GREETING_BYTES_MAX)):
                    break
                received += chunk
    except OSError:
        return {}
    try:
        greeting = json.loads(received.removeprefix(b"INFO ").partition(b"\r\n")[0])
    except ValueError:  # another program listens there
        return {}
    return greeting if isinstance(greeting, dict) else {}


def _new_settings() -> Settings:
    return Settings(f"liangxin-{secrets.token_hex(6)}", _free_port(), secrets.token_urlsafe(32))


def _read(directory: Path) -> Settings | None:
    try:
        document = json.loads(_configuration(directory).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Settings(
        document["server_name"], document["port"], document["authorization"]["password"]
    )


def _write(directory: Path, settings: Settings) -> None:
    """Write the configuration as JSON, which the server's own language includes."""
    document = {
        "server_name": settings.name,
        "host": HOST,
        "port": settings.port,
        "pid_file": str(directory / "nats.pid"),
        "log_file": str(_log(directory)),
        "logfile_size_limit": LOG_BYTES_MAX,
        "logfile_max_num": 3,
        "authorization": {"user": USER, "password": settings.password},
        # Flushed before it is acknowledged: a power cut must not take an acknowledged message.
        "jetstream": {"store_dir": str(directory), "sync_interval": "always"},
    }
    configuration = _configuration(directory)
    draft = configuration.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
    draft.replace(configuration)


def _url(settings: Settings) -> str:
    return f"nats://{USER}:{settings.password}@{HOST}:{settings.port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _binary() -> Path:
    """Find the program that the wheel put beside the interpreter."""
    binary = Path(sys.executable).parent / "nats-server"
    if not binary.exists():
        raise ServerDidNotStart("The embedded servers are not installed: liangxin[embedded].")
    return binary


def _configuration(directory: Path) -> Path:
    return directory / "nats.json"


def _start_log(directory: Path) -> Path:
    return directory / "start.log"


def _log(directory: Path) -> Path:
    return directory / "nats.log"
