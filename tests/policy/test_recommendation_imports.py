"""Results of upper levels as files: every row answered for, none stopped by another."""

from typing import Any

import orjson
import pytest

from services.kernel.row_files import Media
from tests.policy.recommendation_steps import (
    RECOMMENDATIONS,
    STAR,
    begun,
    body_for,
    desk_of,
    history,
    new_firm,
    now,
    result,
    until_title,
    with_letter,
)

CSV = "text/csv"


async def imported(platform: Any, desk: Any, content: bytes, media: str = CSV) -> dict[str, Any]:
    answer = await desk.post(
        f"{RECOMMENDATIONS}/imports", content=content, headers={"Content-Type": media}
    )
    assert answer.status_code == 202, answer.text
    await platform.settle()
    operation = (await desk.get(answer.headers["Location"])).json()
    assert operation["state"] == "finished", operation
    return operation


async def test_results_are_imported_each_row_answered_for(platform: Any) -> None:
    desk = await desk_of(platform)
    found: list[dict[str, Any]] = []
    for _ in range(3):
        uscc, firm = await new_firm(platform)
        found.append(await with_letter(platform, desk, firm, body_for(uscc)))
    foreign_uscc, foreign_firm = await new_firm(platform)
    not_filed = await begun(platform, foreign_firm, body_for(foreign_uscc))
    tail = "granted,甬科高〔2026〕67号,宁波市科学技术局,2026-11-20"
    lines = [
        "recommendation,programme,upper_number,outcome,document,issuer,decided_on,valid_to",
        f"{found[0]['id']},,,{tail},2029-11-19",
        f",{STAR},{found[1]['upper_number']},{tail},",
        f"{found[2]['id']},,,not-granted,甬科高〔2026〕67号,宁波市科学技术局,2026-11-20,",
        f"{found[2]['id']},,,{tail},",
        f"{not_filed['id']},,,{tail},",
        f"no-id,,,{tail},",
        f",,,{tail},",
        f",{STAR},NB-NEVER,{tail},",
        f"{found[0]['id']},,,maybe,甬科高〔2026〕67号,宁波市科学技术局,2026-11-20,",
    ]
    operation = await imported(platform, desk, "\n".join(lines).encode())
    assert operation["result"] == {"moved": 3, "refused": 6}
    assert {(each["line"], each["code"]) for each in operation["errors"]} == {
        (5, "event-not-allowed"), (6, "event-not-allowed"), (7, "id-format"),
        (8, "recommendation-unnamed"), (9, "not-found"), (10, "event-not-allowed"),
    }  # fmt: skip
    for each in found[:2]:
        await until_title(platform, each, "recorded")
    assert [(await now(platform, each))["state"] for each in found] == [
        "granted", "granted", "not-granted",
    ]  # fmt: skip
    assert (await now(platform, not_filed))["state"] == "guided"
    # The same file again moves nothing.
    again = await imported(platform, desk, "\n".join(lines[:3]).encode())
    assert again["result"] == {"moved": 0, "refused": 2}


async def test_a_row_names_its_field_and_leaves_nothing_behind(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    found = await with_letter(platform, desk, firm, body_for(uscc))
    row = {"recommendation": found["id"], **result()}
    rows = [{**row, "outcome": "maybe"}, {**row, "decided_on": "2026-02-30"},
            {**row, "valid_to": "2026-01-01"}, row]  # fmt: skip
    content = b"\n".join(orjson.dumps(each) for each in rows)
    operation = await imported(platform, desk, content, "application/x-ndjson")
    assert [(e["line"], e["field"]) for e in operation["errors"]] == [
        (1, "outcome"), (2, "decided_on"), (3, "valid_to"),
    ]  # fmt: skip
    assert operation["result"] == {"moved": 1, "refused": 3}
    rows = await history(platform.client("auditor"), found)
    assert [each["event"] for each in rows if each["event"] == "result"] == ["result"]


@pytest.mark.parametrize(
    ("content", "media", "status", "refused"),
    [
        (b"", CSV, 422, "file-empty"),
        (b"outcome,document,issuer", CSV, 422, "missing-column"),
        (b"outcome,document,issuer,decided_on,surprise", CSV, 422, "unknown-column"),
        (b"PK\x03\x04 no workbook", str(Media.XLSX), 422, "xlsx-unreadable"),
        (b"x", "application/pdf", 415, "unsupported-media-type"),
    ],
)  # fmt: skip
async def test_a_file_that_is_none_is_refused_at_once(
    platform: Any, content: bytes, media: str, status: int, refused: str
) -> None:
    desk = await desk_of(platform)
    answer = await desk.post(
        f"{RECOMMENDATIONS}/imports", content=content, headers={"Content-Type": media}
    )
    body = answer.json()
    codes = {body["code"], *(each["code"] for each in body.get("errors", []))}
    assert (answer.status_code, refused in codes) == (status, True), answer.text


async def test_of_another_desk_a_row_is_not_found(platform: Any) -> None:
    desk, other = await desk_of(platform), await desk_of(platform, "rsj")
    uscc, firm = await new_firm(platform)
    found = await with_letter(platform, desk, firm, body_for(uscc))
    row = orjson.dumps({"recommendation": found["id"], **result()})
    operation = await imported(platform, other, row, "application/x-ndjson")
    assert [each["code"] for each in operation["errors"]] == ["not-found"]
    assert (await now(platform, found))["state"] == "recommended"
