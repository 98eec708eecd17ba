"""Registering, finding and changing firms, over HTTP."""

import asyncio
from collections import Counter
from typing import Any

import orjson
import pytest

from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    FIRMS,
    NDJSON,
    announced,
    audited,
    body,
    first_error,
    fresh_uscc,
    own_firm,
    problem,
    registered,
    registrar_of,
    today,
)

VALID = "91330281MA00T35T2N"


def full_width(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


async def test_a_firm_is_registered_once_in_canonical_form(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    new = body(name="　示范海晟传感器有限公司 ")
    uscc = new["uscc"]
    answer = await registrar.post(FIRMS, json=new | {"uscc": f" {full_width(uscc.lower())} "})

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{FIRMS}/{uscc}"
    assert answer.headers["ETag"] == '"1"'
    firm = answer.json()
    assert firm["uscc"] == uscc
    assert firm["name"] == "示范海晟传感器有限公司"
    assert firm["registration_authority_code"] == uscc[2:8]
    assert firm["fiscal_jurisdictions"] == [{"code": "330282", "valid_from": "2012-05-01"}]
    assert firm["synthetic"] is True
    for again in (uscc, uscc.lower(), f"{uscc[:8]} {uscc[8:]}"):
        second = await registrar.post(FIRMS, json=new | {"uscc": again})
        assert problem(second) == (409, "firm-exists")
    assert await audited(platform, "firm.register", uscc) == 1


async def test_a_rush_to_register_one_firm_registers_it_once(platform: TestPlatform) -> None:
    new = body()
    answers = await asyncio.gather(
        *(platform.client("registrar").post(FIRMS, json=new) for _ in range(6))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert len(await announced(platform, f"firm:{new['uscc']}")) == 1


@pytest.mark.parametrize(
    ("uscc", "code", "says"),
    [
        *(
            (f"913302{letter}1671205242Y", "uscc-character", f"第7位是字母{letter}")
            for letter in "IOSVZ"
        ),
        ("9133028267120524Y", "uscc-length", "应为18位，现为17位"),
        ("91330282671205242YY", "uscc-length", "应为18位，现为19位"),
        ("91330282671205242X", "uscc-check-digit", "第18位"),
        ("91330282671205232Y", "uscc-check-digit", "不符"),
        ("9133028A671205242Y", "uscc-character", "第8位应为数字"),
        ("", "uscc-length", "现为0位"),
    ],
)
async def test_a_wrong_code_is_told_what_is_wrong(
    platform: TestPlatform, uscc: str, code: str, says: str
) -> None:
    answer = await platform.client("registrar").post(FIRMS, json=body(uscc=uscc))

    assert answer.status_code == 422
    assert first_error(answer) == ("/uscc", code)
    assert says in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"industry_code": "9999"}, "/industry_code", "industry-unknown"),
        ({"industry_code": "C"}, "/industry_code", "industry-unknown"),
        ({"industry_code": 3854}, "/industry_code", "string-type"),
        ({"town_code": "330283001"}, "/town_code", "town-unknown"),
        ({"name": ""}, "/name", "text-empty"),
        ({"name": "示范\u0007公司"}, "/name", "text-characters"),
        ({"name": "示范\u200b公司"}, "/name", "text-characters"),
        ({"name": "示" * 201}, "/name", "name-length"),
        ({"established_on": "2012-5-1"}, "/established_on", "date-format"),
        ({"established_on": 1335830400}, "/established_on", "date-format"),
        ({"established_on": "2012-02-30"}, "/established_on", "date-format"),
        ({"established_on": "2199-01-01"}, "/established_on", "date-in-future"),
        ({"fiscal_jurisdiction": "33028"}, "/fiscal_jurisdiction", "division-format"),
        ({"synthetic": "yes"}, "/synthetic", "bool-type"),
        ({"colour": "red"}, "/?", "extra-forbidden"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_stored(
    platform: TestPlatform, change: dict[str, Any], pointer: str, code: str
) -> None:
    registrar = platform.client("registrar")
    new = body(**change)
    answer = await registrar.post(FIRMS, json=new)

    assert answer.status_code == 422
    assert first_error(answer) == (pointer, code)
    assert problem(await registrar.get(f"{FIRMS}/{new['uscc']}")) == (404, "firm-unknown")


async def test_industries_of_two_to_four_digits_are_accepted(platform: TestPlatform) -> None:
    for code in ("38", "385", "3854"):
        await registered(platform, industry_code=code)


async def test_a_path_is_canonical_too_and_an_unknown_code_is_not_found(
    platform: TestPlatform,
) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)

    found = await registrar.get(f"{FIRMS}/{full_width(uscc.lower())}")
    assert found.status_code == 200
    assert found.json()["uscc"] == uscc
    for unknown in (fresh_uscc(), "91330282671205242X", "nobody", "１"):
        answer = await registrar.get(f"{FIRMS}/{unknown}")
        assert problem(answer) == (404, "firm-unknown")


async def test_a_department_that_owns_no_profile_registers_nobody(platform: TestPlatform) -> None:
    new = body()
    answer = await platform.client("registrar-b").post(FIRMS, json=new)

    assert problem(answer) == (403, "fact-not-owned")
    assert problem(await platform.client("registrar").get(f"{FIRMS}/{new['uscc']}"))[0] == 404


async def test_who_does_not_own_the_fiscal_level_states_no_fiscal_jurisdiction(
    platform: TestPlatform,
) -> None:
    """The department of the register owns the profile, the treasury the fiscal level."""
    public = platform.client("public")
    registrar = await registrar_of(platform, "scjgj")
    new = body()
    answer = await public.post(FIRMS, json=new, headers=registrar)
    assert problem(answer) == (403, "fact-not-owned")
    assert problem(await platform.client("registrar").get(f"{FIRMS}/{new['uscc']}"))[0] == 404

    del new["fiscal_jurisdiction"]
    plain, fiscal = body(), body()
    del plain["fiscal_jurisdiction"]
    made = await public.post(FIRMS, json=new, headers=registrar)
    assert (made.status_code, made.json()["fiscal_jurisdiction"]) == (201, None)

    rows = b"\n".join(orjson.dumps(each) for each in (plain, fiscal))
    accepted = await public.post(
        "/v1/enterprise/imports?kind=firms",
        content=rows,
        headers={**registrar, "Content-Type": NDJSON},
    )
    assert accepted.status_code == 202, accepted.text
    await platform.settle()
    operation = (await public.get(accepted.headers["Location"], headers=registrar)).json()
    assert operation["result"] == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}
    (error,) = operation["errors"]
    assert (error["line"], error["field"], error["code"]) == (
        2, "fiscal_jurisdiction", "fact-not-owned",
    )  # fmt: skip


async def test_a_change_needs_the_version_that_was_read(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}"
    read = await registrar.get(path)
    change = {"name": "示范新名有限公司"}

    assert problem(await registrar.patch(path, json=change)) == (428, "version-required")
    done = await registrar.patch(path, json=change, headers={"If-Match": read.headers["ETag"]})
    assert done.status_code == 200
    assert done.json()["name"] == "示范新名有限公司"
    assert done.headers["ETag"] == '"2"'
    late = await registrar.patch(path, json=change, headers={"If-Match": read.headers["ETag"]})
    assert problem(late) == (412, "version-mismatch")
    assert await audited(platform, "firm.change", uscc) == 1


async def test_what_a_profile_said_before_stays_on_record(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform, name="示范旧名有限公司")
    path = f"{FIRMS}/{uscc}"
    any_version = {"If-Match": "*"}

    renamed = {"name": "示范改名有限公司", "town_code": "330282108", "valid_from": "2026-03-18"}
    assert (await registrar.patch(path, json=renamed, headers=any_version)).status_code == 200
    # What is stated for an earlier day does not undo what holds since a later one.
    earlier = {"name": "示范曾用名有限公司", "valid_from": "2020-01-01"}
    assert (await registrar.patch(path, json=earlier, headers=any_version)).status_code == 200

    file = (await registrar.get(path)).json()
    assert file["name"] == "示范改名有限公司"
    assert file["town"] == "附海镇"
    names = [(c["value"], c["valid_from"]) for c in file["profile_changes"] if c["field"] == "name"]
    assert names == [
        ("示范曾用名有限公司", "2020-01-01"),
        ("示范改名有限公司", "2026-03-18"),
        ("示范旧名有限公司", "2012-05-01"),
    ]
    on_an_earlier_day = await registrar.get(f"{path}/facts?on=2026-03-17")
    assert on_an_earlier_day.json()["facts"]["town_code"] == "330282107"


async def test_the_fiscal_jurisdiction_is_dated_and_may_be_known_ahead(
    platform: TestPlatform,
) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}"
    next_year = f"{today(platform).year + 1}-01-01"
    move = {"fiscal_jurisdiction": "330201", "valid_from": next_year}
    answer = await registrar.patch(path, json=move, headers={"If-Match": "*"})

    assert answer.json()["fiscal_jurisdiction"] == "330282"
    assert [c["code"] for c in answer.json()["fiscal_jurisdictions"]] == ["330282", "330201"]
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert last["fiscal_jurisdictions"][1] == {"code": "330201", "valid_from": next_year}
    ahead = {"name": "示范明年公司", "valid_from": next_year}
    refused = await registrar.patch(path, json=ahead, headers={"If-Match": "*"})
    assert problem(refused) == (422, "date-in-future")


@pytest.mark.parametrize("change", [{}, {"name": None}, {"town_code": None}, {"uscc": VALID}])
async def test_a_change_that_says_nothing_or_unsays_what_must_be_is_refused(
    platform: TestPlatform, change: dict[str, Any]
) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").patch(
        f"{FIRMS}/{uscc}", json=change, headers={"If-Match": "*"}
    )

    assert answer.status_code == 422


async def test_a_foreign_firm_is_not_to_be_known_of(platform: TestPlatform) -> None:
    mine, other = await own_firm(platform), await registered(platform)
    firm = platform.client("firm")

    assert (await firm.get(f"{FIRMS}/{mine}")).status_code == 200
    for path in ("", "/indicators/2025", "/facts", "/recognitions"):
        assert problem(await firm.get(f"{FIRMS}/{other}{path}")) == (404, "firm-unknown")
    listed = (await firm.get(FIRMS)).json()["items"]
    assert [each["uscc"] for each in listed] == [mine]


@pytest.mark.parametrize(
    ("client", "status"),
    [
        *((name, 200) for name in ("registrar-b", "reviewer", "reviewer-town", "approver")),
        *((name, 200) for name in ("treasurer", "auditor", "admin")),
        *((name, 403) for name in ("bank", "institution", "steward")),
        ("public", 401),
    ],
)
async def test_staff_reads_every_firm_and_others_none(
    platform: TestPlatform, client: str, status: int
) -> None:
    uscc = await registered(platform)
    for path in ("", f"/{uscc}", f"/{uscc}/indicators/2025", f"/{uscc}/recognitions"):
        answer = await platform.client(client).get(FIRMS + path)
        assert answer.status_code == status, path


@pytest.mark.parametrize(
    "client",
    ["firm", "reviewer", "approver", "treasurer", "auditor", "bank", "institution", "admin"],
)
async def test_only_a_registrar_registers(platform: TestPlatform, client: str) -> None:
    assert (await platform.client(client).post(FIRMS, json=body())).status_code == 403


async def test_firms_are_found_by_name_code_town_industry_and_title(
    platform: TestPlatform,
) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(
        platform,
        name="示范辰曦ＡＢＣ微电机（慈溪）有限公司",
        industry_code="3812",
        town_code="330282113",
    )
    title = {"recognition": "gazelle-star", "issuer": "甲", "document": "乙"}
    held = title | {"valid_from": "2025-01-01", "valid_to": None}
    assert (await registrar.post(f"{FIRMS}/{uscc}/recognitions", json=held)).status_code == 201

    async def found(**query: str) -> bool:
        answer = await registrar.get(FIRMS, params={"limit": "200", **query})
        assert answer.status_code == 200, answer.text
        return uscc in [each["uscc"] for each in answer.json()["items"]]

    assert await found(q="辰曦abc")
    assert await found(q="曦")
    assert await found(q="微电机(慈溪)")
    assert await found(q=f" {uscc.lower()} ")
    assert not await found(q="曦辰")
    assert not await found(q=uscc[:10])
    assert await found(q="辰曦", town_code="330282113", industry_code="38")
    assert not await found(q="辰曦", industry_code="39")
    assert not await found(q="辰曦", town_code="330282112")
    assert await found(q="辰曦", recognition="gazelle-star")
    assert not await found(q="辰曦", recognition="tech-sme")


@pytest.mark.parametrize(
    "query", ["q=%07", "q=", "town_code=1", "industry_code=x", "recognition=x", "limit=201"]
)
async def test_a_search_for_what_cannot_be_is_refused(platform: TestPlatform, query: str) -> None:
    answer = await platform.client("registrar").get(f"{FIRMS}?{query}")

    assert answer.status_code == 422


async def test_pages_show_every_firm_once(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    mine = {await registered(platform, name=f"示范翻页企业{n}") for n in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"q": "翻页企业", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await registrar.get(FIRMS, params=query)).json()
        assert len(page["items"]) <= 2
        seen += [each["uscc"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen))
    assert set(seen) == mine
