"""Saying everything again, for listeners that begin late."""

from datetime import date

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.enterprise.firms.actions import restate_firms
from services.enterprise.lists.actions import restate_lists
from services.enterprise.service import CODE_LISTS
from services.kernel.ids import new_id
from tests.conftest import TestPlatform
from tests.enterprise.steps import FIRMS, LISTS, announced, fresh_uscc, registered, state


async def test_every_firm_is_restated_as_it_was_last_announced(platform: TestPlatform) -> None:
    uscc = await registered(platform)
    await state(platform, uscc, 2024, {"revenue_fen": 100})
    facts = {"facts": {"is_listed": True}, "valid_from": "2025-01-01"}
    await platform.client("registrar").post(f"{FIRMS}/{uscc}/facts", json=facts)

    async with platform.service("enterprise").sessions() as session:
        events = {event.uscc: event async for event in restate_firms(session)}
    last = (await announced(platform, f"firm:{uscc}"))[-1]
    assert events[uscc] == FirmChanged.model_validate(last)


async def test_every_version_of_every_list_is_restated(platform: TestPlatform) -> None:
    list_id, uscc = f"restated-{new_id().hex[-12:]}", fresh_uscc()
    for day in ("2025-01-01", "2026-01-01"):
        version = {"valid_from": day, "complete": True, "document": "d", "items": [{"uscc": uscc}]}
        await platform.client("registrar").post(f"{LISTS}/{list_id}/versions", json=version)

    async with platform.service("enterprise").sessions() as session:
        events = [event async for event in restate_lists(session) if event.list == list_id]
    assert [event.valid_from for event in events] == [date(2025, 1, 1), date(2026, 1, 1)]
    told = await announced(platform, f"list:{list_id}")
    assert events == [ListPublished.model_validate(each) for each in told]


async def test_every_closed_set_is_served_with_both_names(platform: TestPlatform) -> None:
    answer = await platform.client("public").get("/v1/enterprise/code-lists")

    served = {each["id"]: each["entries"] for each in answer.json()["items"]}
    assert served.keys() == {each.id for each in CODE_LISTS}
    assert len(served["towns"]) == 24
    assert all(e["title"] and e["title_en"] for entries in served.values() for e in entries)
