"""Stating and reading facts, over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from tests.conftest import TestPlatform
from tests.enterprise.steps import (
    FIRMS,
    announced,
    audited,
    facts_of,
    first_error,
    own_firm,
    problem,
    registered,
    state,
    today,
)

YEAR = 2024


async def test_named_facts_are_superseded_and_unnamed_ones_stay(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    first = await state(platform, uscc, YEAR, {"revenue_fen": 100, "staff_count": 7})
    second = await state(platform, uscc, YEAR, {"revenue_fen": 120})

    assert first.status_code == second.status_code == 200
    assert second.json()["facts"] == {"revenue_fen": 120, "staff_count": 7}
    assert (second.json()["uscc"], second.json()["year"]) == (uscc, YEAR)
    assert UUID(second.json()["statement_id"]) > UUID(first.json()["statement_id"])
    assert await facts_of(platform, uscc, YEAR) == {"revenue_fen": 120, "staff_count": 7}
    assert await facts_of(platform, uscc, YEAR - 1) == {}
    assert await audited(platform, "fact.state", uscc) == 2


async def test_null_withdraws_and_zero_does_not(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    await state(platform, uscc, YEAR, {"export_fen": 5, "staff_count": 7})
    answer = await state(platform, uscc, YEAR, {"export_fen": None, "staff_count": 0})

    assert answer.json()["facts"] == {"staff_count": 0}
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert last["yearly"] == {"staff_count": {str(YEAR): 0}}
    await state(platform, uscc, YEAR, {"export_fen": 6})
    assert await facts_of(platform, uscc, YEAR) == {"staff_count": 0, "export_fen": 6}


async def test_a_change_announces_the_whole_state_of_the_firm(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    await state(platform, uscc, YEAR, {"revenue_fen": 100})
    await state(platform, uscc, YEAR - 1, {"revenue_fen": 90})
    answer = await registrar.post(
        f"{FIRMS}/{uscc}/facts", json={"facts": {"is_listed": False}, "valid_from": "2025-01-01"}
    )

    events = await announced(platform, f"firm:{uscc}")
    assert [event["version"] for event in events] == [1, 2, 3, 4]
    assert events[-1]["statement_id"] == answer.json()["statement_id"]
    assert events[-1]["yearly"] == {"revenue_fen": {str(YEAR): 100, str(YEAR - 1): 90}}
    assert events[-1]["daily"] == {"is_listed": [{"value": False, "valid_from": "2025-01-01"}]}


async def test_as_of_reads_what_was_recorded_by_then(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}/indicators/{YEAR}"
    first = await state(platform, uscc, YEAR, {"revenue_fen": 100})
    recorded_at = first.json()["statements"][0]["recorded_at"]
    await state(platform, uscc, YEAR, {"revenue_fen": 120})

    async def read(as_of: str) -> dict[str, Any]:
        answer = await registrar.get(path, params={"as_of": as_of})
        assert answer.status_code == 200, answer.text
        return answer.json()["facts"]

    assert await read(recorded_at) == {"revenue_fen": 100}
    assert await read("2020-01-01") == {}
    assert await read(today(platform).isoformat()) == {"revenue_fen": 120}
    # A plus sign that a caller forgot to escape arrives as a space.
    unescaped = await registrar.get(f"{path}?as_of=2020-01-01T00:00:00+08:00")
    assert unescaped.json()["facts"] == {}
    for wrong in ("yesterday", "2026-01-01T00:00:00", "2026-13-01", "0001-01-01T00:00:00+14:00"):
        assert problem(await registrar.get(path, params={"as_of": wrong})) == (422, "as-of-invalid")


@pytest.mark.parametrize(
    ("fact", "value", "code"),
    [
        ("revenue_fen", -1, "out-of-range"),
        ("revenue_fen", 10**18, "out-of-range"),
        ("revenue_fen", -(10**18), "out-of-range"),
        ("revenue_fen", 5.0, "integer-expected"),
        ("revenue_fen", 1e3, "integer-expected"),
        ("revenue_fen", "5", "integer-expected"),
        ("revenue_fen", True, "integer-expected"),
        ("revenue_fen", [5], "integer-expected"),
        ("staff_count", 10**12, "out-of-range"),
        ("revenue_yuan", 5, "unknown-fact"),
        ("is_listed", True, "fact-is-daily"),
        ("recognitions", [], "fact-is-daily"),
    ],
)
async def test_a_wrong_yearly_fact_is_refused_with_all_beside_it(
    platform: TestPlatform, fact: str, value: object, code: str
) -> None:
    uscc = await registered(platform)
    answer = await state(platform, uscc, YEAR, {"staff_count": 5} | {fact: value})

    assert problem(answer) == (422, code)
    shown = "?" if code == "unknown-fact" else fact
    assert first_error(answer) == (f"/facts/{shown}", code)
    assert await facts_of(platform, uscc, YEAR) == {}
    assert len(await announced(platform, f"firm:{uscc}")) == 1


async def test_a_number_beyond_every_database_is_refused(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    answer = await state(platform, uscc, YEAR, {"staff_count": 5, "revenue_fen": 10**19})

    assert answer.status_code == 422
    assert await facts_of(platform, uscc, YEAR) == {}


async def test_profit_and_net_assets_may_be_negative(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    answer = await state(platform, uscc, YEAR, {"net_profit_fen": -5, "net_assets_fen": -7})

    assert answer.json()["facts"] == {"net_assets_fen": -7, "net_profit_fen": -5}


async def test_an_unknown_fact_is_told_which_was_meant(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    answer = await state(platform, uscc, YEAR, {"revenu_fen": 5})
    assert "revenue_fen" in answer.json()["detail"]

    several = await state(platform, uscc, YEAR, {"revenu_fen": 5, "staff_count": -1})
    assert problem(several) == (422, "invalid")
    assert len(several.json()["errors"]) == 2


@pytest.mark.parametrize("year", [1999, 0, -5, 10**12, "next"])
async def test_a_year_out_of_range_is_refused(platform: TestPlatform, year: int | str) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}/indicators/{year}"

    code = "year-out-of-range" if isinstance(year, int) else "invalid"
    assert problem(await registrar.put(path, json={"facts": {"staff_count": 1}})) == (422, code)
    assert problem(await registrar.get(path)) == (422, code)


async def test_this_year_is_the_last(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    this_year = today(platform).year

    assert (await state(platform, uscc, this_year, {"staff_count": 1})).status_code == 200
    late = await state(platform, uscc, this_year + 1, {"staff_count": 1})
    assert problem(late) == (422, "year-out-of-range")


@pytest.mark.parametrize(
    "sent",
    [
        {"facts": {}},
        {"facts": {"staff_count": 1}, "colour": "red"},
        {"staff_count": 1},
        {"facts": {"staff_count": 1}, "source": 5},
        {"facts": [1]},
    ],
)
async def test_a_body_of_another_shape_is_refused(
    platform: TestPlatform, sent: dict[str, Any]
) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").put(f"{FIRMS}/{uscc}/indicators/{YEAR}", json=sent)

    assert answer.status_code == 422
    assert await facts_of(platform, uscc, YEAR) == {}


async def test_a_department_states_what_it_owns_and_nothing_else(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    answer = await state(platform, uscc, YEAR, {"staff_count": 5}, by="registrar-b")

    assert problem(answer) == (403, "fact-not-owned")
    assert "staff_count" in answer.json()["detail"]
    day = await platform.client("registrar-b").post(
        f"{FIRMS}/{uscc}/facts", json={"facts": {"is_listed": True}, "valid_from": "2025-01-01"}
    )
    assert problem(day) == (403, "fact-not-owned")
    assert await facts_of(platform, uscc, YEAR) == {}


@pytest.mark.parametrize("client", ["reviewer", "auditor", "bank", "steward", "admin"])
async def test_others_state_nothing(platform: TestPlatform, client: str) -> None:
    uscc = await registered(platform)

    assert (await state(platform, uscc, YEAR, {"staff_count": 5}, by=client)).status_code == 403


async def test_a_firms_own_word_counts_until_the_owner_speaks(platform: TestPlatform) -> None:
    uscc = await own_firm(platform, "firm-b")
    declared = await state(platform, uscc, 2011, {"rd_expense_fen": 30}, by="firm-b")
    assert declared.json()["facts"] == {"rd_expense_fen": 30}
    assert declared.json()["statements"][0]["self_declared"] is True

    owned = await state(platform, uscc, 2011, {"rd_expense_fen": 20})
    assert owned.json()["facts"] == {"rd_expense_fen": 20}
    again = await state(platform, uscc, 2011, {"rd_expense_fen": 40}, by="firm-b")
    assert again.json()["facts"] == {"rd_expense_fen": 20}
    shown = {(s["self_declared"], s["value"], s["counts"]) for s in again.json()["statements"]}
    assert shown == {(False, 20, True), (True, 40, False)}
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert last["yearly"]["rd_expense_fen"]["2011"] == 20
    assert "rd_expense_fen:2011" not in last["declared"]

    withdrawn = await state(platform, uscc, 2011, {"rd_expense_fen": None})
    assert withdrawn.json()["facts"] == {"rd_expense_fen": 40}
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert "rd_expense_fen:2011" in last["declared"]


async def test_a_firm_states_nothing_of_another_and_not_its_profile(
    platform: TestPlatform,
) -> None:
    mine, other = await own_firm(platform), await registered(platform)
    foreign = await state(platform, other, YEAR, {"staff_count": 5}, by="firm")
    assert problem(foreign) == (404, "firm-unknown")

    profile = {"facts": {"town_code": "330282108"}, "valid_from": "2025-01-01"}
    refused = await platform.client("firm").post(f"{FIRMS}/{mine}/facts", json=profile)
    assert problem(refused) == (403, "fact-not-owned")


async def test_facts_as_of_a_day_hold_until_the_next(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    path = f"{FIRMS}/{uscc}/facts"

    async def say(day: str, value: object) -> None:
        sent = {"facts": {"has_dishonesty_record": value}, "valid_from": day, "source": "名录"}
        answer = await registrar.post(path, json=sent)
        assert answer.status_code == 201, answer.text

    async def holds(day: str) -> object:
        answer = await registrar.get(path, params={"on": day})
        return answer.json()["facts"].get("has_dishonesty_record", "unknown")

    await say("2025-03-01", value=True)
    await say("2026-03-01", value=False)
    assert await holds("2025-02-28") == "unknown"
    assert await holds("2025-03-01") is True
    assert await holds("2026-02-28") is True
    assert await holds("2026-03-01") is False
    await say("2026-03-01", value=None)
    assert await holds("2026-03-01") == "unknown"
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert last["daily"]["has_dishonesty_record"] == [
        {"value": True, "valid_from": "2025-03-01"},
        {"value": None, "valid_from": "2026-03-01"},
    ]


@pytest.mark.parametrize(
    ("fact", "value", "code"),
    [
        ("is_listed", 1, "boolean-expected"),
        ("is_listed", "true", "boolean-expected"),
        ("per_mu_class", "E", "code-unknown"),
        ("per_mu_class", 1, "text-expected"),
        ("market_share_bp", 10_001, "out-of-range"),
        ("domestic_market_rank", 0, "out-of-range"),
        ("established_on", "2012-5-1", "date-format"),
        ("town_code", "330283001", "town-unknown"),
        ("town_code", None, "not-null"),
        ("revenue_fen", 5, "fact-is-yearly"),
        ("recognitions", [], "fact-kept-elsewhere"),
        ("lists", ["a"], "fact-kept-elsewhere"),
    ],
)
async def test_a_wrong_fact_as_of_a_day_is_refused(
    platform: TestPlatform, fact: str, value: object, code: str
) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").post(
        f"{FIRMS}/{uscc}/facts", json={"facts": {fact: value}, "valid_from": "2025-01-01"}
    )

    assert problem(answer) == (422, code)


async def test_the_profile_is_stated_as_of_a_day_too(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    uscc = await registered(platform)
    facts = {"town_code": "330282108", "established_on": "2012-06-01", "per_mu_class": "B"}
    answer = await registrar.post(
        f"{FIRMS}/{uscc}/facts", json={"facts": facts, "valid_from": "2026-01-01"}
    )

    assert answer.status_code == 201
    assert answer.json()["facts"].items() >= facts.items()
    file = (await registrar.get(f"{FIRMS}/{uscc}")).json()
    assert (file["town_code"], file["established_on"]) == ("330282108", "2012-06-01")
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert last["town_code"] == "330282108"
    assert last["daily"] == {"per_mu_class": [{"value": "B", "valid_from": "2026-01-01"}]}


async def test_a_refusal_answers_in_english_too_and_echoes_nothing(
    platform: TestPlatform,
) -> None:
    uscc = await registered(platform)
    answer = await platform.client("registrar").put(
        f"{FIRMS}/{uscc}/indicators/{YEAR}",
        json={"facts": {"staff_count": "示范姓名"}},
        headers={"Accept-Language": "en"},
    )

    assert "Must be an integer" in answer.json()["detail"]
    assert "示范姓名" not in answer.text


async def test_what_rests_on_a_firm_s_own_word_as_of_a_day_is_announced_as_such(
    platform: TestPlatform,
) -> None:
    uscc = await own_firm(platform, "firm-b")
    path = f"{FIRMS}/{uscc}/facts"
    body = {"facts": {"is_resident_enterprise": True}, "valid_from": "2024-01-01"}

    async def declared() -> list[str]:
        return (await announced(platform, f"firm:{uscc}"))[-1]["declared"]

    assert (await platform.client("firm-b").post(path, json=body)).status_code == 201
    assert "is_resident_enterprise" in await declared()
    later = {**body, "valid_from": "2024-06-01", "facts": {"is_resident_enterprise": False}}
    assert (await platform.client("registrar").post(path, json=later)).status_code == 201
    assert "is_resident_enterprise" not in await declared()
