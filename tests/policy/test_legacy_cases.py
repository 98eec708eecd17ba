"""Cases of earlier years and of other systems: imported, counted, told to finance, found by ref."""

import io
import json
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from services.kernel.row_files import Media
from services.policy.legacy_cases.rules import LegacyRow, faults_of, read_row
from tests.policy.desk_steps import (
    COLUMNS,
    as_csv,
    imported,
    legacy_row,
    send_import,
)
from tests.policy.steps import (
    GROWTH,
    WAN,
    budget,
    case_body,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    register,
)

CASES = "/v1/policy/cases"
TODAY = date(2026, 11, 23)


def row(**changes: Any) -> LegacyRow:
    cells = {**legacy_row(fresh_uscc(), "r-1"), **changes}
    read = read_row({k: v for k, v in cells.items() if v is not None}, strict=True)
    assert isinstance(read, LegacyRow), read
    return read


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"amount_fen": None}, [("amount_fen", "payment-required")]),
        ({"state": "refused"}, [("amount_fen", "payment-unexpected"),
                                ("paid_on", "payment-unexpected")]),
        ({"state": "refused", "amount_fen": None, "paid_on": None}, []),
        ({"decided_on": "2026-11-23", "paid_on": "2026-11-23"}, []),
        ({"decided_on": "2026-11-24", "paid_on": "2026-11-24"},
         [("decided_on", "date-in-future"), ("paid_on", "date-in-future")]),
        ({"paid_on": "2024-09-09"}, [("paid_on", "paid-before-decided")]),
        ({"applicant_id": "91330282MA00T35T2M"}, [("applicant_id", "uscc-invalid")]),
    ],
)  # fmt: skip
def test_a_row_that_contradicts_itself_names_its_field(
    changes: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert [(each.pointer, each.code) for each in faults_of(row(**changes), TODAY)] == found


def test_cells_of_text_are_read_as_their_fields_want_them() -> None:
    read = read_row({"amount_fen": "1,000", "state": "paid"}, strict=False)
    assert isinstance(read, list)
    named = {each.pointer.strip("/"): each.code for each in read}
    assert named["amount_fen"] == "integer-format"
    assert {"state", "external_ref", "document"} <= named.keys()


async def test_rows_are_answered_for_and_a_bad_one_stops_no_other(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    rows = [
        legacy_row(uscc, f"{uscc}-1"),
        legacy_row(uscc, f"{uscc}-2", matter_period="2022", state="refused", paid_on="",
                   amount_fen=""),
        legacy_row(uscc, f"{uscc}-3", programme="digital-grow"),
        legacy_row(uscc, f"{uscc}-4", amount_fen="1e6"),
        legacy_row(fresh_uscc(), f"{uscc}-5"),
        legacy_row(uscc, f"{uscc}-6", matter_kind="project"),
        legacy_row(uscc, f"{uscc}-1", amount_fen=1),
        legacy_row(uscc, f"{uscc}-8", programme="key-firm-talent-coverage"),
    ]  # fmt: skip
    done = await imported(platform, as_csv(rows))

    assert (done["state"], done["done"], done["total"]) == ("finished", 8, 8)
    assert done["result"] == {"created": 2, "unchanged": 0, "refused": 6}
    assert [(e["line"], e["field"], e["code"]) for e in done["errors"]] == [
        (4, "programme", "programme-unknown"), (5, "amount_fen", "integer-format"),
        (6, "applicant_name", "applicant-name-required"), (7, "matter_kind", "matter-kind"),
        (8, "external_ref", "external-ref-used"), (9, "programme", "confidential-programme"),
    ]  # fmt: skip
    again = await imported(platform, as_csv(rows[:2]))
    assert again["result"] == {"created": 0, "unchanged": 2, "refused": 0}

    found = await platform.client("auditor").get(CASES, params={"external_ref": f"{uscc}-1"})
    (shown,) = found.json()["items"]
    assert (shown["state"], shown["legacy"], shown["external_ref"]) == (
        "closed", True, f"{uscc}-1",
    )  # fmt: skip
    case = (await platform.client("auditor").get(f"{CASES}/{shown['id']}")).json()
    assert case["legacy_record"] == {
        "document": "慈经信〔2024〕9号", "decided_on": "2024-09-10", "paid_on": "2024-10-08",
        "amount_fen": 20_000_000, "department": "sjglj",
    }  # fmt: skip
    assert (case["situation"], case["allowed_events"]) == ({}, [])
    history = await platform.client("auditor").get(f"{CASES}/{shown['id']}/history")
    assert [each["event"] for each in history.json()["items"]] == ["imported"]
    replay = await platform.client("auditor").get(f"{CASES}/{shown['id']}/replay")
    assert code(replay) == (409, "not-frozen")
    firm = await firm_client(platform, uscc)
    own = (await firm.get(CASES)).json()["items"]
    assert {each["external_ref"] for each in own} == {f"{uscc}-1", f"{uscc}-2"}


async def test_rows_come_as_ndjson_and_as_workbooks_too(platform: Any) -> None:
    uscc = fresh_uscc()
    first = legacy_row(uscc, f"{uscc}-n", applicant_name="慈溪市示范旧企业有限公司")
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in (first,))
    done = await imported(platform, lines.encode(), media=Media.NDJSON)
    assert done["result"]["created"] == 1, done

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append([*COLUMNS, "applicant_name"])
    second = legacy_row(uscc, f"{uscc}-x", matter_period="2021", decided_on=date(2022, 9, 1),
                        paid_on=date(2022, 10, 9))  # fmt: skip
    sheet.append([*(second[name] for name in COLUMNS), "慈溪市示范旧企业有限公司"])
    content = io.BytesIO()
    book.save(content)
    done = await imported(platform, content.getvalue(), media=Media.XLSX)
    assert done["result"]["created"] == 1, done


async def test_who_imports_and_what_is_refused_whole(platform: Any) -> None:
    content = as_csv([legacy_row(fresh_uscc(), "none")])
    town = await client_of(platform, "legacy-town", roles=["registrar"], town_code="330282107")
    for client in ("admin", "reviewer", "approver", "treasurer", "auditor", "firm"):
        assert (await send_import(platform, content, client)).status_code == 403, client
    assert code(await send_import(platform, content, town)) == (403, "level-not-own")
    assert code(await send_import(platform, b"external_ref,amount\n")) == (422, "unknown-column")
    assert code(await send_import(platform, b"external_ref\n")) == (422, "missing-column")
    assert (await send_import(platform, content, media="application/pdf")).status_code == 415
    without_key = await platform.client("registrar").post(
        f"{CASES}/imports", content=content, headers={"Content-Type": "text/csv"}
    )
    assert without_key.status_code == 400


async def test_what_was_paid_counts_as_aid_once_and_no_more_when_revoked(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    legacy = legacy_row(uscc, f"{uscc}-aid", matter_period="2025", decided_on="2026-02-01",
                        paid_on="2026-03-02", amount_fen=12 * WAN)  # fmt: skip
    await imported(platform, as_csv([legacy]))
    await imported(platform, as_csv([legacy]))
    await platform.settle()
    treasurer = platform.client("treasurer")
    found = (await treasurer.get("/v1/finance/aid", params={"beneficiary": uscc})).json()["items"]
    assert [(each["amount_fen"], each["level"], each["state"], each["document"])
            for each in found] == [(12 * WAN, "cixi", "declared", "慈经信〔2024〕9号")]  # fmt: skip

    # The same programme never pays a matter twice: only the difference is left.
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    assert case["reservation"]["amount_fen"] == 18 * WAN
    await move(platform, firm, case, "withdraw")

    listed = await platform.client("auditor").get(CASES, params={"external_ref": f"{uscc}-aid"})
    (old,) = listed.json()["items"]
    revoked = await move(platform, platform.client("approver"), old, "revoke", note="复核不符")
    assert (revoked["state"], revoked["reservation"]["state"]) == ("revoked", "none")
    await platform.settle()
    found = (await treasurer.get("/v1/finance/aid", params={"beneficiary": uscc})).json()["items"]
    assert "declared" not in {each["state"] for each in found if each["id"] == old["id"]}
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    assert case["reservation"]["amount_fen"] == 30 * WAN


async def test_aid_that_was_declared_by_hand_is_not_counted_twice(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    aid = {
        "beneficiary": {"kind": "firm", "id": uscc}, "matter": {"kind": "year", "period": "2023"},
        "level": "cixi", "programme": GROWTH, "stacking_group": GROWTH, "amount_fen": 20_000_000,
        "paid_on": "2024-10-08", "document": "慈经信〔2024〕9号",
    }  # fmt: skip
    answer = await platform.client("treasurer").post(
        "/v1/finance/aid", json=aid, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    await platform.settle()
    done = await imported(platform, as_csv([legacy_row(uscc, f"{uscc}-twice")]))
    assert done["result"]["created"] == 1
    await platform.settle()
    found = await platform.client("treasurer").get("/v1/finance/aid", params={"beneficiary": uscc})
    assert [each["id"] for each in found.json()["items"]] == [answer.json()["id"]]


async def test_a_case_of_earlier_years_counts_for_once_ever(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    firm = await firm_client(platform, uscc)

    async def asked() -> str:
        answer = await firm.get(f"/v1/policy/firms/{uscc}/entitlements")
        (found,) = [p for p in answer.json()["programmes"] if p["programme"] == "large-strong"]
        (once,) = [c for c in found["conditions"] if "history" in c["facts"]]
        return once["outcome"]

    before = await asked()
    rows = [legacy_row(uscc, f"{uscc}-once", programme="large-strong")]
    assert (await imported(platform, as_csv(rows)))["result"]["created"] == 1
    assert {before, await asked()} == {"true", "false"}


async def test_a_systems_own_ref_is_used_once_and_found_again(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {**case_body(uscc), "external_ref": " ERP-2026-001 "}
    made = await firm.post(CASES, json=body, headers=platform.key())
    assert (made.status_code, made.json()["external_ref"]) == (201, "ERP-2026-001")
    other = {**case_body(uscc, year=2024), "external_ref": "ERP-2026-001"}
    assert code(await firm.post(CASES, json=other, headers=platform.key())) == (
        409, "external-ref-used",
    )  # fmt: skip
    same = await firm.post(CASES, json=body, headers=platform.key())
    assert same.status_code == 409
    found = (await firm.get(CASES, params={"external_ref": "ERP-2026-001"})).json()["items"]
    assert [each["id"] for each in found] == [made.json()["id"]]
    # Another system has refs of its own.
    rival = await growing_firm(platform)
    client = await firm_client(platform, rival)
    theirs = {**case_body(rival), "external_ref": "ERP-2026-001"}
    assert (await client.post(CASES, json=theirs, headers=platform.key())).status_code == 201
    assert (await firm.get(CASES, params={"external_ref": "nobody"})).json()["items"] == []
    blank = await firm.post(
        CASES, json={**case_body(uscc, year=2022), "external_ref": "  "}, headers=platform.key()
    )
    assert blank.status_code == 422


async def test_the_database_keeps_a_legacy_case_apart(platform: Any) -> None:
    """Only what ended may be marked as of earlier years, where two persons are not asked for."""
    async with platform.service("policy").sessions() as session:
        with pytest.raises(Exception, match="ck_policy_case_legacy"):
            await session.execute(
                text("UPDATE policy_case SET legacy = true WHERE state = 'draft'")
            )
