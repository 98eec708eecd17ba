import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.finance.budgets.models import Budget
from services.finance.budgets.rules import require_another_person
from services.kernel.errors import Forbidden
from services.kernel.ids import new_id
from tests.conftest import TestPlatform
from tests.finance.steps import NOW, budget, fresh, line_of, move

LINE = {"year": 2026, "programme": "p", "name": "指标", "department": "经信局", "amount_fen": 100}


async def test_a_line_is_funded_by_the_approval_of_another_person(platform: TestPlatform) -> None:
    programme = fresh("programme")
    treasurer = platform.client("treasurer")
    body = {**LINE, "programme": programme, "amount_fen": 5_000}
    drafted = await treasurer.post("/v1/finance/budgets", json=body, headers=platform.key())
    assert drafted.status_code == 201
    draft = drafted.json()
    assert (draft["state"], draft["available_fen"]) == ("draft", 0)
    assert draft["allowed_events"] == []

    approver = platform.client("approver")
    seen = (await approver.get(f"/v1/finance/budgets/{draft['id']}")).json()
    assert seen["allowed_events"] == ["approve"]
    approved = await move(platform, approver, f"budgets/{draft['id']}", "approve", 1)
    assert approved.status_code == 200
    assert approved.headers["etag"] == '"2"'
    assert (approved.json()["state"], approved.json()["available_fen"]) == ("approved", 5_000)


async def test_a_line_is_approved_once(platform: TestPlatform) -> None:
    line = await budget(platform, fresh("programme"), 700)
    path = f"budgets/{line['id']}"
    stale = await move(platform, platform.client("approver"), path, "approve", 1)
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")
    again = await move(platform, platform.client("approver-b"), path, "approve", 2)
    assert (again.status_code, again.json()["code"]) == (409, "event-not-allowed")
    assert (await line_of(platform, line["id"]))["available_fen"] == 700


async def test_the_same_key_gives_the_stored_answer(platform: TestPlatform) -> None:
    key = platform.key()
    body = {**LINE, "programme": fresh("programme")}
    client = platform.client("treasurer")
    first = await client.post("/v1/finance/budgets", json=body, headers=key)
    again = await client.post("/v1/finance/budgets", json=body, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    other = await client.post("/v1/finance/budgets", json={**body, "year": 2027}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_line_needs_a_key(platform: TestPlatform) -> None:
    answer = await platform.client("treasurer").post("/v1/finance/budgets", json=LINE)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount_fen": -1}, "/amount_fen"),
        ({"amount_fen": 0}, "/amount_fen"),
        ({"amount_fen": 1.5}, "/amount_fen"),
        ({"amount_fen": True}, "/amount_fen"),
        ({"amount_fen": "100"}, "/amount_fen"),
        ({"amount_fen": 10**15 + 1}, "/amount_fen"),
        ({"year": 1999}, "/year"),
        ({"measure": 13}, "/"),
        ({"programme": None}, "/"),
        ({"programme": None, "measure": 31}, "/measure"),
        ({"name": "  "}, "/name"),
        ({"surprise": 1}, "/?"),
    ],
)
async def test_bad_input_is_named_and_stores_nothing(
    platform: TestPlatform, changes: dict, pointer: str
) -> None:
    department = fresh("department")
    answer = await platform.client("treasurer").post(
        "/v1/finance/budgets",
        json={**LINE, "department": department, **changes},
        headers=platform.key(),
    )
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    async with platform.service("finance").sessions() as session:
        found = await session.execute(
            Budget.__table__.select().where(Budget.department == department)
        )
        assert found.first() is None


async def test_an_amount_beyond_all_money_is_refused(platform: TestPlatform) -> None:
    body = {**LINE, "amount_fen": 10**19}
    client = platform.client("treasurer")
    answer = await client.post("/v1/finance/budgets", json=body, headers=platform.key())
    assert answer.status_code == 422


async def test_lines_are_found_by_year_measure_and_programme(platform: TestPlatform) -> None:
    name = fresh("line")
    wanted = await budget(platform, None, 1, measure=17, year=2031, name=name)
    await budget(platform, None, 1, measure=18, year=2031)
    answer = await platform.client("reviewer").get(
        "/v1/finance/budgets", params={"year": 2031, "measure": 17}
    )
    assert [each["id"] for each in answer.json()["items"]] == [wanted["id"]]


async def test_a_list_goes_on_where_the_page_ended(platform: TestPlatform) -> None:
    programme = fresh("programme")
    lines = [await budget(platform, programme, amount) for amount in (1, 2, 3)]
    client = platform.client("auditor")
    query = {"programme": programme, "limit": 2}
    first = (await client.get("/v1/finance/budgets", params=query)).json()
    rest = await client.get("/v1/finance/budgets", params={**query, "cursor": first["next_cursor"]})
    shown = [each["id"] for each in first["items"] + rest.json()["items"]]
    assert shown == [line["id"] for line in reversed(lines)]
    assert rest.json()["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["WyJhIl0", "WzFd", "W10"])
async def test_a_foreign_cursor_is_malformed(platform: TestPlatform, cursor: str) -> None:
    answer = await platform.client("auditor").get("/v1/finance/budgets", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


@pytest.mark.parametrize(
    ("client", "status"),
    [("firm", 403), ("bank", 403), ("steward", 403), ("admin", 403), ("registrar", 403),
     ("institution", 403), ("public", 401), ("reviewer", 200), ("auditor", 200)],
)  # fmt: skip
async def test_budgets_are_for_those_who_handle_them(
    platform: TestPlatform, client: str, status: int
) -> None:
    assert (await platform.client(client).get("/v1/finance/budgets")).status_code == status


async def test_only_an_approver_approves(platform: TestPlatform) -> None:
    client = platform.client("treasurer-b")
    drafted = await client.post("/v1/finance/budgets", json=LINE, headers=platform.key())
    path = f"budgets/{drafted.json()['id']}"
    assert (await move(platform, client, path, "approve", 1)).status_code == 403


def test_nobody_approves_the_own_line() -> None:
    require_another_person("one", "other")
    with pytest.raises(Forbidden) as refused:
        require_another_person("one", "one")
    assert refused.value.code == "four-eyes"


async def test_the_database_knows_four_eyes_too(platform: TestPlatform) -> None:
    async with platform.service("finance").sessions() as session:
        values = {**LINE, "id": new_id(), "version": 1, "created_at": NOW, "state": "draft"}
        session.add(Budget(**values, created_by="one"))
        await session.flush()
        with pytest.raises(IntegrityError, match="ck_budget_four_eyes"):
            await session.execute(
                update(Budget)
                .where(Budget.id == values["id"])
                .values(state="approved", approved_by="one")
            )
