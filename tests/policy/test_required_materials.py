"""A case is submitted with what its programme or its call requires, and else as it always was."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.kernel.errors import Conflict
from services.policy.evidence.rules import Material, joined, require_there
from services.policy.plan.actions.load_library import library
from services.rulebook.administration import Evidence
from tests.policy.changed_plans import CLAUSE, Changed
from tests.policy.files import fresh_pdf, send_file
from tests.policy.steps import (
    WAN,
    case_body,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    register,
    state,
    state_of_day,
    try_move,
)
from tests.policy.test_calls import CALLS, cancel, deed

STATED = ("statement", "plan")


def test_what_either_requires_is_required_and_what_is_held_is_asked_of_nobody() -> None:
    programme = [Material("a", "甲", "A", (), held=False), Material("b", "乙", "B", (), held=True)]
    call = [
        Material("a", "甲方", "", (), held=False, required=True),
        Material("b", "乙", "", (), held=False, required=True),
        Material("c", "丙", "", (), held=False),
    ]
    found = {each.id: each for each in joined(programme, call)}
    assert [(each.title, each.held, each.required) for each in found.values()] == [
        ("甲", False, True), ("乙", True, True), ("丙", False, False),
    ]  # fmt: skip
    require_there([found["c"]])
    with pytest.raises(Conflict) as refused:
        require_there([found["a"], found["c"]])
    assert refused.value.code == "materials-missing"
    assert [each.pointer for each in refused.value.errors] == ["/materials/a"]


def test_a_wording_that_requires_nothing_keeps_its_hash() -> None:
    asked = Evidence(id="a", title="甲")
    assert asked.model_dump(mode="json") == {
        "id": "a", "title": "甲", "english": "", "proves": [], "held": False,
    }  # fmt: skip
    required = Evidence(id="a", title="甲", required=True)
    assert required.model_dump(mode="json")["required"] is True
    assert Evidence.model_validate(required.model_dump()) == required
    fixed = ("digital-growth", "rd-matching", "large-strong")
    for name in fixed:
        evidence = library().programmes[name].compiled.programme.evidence
        assert not any(each.required for each in evidence), name


def test_a_plan_may_require_a_material(changed: Changed) -> None:
    text = "proves: [growth, two-year-average]"
    made = changed(CLAUSE, {text: f"{text}\n        required: true"})
    first, *others = made.programmes["digital-growth"].compiled.programme.evidence
    assert (first.id, first.required) == ("revenue-statement", True)
    assert not any(each.required for each in others)
    assert made.programmes["digital-growth"].rule != library().programmes["digital-growth"].rule


async def call_with(platform: Any, **changes: Any) -> dict[str, Any]:
    today = date.fromisoformat(
        (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    )
    window = {"opens_on": str(today), "closes_on": str(today + timedelta(days=9))}
    materials = [
        {"id": "statement", "title": "申报表"},
        {"id": "plan", "title": "项目方案"},
        {"id": "photo", "title": "现场照片", "required": False},
    ]
    body = {
        "programme": "digital-growth", "year": today.year, "window": window,
        "materials": materials, **changes,
    }  # fmt: skip
    made = await platform.client("reviewer").post(CALLS, json=body)
    assert made.status_code == 201, made.text
    return await deed(platform, made.json(), "publish")


async def test_a_case_is_submitted_and_completed_with_what_its_call_requires(
    platform: Any,
) -> None:
    call = await call_with(platform, materials_required=True)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {**case_body(uscc), "call": call["id"]}
    case = (await firm.post("/v1/policy/cases", json=body, headers=platform.key())).json()
    listed = (await firm.get(f"/v1/policy/cases/{case['id']}/materials")).json()
    assert {each["id"]: each["required"] for each in listed["items"]} == {
        "revenue-statement": False, "scale-and-industry": False, "statement": True, "plan": True,
        "photo": False,
    }  # fmt: skip
    refused = await try_move(platform, firm, case, "submit")
    assert code(refused) == (409, "materials-missing")
    assert "申报表" in refused.json()["detail"]
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/materials/statement", "/materials/plan",
    ]  # fmt: skip

    files: list[dict[str, Any]] = []
    for material in STATED:
        sent = await send_file(firm, case, fresh_pdf(), material=material)
        assert sent.status_code == 201, sent.text
        files.append(sent.json())
    await move(platform, firm, case, "submit")
    await move(platform, platform.client("reviewer"), case, "return")
    answer = await firm.post(
        f"/v1/policy/evidence/{files[0]['id']}/events",
        json={"event": "withdraw", "version": files[0]["version"]}, headers=platform.key(),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    refused = await try_move(platform, firm, case, "complete")
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/materials/statement"]
    assert (await send_file(firm, case, fresh_pdf(), material="statement")).status_code == 201
    assert (await move(platform, firm, case, "complete"))["state"] == "submitted"
    await cancel(platform, call)


async def test_a_call_that_only_lists_materials_holds_nobody_up(platform: Any) -> None:
    call = await call_with(platform)
    assert call["materials_required"] is False
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {**case_body(uscc), "call": call["id"]}
    case = (await firm.post("/v1/policy/cases", json=body, headers=platform.key())).json()
    assert (await move(platform, firm, case, "submit"))["state"] == "submitted"
    await cancel(platform, call)


async def test_nothing_is_held_of_which_a_fact_is_asked_and_not_there(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year in (2023, 2024, 2025):
        await state(platform, uscc, year, revenue_fen=(year - 2020) * 100_000 * WAN)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    body = case_body(uscc)
    case = (await firm.post("/v1/policy/cases", json=body, headers=platform.key())).json()
    path = f"/v1/policy/cases/{case['id']}"

    async def status() -> tuple[str, bool]:
        items = (await firm.get(f"{path}/materials")).json()["items"]
        asked = (await firm.get(f"{path}/prefill")).json()["items"]
        found = next(each for each in items if each["id"] == "scale-and-industry")
        lacks = any("above-scale" in each["conditions"] for each in asked if each["asked"])
        assert found["required"] is False
        return found["status"], lacks

    assert await status() == ("missing", True)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    await platform.settle()
    assert await status() == ("held", False)
