"""Recording, revoking and timing recognitions."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.enterprise.firms.actions import TIMER, tell_of_day
from services.enterprise.recognitions.rules import NEXT, Move, State, holds_on, moved, overlap
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.kernel.tables import Timer
from services.kernel.unit import in_unit
from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    FIRMS,
    announced,
    audited,
    first_error,
    own_firm,
    problem,
    registered,
    today,
)

TITLE: dict[str, Any] = {
    "recognition": "specialised-sme",
    "grade": None,
    "issuer": "宁波市经济和信息化局（示范）",
    "document": "示范认定〔2025〕1号",
    "valid_from": "2025-01-01",
    "valid_to": "2027-12-31",
}


Days = tuple[str | None, ...]


def days(*texts: str | None) -> Any:
    return tuple(None if each is None else date.fromisoformat(each) for each in texts)


def path(uscc: str, rest: str = "") -> str:
    return f"{FIRMS}/{uscc}/recognitions{rest}"


async def test_a_title_is_recorded_and_announced(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    answer = await registrar.post(path(uscc), json=TITLE)

    assert answer.status_code == 201
    title = answer.json()
    assert title["state"] == "held"
    assert title["title"] == "专精特新中小企业"
    assert title["allowed_events"] == ["revoke"]
    event = (await announced(platform, f"firm:{uscc}"))[-1]
    assert event["statement_id"] == title["statement_id"]
    assert event["recognitions"] == [
        {
            "id": title["id"],
            "recognition": "specialised-sme",
            "grade": None,
            "valid_from": "2025-01-01",
            "valid_to": "2027-12-31",
            "revoked_on": None,
            "issuer": TITLE["issuer"],
            "document": TITLE["document"],
        }
    ]
    one = await registrar.get(answer.headers["Location"])
    assert one.json()["id"] == title["id"]
    assert one.headers["ETag"] == '"1"'
    assert await audited(platform, "recognition.record", uscc) == 1


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"recognition": "specialized-sme"}, "/recognition", "recognition-unknown"),
        ({"valid_to": "2024-12-31"}, "/", "validity-order"),
        ({"valid_from": "2025"}, "/valid_from", "date-format"),
        ({"issuer": " "}, "/issuer", "text-empty"),
        ({"document": None}, "/document", "string-type"),
        ({"colour": 1}, "/?", "extra-forbidden"),
    ],
)
async def test_a_wrong_title_is_refused(
    platform: TestPlatform, change: dict[str, Any], pointer: str, code: str
) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").post(path(uscc), json=TITLE | change)

    assert answer.status_code == 422
    assert first_error(answer) == (pointer, code)
    if code == "recognition-unknown":
        assert "specialised-sme" in answer.json()["errors"][0]["detail"]


async def test_the_same_title_is_not_held_twice_on_one_day(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    first = await registrar.post(path(uscc), json=TITLE)
    again = TITLE | {"valid_from": "2027-12-31", "valid_to": None}
    assert problem(await registrar.post(path(uscc), json=again)) == (409, "recognition-overlaps")

    following = TITLE | {"valid_from": "2028-01-01", "valid_to": None}
    assert (await registrar.post(path(uscc), json=following)).status_code == 201
    other = TITLE | {"recognition": "innovative-sme"}
    assert (await registrar.post(path(uscc), json=other)).status_code == 201
    listed = (await registrar.get(path(uscc))).json()["items"]
    assert [each["recognition"] for each in listed] == [
        "innovative-sme", "specialised-sme", "specialised-sme",
    ]  # fmt: skip
    assert first.json()["id"] == listed[-1]["id"]


async def test_a_revoked_title_ends_on_its_day_and_makes_room(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    made = (await registrar.post(path(uscc), json=TITLE)).json()
    events = path(uscc, f"/{made['id']}/events")
    revoke = {"event": "revoke", "version": 1, "note": "复核未通过", "data": {"on": "2026-03-01"}}

    stale = await registrar.post(events, json=revoke | {"version": 2})
    assert problem(stale) == (412, "version-mismatch")
    done = await registrar.post(events, json=revoke)
    assert done.status_code == 200
    assert (done.json()["state"], done.json()["revoked_on"]) == ("revoked", "2026-03-01")
    assert done.json()["holds"] is False
    assert done.headers["ETag"] == '"2"'
    again = await registrar.post(events, json=revoke | {"version": 2})
    assert problem(again) == (409, "event-not-allowed")
    event = (await announced(platform, f"firm:{uscc}"))[-1]
    assert event["recognitions"][0]["revoked_on"] == "2026-03-01"
    anew = TITLE | {"valid_from": "2026-03-01"}
    assert (await registrar.post(path(uscc), json=anew)).status_code == 201


@pytest.mark.parametrize(
    ("on", "code"),
    [("2024-12-31", "date-outside-validity"), ("2198-01-01", "date-in-future")],
)
async def test_a_title_is_revoked_within_its_validity(
    platform: TestPlatform, on: str, code: str
) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    made = (await registrar.post(path(uscc), json=TITLE)).json()
    answer = await registrar.post(
        path(uscc, f"/{made['id']}/events"),
        json={"event": "revoke", "version": 1, "data": {"on": on}},
    )

    assert problem(answer) == (422, code)


async def test_titles_belong_to_their_departments(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    made = (await platform.client("registrar").post(path(uscc), json=TITLE)).json()

    refused = await platform.client("registrar-b").post(path(uscc), json=TITLE)
    assert problem(refused) == (403, "recognition-not-owned")
    revoke = {"event": "revoke", "version": 1, "data": {}}
    events = path(uscc, f"/{made['id']}/events")
    assert problem(await platform.client("registrar-b").post(events, json=revoke))[0] == 403
    for client in ("firm", "reviewer", "auditor", "bank", "admin"):
        assert (await platform.client(client).post(path(uscc), json=TITLE)).status_code == 403


async def test_a_firm_reads_its_own_titles_only(platform: TestPlatform) -> None:
    mine, other = await own_firm(platform), await registered(platform)
    registrar, firm = platform.client("registrar"), platform.client("firm")
    title = TITLE | {"recognition": "quality-award"}
    assert (await registrar.post(path(mine), json=title)).status_code in (201, 409)
    theirs = (await registrar.post(path(other), json=title)).json()

    elsewhere = (await platform.client("registrar-b").get(path(other))).json()["items"]
    assert elsewhere[0]["allowed_events"] == []
    shown = (await firm.get(path(mine))).json()["items"]
    assert "quality-award" in [each["recognition"] for each in shown]
    assert all(each["allowed_events"] == [] for each in shown)
    assert (await firm.get(path(other, f"/{theirs['id']}"))).status_code == 404
    # The title of one firm is not found under another.
    assert (await firm.get(path(mine, f"/{theirs['id']}"))).status_code == 404
    assert (await registrar.get(path(mine, f"/{new_id()}"))).status_code == 404


async def test_a_cursor_of_another_kind_is_refused(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").get(path(uscc), params={"cursor": "WyJ4Il0"})

    assert problem(answer) == (400, "cursor-invalid")


async def test_what_is_stated_ahead_is_told_of_on_its_day(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    day = today(platform) + timedelta(30)
    sent = {"facts": {"is_listed": True}, "valid_from": str(day)}
    answer = await platform.client("registrar").post(f"{FIRMS}/{uscc}/facts", json=sent)

    assert answer.json()["on"] == str(day)
    now = await platform.client("registrar").get(f"{FIRMS}/{uscc}/facts")
    assert "is_listed" not in now.json()["facts"]
    async with platform.service("enterprise").sessions() as session:
        timers = (await session.scalars(select(Timer).where(Timer.kind == TIMER))).all()
    assert f"{uscc}:{day}" in [timer.reference for timer in timers]


async def test_the_first_and_last_day_of_a_title_announce_the_firm_again(
    platform: TestPlatform,
) -> None:
    runtime = platform.service("enterprise")
    day = today(platform)
    uscc = await registered(platform)
    ahead = {"valid_from": str(day + timedelta(10)), "valid_to": str(day + timedelta(20))}
    await platform.client("registrar").post(path(uscc), json=TITLE | ahead)

    async with runtime.sessions() as session:
        timers = (
            await session.scalars(
                select(Timer)
                .where(Timer.kind == TIMER, Timer.reference.startswith(uscc))
                .order_by(Timer.due_at)
            )
        ).all()
    # Midnight in the city, which is 16:00 of the day before in universal time.
    due = [timer.due_at.isoformat() for timer in timers]
    assert due == [f"{day + timedelta(9)}T16:00:00+00:00", f"{day + timedelta(20)}T16:00:00+00:00"]

    before = await announced(platform, f"firm:{uscc}")
    reference = timers[0].reference
    await in_unit(runtime, lambda session, now: tell_of_day(session, reference, now))
    after = await announced(platform, f"firm:{uscc}")
    assert len(after) == len(before) + 1
    assert after[-1]["version"] == before[-1]["version"] + 1
    assert after[-1]["statement_id"] == before[-1]["statement_id"]


def test_the_last_day_counts_and_the_day_of_revocation_does_not() -> None:
    first, last = date(2025, 1, 1), date(2027, 12, 31)

    assert not holds_on(date(2024, 12, 31), first, last, None)
    assert holds_on(first, first, last, None)
    assert holds_on(last, first, last, None)
    assert not holds_on(date(2028, 1, 1), first, last, None)
    assert holds_on(date(2026, 2, 28), first, None, date(2026, 3, 1))
    assert not holds_on(date(2026, 3, 1), first, None, date(2026, 3, 1))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (("2025-01-01", "2025-12-31", None), ("2025-12-31", None)),
        (("2025-01-01", None, None), ("2030-01-01", "2030-01-01")),
        (("2025-01-01", None, "2026-01-01"), ("2025-12-31", None)),
        (("2025-01-01", None, None), ("2024-01-01", "2025-01-01")),
    ],
)
def test_titles_overlap_where_they_hold_on_a_common_day(known: Days, new: Days) -> None:
    assert overlap(days(*known), days(*new))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (("2025-01-01", "2025-12-31", None), ("2026-01-01", None)),
        (("2025-01-01", None, "2026-01-01"), ("2026-01-01", None)),
        (("2025-01-01", None, None), ("2024-01-01", "2024-12-31")),
        (("2025-01-01", None, "2025-01-01"), ("2024-01-01", None)),
    ],
)
def test_titles_that_follow_each_other_do_not_overlap(known: Days, new: Days) -> None:
    assert not overlap(days(*known), days(*new))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_every_move_is_allowed_or_refused_by_the_table(state: State, move: Move) -> None:
    if move in NEXT[state]:
        assert moved(state, move) is NEXT[state][move]
    else:
        with pytest.raises(Conflict) as refusal:
            moved(state, move)
        assert refusal.value.code == "event-not-allowed"
