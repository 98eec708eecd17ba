"""Refusals: RFC 9457, in the caller's language, never repeating what was sent."""

import io
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.kernel.actors import ROLE_NAMES, Actor, Guard, Role
from services.kernel.errors import FieldError, Forbidden, Invalid
from services.kernel.problems import ERRORS_MAX, prefers_english, problem_body
from tests.kernel.running import Probe, fresh, key

CARD = "330282199001011234"
MEMBERS = {"type", "title", "status", "detail", "code", "trace_id", "errors"}
BAD_BODIES: dict[str, dict[str, Any]] = {
    "a text where a number belongs": {"amount_fen": CARD},
    "a number too large": {"amount_fen": int(CARD)},
    "a number below zero": {"amount_fen": -int(CARD)},
    "a text that is too long": {"name": CARD * 10},
    "a text of the wrong form": {"name": f"{CARD} x"},
    "a date that is none": {"on": CARD},
    "a value outside the closed set": {"colour": CARD},
    "a UUID that is none": {"id": CARD},
    "an item of a list": {"tags": ["fine", CARD]},
    "an object where a text belongs": {"name": {CARD: CARD}},
    "a field nobody knows": {CARD: "x"},
    "a field nobody knows, with a value": {"unknown": CARD},
    "a key of a map": {"counts": {CARD: "x"}},
    "a value of a map": {"counts": {"good": CARD}},
    "a truth value": {"is_final": CARD},
}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the shape that every refusal has, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:liangxin:problem:{code}"
    assert len(body["trace_id"]) == 32
    return body


@pytest.mark.parametrize("bad", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_refused_field_does_not_come_back(probe: Probe, bad: dict[str, Any]) -> None:
    answer = await probe.write(**bad)
    body = problem(answer, 422, "invalid")
    assert body["errors"]
    assert CARD not in answer.text
    assert CARD not in str(answer.headers)


async def test_what_is_refused_elsewhere_in_a_request_does_not_come_back(probe: Probe) -> None:
    client = probe.client()
    note = (await probe.write()).json()["id"]
    answers = [
        await client.get(f"/v1/probe/notes/{CARD}"),
        await client.get("/v1/probe/notes", params={"limit": CARD}),
        await client.get("/v1/probe/notes", params={"cursor": CARD}),
        await client.put(
            f"/v1/probe/notes/{note}", json={"name": "n"}, headers={"If-Match": f'"{CARD}"'}
        ),
        await client.put(
            f"/v1/probe/notes/{note}", json={"name": "n"}, headers={"If-Match": f"x{CARD}"}
        ),
        await client.post(
            f"/v1/probe/notes/{note}/events",
            json={"event": "count", "version": int(CARD)},
            headers=key(),
        ),
        await client.post(f"/v1/probe/{CARD}", json={CARD: CARD}),
        await client.post(
            "/v1/probe/notes", json={}, headers={b"Idempotency-Key": f"é{CARD}".encode()}
        ),
        await client.get("/v1/probe/notes", headers={"Authorization": f"Digest {CARD}"}),
        await client.get("/v1/probe/notes", headers={"Authorization": f"Bearer {CARD}"}),
        await client.post(
            "/v1/probe/notes",
            content=f'{{"name": {CARD}',
            headers={**key(), "Content-Type": "application/json"},
        ),
    ]
    assert [a.status_code for a in answers] == [
        422,
        422,
        400,
        412,
        400,
        412,
        404,
        400,
        401,
        401,
        400,
    ]
    for answer in answers:
        problem(answer, answer.status_code, answer.json()["code"])
        assert CARD not in answer.text


async def test_a_refused_field_is_named_by_pointer_and_code(probe: Probe) -> None:
    answer = await probe.write(amount_fen=1.5, tags=["fine", "far too long"], counts={"a": True})
    body = problem(answer, 422, "invalid")
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [
        ("/amount_fen", "int-type"),
        ("/tags/1", "string-too-long"),
        ("/counts/?", "int-type"),
    ]
    assert body["errors"][0]["detail"] == "须为整数，不接受小数、文本或布尔值。"


@pytest.mark.parametrize(
    ("accepts", "english"),
    [
        (None, False),
        ("", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", False),
        ("en-GB,en;q=0.9", True),
        ("en;q=0.3,zh;q=0.7", False),
        ("zh;q=0.3,en;q=0.7", True),
        ("fr", False),
        ("*", False),
        ("en;q=nonsense", False),
        ("en;q=nan", False),
        (",;=,en", True),
    ],
)
def test_chinese_is_the_language_unless_english_is_preferred(
    accepts: str | None,
    english: bool,  # noqa: FBT001
) -> None:
    assert prefers_english(accepts) is english


async def test_a_refusal_is_worded_in_the_language_asked_for(probe: Probe) -> None:
    chinese = problem(await probe.client().get("/v1/probe/nowhere"), 404, "not-found")
    english = problem(
        await probe.client().get("/v1/probe/nowhere", headers={"Accept-Language": "en"}),
        404,
        "not-found",
    )
    assert (chinese["title"], english["title"]) == ("未找到", "Not found")
    assert chinese["detail"] != english["detail"]


async def test_an_unknown_address_and_an_unknown_method_are_problems(probe: Probe) -> None:
    problem(await probe.client().get("/v1/probe/notes/"), 404, "not-found")
    wrong = await probe.client().delete("/v1/probe/works")
    problem(wrong, 405, "method-not-allowed")
    assert wrong.headers["allow"] == "POST"


async def test_a_body_of_another_content_type_is_refused(probe: Probe) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {**key(), **({"Content-Type": kind} if kind else {})}
        answer = await probe.client().post("/v1/probe/notes", content=b"{}", headers=headers)
        problem(answer, 415, "json-expected")


async def test_an_address_with_a_nul_is_malformed(probe: Probe) -> None:
    for path in ("/v1/probe/notes/%00", "/v1/probe/notes?cursor=%00", "/v1/probe/notes?%00=1"):
        problem(await probe.client().get(path), 400, "address-text")


async def test_a_failure_of_ours_tells_nothing_of_itself(
    probe: Probe, logbook: io.StringIO
) -> None:
    name = fresh("fault")
    answer = await probe.client().post(
        "/v1/probe/notes/faults", json={"fault": "explode", "name": name}
    )
    body = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert body["trace_id"] in logbook.getvalue()
    assert await probe.value("SELECT count(*) FROM note WHERE name = :n", n=name) == 0


async def test_the_log_holds_neither_parameters_nor_personal_numbers(
    probe: Probe, logbook: io.StringIO
) -> None:
    name = CARD
    answer = await probe.client().post(
        "/v1/probe/notes/faults", json={"fault": "explode", "name": name}
    )
    assert answer.status_code == 500
    assert CARD not in logbook.getvalue()
    async with probe.runtime.sessions() as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(
                text("SELECT 1/0 WHERE :secret = 'x'"), {"secret": "hidden-value"}
            )
    assert "hidden-value" not in str(raised.value)


async def test_an_answer_carries_the_trace_it_was_asked_under(probe: Probe) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    given = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = await probe.client().get("/v1/probe/nowhere", headers=given)
    assert answer.json()["trace_id"] == trace
    broken = await probe.client().get("/v1/probe/nowhere", headers={"traceparent": "00-zz"})
    assert len(broken.json()["trace_id"]) == 32


def test_a_refusal_names_a_bounded_number_of_fields() -> None:
    errors = [FieldError(f"/f{n}", "code", "错", "wrong") for n in range(ERRORS_MAX + 50)]
    body = json.loads(
        problem_body(Invalid("错", "wrong", errors=errors), english=True, trace_id=None)
    )
    assert len(body["errors"]) == ERRORS_MAX


async def test_who_has_no_token_or_the_wrong_role_is_told_so(probe: Probe) -> None:
    without = await probe.client("public").get("/v1/probe/notes")
    problem(without, 401, "unauthenticated")
    assert without.headers["www-authenticate"] == "Bearer"
    problem(await probe.client("firm").get("/v1/probe/notes"), 403, "role-required")
    auditor = await probe.client("auditor").post(
        "/v1/probe/notes", json={"name": fresh("n")}, headers=key()
    )
    problem(auditor, 403, "role-required")


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"surname": "x"}, "/?"),
        # Even a name that stands elsewhere in the schemas was made up here.
        ({"version": 1}, "/?"),
        ({"counts": {"lowercase": "x"}}, "/counts/?"),
    ],
)
async def test_a_pointer_repeats_no_name_that_was_made_up(
    probe: Probe, bad: dict[str, Any], pointer: str
) -> None:
    body = problem(await probe.write(**bad), 422, "invalid")
    (error,) = body["errors"]
    assert error["pointer"] == pointer
    assert body["detail"].startswith(f"{pointer}：")


async def test_allowed_values_and_roles_are_listed_in_the_reader_s_language(probe: Probe) -> None:
    details: list[str] = []
    for language in ("zh", "en"):
        answer = await probe.client().post(
            "/v1/probe/notes",
            json={"name": "n", "colour": "grey"},
            headers={**key(), "Accept-Language": language},
        )
        details.append(answer.json()["errors"][0]["detail"])
    assert details == ["须为其中之一：red、blue。", "Must be one of: red, blue."]

    guard = Guard(Role.REVIEWER, Role.APPROVER)
    with pytest.raises(Forbidden) as refused:
        guard.admit(Actor("a", "a", frozenset({"bank"})), service="probe", method="GET")
    assert refused.value.zh == "此操作限以下角色：审批人、审核员。"
    assert refused.value.en == "This is for: approver, reviewer."
    assert ROLE_NAMES.keys() == set(Role)
