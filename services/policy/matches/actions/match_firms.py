"""Matching firms: their standing is asked anew, and what is another one than before is told once.

Rows, announcement and the mark that called for it change in one transaction. A firm is locked while
it is matched and its facts are read after that, so that the last to match it has seen the newest.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day, system_now
from services.kernel.database import raw_connection
from services.kernel.outbox import announce
from services.policy.contract.events import MatchChange, MatchedProgramme
from services.policy.firms.queries import kept_firms
from services.policy.firms.rules import KeptFirms
from services.policy.matches import queries, rules
from services.policy.matches.actions.ask_firms import Asked, ask_firms
from services.policy.matches.rules import Change, Found, Ground, Kind, Told
from services.policy.situations.queries import received_by_firms

FIRMS_AT_ONCE = 100
# How long a firm that could not be matched is left alone, for the others' sake.
PUT_OFF_S = 600
# No statement holds the loop for long.
ROWS_AT_ONCE = 2_000

_PUT_OFF = "INSERT INTO match_due (uscc, not_before) SELECT unnest($1::text[]), $2"
_LEAVE = """
UPDATE matched_firm SET from_day = '-infinity', until_day = 'infinity'
WHERE uscc = ANY($1::text[])
"""
_ENTER = """
INSERT INTO matched_firm (uscc, version, from_day, until_day, matched_on)
SELECT uscc, 0, '-infinity', 'infinity', $2 FROM firm WHERE uscc = ANY($1::text[]) ORDER BY uscc
ON CONFLICT DO NOTHING
"""
COLUMNS = (
    "uscc", "programme", "kind", "amount_fen", "amount_status", "near", "missing", "until_day",
    "rule_version", "basis", "digest", "since",
)  # fmt: skip
_WRITE = """
UPDATE match m
SET kind = t.kind, amount_fen = t.amount_fen, amount_status = t.amount_status,
    near = t.near::jsonb, missing = t.missing::jsonb, until_day = t.until_day,
    rule_version = t.rule_version, basis = t.basis, digest = t.digest, since = t.since
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
            $8::date[], $9::text[], $10::text[], $11::text[], $12::date[])
    AS t(uscc, programme, kind, amount_fen, amount_status, near, missing, until_day, rule_version,
         basis, digest, since)
WHERE m.uscc = t.uscc AND m.programme = t.programme
"""
_REMOVE = """
DELETE FROM match m USING unnest($1::text[], $2::text[]) AS t(uscc, programme)
WHERE m.uscc = t.uscc AND m.programme = t.programme
"""


_SETTLE = """
UPDATE matched_firm m
SET version = m.version + t.step, from_day = t.from_day, until_day = t.until_day, matched_on = $5
FROM unnest($1::text[], $2::bigint[], $3::date[], $4::date[]) AS t(uscc, step, from_day, until_day)
WHERE m.uscc = t.uscc AND (m.version + t.step, m.from_day, m.until_day, m.matched_on)
    IS DISTINCT FROM (m.version, t.from_day, t.until_day, $5)
"""


@dataclass
class Differences:
    """What a match found to be another one than before."""

    # Of a firm that is locked nobody else writes rows: what had none is copied, which asks nothing.
    new: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    kept: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    gone: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    heads: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    changes: dict[str, list[MatchChange]] = field(default_factory=dict[str, list[MatchChange]])
    # How those stand who are told, under the programmes that were asked.
    standings: dict[str, list[MatchedProgramme]] = field(
        default_factory=dict[str, list[MatchedProgramme]]
    )


async def match_firms(
    session: AsyncSession,
    usccs: Iterable[str],
    ground: Ground,
    *,
    now: datetime,
    only: Collection[str] | None = None,
) -> int:
    """Match firms, with all programmes or `only` some, and announce what changed; count those."""
    on, wanted = city_day(now), sorted(usccs)
    connection = await raw_connection(session)
    await connection.execute(_ENTER, wanted, on)
    versions = await queries.lock_firms(session, wanted)
    firms = await kept_firms(session, versions, on)
    history = await received_by_firms(session, versions)
    told = await queries.told_of(session, versions, only)
    # Rules are plain computation: beside the loop they hold nobody up.
    asked, found = await asyncio.to_thread(_ask, firms, history, ground, on, told)
    for rows in _some(found.new):
        await connection.copy_records_to_table("match", records=rows, columns=COLUMNS)
    for rows in _some(found.kept):
        await connection.execute(_WRITE, *_columns(rows))
    for rows in _some(found.gone):
        await connection.execute(_REMOVE, *_columns(rows))
    if found.heads:
        await connection.execute(_SETTLE, *_columns(found.heads), on)
    await _put_off(session, sorted(versions.keys() - asked))
    others: Mapping[str, list[MatchedProgramme]] = {}
    if only is not None and found.changes:
        others = await queries.matches_of(session, dict.fromkeys(found.changes, on), only)
    for uscc, changes in found.changes.items():
        standings = [*found.standings[uscc], *others.get(uscc, ())]
        event = rules.event_of(uscc, versions[uscc] + 1, on, standings, changes)
        announce(session, event, now=now)
    return len(found.changes)


def _ask(
    firms: KeptFirms,
    history: Mapping[str, frozenset[str]],
    ground: Ground,
    on: date,
    told: Mapping[str, Mapping[str, Told]],
) -> tuple[set[str], Differences]:
    asked = ask_firms(firms, history, ground, on)
    return {each.uscc for each in asked}, _compare(asked, told, on)


def _compare(
    asked: Iterable[Asked], told: Mapping[str, Mapping[str, Told]], on: date
) -> Differences:
    """Keep what is new, also where only the basis is another; drop what is no more."""
    found = Differences()
    for each in asked:
        known = told.get(each.uscc, {})
        found.gone += [(each.uscc, name) for name in known.keys() - each.found.keys()]
        since = dict(_since(known, each.found, on))
        for programme, new in each.found.items():
            last = known.get(programme)
            if last is None:
                found.new.append(_row(each.uscc, programme, new, since[programme]))
            elif (last.basis, last.digest) != (new.basis.digest, new.digest):
                found.kept.append(_row(each.uscc, programme, new, since[programme]))
        changes = list(_changes(known, each.found))
        found.heads.append((each.uscc, int(bool(changes)), *each.days))
        if changes:
            found.changes[each.uscc] = changes
            found.standings[each.uscc] = [new.told(since[name]) for name, new in each.found.items()]
    return found


def _since(
    known: Mapping[str, Told], found: Mapping[str, Found], on: date
) -> Iterator[tuple[str, date]]:
    for programme, new in found.items():
        last = known.get(programme)
        is_as_before = last is not None and last.kind == new.standing.kind
        yield programme, last.since if last is not None and is_as_before else on


def _changes(known: Mapping[str, Told], found: Mapping[str, Found]) -> Iterator[MatchChange]:
    for programme in sorted(known.keys() | found.keys()):
        last, new = known.get(programme), found.get(programme)
        if last is None or new is None or last.digest != new.digest:
            now = Kind(new.standing.kind) if new else None
            yield _change(programme, rules.change_of(last.kind if last else None, now))


@cache
def _change(programme: str, change: Change) -> MatchChange:
    """Make each word of a change once: nothing in it is a firm's own."""
    return MatchChange(programme=programme, change=change.value)


def _row(uscc: str, programme: str, new: Found, since: date) -> tuple[Any, ...]:
    standing = new.standing
    return (
        uscc, programme, standing.kind, standing.amount_fen, standing.amount_status, *new.texts,
        new.basis.until_day, new.basis.programme.version, new.basis.digest, new.digest, since,
    )  # fmt: skip


def _some(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _put_off(session: AsyncSession, usccs: list[str]) -> None:
    """Leave firms alone for a while, whatever their day."""
    if usccs:
        not_before = system_now() + timedelta(seconds=PUT_OFF_S)
        connection = await raw_connection(session)
        await connection.execute(_LEAVE, usccs)
        await connection.execute(_PUT_OFF, usccs, not_before)
