"""Reading what firms are matched on, and where they stand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.pages import PageRequest
from services.policy.calls.models import Call
from services.policy.calls.rules import CallState
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.contract.events import MatchedProgramme
from services.policy.firms.models import Firm
from services.policy.firms.queries import firm_not_found, versions_on
from services.policy.matches import rules
from services.policy.matches.access import visible_to
from services.policy.matches.models import Match, MatchBasis, MatchedFirm
from services.policy.matches.rules import Basis, Ground, Kind, Told
from services.policy.matches.schemas import FirmMatches, MatchView
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook.ruleset import RuleSet, rule_set

# What an applicant has begun and nobody has ended.
NOT_APPLIED = (CaseState.DRAFT, CaseState.WITHDRAWN, CaseState.REFUSED, CaseState.REVOKED)
RULE_SETS_MAX = 16
KINDS = {kind.value: kind for kind in Kind}
_LOCK = """
SELECT uscc, version FROM matched_firm WHERE uscc = ANY($1::text[]) ORDER BY uscc FOR UPDATE
"""
_TOLD = """
SELECT uscc, programme, kind, basis, digest, since FROM match
WHERE uscc = ANY($1::text[]) AND ($2::text[] IS NULL OR programme = ANY($2::text[]))
"""
_STANDING = """
SELECT uscc, programme, kind, amount_fen, amount_status, near::text, missing::text, until_day,
       rule_version, since
FROM match WHERE uscc = ANY($1::text[]) AND programme <> ALL($2::text[])
"""
_STATE = ("kind", "amount_fen", "amount_status", "near", "missing", "until_day", "rule_version")


@dataclass(frozen=True)
class MatchFilter:
    """What part of the matches is asked for."""

    programme: str | None
    kinds: tuple[Kind, ...]
    applied: bool | None


def matched_programmes(on: date) -> list[PlanProgramme]:
    """Give the programmes that firms are matched with, in the edition of the day."""
    facts = library().facts
    return [p for p in library().programmes_on(on).values() if rules.is_matched(p, facts)]


async def bases(
    session: AsyncSession, on: date, only: Collection[str] | None = None
) -> list[Basis]:
    """Write down what firms are matched on today, from what was approved and published."""
    decided = await decisions(session)
    versions = await versions_on(session, on)
    closing = await _calls_closing(session, on)
    found: list[Basis] = []
    for programme in matched_programmes(on):
        if only is not None and programme.id not in only:
            continue
        numbers = numbers_of(programme, library(), decided, on, samples=False)
        lists = rules.lists_of(programme)
        ids = (str(each.id) for each in versions if each.list in lists)
        found.append(rules.basis_of(programme, numbers, ids, on, closing.get(programme.id)))
    return found


async def _calls_closing(session: AsyncSession, on: date) -> dict[str, date]:
    """Give the day on which the next call of each programme closes."""
    statement = select(Call.programme, func.min(Call.closes_on).label("day")).where(
        Call.state == CallState.PUBLISHED, Call.closes_on >= on
    )
    rows = await session.execute(statement.group_by(Call.programme))
    return {row.programme: row.day for row in rows}


async def ground(session: AsyncSession, on: date, only: Collection[str] | None = None) -> Ground:
    """Put together what firms are matched on today."""
    found = tuple(await bases(session, on, only))
    return Ground(found, _rule_set(tuple(each.programme.id for each in found), on))


@lru_cache(maxsize=RULE_SETS_MAX)
def _rule_set(programmes: tuple[str, ...], on: date) -> RuleSet:
    """Make the function once a day, for all programmes and for each few that change."""
    editions = library().programmes_on(on)
    return rule_set(editions[name].compiled for name in programmes)


async def known_bases(session: AsyncSession) -> dict[str, str]:
    """Read on what every firm was, or is being, matched."""
    rows = await session.execute(select(MatchBasis.programme, MatchBasis.basis))
    return {row.programme: row.basis for row in rows}


async def stale_firms(session: AsyncSession, today: date, limit: int) -> list[str]:
    """Find firms whose facts are other ones today than on the day that they were matched."""
    passed = select(MatchedFirm.uscc).where(MatchedFirm.until_day <= today).limit(limit)
    ahead = select(MatchedFirm.uscc).where(MatchedFirm.from_day > today).limit(limit)
    found = {*await session.scalars(passed), *await session.scalars(ahead)}
    return sorted(found)[:limit]


async def firms_after(session: AsyncSession, uscc: str, limit: int) -> list[str]:
    statement = select(Firm.uscc).where(Firm.uscc > uscc).order_by(Firm.uscc).limit(limit)
    return list(await session.scalars(statement))


async def count_firms(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Firm)) or 0


async def lock_firms(session: AsyncSession, usccs: Collection[str]) -> dict[str, int]:
    """Lock firms in the order of their codes, each matched by one at a time; give their versions.

    Some of them may have been matched never before.
    """
    connection = await raw_connection(session)
    return dict(await connection.fetch(_LOCK, list(usccs)))


async def told_of(
    session: AsyncSession, usccs: Collection[str], programmes: Collection[str] | None = None
) -> dict[str, dict[str, Told]]:
    """Read what firms were told last, by firm and programme; no more than to compare it."""
    connection = await raw_connection(session)
    wanted = None if programmes is None else list(programmes)
    found: dict[str, dict[str, Told]] = {}
    rows = await connection.fetch(_TOLD, list(usccs), wanted)
    for uscc, programme, kind, basis, digest, since in rows:
        found.setdefault(uscc, {})[programme] = Told(KINDS[kind], basis, digest, since)
    return found


async def matches_of(
    session: AsyncSession, matched_on: Mapping[str, date], but: Collection[str] = ()
) -> dict[str, list[MatchedProgramme]]:
    """Read where firms stand since their match, as it is announced, but for some programmes."""
    connection = await raw_connection(session)
    found: dict[str, list[MatchedProgramme]] = {}
    for row in await connection.fetch(_STANDING, list(matched_on), list(but)):
        told = dict(row, near=orjson.loads(row["near"]), missing=orjson.loads(row["missing"]))
        told |= _about(row["programme"], matched_on[row["uscc"]])
        found.setdefault(row["uscc"], []).append(MatchedProgramme.model_validate(told))
    return found


async def firm_matches(session: AsyncSession, actor: Actor, uscc: str) -> FirmMatches:
    """Show where a firm stands, as far as the actor may see it."""
    name = await session.scalar(select(Firm.name).where(Firm.uscc == uscc))
    if name is None:
        raise firm_not_found()
    head = await session.get(MatchedFirm, uscc)
    shown = select(Match).where(Match.uscc == uscc, visible_to(actor)).order_by(Match.programme)
    rows = await session.scalars(shown)
    return FirmMatches(
        uscc=uscc, name=name, version=head.version if head else None,
        on=head.matched_on if head else None,
        items=[view(row, name, head.matched_on) for row in rows if head],
    )  # fmt: skip


async def matches(
    session: AsyncSession, actor: Actor, page: PageRequest, wanted: MatchFilter
) -> list[tuple[Match, str, date]]:
    """List who stands where since which match, with the firm's name.

    Kind by kind, which is how it is indexed.
    """
    after_kind, *after = page.after or [""]
    found: list[tuple[Match, str, date]] = []
    for kind in sorted(wanted.kinds):
        if kind < after_kind or len(found) > page.limit:
            continue
        statement = (
            select(Match, Firm.name, MatchedFirm.matched_on)
            .join(Firm, Firm.uscc == Match.uscc)
            .join(MatchedFirm, MatchedFirm.uscc == Match.uscc)
            .where(Match.kind == kind, visible_to(actor))
        )
        if wanted.programme is not None:
            statement = statement.where(Match.programme == wanted.programme)
        if wanted.applied is not None:
            applied = _has_applied()
            statement = statement.where(applied if wanted.applied else ~applied)
        if kind == after_kind:
            statement = statement.where(tuple_(Match.programme, Match.uscc) > tuple_(*after))
        ordered = statement.order_by(Match.programme, Match.uscc)
        rows = await session.execute(ordered.limit(page.limit + 1 - len(found)))
        found += [(match, name, on) for match, name, on in rows]
    return found


def view(row: Match, name: str, on: date) -> MatchView:
    """Show a match in the words of an assessment: who is near is not eligible."""
    programme = library().programmes.get(row.programme)
    is_near = row.kind == Kind.NEAR
    amount = {"amount_fen": row.amount_fen, "amount_status": row.amount_status}
    worth = {"worth_fen": row.amount_fen, "worth_status": row.amount_status}
    return MatchView.model_validate(
        {
            **_told(row, on),
            **({"amount_fen": 0, "amount_status": "set", **worth} if is_near else amount),
            "uscc": row.uscc,
            "name": name,
            "title": programme.compiled.programme.title if programme else row.programme,
            "outcome": rules.OUTCOMES[Kind(row.kind)],
            "version": row.rule_version,
            "on": on,
        }
    )


def _has_applied() -> ColumnElement[bool]:
    """Tell whether the firm has applied for the year before the match, where years are matters."""
    year = func.to_char(MatchedFirm.matched_on - func.make_interval(1), "YYYY")
    return exists().where(
        and_(
            Case.applicant_kind == rules.FIRM,
            Case.applicant_id == Match.uscc,
            Case.programme == Match.programme,
            Case.state.not_in(NOT_APPLIED),
            or_(Case.matter_period.is_(None), Case.matter_period == year),
        )
    )


def _told(row: Match, on: date) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in _STATE}
    return kept | _about(row.programme, on) | {"since": row.since}


def _about(name: str, on: date) -> dict[str, Any]:
    programme = library().programme_on(name, on)
    return {
        "programme": name,
        "measure": programme.measure.number if programme else None,
        "confidential": programme is not None and programme.compiled.programme.confidential,
        "flags": programme.flags(on) if programme else [],
    }
