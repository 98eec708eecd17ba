"""The same key and body has one effect and one answer, whoever repeats it and however often."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.kernel.app import asgi_app
from services.kernel.bus import Bus
from services.kernel.clock import system_now
from services.kernel.idempotency import KEPT_DAYS, KEY_CHARS_MAX, forget_old_answers
from services.kernel.runtime import Runtime
from tests.kernel.minting import make_mint
from tests.kernel.running import Probe, fresh, key

NOTES = "/v1/probe/notes"
NOTES_NAMED = "SELECT count(*) FROM note WHERE name = :n"
KEPT = "SELECT count(*) FROM stored_answer WHERE key = :k"


async def test_of_fifty_at_once_one_is_carried_out_and_all_repeats_are_identical(
    probe: Probe,
) -> None:
    name, header = fresh("fifty"), key()

    async def ask() -> httpx.Response:
        return await probe.client().post(NOTES, json={"name": name}, headers=header)

    answers = await asyncio.gather(*(ask() for _ in range(50)))
    statuses = Counter(a.status_code for a in answers)
    assert set(statuses) <= {201, 409}
    assert (
        sum("idempotency-replayed" not in a.headers for a in answers if a.status_code == 201) == 1
    )
    waiting = [a for a in answers if a.status_code == 409]
    assert {a.json()["code"] for a in waiting} <= {"idempotency-in-flight"}
    assert {a.headers["retry-after"] for a in waiting} <= {"1"}
    again = [await ask() for _ in range(3)]
    assert all(a.headers["idempotency-replayed"] == "true" for a in again)
    bodies = {a.content for a in [*answers, *again] if a.status_code == 201}
    assert len(bodies) == 1
    assert await probe.value(NOTES_NAMED, n=name) == 1


async def test_a_repeat_has_the_status_and_the_headers_of_the_first_answer(probe: Probe) -> None:
    name, header = fresh("headers"), key()
    first, again = [
        await probe.client().post(NOTES, json={"name": name}, headers=header) for _ in range(2)
    ]
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for kept in ("content-type", "location", "etag"):
        assert again.headers[kept] == first.headers[kept]


async def test_equal_json_in_other_words_is_the_same_request(probe: Probe) -> None:
    name, header = fresh("words"), {**key(), "Content-Type": "application/json"}
    spelled = ['{"name":"%s","amount_fen":5}', '{ "amount_fen" : 5,\n "n\\u0061me": "%s" }']
    answers = [
        await probe.client().post(NOTES, content=text % name, headers=header) for text in spelled
    ]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[1].headers["idempotency-replayed"] == "true"


async def test_the_same_key_with_another_content_is_refused(probe: Probe) -> None:
    name, header = fresh("other"), key()
    await probe.client().post(NOTES, json={"name": name}, headers=header)
    others: list[dict[str, Any]] = [
        {"json": {"name": name, "amount_fen": 1}},
        {"json": {"name": name}, "params": {"x": "1"}},
        {"json": {"name": fresh("third")}},
    ]
    for other in others:
        answer = await probe.client().post(NOTES, headers=header, **other)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


async def test_the_same_key_at_another_thing_of_the_same_route_is_refused(probe: Probe) -> None:
    notes = [(await probe.write()).json()["id"] for _ in range(2)]
    header, body = key(), {"event": "count", "version": 1}
    first = await probe.client().post(f"{NOTES}/{notes[0]}/events", json=body, headers=header)
    second = await probe.client().post(f"{NOTES}/{notes[1]}/events", json=body, headers=header)
    assert (first.status_code, second.status_code) == (200, 422)


@pytest.mark.parametrize(
    "bearing", ["client_id", "uscc", "department", "institution", "bank", "town_code"]
)
async def test_who_acts_for_another_gets_no_answer_kept_for_the_first(
    probe: Probe, bearing: str
) -> None:
    mint = await make_mint(probe, fresh("kept-for-whom"))
    header, body = key(), {"name": fresh("whom")}

    async def ask(value: str) -> httpx.Response:
        claims: dict[str, Any] = {bearing: value}
        bearer = {"Authorization": f"Bearer {mint.token(**claims)}"}
        return await probe.client("public").post(NOTES, json=body, headers=header | bearer)

    first, other, again = [await ask(value) for value in ("one", "two", "one")]
    # The name of a note is taken: the second bearer's request was carried out and refused.
    assert [a.status_code for a in (first, other, again)] == [201, 409, 201]
    assert "idempotency-replayed" not in other.headers
    assert first.json()["id"] not in other.text
    assert (again.headers["idempotency-replayed"], again.content) == ("true", first.content)


async def test_a_key_is_shared_neither_by_principals_nor_by_routes(probe: Probe) -> None:
    header = key()
    mine = await probe.client().post(NOTES, json={"name": fresh("mine")}, headers=header)
    theirs = await probe.client("approver").post(
        NOTES, json={"name": fresh("theirs")}, headers=header
    )
    elsewhere = await probe.client().post(
        f"{NOTES}/for-money", json={"name": fresh("elsewhere")}, headers=header
    )
    assert [a.status_code for a in (mine, theirs, elsewhere)] == [201, 201, 201]
    assert len({a.json()["id"] for a in (mine, theirs, elsewhere)}) == 3


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "idempotency-key-missing"),
        (b"", "idempotency-key-missing"),
        (b"x" * (KEY_CHARS_MAX + 1), "idempotency-key-malformed"),
        (b"caf\xe9", "idempotency-key-malformed"),
        (b"a\tb", "idempotency-key-malformed"),
    ],
)
async def test_a_missing_or_malformed_key_is_refused(
    probe: Probe, given: bytes | None, code: str
) -> None:
    headers = {} if given is None else {b"Idempotency-Key": given}
    answer = await probe.client().post(NOTES, json={"name": fresh("no-key")}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_where_no_key_is_required_one_that_is_given_counts(probe: Probe) -> None:
    body, header = {"fault": "none", "name": fresh("optional")}, key()
    path = f"{NOTES}/faults"
    answers = [await probe.client().post(path, json=body, headers=header) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert (await probe.client().post(path, json=body)).status_code == 409


async def test_a_refused_request_does_not_use_its_key_up(probe: Probe) -> None:
    header, name = key(), fresh("refused")
    bad = await probe.client().post(NOTES, json={"name": name, "amount_fen": -1}, headers=header)
    good = await probe.client().post(NOTES, json={"name": name}, headers=header)
    assert (bad.status_code, good.status_code) == (422, 201)


async def test_an_answer_outlives_the_process_that_gave_it(probe: Probe) -> None:
    name, header = fresh("restart"), key()
    first = await probe.client().post(NOTES, json={"name": name}, headers=header)
    settings = probe.runtime.settings
    another = Runtime(probe.runtime.service, settings, Bus(settings.nats_url, "another"))
    transport = httpx.ASGITransport(app=asgi_app(another.service, another))
    headers = {**header, "Authorization": f"Bearer {probe.token()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        again = await client.post(NOTES, json={"name": name}, headers=headers)
    await another.engine.dispose()
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_answers_are_forgotten_after_their_week_and_those_of_money_never(
    probe: Probe,
) -> None:
    plain, money = key(), key()
    await probe.client().post(NOTES, json={"name": fresh("plain")}, headers=plain)
    await probe.client().post(f"{NOTES}/for-money", json={"name": fresh("money")}, headers=money)
    kept: list[tuple[int, int]] = []
    for age in (timedelta(days=KEPT_DAYS, minutes=-1), timedelta(days=KEPT_DAYS, minutes=1)):
        async with probe.runtime.sessions() as session, session.begin():
            await forget_old_answers(session, system_now() + age)
        kept.append(
            (
                await probe.value(KEPT, k=plain["Idempotency-Key"]),
                await probe.value(KEPT, k=money["Idempotency-Key"]),
            )
        )
    assert kept == [(1, 1), (0, 1)]
