"""What the story leaves behind, without ids and times: the same however the platform was run."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.kernel.settings import Settings
from services.launch.caller import Caller
from services.launch.registry import SERVICES
from services.launch.units import units_of

FILE_NAME = "end-state.json"
PAGE_ROWS = 200
SHOWN_CHARS = 16
# What differs from run to run and means nothing: ids, and when it was written down.
# Grounds are named by statements and instants, and policy keeps them apart from the state.
_VARIES = {"statement_id", "recorded_at", "version", "version_id", "grounds"}
_HEARD_FIRMS = """
SELECT uscc, version, state FROM firm WHERE uscc > :after ORDER BY uscc LIMIT :rows
"""
_HEARD_LISTS = """
SELECT v.list, v.valid_from, i.uscc
FROM list_version v JOIN list_item i ON i.version_id = v.id WHERE v.is_active
"""
_MATCHES = """
SELECT uscc, programme, kind, amount_fen, amount_status, near, missing, until_day::text
FROM match WHERE (uscc, programme) > (:uscc, :programme) ORDER BY uscc, programme LIMIT :rows
"""
Row = list[Any]
ReadT = TypeVar("ReadT")
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class EndState:
    """Sections of rows, each in an order of its own values."""

    sections: dict[str, list[Row]]

    @property
    def sha256(self) -> str:
        return _digest(self.sections)

    def section_sha256(self, name: str) -> str:
        return _digest(self.sections[name])

    def write(self, path: Path) -> None:
        """Write it for a machine to compare."""
        body = {"sha256": self.sha256, "sections": self.sections}
        path.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


async def read_end_state(caller: Caller, settings: Settings) -> EndState:
    """Read cases and money as an auditor does, and firms from both services that keep them."""
    stated, heard = await _firms(settings), await _heard(settings)
    sections = {
        "cases": [await _case(caller, case) async for case in _every(caller, "policy/cases")],
        "calls": [await _call(caller, call) async for call in _every(caller, "policy/calls")],
        "offers": [await _offers(caller, b) async for b in _every(caller, "policy/offer-batches")],
        "notices": [await _notice(caller, each) async for each in _every_notice(caller)],
        "recommendations": [
            await _recommendation(caller, each)
            async for each in _every(caller, "policy/recommendations")
        ],
        "documents": [_document(each) async for each in _every(caller, "policy/documents")],
        "archives": [_volume(each) async for each in _every(caller, "policy/archives")],
        "awards": [_award(award) async for award in _every(caller, "finance/awards")],
        "payouts": [_payout(payout) async for payout in _every(caller, "finance/payouts")],
        "budgets": [_budget(budget) async for budget in _every(caller, "finance/budgets")],
        "aid": [_aid(aid) async for aid in _every(caller, "finance/aid")],
        "ledger": await _ledger(caller),
        "firms as stated": [[name, *value] for name, value in stated.items()],
        "firms as heard": [[name, *value] for name, value in heard.items()],
        "firms as matched": [await _matched(settings)],
    }
    return EndState({name: _in_order(rows) for name, rows in sections.items()})


async def _every_notice(caller: Caller) -> AsyncIterator[dict[str, Any]]:
    for state in ("running", "ended"):
        async for notice in _every(caller, "policy/notices", state=state):
            yield notice


async def _every(caller: Caller, noun: str, **asked: str) -> AsyncIterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = await caller.get("auditor", f"/v1/{noun}", limit=PAGE_ROWS, **asked, **cursor)
        for item in page["items"]:
            yield item
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


async def _case(caller: Caller, case: dict[str, Any]) -> Row:
    history = await caller.get("auditor", f"/v1/policy/cases/{case['id']}/history")
    events = [entry["event"] for entry in sorted(history["items"], key=lambda e: e["number"])]
    held = case["reservation"]
    return [
        case["programme"], case["applicant"]["id"], case["matter"], case["state"],
        held["state"], held["amount_fen"], held["reason_code"], events,
    ]  # fmt: skip


async def _call(caller: Caller, call: dict[str, Any]) -> Row:
    """Give a call with its places, by applicant; a draft or one without ranking has none."""
    places: list[Row] = []
    if call["state"] == "ranked":
        ranking = await caller.get("auditor", f"/v1/policy/calls/{call['id']}/ranking")
        for each in ranking["items"]:
            case = await caller.get("auditor", f"/v1/policy/cases/{each['case']}")
            places.append([case["applicant"]["id"], each["position"], each["within"]])
    kept = ("programme", "year", "title", "state", "quota", "ties", "notice", "budget_fen")
    return [*(call[name] for name in kept), _in_order(places)]


async def _offers(caller: Caller, batch: dict[str, Any]) -> Row:
    path = f"policy/offer-batches/{batch['id']}/offers"
    firms = [
        [each["uscc"], each["state"], each["reason"], each["amount_fen"]]
        async for each in _every(caller, path)
    ]
    return [batch["programme"], batch["matter"], batch["state"], batch["counts"], _in_order(firms)]


async def _notice(caller: Caller, notice: dict[str, Any]) -> Row:
    whole = await caller.get("auditor", f"/v1/policy/notices/{notice['id']}")
    items = [
        [each["applicant_name"], each["amount_fen"], each["state"], each["result"]["outcome"]]
        for each in whole["items"]
        if each["result"]
    ]
    return [whole["programme"], whole["state"], whole["item_count"], items,
            [each["reason"] for each in whole["editions"]]]  # fmt: skip


async def _recommendation(caller: Caller, found: dict[str, Any]) -> Row:
    path = f"/v1/policy/recommendations/{found['id']}/history"
    history = (await caller.get("auditor", path))["items"]
    kept = ("programme", "level", "state", "upper_number", "letter_number", "result_document")
    events = [each["event"] for each in sorted(history, key=lambda each: each["number"])]
    return [found["applicant"]["id"], *(found[name] for name in kept), events]


def _document(document: dict[str, Any]) -> Row:
    kept = ("kind", "number", "title", "state", "validity", "cases", "total_fen")
    return [document[name] for name in kept]


def _volume(volume: dict[str, Any]) -> Row:
    return [volume[name] for name in ("title", "volume", "case_state", "items", "restricted")]


def _award(award: dict[str, Any]) -> Row:
    return [
        award["programme"], award["payee"]["id"], award["matter"], award["state"],
        award["asked_fen"], award["amount_fen"], award["paid_fen"], award["recovered_fen"],
        award["reason_code"], award["line"] and award["line"]["name"], award["document"],
    ]  # fmt: skip


def _payout(payout: dict[str, Any]) -> Row:
    lines = _in_order([[line["amount_fen"], line["state"]] for line in payout["lines"]])
    return [payout["document"], payout["state"], payout["total_fen"], lines]


def _budget(line: dict[str, Any]) -> Row:
    kept = ("year", "measure", "programme", "name", "state", "amount_fen", "available_fen")
    return [*(line[name] for name in kept), line["reserved_fen"], line["paid_fen"]]


def _aid(aid: dict[str, Any]) -> Row:
    kept = ("level", "programme", "stacking_group", "relation", "amount_fen", "document", "state")
    return [aid["beneficiary"]["id"], aid["matter"], *(aid[name] for name in kept)]


async def _ledger(caller: Caller) -> list[Row]:
    """Give the ledger's own check, and count and sum of the transfers of each kind."""
    check = await caller.get("auditor", "/v1/finance/ledger/check")
    counts, sums = Counter[str](), Counter[str]()
    async for transfer in _every(caller, "finance/ledger/transfers"):
        counts[transfer["kind"]] += 1
        sums[transfer["kind"]] += transfer["amount_fen"]
    whole = ["all", check["accounts"], check["transfers"], check["sum_fen"], len(check["breaches"])]
    return [whole, *([kind, counts[kind], sums[kind]] for kind in counts)]


async def _firms(settings: Settings) -> dict[str, Row]:
    """Give count and digest of all firms and lists, as enterprise would announce them now."""

    async def read(session: AsyncSession, _: Any) -> dict[str, Row]:
        firms: list[Row] = []
        listed: list[Row] = []
        for restate in SERVICES["enterprise"].restaters:
            async for event in restate(session):
                if isinstance(event, FirmChanged):
                    firms.append([event.uscc, event.version, _plain(event.model_dump(mode="json"))])
                elif isinstance(event, ListPublished):
                    day = event.valid_from.isoformat()
                    listed += [[event.list, day, uscc] for uscc in event.usccs]
        return _summed(firms, listed)

    return await _read_in(settings, "enterprise", read)


async def _heard(settings: Settings) -> dict[str, Row]:
    """Give the same from what policy has heard."""

    async def read(session: AsyncSession, _: Any) -> dict[str, Row]:
        firms: list[Row] = []
        while some := await _firms_after(session, firms[-1][0] if firms else ""):
            firms += some
        rows = await session.execute(text(_HEARD_LISTS))
        return _summed(firms, [[name, day.isoformat(), uscc] for name, day, uscc in rows])

    return await _read_in(settings, "policy", read)


async def _firms_after(session: AsyncSession, uscc: str) -> list[Row]:
    """Read the next firms: few enough at once for the limit that every statement has."""
    values = {"after": uscc, "rows": PAGE_ROWS}
    found = await session.execute(text(_HEARD_FIRMS), values)
    return [[uscc, version, _plain(state)] for uscc, version, state in found]


async def _matched(settings: Settings) -> Row:
    """Give count and digest of where firms stand."""

    async def read(session: AsyncSession, _: Any) -> Row:
        rows: list[Row] = []
        while some := await _matches_after(session, rows[-1][:2] if rows else ["", ""]):
            rows += some
        return ["matches", len(rows), _digest(_in_order(rows))]

    return await _read_in(settings, "policy", read)


async def _matches_after(session: AsyncSession, last: Row) -> list[Row]:
    values = {"uscc": last[0], "programme": last[1], "rows": PAGE_ROWS * 10}
    return [list(row) for row in await session.execute(text(_MATCHES), values)]


async def _read_in(
    settings: Settings, service: str, read: Callable[..., Awaitable[ReadT]]
) -> ReadT:
    async with units_of(settings, service) as in_unit:
        return await in_unit(read)


def _summed(firms: list[Row], listed: list[Row]) -> dict[str, Row]:
    return {
        name: [len(rows), _digest(_in_order(rows))]
        for name, rows in (("firms", firms), ("entries of lists", listed))
    }


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from run to run; titles, too, are told by what they say alone."""
    titles = [
        {k: v for k, v in each.items() if k != "id"} for each in state.get("recognitions", [])
    ]
    kept = {name: value for name, value in state.items() if name not in _VARIES}
    return {**kept, "recognitions": _in_order(titles)}


def _in_order(rows: list[ItemT]) -> list[ItemT]:
    return sorted(rows, key=_canonical)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()
