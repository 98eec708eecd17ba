"""Announcing: an event is written in the transaction of the change and published after it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.database import raw_connection
from services.kernel.events import Event, StateEvent, payload_of, shard_of
from services.kernel.ids import new_id
from services.kernel.strict_json import digest
from services.kernel.trace import current_traceparent

PENDING = "announced_events"
# On which a relay is told of rows that were written where it is not.
CHANNEL = "liangxin_outbox"
WRITTEN_AT_ONCE = 50
NEVER_TRIED = {"attempts": 0, "due": "-infinity"}

Row = Mapping[str, Any]

# One statement whatever the number of events: the heads' row locks make commits keep each
# aggregate's order, and ORDER BY keeps two writers from locking heads crosswise.
_WRITE = """
WITH fresh AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[],
                         $6::text[], $7::text[])
        WITH ORDINALITY AS t(id, aggregate, shard, type, subject, payload, sha, ord)
), heads AS (
    INSERT INTO outbox_head AS h (aggregate, seq)
    SELECT aggregate, count(*) FROM fresh GROUP BY aggregate ORDER BY aggregate
    ON CONFLICT (aggregate) DO UPDATE SET seq = h.seq + EXCLUDED.seq
    RETURNING aggregate, seq
), written AS (
    INSERT INTO outbox (id, aggregate, seq, shard, type, subject, payload, payload_sha256,
                        traceparent, occurred_at)
    SELECT f.id, f.aggregate,
           h.seq - count(*) OVER (PARTITION BY f.aggregate)
                 + row_number() OVER (PARTITION BY f.aggregate ORDER BY f.ord),
           f.shard, f.type, f.subject, f.payload, f.sha, $8, $9
    FROM fresh f JOIN heads h USING (aggregate)
    RETURNING id, seq
)
SELECT array_agg(id), array_agg(seq) FROM written
"""
_COLUMNS = ("id", "aggregate", "shard", "type", "subject", "payload", "sha")


@dataclass(frozen=True)
class Announcement:
    event: Event
    occurred_at: datetime


@dataclass(frozen=True)
class Written:
    """What a transaction announced: how much, and the rows themselves where they are few."""

    count: int = 0
    rows: Sequence[Row] = ()


def announce(session: AsyncSession, event: Event, *, now: datetime) -> None:
    """Have an event written with this transaction; of a state, only the last of the transaction."""
    pending: dict[object, Announcement] = session.info.setdefault(PENDING, {})
    announcement = Announcement(event, now)
    key = (event.TYPE, event.aggregate) if isinstance(event, StateEvent) else id(announcement)
    # Taken out first: the last state stands where it was announced last.
    pending.pop(key, None)
    pending[key] = announcement


async def write_announcements(session: AsyncSession) -> Written:
    """Write what was announced in this transaction; called at the edge, just before the commit."""
    pending: list[Announcement] = list(session.info.pop(PENDING, {}).values())
    if not pending:
        return Written()
    # Writing many out takes a while, in which the loop has others to serve.
    is_much = len(pending) > WRITTEN_AT_ONCE
    columns = await asyncio.to_thread(_columns, pending) if is_much else _columns(pending)
    common = {
        "traceparent": current_traceparent(),
        "occurred_at": max(a.occurred_at for a in pending),
    }
    connection = await raw_connection(session)
    ids, numbers = await connection.fetchrow(_WRITE, *columns, *common.values())
    if is_much:
        return Written(len(pending))
    seqs, common = dict(zip(ids, numbers, strict=True)), common | NEVER_TRIED
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
    return Written(len(rows), [{**row, "seq": seqs[row["id"]], **common} for row in rows])


def _columns(pending: list[Announcement]) -> list[list[Any]]:
    rows = [_row(announcement.event) for announcement in pending]
    return [list(column) for column in zip(*rows, strict=True)]


def _row(event: Event) -> tuple[Any, ...]:
    payload = payload_of(event)
    return (
        new_id(),
        event.aggregate,
        shard_of(event.aggregate),
        event.TYPE,
        event.subject(),
        payload,
        digest(payload),
    )
