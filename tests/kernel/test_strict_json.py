"""JSON as money needs it: what could be read in two ways is refused, and nothing is stored."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import Refusal
from services.kernel.strict_json import DEPTH_MAX, canonical, digest, loads
from tests.kernel.running import Probe, fresh, key

REFUSED: dict[str, tuple[str, int, str]] = {
    "NaN": ('{"amount_fen": NaN}', 422, "json-number"),
    "Infinity": ('{"amount_fen": Infinity}', 422, "json-number"),
    "minus Infinity": ('{"amount_fen": -Infinity}', 422, "json-number"),
    "NaN in a text field": ('{"name": NaN}', 422, "json-number"),
    "NaN in an unknown field": ('{"nowhere": NaN}', 422, "json-number"),
    "1e400": ('{"amount_fen": 1e400}', 422, "json-number"),
    "10^19": ('{"amount_fen": 10000000000000000000}', 422, "json-number"),
    "2^63": ('{"amount_fen": 9223372036854775808}', 422, "json-number"),
    "a number of 5,000 digits": (f'{{"amount_fen": {"9" * 5000}}}', 422, "json-number"),
    "more than any purse": ('{"amount_fen": 1000000000000001}', 422, "invalid"),
    "1e308": ('{"amount_fen": 1e308}', 422, "invalid"),
    "a fraction": ('{"amount_fen": 0.005}', 422, "invalid"),
    "a whole float": ('{"amount_fen": 1.0}', 422, "invalid"),
    "an exponent": ('{"amount_fen": 1e3}', 422, "invalid"),
    "below zero": ('{"amount_fen": -1}', 422, "invalid"),
    "true": ('{"amount_fen": true}', 422, "invalid"),
    "a number as text": ('{"amount_fen": "1000"}', 422, "invalid"),
    "an underscore": ('{"amount_fen": "1_000"}', 422, "invalid"),
    "full-width digits": ('{"amount_fen": "１２"}', 422, "invalid"),
    "null": ('{"amount_fen": null}', 422, "invalid"),
    "a key twice": ('{"amount_fen": 1, "amount_fen": 2}', 422, "json-duplicate-key"),
    "a key twice, once escaped": ('{"tags": [], "t\\u0061gs": []}', 422, "json-duplicate-key"),
    "a key twice, deep inside": ('{"counts": {"a": 1, "a": 1}}', 422, "json-duplicate-key"),
    "a lone surrogate": ('{"name": "x\\ud800"}', 422, "json-text"),
    "a lone surrogate in a key": ('{"counts": {"\\udfff": 1}}', 422, "json-text"),
    "a NUL": ('{"name": "x\\u0000"}', 422, "json-text"),
    "a NUL in a key": ('{"counts": {"\\u0000": 1}}', 422, "json-text"),
    "too deep": (f'{{"tags": {"[" * 40}{"]" * 40}}}', 400, "json-depth"),
    "very deep": ("[" * 100_000 + "]" * 100_000, 400, "json-depth"),
    "very deep and open": ('{"a":' * 100_000, 400, "json-depth"),
    "an open object": ('{"name": "x"', 400, "json-invalid"),
    "two documents": ("{} {}", 400, "json-invalid"),
    "a comma too many": ('{"tags": [1,]}', 400, "json-invalid"),
    "single quotes": ("{'name': 1}", 400, "json-invalid"),
    "a comment": ('{"name": "x" /* y */}', 400, "json-invalid"),
    "a leading zero": ('{"amount_fen": 01}', 400, "json-invalid"),
    "blanks alone": ("   ", 400, "json-invalid"),
    "a list at the top": ("[]", 422, "invalid"),
    "a text at the top": ('"name"', 422, "invalid"),
    "null at the top": ("null", 422, "invalid"),
}
BROKEN_BYTES = {
    "not UTF-8": b'{"name": "\xff"}',
    "an overlong form": b'{"name": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
}


@pytest.mark.parametrize(("body", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_ambiguous_json_is_refused_and_stores_nothing(
    probe: Probe, body: str, status: int, code: str
) -> None:
    name = fresh("strict")
    if body.startswith("{") and '"name"' not in body and status == 422:
        body = f'{{"name": "{name}", {body[1:]}'
    headers = {**key(), "Content-Type": "application/json"}
    answer = await probe.client().post("/v1/probe/notes", content=body.encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await probe.value("SELECT count(*) FROM note WHERE name = :n", n=name) == 0
    stored = "SELECT count(*) FROM stored_answer WHERE key = :k"
    assert await probe.value(stored, k=headers["Idempotency-Key"]) == 0


@pytest.mark.parametrize("body", BROKEN_BYTES.values(), ids=BROKEN_BYTES.keys())
async def test_broken_bytes_are_malformed(probe: Probe, body: bytes) -> None:
    headers = {**key(), "Content-Type": "application/json; charset=utf-8"}
    answer = await probe.client().post("/v1/probe/notes", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "json-encoding")


@pytest.mark.parametrize(
    "name",
    ["𠀀𫝀𮯠企业", "e\u0301quipe", "équipe", "\u202eright", "😀", "'; DROP TABLE note; --", "\\"],
)
async def test_an_unusual_text_is_stored_exactly(probe: Probe, name: str) -> None:
    name = fresh(name.replace(" ", ""))
    answer = await probe.write(name=name)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name
    assert await probe.value("SELECT name FROM note WHERE name = :n", n=name) == name


async def test_the_limits_of_money_are_accepted(probe: Probe) -> None:
    for amount in (0, 10**15):
        answer = await probe.write(amount_fen=amount)
        assert (answer.status_code, answer.json()["amount_fen"]) == (201, amount)


def test_depth_is_counted_in_values_not_in_texts() -> None:
    brackets = "[" * 200
    assert loads(json.dumps({"name": brackets}).encode()) == {"name": brackets}
    deepest: Any = 1
    for _ in range(DEPTH_MAX):
        deepest = [deepest]
    assert loads(json.dumps(deepest).encode()) == deepest
    with pytest.raises(Refusal):
        loads(json.dumps([deepest]).encode())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_every_lawful_value_is_read_as_it_was_written(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value
    assert loads(canonical(value).encode()) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9)))
def test_equal_objects_have_one_canonical_form(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(turned) == canonical(value)
    assert digest(canonical(turned)) == digest(canonical(value))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise_than_by_refusing(body: bytes) -> None:
    value, refused = None, None
    try:
        value = loads(body)
    except Refusal as refusal:
        refused = refusal.status
    assert refused in (400, 422) or value == json.loads(body)
