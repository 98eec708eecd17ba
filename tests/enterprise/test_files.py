"""One firm, one file; lists of firms as files that harm no spreadsheet."""

import csv
import io
from datetime import date

import orjson
import pytest
from openpyxl import load_workbook

from services.enterprise.files.rules import FORMATS
from services.kernel.exports import Format, csv_lines, defused, wanted_format
from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    CSV,
    FIRMS,
    NDJSON,
    XLSX,
    own_firm,
    registered,
    state,
)

EVIL = "=HYPERLINK(1)示范公式有限公司"


async def test_a_file_gathers_everything_with_its_sources(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}"
    await state(platform, uscc, 2024, {"revenue_fen": 100})
    await state(platform, uscc, 2023, {"revenue_fen": 90})
    await registrar.post(
        f"{path}/facts",
        json={"facts": {"is_listed": False}, "valid_from": "2025-01-01", "source": "公告"},
    )
    answer = await registrar.get(path)

    file = answer.json()
    assert answer.headers["ETag"] == f'"{file["version"]}"' == '"4"'
    assert file["yearly"] == {"2023": {"revenue_fen": 90}, "2024": {"revenue_fen": 100}}
    assert file["daily"]["is_listed"] is False
    assert file["daily"]["industry_code"] == "3854"
    assert (file["industry"], file["town"]) == ("家用厨房电器具制造", "观海卫镇")
    (listed,) = [s for s in file["statements"] if s["fact"] == "is_listed"]
    assert (listed["source"], listed["lawful_source"]) == ("公告", "published")
    assert listed["department"] == "sjglj"
    assert (file["recognitions"], file["lists"]) == ([], [])
    assert {c["field"] for c in file["profile_changes"]} >= {"name", "fiscal_jurisdiction"}


@pytest.mark.parametrize(
    "name", [EVIL, "＝示范公式有限公司", "+86示范公式", "@示范公式", "-示范公式"]
)
async def test_an_export_defuses_what_looks_like_a_formula(
    platform: TestPlatform, name: str
) -> None:
    uscc = await registered(platform, name=name)
    answer = await platform.client("auditor").get(
        FIRMS, params={"q": uscc}, headers={"Accept": CSV}
    )

    assert answer.headers["content-type"].startswith(CSV)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["name"] == f"'{name}"
    assert (row["uscc"], row["version"], row["synthetic"]) == (uscc, "1", "true")


async def test_a_workbook_keeps_numbers_as_numbers_and_formulas_as_text(
    platform: TestPlatform,
) -> None:
    uscc = await registered(platform, name=EVIL)
    answer = await platform.client("auditor").get(
        FIRMS, params={"q": uscc}, headers={"Accept": XLSX}
    )

    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    head, row = list(sheet.iter_rows(values_only=True))
    found = dict(zip(head, row, strict=True))
    assert found["name"] == f"'{EVIL}"
    assert found["version"] == 1
    assert found["uscc"] == uscc


async def test_ndjson_is_data_and_stays_as_it_is(platform: TestPlatform) -> None:
    uscc = await registered(platform, name=EVIL)
    answer = await platform.client("auditor").get(
        FIRMS, params={"q": uscc}, headers={"Accept": NDJSON}
    )

    (row,) = [orjson.loads(line) for line in answer.content.splitlines()]
    assert row["name"] == EVIL
    assert row["established_on"] == "2012-05-01"


async def test_an_export_is_whole_filtered_and_only_of_what_one_may_see(
    platform: TestPlatform,
) -> None:
    mine = await own_firm(platform)
    usccs = {await registered(platform, name=f"示范导出企业{n}") for n in range(3)}
    query = {"q": "导出企业", "limit": "1"}

    async def exported(client: str, params: dict[str, str]) -> set[str]:
        answer = await platform.client(client).get(FIRMS, params=params, headers={"Accept": CSV})
        assert answer.status_code == 200, answer.text
        rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        return {row["uscc"] for row in rows}

    assert await exported("reviewer", query) == usccs
    assert await exported("firm", query) == set()
    assert await exported("firm", {}) == {mine}


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, None),
        ("*/*", None),
        ("application/json", None),
        ("text/html, */*;q=0.8", None),
        ("text/csv", Format.CSV),
        ("TEXT/CSV; q=0.9, application/json", Format.CSV),
        ("application/json, text/csv", None),
        ("application/x-ndjson", Format.NDJSON),
        (XLSX, Format.XLSX),
    ],
)
def test_the_format_is_the_first_that_is_known(accept: str | None, wanted: Format | None) -> None:
    assert wanted_format(accept, FORMATS) is wanted


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_every_start_of_a_formula_is_defused(start: str) -> None:
    assert defused(f"{start}1") == f"'{start}1"


def test_numbers_days_and_emptiness_are_written_as_they_are() -> None:
    assert [defused(each) for each in (-5, True, None, date(2026, 1, 1), "甲=1")] == [
        -5, True, None, "2026-01-01", "甲=1",
    ]  # fmt: skip
    assert csv_lines([[-5, False, None, "a,b"]]) == '-5,false,,"a,b"\r\n'
