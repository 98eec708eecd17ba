"""Registering firms, changing their profiles, and announcing what they are."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from services.enterprise.contract.events import FirmChanged
from services.enterprise.firms.models import Firm, ProfileChange
from services.enterprise.firms.queries import (
    FirmState,
    firm_states,
    last_days_of_profile,
)
from services.enterprise.firms.rules import (
    FISCAL_JURISDICTION,
    OWNED_AS,
    PROFILE_FACTS,
    name_tokens,
    normal_name,
    registration_authority_of,
)
from services.enterprise.firms.schemas import FirmChange, NewFirm
from services.enterprise.vocabulary.queries import require_facts_owned
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import CITY, city_day, system_now
from services.kernel.database import flush_changes, raw_connection
from services.kernel.errors import Conflict, Invalid, invalid_field
from services.kernel.ids import new_id, next_id_after
from services.kernel.outbox import announce
from services.kernel.timers import set_timer

TIMER = "firm-day"
RESTATED_AT_ONCE = 200
_ADVANCING = ("uscc", "version", "last_statement_id", "changed_at")
_ADVANCE = """
UPDATE firm f SET version = a.version, last_statement_id = a.statement_id, changed_at = a.changed_at
FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::timestamptz[])
     AS a (uscc, version, statement_id, changed_at)
WHERE f.uscc = a.uscc
"""
PROFILE_FIELDS = (
    "name",
    *PROFILE_FACTS,
    "domicile_address",
    "legal_form",
)


async def register_firm(
    session: AsyncSession, actor: Actor, new: NewFirm, *, now: datetime
) -> Firm:
    """Enter a firm in the register, once."""
    await require_facts_owned(session, actor, facts_stated_by(new))
    if fault := day_fault(new, city_day(now)):
        raise fault
    firm = (await enter_firms(session, actor, [new], now=now)).get(new.uscc)
    if firm is None:
        raise firm_exists()
    await announce_firms(session, [firm], now=now)
    return firm


async def change_firm(
    session: AsyncSession, actor: Actor, firm: Firm, change: FirmChange, *, now: datetime
) -> None:
    """Change a locked firm's profile from a day on; what was true before stays on record."""
    changes = change.changes()
    await require_facts_owned(session, actor, {OWNED_AS[name] for name in changes})
    valid_from = change.valid_from or city_day(now)
    require_begun(changes, valid_from, city_day(now))
    advance(firm, now)
    await write_advance(session, [firm])
    await state_profile(session, actor, firm, changes, valid_from, change.source, now=now)
    audit(
        session,
        actor,
        "firm.change",
        "firm",
        firm.uscc,
        now=now,
        detail={"fields": sorted(changes), "valid_from": valid_from.isoformat()},
    )
    await announce_firms(session, [firm], now=now)


async def enter_firms(
    session: AsyncSession, actor: Actor, news: Sequence[NewFirm], *, now: datetime
) -> dict[str, Firm]:
    """Insert checked firms with their first profiles; those that are known already are left out."""
    rows = [_row(actor, new, now) for new in news]
    entered = insert(Firm).on_conflict_do_nothing().returning(Firm)
    firms = {firm.uscc: firm for firm in await session.scalars(entered, rows)}
    begun: list[dict[str, Any]] = []
    told: set[str] = set()
    for new in news:
        firm = firms.get(new.uscc)
        if firm is None or firm.uscc in told:
            continue
        told.add(firm.uscc)
        first_day = new.established_on or city_day(now)
        known = {n: getattr(firm, n) for n in PROFILE_FIELDS if getattr(firm, n) is not None}
        begun += _entries(actor, firm, known, first_day, new.source, now)
        if new.fiscal_jurisdiction is not None:
            fiscal = {FISCAL_JURISDICTION: new.fiscal_jurisdiction}
            since = new.fiscal_jurisdiction_from or first_day
            begun += _entries(actor, firm, fiscal, since, new.source, now)
        audit(
            session, actor, "firm.register", "firm", firm.uscc, now=now,
            detail={"statement_id": str(firm.last_statement_id)},
        )  # fmt: skip
    if begun:
        await session.execute(insert(ProfileChange), begun)
    return firms


async def state_profile(
    session: AsyncSession,
    actor: Actor,
    firm: Firm,
    changes: Mapping[str, Any],
    valid_from: date,
    source: str | None,
    *,
    now: datetime,
) -> None:
    """Record fields of a locked firm's profile; the row follows unless a later day was stated."""
    later = await last_days_of_profile(session, firm.uscc, changes)
    for name, value in changes.items():
        if name == FISCAL_JURISDICTION or later.get(name, date.min) > valid_from:
            continue
        setattr(firm, name, value)
        if name == "name":
            firm.name_normal = normal_name(value)
            firm.name_tokens = name_tokens(firm.name_normal)
    entries = _entries(actor, firm, changes, valid_from, source, now)
    await session.execute(insert(ProfileChange), entries)
    if valid_from > city_day(now):
        await remind_of_day(session, firm.uscc, valid_from)


def advance(firm: Firm, now: datetime) -> None:
    """Begin a statement on a locked firm: ids only grow within a firm, whatever the clock does.

    `write_advance` must follow: for the session, which is slow to find out, nothing has changed.
    """
    set_committed_value(firm, "version", firm.version + 1)
    set_committed_value(firm, "last_statement_id", next_id_after(firm.last_statement_id))
    set_committed_value(firm, "changed_at", now)


async def write_advance(session: AsyncSession, firms: Collection[Firm]) -> None:
    """Write how far firms have advanced."""
    columns = [[getattr(firm, name) for firm in firms] for name in _ADVANCING]
    connection = await raw_connection(session)
    await connection.execute(_ADVANCE, *columns)


async def announce_firms(session: AsyncSession, firms: Collection[Firm], *, now: datetime) -> None:
    """Announce the whole current state of each firm with this transaction."""
    await flush_changes(session)
    states = await firm_states(session, [firm.uscc for firm in firms], city_day(now))
    for firm in firms:
        announce(session, _event(firm, states[firm.uscc]), now=now)


async def restate_firms(session: AsyncSession) -> AsyncIterator[FirmChanged]:
    """Give the current state of every firm, for listeners that begin late."""
    after, today = "", city_day(system_now())
    while True:
        following = select(Firm).where(Firm.uscc > after).order_by(Firm.uscc)
        firms = (await session.scalars(following.limit(RESTATED_AT_ONCE))).all()
        if not firms:
            return
        states = await firm_states(session, [firm.uscc for firm in firms], today)
        for firm in firms:
            yield _event(firm, states[firm.uscc])
        after = firms[-1].uscc
        session.expunge_all()


async def remind_of_day(session: AsyncSession, uscc: str, day: date) -> None:
    """Have a firm announced again on a day, at midnight in the city."""
    await set_timer(session, TIMER, f"{uscc}:{day.isoformat()}", midnight(day))


def midnight(day: date) -> datetime:
    """Give the instant at which a day begins in the city."""
    return datetime.combine(day, time.min, tzinfo=CITY)


async def tell_of_day(session: AsyncSession, reference: str, now: datetime) -> None:
    """Announce a firm again because a day has come on which something of it begins or ends."""
    uscc = reference.partition(":")[0]
    firm = await session.get(Firm, uscc, with_for_update=True, populate_existing=True)
    if firm is not None:
        firm.version += 1
        await announce_firms(session, [firm], now=now)


def facts_stated_by(new: NewFirm) -> frozenset[str]:
    """Give the facts whose owners alone may say this of a new firm."""
    fiscal = () if new.fiscal_jurisdiction is None else (OWNED_AS[FISCAL_JURISDICTION],)
    return frozenset((*PROFILE_FACTS, *fiscal))


def day_fault(new: NewFirm, today: date) -> Invalid | None:
    if new.established_on is not None and new.established_on > today:
        return invalid_field(
            "/established_on",
            "date-in-future",
            "成立日期不能晚于今天。",
            "The day of establishment cannot lie in the future.",
        )
    return None


def require_begun(changes: Collection[str], valid_from: date, today: date) -> None:
    """Let only the fiscal jurisdiction be stated before its day; the profile is today's."""
    if valid_from > today and set(changes) != {FISCAL_JURISDICTION}:
        raise invalid_field(
            "/valid_from",
            "date-in-future",
            "登记信息的生效日不能晚于今天；仅财政归属可以预先登记。",
            "A profile cannot change in the future; only the fiscal jurisdiction can.",
        )


def firm_exists() -> Conflict:
    return Conflict(
        "该统一社会信用代码已登记；修改请用PATCH /v1/enterprise/firms/{uscc}。",
        "This code is registered already; change it by PATCH /v1/enterprise/firms/{uscc}.",
        code="firm-exists",
    )


def _row(actor: Actor, new: NewFirm, now: datetime) -> dict[str, Any]:
    values = {name: getattr(new, name) for name in (*PROFILE_FIELDS, "uscc", "synthetic")}
    authority = new.registration_authority_code or registration_authority_of(new.uscc)
    normal = normal_name(new.name)
    return values | {
        "registration_authority_code": authority,
        "name_normal": normal,
        "name_tokens": name_tokens(normal),
        "version": 1,
        "last_statement_id": new_id(),
        "registered_at": now,
        "registered_by": actor.subject,
        "changed_at": now,
    }


def _entries(
    actor: Actor,
    firm: Firm,
    values: Mapping[str, Any],
    valid_from: date,
    source: str | None,
    now: datetime,
) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "statement_id": firm.last_statement_id,
            "uscc": firm.uscc,
            "field": name,
            "value": value.isoformat() if isinstance(value, date) else value,
            "valid_from": valid_from,
            "recorded_at": now,
            "stated_by": actor.subject,
            "department": actor.department,
            "source": source,
        }
        for name, value in values.items()
    ]


def _event(firm: Firm, state: FirmState) -> FirmChanged:
    return FirmChanged(
        uscc=firm.uscc,
        version=firm.version,
        name=firm.name,
        industry_code=firm.industry_code,
        town_code=firm.town_code,
        registration_authority_code=firm.registration_authority_code,
        established_on=firm.established_on,
        fiscal_jurisdictions=state.fiscal_jurisdictions,
        yearly=state.yearly,
        daily=state.daily,
        recognitions=state.recognitions,
        declared=state.declared,
        grounds=state.grounds,
        statement_id=firm.last_statement_id,
        recorded_at=firm.changed_at,
        synthetic=firm.synthetic,
    )
