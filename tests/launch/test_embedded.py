"""The embedded servers: started cold, adopted after a crash, cleaned up after, stopped.

The tests share a folder, and each begins with a start of its own.
"""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest

from services.launch import postgres_server, processes
from services.launch.embedded import Embedded, embedded_servers, start_embedded, stop_embedded
from services.launch.processes import ServerDidNotStart

REPOSITORY = Path(__file__).parents[2]
ADOPTION_SECONDS_MAX = 1.0
PLATFORM = """
import asyncio, sys, time
from pathlib import Path
from services.launch.embedded import start_embedded
servers = asyncio.run(start_embedded(Path(sys.argv[1])))
print(servers.database_url, servers.nats_url, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a path longer than a socket's may be, not plain ASCII, closed as a home folder is."""
    parent = tmp_path_factory.mktemp("home")
    parent.chmod(stat.S_IRWXU)
    directory = parent / "两新 data" / ("deep-" * 30)
    assert len(os.fsencode(directory)) > 150
    yield directory
    stop_embedded(directory)


def running(data_dir: Path) -> list[psutil.Process]:
    """Return the PostgreSQL and NATS servers of a directory: one of each, or none."""
    return [
        *processes.find("postgres", str(data_dir / "postgres")),
        *processes.find("nats-server", str(data_dir / "nats" / "nats.json")),
    ]


async def write(servers: Embedded, note: str) -> None:
    connection = await asyncpg.connect(servers.database_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS note (text text NOT NULL)")
    await connection.execute("INSERT INTO note VALUES ($1)", note)
    await connection.close()
    client = await nats.connect(servers.nats_url)
    stream = client.jetstream()
    await stream.add_stream(name="notes", subjects=["notes"])
    await stream.publish("notes", note.encode())
    await client.close()


async def read(servers: Embedded) -> tuple[str | None, str | None]:
    """Return the last note of the database, and that of the stream."""
    connection = await asyncpg.connect(servers.database_url)
    row = await connection.fetchval("SELECT text FROM note ORDER BY ctid DESC LIMIT 1")
    await connection.close()
    client = await nats.connect(servers.nats_url)
    message = await client.jetstream().get_last_msg("notes", "notes")
    await client.close()
    return row, (message.data or b"").decode()


async def test_both_servers_keep_what_they_are_given_over_a_stop(data_dir: Path) -> None:
    before = await start_embedded(data_dir)
    await write(before, "一")
    stop_embedded(data_dir)
    assert running(data_dir) == []

    after = await start_embedded(data_dir)

    assert after == before
    assert await read(after) == ("一", "一")


async def test_postgresql_is_tuned_and_listens_on_its_socket_only(data_dir: Path) -> None:
    servers = await start_embedded(data_dir)
    connection = await asyncpg.connect(servers.database_url)
    shown = {name: await connection.fetchval(f"SHOW {name}") for name in postgres_server.SETTINGS}
    version = connection.get_server_version().major
    await connection.close()

    assert shown == postgres_server.SETTINGS
    assert version == postgres_server.MAJOR_VERSION


async def test_nats_refuses_whoever_has_no_password(data_dir: Path) -> None:
    servers = await start_embedded(data_dir)
    port = int(servers.nats_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"CONNECT {}\r\nPING\r\n")
    answer = await reader.read()  # to the end: the server hangs up
    writer.close()
    await writer.wait_closed()

    assert b"-ERR 'Authorization Violation'" in answer


async def test_nats_keeps_its_secret_and_flushes_before_it_acknowledges(data_dir: Path) -> None:
    await start_embedded(data_dir)
    secret_file = data_dir / "nats" / "nats.json"

    assert stat.S_IMODE(secret_file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert json.loads(secret_file.read_text())["jetstream"]["sync_interval"] == "always"


async def test_a_start_opens_no_folder_above_the_data(data_dir: Path) -> None:
    await start_embedded(data_dir)
    closed = data_dir.parents[1]

    assert stat.S_IMODE(closed.stat().st_mode) == stat.S_IRWXU


async def test_a_killed_program_leaves_servers_that_the_next_start_adopts(data_dir: Path) -> None:
    stop_embedded(data_dir)
    program = subprocess.Popen(
        [sys.executable, "-c", PLATFORM, str(data_dir)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    database_url, nats_url = program.stdout.readline().split()
    before = Embedded(database_url, nats_url)
    await write(before, "before the crash of the program")
    servers = running(data_dir)
    program.kill()
    program.wait()
    program.stdout.close()

    started = time.monotonic()
    after = await start_embedded(data_dir)

    assert time.monotonic() - started < ADOPTION_SECONDS_MAX
    assert after == before
    assert running(data_dir) == servers
    assert len(servers) == 2
    assert await read(after) == ("before the crash of the program",) * 2


async def test_killed_servers_are_cleaned_up_after_and_started_anew(data_dir: Path) -> None:
    before = await start_embedded(data_dir)
    await write(before, "before the crash of the servers")
    killed = running(data_dir)
    for process in killed:
        process.send_signal(signal.SIGKILL)
    assert processes.await_end(killed, 5) == []
    # As after a restart of a container: the number in the file is that of another process by now.
    status = data_dir / "postgres" / "postmaster.pid"
    status.write_text(status.read_text().replace(str(killed[0].pid), str(os.getpid()), 1))

    after = await start_embedded(data_dir)

    assert after == before
    assert len(running(data_dir)) == 2
    assert not set(running(data_dir)) & set(killed)
    assert await read(after) == ("before the crash of the servers",) * 2


async def test_servers_of_a_deleted_folder_are_replaced(data_dir: Path) -> None:
    await write(await start_embedded(data_dir), "deleted")
    shutil.rmtree(data_dir)

    after = await start_embedded(data_dir)

    assert len(running(data_dir)) == 2
    connection = await asyncpg.connect(after.database_url)
    assert await connection.fetchval("SELECT to_regclass('note')") is None
    await connection.close()


async def test_simultaneous_starts_share_one_pair_of_servers(data_dir: Path) -> None:
    stop_embedded(data_dir)
    first, second = await asyncio.gather(start_embedded(data_dir), start_embedded(data_dir))

    assert first == second
    assert len(running(data_dir)) == 2


async def test_the_last_user_stops_the_servers(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as first:
        async with embedded_servers(data_dir) as second:
            assert second == first
        assert len(running(data_dir)) == 2

    assert running(data_dir) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    binary = Path(sys.executable).parent / "nats-server"
    log = tmp_path / "start.log"
    process_id = processes.spawn([str(binary), "-c", str(tmp_path / "absent.json")], log)

    with pytest.raises(ServerDidNotStart, match=r"absent\.json: no such file"):
        processes.await_ready("NATS", process_id, lambda: False, [log])
