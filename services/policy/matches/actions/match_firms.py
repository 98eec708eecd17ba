"""Matching firms: their standing is asked anew, and what is another one than before is told once.

Rows, announcement and the mark that called for it change in one transaction. A firm is locked while
it is matched and its facts are read after that, so that the last to match it has seen the newest.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day, system_now
from services.kernel.database import raw_connection
from services.kernel.outbox import announce
from services.policy.contract.events import MatchChange
from services.policy.firms.queries import firms_on
from services.policy.firms.rules import StoredFirm, situation_of
from services.policy.matches import queries, rules
from services.policy.matches.models import MatchedFirm
from services.policy.matches.rules import Found, Ground, Kind, Told
from services.policy.plan.actions.load_library import library
from services.policy.situations.queries import received_by_firms

log = structlog.get_logger()

FIRMS_AT_ONCE = 100
# How long a firm that could not be matched is left alone, for the others' sake.
PUT_OFF_S = 600

_PUT_OFF = "INSERT INTO match_due (uscc, not_before) SELECT unnest($1::text[]), $2"
_ENTER = """
INSERT INTO matched_firm (uscc, version, from_day, until_day, matched_on)
SELECT uscc, 0, '-infinity', 'infinity', $2 FROM firm WHERE uscc = ANY($1::text[]) ORDER BY uscc
ON CONFLICT DO NOTHING
"""
_WRITE = """
INSERT INTO match (uscc, programme, kind, amount_fen, amount_status, near, missing, until_day,
                   rule_version, basis, digest, since)
SELECT t.uscc, t.programme, t.kind, t.amount_fen, t.amount_status, t.near::jsonb, t.missing::jsonb,
       t.until_day, t.rule_version, t.basis, t.digest, t.since
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
            $8::date[], $9::text[], $10::text[], $11::text[], $12::date[])
    AS t(uscc, programme, kind, amount_fen, amount_status, near, missing, until_day, rule_version,
         basis, digest, since)
ON CONFLICT (uscc, programme) DO UPDATE
SET kind = EXCLUDED.kind, amount_fen = EXCLUDED.amount_fen,
    amount_status = EXCLUDED.amount_status, near = EXCLUDED.near, missing = EXCLUDED.missing,
    until_day = EXCLUDED.until_day, rule_version = EXCLUDED.rule_version, basis = EXCLUDED.basis,
    digest = EXCLUDED.digest, since = EXCLUDED.since
"""
_REMOVE = """
DELETE FROM match m USING unnest($1::text[], $2::text[]) AS t(uscc, programme)
WHERE m.uscc = t.uscc AND m.programme = t.programme
"""


@dataclass(frozen=True)
class Asked:
    """A firm's standings of today, and the days for which its facts stay what they are."""

    uscc: str
    days: tuple[date, date]
    found: Mapping[str, Found]


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
    heads = await queries.heads(session, wanted)
    firms = await firms_on(session, heads, on)
    history = await received_by_firms(session, heads)
    # Rules are plain computation: beside the loop they hold nobody up.
    asked = await asyncio.to_thread(_ask, firms, history, ground, on)
    failed = heads.keys() - {each.uscc for each in asked}
    await _put_off(session, [heads[uscc] for uscc in sorted(failed)])
    told = await queries.told_of(session, heads, only)
    changes = {each.uscc: _changes(told.get(each.uscc, {}), each.found) for each in asked}
    await _write(session, asked, told, on)
    changed = [uscc for uscc, found in changes.items() if found]
    for each in asked:
        _settle(heads[each.uscc], each, on, is_changed=each.uscc in changed)
    rows = await queries.matches_of(session, changed)
    for uscc in changed:
        event = queries.event_of(heads[uscc], rows.get(uscc, []), changes[uscc])
        announce(session, event, now=now)
    return len(changed)


def _ask(
    firms: Iterable[StoredFirm],
    history: Mapping[str, frozenset[str]],
    ground: Ground,
    on: date,
) -> list[Asked]:
    """Ask the rules about each firm; one that they stumble over is left out."""
    vocabulary = library().vocabulary
    asked: list[Asked] = []
    for stored in firms:
        try:
            firm = stored.known()
            situation = situation_of(
                firm,
                vocabulary,
                on=on,
                year=None,
                history=history.get(firm.uscc, ()),
                only=ground.rules.facts,
            )
            found = rules.standings(ground, situation)
            asked.append(Asked(firm.uscc, rules.days_of(firm.state, on), found))
        except Exception:
            log.exception("a firm could not be matched")
    return asked


def _changes(told: Mapping[str, Told], found: Mapping[str, Found]) -> list[MatchChange]:
    changes: list[MatchChange] = []
    for programme in sorted(told.keys() | found.keys()):
        last, new = told.get(programme), found.get(programme)
        if last is None or new is None or last.digest != new.digest:
            now = Kind(new.standing.kind) if new else None
            change = rules.change_of(last.kind if last else None, now)
            changes.append(MatchChange(programme=programme, change=change.value))
    return changes


async def _write(
    session: AsyncSession, asked: Iterable[Asked], told: Mapping[str, Mapping[str, Told]], on: date
) -> None:
    """Keep what is new, also where only the basis is another; drop what is no more."""
    kept: list[tuple[Any, ...]] = []
    gone: list[tuple[str, str]] = []
    for each in asked:
        known = told.get(each.uscc, {})
        gone += [(each.uscc, name) for name in known.keys() - each.found.keys()]
        for programme, new in each.found.items():
            last = known.get(programme)
            if last is None or (last.basis, last.digest) != (new.basis.digest, new.digest):
                kept.append(_row(each.uscc, programme, new, last, on))
    connection = await raw_connection(session)
    if kept:
        await connection.execute(_WRITE, *map(list, zip(*kept, strict=True)))
    if gone:
        await connection.execute(_REMOVE, *map(list, zip(*gone, strict=True)))


def _row(uscc: str, programme: str, new: Found, last: Told | None, on: date) -> tuple[Any, ...]:
    standing = new.standing
    since = last.since if last is not None and last.kind == standing.kind else on
    return (
        uscc, programme, standing.kind, standing.amount_fen, standing.amount_status,
        orjson.dumps(standing.near).decode(), orjson.dumps(standing.missing).decode(),
        new.basis.until_day, new.basis.programme.version, new.basis.digest, new.digest,
        since,
    )  # fmt: skip


def _settle(head: MatchedFirm, asked: Asked, on: date, *, is_changed: bool) -> None:
    head.from_day, head.until_day = asked.days
    head.matched_on = on
    if is_changed:
        head.version += 1


async def _put_off(session: AsyncSession, heads: Sequence[MatchedFirm]) -> None:
    """Leave firms alone for a while, whatever their day."""
    for head in heads:
        head.from_day, head.until_day = date.min, date.max
    if heads:
        not_before = system_now() + timedelta(seconds=PUT_OFF_S)
        connection = await raw_connection(session)
        await connection.execute(_PUT_OFF, [head.uscc for head in heads], not_before)
