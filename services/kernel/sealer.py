"""The chain over audit rows: each seal covers its row and the seal before it.

The key is kept outside the database.

Sealing happens after commit and only below the oldest running transaction, so that no row can slip
in behind a seal. A checkpoint names position and seal outside the database: a cut-off tail or a
chain rewritten whole no longer meets it.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import structlog

from services.kernel import metrics
from services.kernel.clock import system_now
from services.kernel.database_urls import plain_url
from services.kernel.ids import made_at
from services.kernel.strict_json import canonical

log = structlog.get_logger()

GENESIS = "0" * 64
BATCH_ROWS = 1000
POLL_S = 0.5
CHECKPOINT_S = 60.0
ALARM_LAG_S = 5.0
LOCK_CLASS = 0x5EA1

_FIELDS = "id, at, actor, client, roles, action, outcome, thing, thing_id, detail, trace_id, xid"
_UNSEALED = f"""
SELECT {_FIELDS} FROM audit_entry e
WHERE xid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint
  AND xid >= $1 AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.entry_id = e.id)
ORDER BY xid, id LIMIT $2
"""  # noqa: S608  constants of ours
_LAST = """
SELECT s.position, s.seal, e.xid FROM audit_seal s JOIN audit_entry e ON e.id = s.entry_id
ORDER BY s.position DESC LIMIT 1
"""


def seal_of(key: bytes, service: str, previous: str, row: Any) -> str:
    """Seal one audit row onto the chain."""
    content = {name: _plain(row[name]) for name in _FIELDS.split(", ")}
    message = f"liangxin-audit-v1|{service}|{previous}|{canonical(content)}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if isinstance(value, int) or value is None else str(value)


class Sealer:
    """The one process that seals a schema's audit rows, chosen by advisory lock."""

    def __init__(self, service: str, database_url: str, key: str, checkpoints: Path | None) -> None:
        self._service = service
        self._url = plain_url(database_url)
        self._key = key.encode()
        self._checkpoints = checkpoints

    async def run(self, stopping: asyncio.Event) -> None:
        """Seal until told to stop."""
        while not stopping.is_set():
            try:
                await self._serve(stopping)
            except Exception as error:  # noqa: BLE001  the driver has errors of no common kind
                log.warning(
                    "sealer lost its database", service=self._service, kind=type(error).__name__
                )
                await _wait(stopping, 1.0)

    async def _serve(self, stopping: asyncio.Event) -> None:
        connection = await asyncpg.connect(
            self._url,
            timeout=3,
            server_settings={"application_name": f"liangxin sealer {self._service}"},
        )
        try:
            while not await connection.fetchval(
                "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", LOCK_CLASS
            ):
                if await _wait(stopping, 2.0):
                    return
            next_checkpoint = system_now().timestamp() + CHECKPOINT_S
            while True:
                while await self.seal_batch(connection) == BATCH_ROWS:
                    pass
                await self._measure_lag(connection)
                if system_now().timestamp() >= next_checkpoint or stopping.is_set():
                    await self.write_checkpoint(connection)
                    next_checkpoint = system_now().timestamp() + CHECKPOINT_S
                if await _wait(stopping, POLL_S):
                    await self.seal_batch(connection)
                    await self.write_checkpoint(connection)
                    return
        finally:
            connection.terminate()

    async def seal_batch(self, connection: Any) -> int:
        """Seal the next rows in the order of their transactions."""
        async with connection.transaction():
            last = await connection.fetchrow(_LAST)
            position, previous, xid = (
                (last["position"], last["seal"], last["xid"]) if last else (0, GENESIS, 0)
            )
            rows = await connection.fetch(_UNSEALED, xid, BATCH_ROWS)
            seals: list[tuple[int, Any, str, str]] = []
            for row in rows:
                position += 1
                seal = seal_of(self._key, self._service, previous, row)
                seals.append((position, row["id"], previous, seal))
                previous = seal
            if seals:
                await connection.executemany(
                    "INSERT INTO audit_seal (position, entry_id, previous, seal)"
                    " VALUES ($1, $2, $3, $4)",
                    seals,
                )
        return len(rows)

    async def _measure_lag(self, connection: Any) -> None:
        oldest = await connection.fetchval(
            "SELECT id FROM audit_entry e WHERE NOT EXISTS"
            " (SELECT 1 FROM audit_seal s WHERE s.entry_id = e.id)"
            " AND id > coalesce((SELECT entry_id FROM audit_seal ORDER BY position DESC LIMIT 1),"
            " '00000000-0000-0000-0000-000000000000') ORDER BY id LIMIT 1"
        )
        # `at` is business time, which may be moved; the id tells when the row was written.
        lag = 0.0 if oldest is None else max(0.0, (system_now() - made_at(oldest)).total_seconds())
        metrics.AUDIT_LAG_SECONDS.labels(self._service).set(lag)
        if lag > ALARM_LAG_S:
            log.warning("audit rows wait for their seal", service=self._service, lag_s=round(lag))

    async def write_checkpoint(self, connection: Any) -> None:
        """Append where the chain stands to a file outside the database."""
        last = await connection.fetchrow(_LAST)
        if self._checkpoints is None or last is None:
            return
        await asyncio.to_thread(
            _append_checkpoint, self._checkpoints, self._service, self._key, last
        )


def _append_checkpoint(folder: Path, service: str, key: bytes, last: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "service": service,
        "position": last["position"],
        "seal": last["seal"],
        "at": system_now().isoformat(),
    }
    mac = hmac.new(key, canonical(body).encode(), hashlib.sha256).hexdigest()
    with (folder / f"{service}.ndjson").open("ab") as file:
        file.write(orjson.dumps({**body, "mac": mac}) + b"\n")
        file.flush()
        os.fsync(file.fileno())


async def _wait(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True)
class ChainReport:
    """What verification found: how many rows hold, and the first that does not."""

    service: str
    sealed: int
    unsealed: int
    fault: str | None

    @property
    def holds(self) -> bool:
        return self.fault is None


async def verify_chain(
    service: str,
    database_url: str,
    key: str,
    checkpoints: Path | None,
    progress: Callable[[int], None] | None = None,
) -> ChainReport:
    """Recompute the whole chain and name the first row that was tampered with."""
    connection = await asyncpg.connect(plain_url(database_url), timeout=5)
    try:
        try:
            marks = _read_checkpoints(checkpoints, service, key)
        except AlteredCheckpoint as altered:
            return ChainReport(service, 0, 0, str(altered))
        position, previous = 0, GENESIS
        async with contextlib.aclosing(_chain(connection)) as chain:
            async for row in chain:
                position += 1
                fault = _fault(row, position, previous, key.encode(), service, marks)
                if fault:
                    return ChainReport(service, position - 1, 0, fault)
                previous = row["seal"]
                if progress and position % BATCH_ROWS == 0:
                    progress(position)
        if marks and max(marks) > position:
            fault = (
                f"the chain ends at {position}, but a checkpoint names position {max(marks)}:"
                " the tail is missing"
            )
            return ChainReport(service, position, 0, fault)
        unsealed = await connection.fetchval("SELECT count(*) FROM audit_entry") - position
        inserted = await connection.fetchval(
            "SELECT e.id FROM audit_entry e WHERE NOT EXISTS"
            " (SELECT 1 FROM audit_seal s WHERE s.entry_id = e.id)"
            " AND e.xid < coalesce((SELECT e2.xid"
            " FROM audit_seal s2 JOIN audit_entry e2 ON e2.id = s2.entry_id"
            " ORDER BY s2.position DESC LIMIT 1), 0) LIMIT 1"
        )
        fault = f"audit entry {inserted} was inserted behind the seal" if inserted else None
        return ChainReport(service, position, unsealed, fault)
    finally:
        await connection.close()


class AlteredCheckpoint(Exception):
    """A checkpoint that was not written by a sealer with this key."""


async def _chain(connection: Any) -> AsyncGenerator[Any]:
    fields = ", ".join(f"e.{name}" for name in _FIELDS.split(", "))
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(
            f"SELECT s.position, s.previous, s.seal, s.entry_id, {fields} FROM audit_seal s"  # noqa: S608  constants
            " LEFT JOIN audit_entry e ON e.id = s.entry_id ORDER BY s.position",
            prefetch=BATCH_ROWS,
        ):
            yield row


def _fault(
    row: Any, position: int, previous: str, key: bytes, service: str, marks: dict[int, str]
) -> str | None:
    if row["position"] != position:
        return f"seal {position} is missing"
    if row["id"] is None:
        return f"audit entry {row['entry_id']} at position {position} was removed"
    if row["previous"] != previous:
        return f"seal {position} does not follow the one before it"
    if not hmac.compare_digest(seal_of(key, service, previous, row), row["seal"]):
        return f"audit entry {row['entry_id']} at position {position} was altered"
    if marks.get(position, row["seal"]) != row["seal"]:
        return f"position {position} differs from its checkpoint: the chain was rewritten"
    return None


def _read_checkpoints(folder: Path | None, service: str, key: str) -> dict[int, str]:
    if folder is None or not (folder / f"{service}.ndjson").exists():
        return {}
    marks: dict[int, str] = {}
    for number, line in enumerate((folder / f"{service}.ndjson").read_bytes().splitlines(), 1):
        try:
            body = orjson.loads(line)
            mac = str(body.pop("mac"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise AlteredCheckpoint(f"checkpoint {number} of {service} cannot be read") from None
        expected = hmac.new(key.encode(), canonical(body).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mac, expected):
            raise AlteredCheckpoint(f"checkpoint {number} of {service} was altered")
        marks[body["position"]] = body["seal"]
    return marks
