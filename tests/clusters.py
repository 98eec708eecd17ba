"""A database with every schema in it, made once in a run and copied for whoever wants servers.

Making a cluster and its schemas takes seconds of a processor, copying it a fraction of one. Only
where several workers run is it made apart: one that runs alone makes its own and has no use for
a second one.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from services.kernel.database_urls import with_database
from services.launch.configuration import embedded_settings
from services.launch.embedded import start_embedded, stop_embedded
from services.launch.platform import prepare_database

DATABASE = "liangxin_test"
HAS_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
POSTGRES, READY = "postgres", "ready"


async def lay_cluster(folder: Path) -> None:
    """Put a copy of the run's cluster where servers are about to be started; else do nothing."""
    if HAS_OTHERS:
        # A worker's folders lie in one of its own, beside those of the other workers.
        made = await _made_once(folder.parents[1] / "cluster")
        await asyncio.to_thread(copy_cluster, made, folder)


def copy_cluster(made: Path, folder: Path) -> None:
    """Copy a cluster at rest, with the owner and the rights that PostgreSQL insists on."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["cp", "-a", "--", str(made / POSTGRES), str(folder / POSTGRES)]
    subprocess.run(command, check=True)


async def _made_once(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not (place / READY).exists():
            await make_cluster(place)
            (place / READY).touch()
    return place


async def make_cluster(place: Path) -> None:
    """Make a cluster with every service's schema in `DATABASE`, and let it come to rest."""
    shutil.rmtree(place / POSTGRES, ignore_errors=True)
    servers = await start_embedded(place)
    try:
        url = with_database(servers.database_url, DATABASE)
        await prepare_database(embedded_settings(url, servers.nats_url, place))
    finally:
        await asyncio.to_thread(stop_embedded, place)
