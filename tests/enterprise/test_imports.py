"""Bulk import: every row is answered for, and a bad one stops no other."""

import io
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import orjson
import pytest
from openpyxl import Workbook
from sqlalchemy import text

from services.enterprise.imports.actions.outcome import Job, Outcome
from services.enterprise.imports.actions.run_import import _answer_for
from services.enterprise.imports.rules import FILE_BYTES_MAX
from services.kernel.actors import SYSTEM
from services.kernel.audit import audit
from services.kernel.row_files import Row
from services.kernel.unit import in_unit
from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    CSV,
    FIRMS,
    NDJSON,
    XLSX,
    announced,
    audited,
    facts_of,
    fresh_uscc,
    imported,
    problem,
    registered,
    send_import,
    state,
)

CITY_COLUMNS = "uscc,name,industry_code,town_code,established_on,fiscal_jurisdiction,synthetic"


def errors_of(operation: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(e["line"], e["field"], e["code"]) for e in operation["errors"]]


def workbook(*rows: Iterable[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


async def test_firms_come_in_and_bad_rows_are_named(platform: TestPlatform) -> None:
    first, second, third = fresh_uscc(), fresh_uscc(), fresh_uscc()
    rows = [
        CITY_COLUMNS,
        f"{first.lower()},示范导入甲有限公司,3854,330282107,2012-05-01,330282,true",
        "91330282671205242X,示范导入乙有限公司,3854,330282107,2012-05-01,330282,true",
        f'{second},"示范导入丙, 有限公司",3854,330282107,,,是',
        f"{third},示范导入丁有限公司,0000,330283001,2012-13-01,,maybe",
        f"{third},示范导入丁有限公司,3854,330282107,2012-05-01,330282,true,surplus",
    ]
    operation = await imported(platform, "firms", "\r\n".join(rows))

    assert operation["state"] == "finished"
    assert (operation["done"], operation["total"]) == (5, 5)
    assert operation["result"] == {"created": 2, "updated": 0, "unchanged": 0, "refused": 3}
    assert errors_of(operation) == [
        (3, "uscc", "uscc-check-digit"),
        (5, "established_on", "date-format"),
        (5, "industry_code", "industry-unknown"),
        (5, "synthetic", "boolean-format"),
        (5, "town_code", "town-unknown"),
        (6, "", "too-many-cells"),
    ]
    file = (await platform.client("registrar").get(f"{FIRMS}/{second}")).json()
    assert file["name"] == "示范导入丙, 有限公司"
    assert (file["established_on"], file["fiscal_jurisdiction"]) == (None, None)
    assert len(await announced(platform, f"firm:{first}")) == 1
    assert await audited(platform, "firm.register", first) == 1


async def test_the_same_firms_again_change_nothing_and_others_are_refused(
    platform: TestPlatform,
) -> None:
    uscc = fresh_uscc()
    row = f"{uscc},示范重复导入有限公司,3854,330282107,2012-05-01,330282,true"
    other = row.replace("重复导入", "另名导入")
    content = f"{CITY_COLUMNS}\n{row}\n{row}\n{other}\n"
    first = await imported(platform, "firms", content)
    second = await imported(platform, "firms", content)

    assert first["result"] == {"created": 1, "updated": 0, "unchanged": 1, "refused": 1}
    assert second["result"] == {"created": 0, "updated": 0, "unchanged": 2, "refused": 1}
    assert errors_of(second) == [(4, "uscc", "firm-exists")]
    assert "PATCH" in second["errors"][0]["detail"]
    assert len(await announced(platform, f"firm:{uscc}")) == 1


async def test_indicators_by_csv(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    rows = [
        "uscc,year,source,revenue_fen,staff_count,net_profit_fen",
        f"{uscc},2023,年报,100,,-5",
        f"{uscc},2024,年报,120,7,",
        f'{uscc},2025,年报,"1,000",7,',
        f"{uscc},2025,年报,120.0,７,",
        f"{uscc},2025,年报,-1,10000000000000000000,",
        f"{uscc},1999,年报,1,,",
        f"{uscc},,年报,1,,",
        f"{fresh_uscc()},2024,年报,1,,",
        f"{uscc},2025,年报,,,",
        "",
        f"{uscc},2025,年报,90,,",
    ]
    operation = await imported(platform, "indicators", "\ufeff" + "\n".join(rows))

    assert operation["result"] == {"created": 3, "updated": 0, "unchanged": 0, "refused": 7}
    assert errors_of(operation) == [
        (4, "revenue_fen", "integer-format"),
        (5, "revenue_fen", "integer-format"),
        (5, "staff_count", "integer-format"),
        (6, "revenue_fen", "out-of-range"),
        (6, "staff_count", "integer-format"),
        (7, "year", "year-out-of-range"),
        (8, "year", "integer-expected"),
        (9, "uscc", "firm-unknown"),
        (10, "", "nothing-stated"),
    ]
    assert await facts_of(platform, uscc, 2023) == {"revenue_fen": 100, "net_profit_fen": -5}
    assert await facts_of(platform, uscc, 2024) == {"revenue_fen": 120, "staff_count": 7}
    assert await facts_of(platform, uscc, 2025) == {"revenue_fen": 90}
    # One step, one announcement, however many rows it had of the firm.
    events = await announced(platform, f"firm:{uscc}")
    assert len(events) == 2
    assert events[-1]["yearly"]["revenue_fen"] == {"2023": 100, "2024": 120, "2025": 90}
    assert await audited(platform, "fact.import", uscc) == 1


async def test_an_empty_cell_states_nothing_and_a_repetition_changes_nothing(
    platform: TestPlatform,
) -> None:
    uscc = await registered(platform)
    await state(platform, uscc, 2024, {"revenue_fen": 100, "staff_count": 7})
    same = f"uscc,year,revenue_fen,staff_count\n{uscc},2024,100,\n"
    more = f"uscc,year,revenue_fen,staff_count\n{uscc},2024,110,\n{uscc},2024,115,7\n"

    before = len(await announced(platform, f"firm:{uscc}"))
    unchanged = await imported(platform, "indicators", same)
    assert unchanged["result"] == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0}
    assert len(await announced(platform, f"firm:{uscc}")) == before
    updated = await imported(platform, "indicators", more)
    assert updated["result"] == {"created": 0, "updated": 2, "unchanged": 0, "refused": 0}
    assert await facts_of(platform, uscc, 2024) == {"revenue_fen": 115, "staff_count": 7}


async def test_indicators_by_xlsx(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    content = workbook(
        ("uscc", "year", "revenue_fen", "staff_count"),
        (uscc, 2023, 100, 7),
        (uscc, 2024.0, "120", None),
        (uscc, 2025, 120.5, None),
        (None, None, None, None),
        (uscc, 2025, True, "１２"),
    )
    operation = await imported(platform, "indicators", content, XLSX)

    assert operation["result"] == {"created": 2, "updated": 0, "unchanged": 0, "refused": 2}
    assert errors_of(operation) == [
        (4, "revenue_fen", "integer-expected"),
        (6, "revenue_fen", "integer-expected"),
        (6, "staff_count", "integer-format"),
    ]
    assert await facts_of(platform, uscc, 2024) == {"revenue_fen": 120}


async def test_day_facts_by_xlsx_with_the_profile_among_them(platform: TestPlatform) -> None:
    uscc, other = await registered(platform), await registered(platform)
    content = workbook(
        ("uscc", "valid_from", "is_listed", "per_mu_class", "town_code", "established_on"),
        (uscc, date(2025, 3, 1), "是", "B", 330282108, datetime(2012, 6, 1)),  # noqa: DTZ001  a cell has no zone
        (other, "2025-03-01", "否", "E", None, None),
        (other, date(2025, 3, 1), 1, None, None, None),
        (other, "2198-01-01", None, None, "330282108", None),
        (other, None, False, None, None, None),
    )
    operation = await imported(platform, "facts", content, XLSX)

    assert operation["result"] == {"created": 1, "updated": 1, "unchanged": 0, "refused": 3}
    assert errors_of(operation) == [
        (3, "per_mu_class", "code-unknown"),
        (4, "is_listed", "boolean-format"),
        (5, "valid_from", "date-in-future"),
    ]
    file = (await platform.client("registrar").get(f"{FIRMS}/{uscc}")).json()
    assert (file["town_code"], file["established_on"]) == ("330282108", "2012-06-01")
    assert file["daily"]["is_listed"] is True
    again = await imported(platform, "facts", content, XLSX)
    assert again["result"] == {"created": 0, "updated": 0, "unchanged": 2, "refused": 3}


async def test_indicators_by_ndjson_are_typed_by_the_file(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    rows = [
        orjson.dumps({"uscc": uscc, "year": 2024, "revenue_fen": 100, "staff_count": None}),
        orjson.dumps({"uscc": uscc, "year": 2025, "revenue_fen": "100"}),
        orjson.dumps({"uscc": uscc, "year": "2025", "revenue_fen": 100}),
        orjson.dumps({"uscc": uscc, "year": 2025, "revenue_fen": 5.0}),
        orjson.dumps({"uscc": uscc, "year": 2025, "revenue": 5}),
        b"{",
        orjson.dumps({"uscc": uscc, "year": 2025, "staff_count": [1]}),
        b'{"uscc": "a", "uscc": "b"}',
        b"",
        orjson.dumps({"uscc": uscc, "year": 2025, "staff_count": 5}),
    ]
    operation = await imported(platform, "indicators", b"\n".join(rows), NDJSON)

    assert operation["result"] == {"created": 2, "updated": 0, "unchanged": 0, "refused": 7}
    assert errors_of(operation) == [
        (2, "revenue_fen", "integer-expected"),
        (3, "year", "integer-expected"),
        (4, "revenue_fen", "integer-expected"),
        (5, "?", "unknown-fact"),
        (6, "", "json-invalid"),
        (7, "", "row-shape"),
        (8, "", "json-duplicate-key"),
    ]
    assert await facts_of(platform, uscc, 2024) == {"revenue_fen": 100}


async def test_recognitions_by_csv(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    head = "uscc,recognition,grade,issuer,document,valid_from,valid_to"
    row = f"{uscc},green-factory-star,3,示范局,示范文,2025-01-01,2027-12-31"
    rows = [
        head,
        row,
        row.replace("2025", "2026"),
        row.replace("green-factory-star", "green-star"),
        row.replace("2027", "2024")
        .replace("2025", "2026")
        .replace("green-factory-star", "tech-sme"),
        row.replace(uscc, fresh_uscc()),
        row.replace(uscc, "1"),
    ]
    operation = await imported(platform, "recognitions", "\n".join(rows))

    assert operation["result"] == {"created": 1, "updated": 0, "unchanged": 0, "refused": 5}
    assert errors_of(operation) == [
        (3, "recognition", "recognition-overlaps"),
        (4, "recognition", "recognition-unknown"),
        (5, "", "validity-order"),
        (6, "uscc", "firm-unknown"),
        (7, "uscc", "uscc-length"),
    ]
    again = await imported(platform, "recognitions", f"{head}\n{row}\n")
    assert again["result"] == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0}


async def test_many_rows_are_answered_for_step_by_step(platform: TestPlatform) -> None:
    usccs = [fresh_uscc() for _ in range(450)]
    rows = [f"{u},示范批量{n}有限公司,3854,330282107,,," for n, u in enumerate(usccs)]
    rows[300] = "bad,示范批量有限公司,3854,330282107,,,"
    operation = await imported(platform, "firms", "\n".join([CITY_COLUMNS, *rows]))

    assert (operation["done"], operation["total"]) == (450, 450)
    assert operation["result"] == {"created": 449, "updated": 0, "unchanged": 0, "refused": 1}
    assert errors_of(operation) == [(302, "uscc", "uscc-length")]
    async with platform.service("enterprise").sessions() as session:
        left = await session.execute(text("SELECT count(*) FROM import_row"))
        assert left.scalar_one() == 0


@pytest.mark.parametrize(
    ("kind", "content", "media", "status", "code"),
    [
        ("indicators", "", CSV, 422, "file-empty"),
        ("indicators", "\n", CSV, 422, "file-empty"),
        ("indicators", "uscc,revenue_fen\n", CSV, 422, "missing-column"),
        ("indicators", "uscc,year,revenu_fen\n", CSV, 422, "unknown-column"),
        ("indicators", "uscc,year,is_listed\n", CSV, 422, "unknown-column"),
        ("indicators", "uscc,year,year\n", CSV, 422, "column-duplicate"),
        ("facts", "uscc,revenue_fen\n", CSV, 422, "unknown-column"),
        ("facts", "uscc,lists\n", CSV, 422, "unknown-column"),
        ("firms", "uscc,name\n", CSV, 422, "missing-column"),
        ("firms", "uscc,名称\n".encode("gbk"), CSV, 422, "encoding-gbk"),
        ("firms", b"uscc,\xff\xff\xff", CSV, 422, "encoding"),
        ("indicators", b"PK not a workbook", XLSX, 422, "xlsx-unreadable"),
        ("indicators", '{"uscc": "a", "year": 2024, "revenue": 1}', NDJSON, 422, "unknown-column"),
        ("indicators", "[1]", NDJSON, 422, "row-shape"),
        ("indicators", "uscc,year\n", "text/plain", 415, "unsupported-media-type"),
        ("people", "uscc,year\n", CSV, 422, "invalid"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    platform: TestPlatform, kind: str, content: str | bytes, media: str, status: int, code: str
) -> None:
    assert problem(await send_import(platform, kind, content, media)) == (status, code)


async def test_an_unknown_column_is_told_which_was_meant(platform: TestPlatform) -> None:
    answer = await send_import(platform, "indicators", "uscc,year,revenu_fen\n")

    assert "“revenu_fen”" in answer.json()["detail"]
    assert "revenue_fen" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "/columns/2"


async def test_a_file_that_is_too_large_is_refused(platform: TestPlatform) -> None:
    answer = await send_import(platform, "firms", b"x" * (FILE_BYTES_MAX + 1))

    assert answer.status_code == 413


async def test_a_department_imports_what_it_owns(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    content = f"uscc,year,revenue_fen\n{uscc},2024,5\n"
    refused = await send_import(platform, "indicators", content, by="registrar-b")
    assert problem(refused) == (403, "fact-not-owned")
    firms = await send_import(platform, "firms", f"{CITY_COLUMNS}\n", by="registrar-b")
    assert problem(firms) == (403, "fact-not-owned")
    for client in ("firm", "reviewer", "auditor", "steward"):
        answer = await send_import(platform, "indicators", content, by=client)
        assert answer.status_code == 403
    assert await facts_of(platform, uscc, 2024) == {}


async def test_a_recognition_of_another_department_is_a_bad_row(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    head = "uscc,recognition,issuer,document,valid_from"
    row = f"{uscc},tech-sme,示范局,示范文,2025-01-01"
    accepted = await send_import(platform, "recognitions", f"{head}\n{row}\n", by="registrar-b")
    await platform.settle()
    operation = await platform.client("registrar-b").get(accepted.headers["Location"])

    assert errors_of(operation.json()) == [(2, "recognition", "recognition-not-owned")]
    foreign = await platform.client("registrar").get(accepted.headers["Location"])
    assert foreign.status_code == 404


async def test_an_import_under_a_key_happens_once(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    content = orjson.dumps({"uscc": uscc, "year": 2024, "staff_count": 5})
    headers = {"Content-Type": NDJSON} | platform.key()
    path = "/v1/enterprise/imports?kind=indicators"
    first = await registrar.post(path, content=content, headers=headers)
    again = await registrar.post(path, content=content, headers=headers)
    await platform.settle()

    assert first.status_code == again.status_code == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(await announced(platform, f"firm:{uscc}")) == 2


async def test_a_row_that_the_database_refuses_stops_no_other(platform: TestPlatform) -> None:
    runtime = platform.service("enterprise")
    thing = fresh_uscc()

    async def work(job: Job, rows: list[Row]) -> Outcome:
        for row in rows:
            audit(job.session, job.actor, "test.row", "test", thing, now=job.now)
            await job.session.execute(text("SELECT 1 / (4 - :line)"), {"line": row.line})
        return Outcome(created=len(rows))

    rows = [Row(line) for line in (2, 3, 4, 5)]
    outcome = await in_unit(
        runtime,
        lambda session, now: _answer_for(Job(session, SYSTEM, now, strict=False), work, rows),
    )

    assert outcome.tally() == {"created": 3, "updated": 0, "unchanged": 0, "refused": 1}
    assert [(e.line, e.code) for e in outcome.errors] == [(4, "row-failed")]
    assert await audited(platform, "test.row", thing) == 3
