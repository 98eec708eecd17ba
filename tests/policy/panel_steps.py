"""Steps of expert panels: a call, its cases in review, a panel, and sheets from its experts."""

import itertools
import os
from datetime import date, timedelta
from typing import Any

import httpx

from tests.policy.steps import client_of, firm_client, fresh_uscc, growing_firm, register
from tests.policy.steps import walk_to_review as walk

CALLS, PANELS, SEATS = "/v1/policy/calls", "/v1/policy/panels", "/v1/policy/panel-seats"
QUALITY = "government-quality-award"
CRITERIA = [
    {"id": "leadership", "says": "领导与战略", "max_points": 40},
    {"id": "results", "says": "经营结果", "max_points": 60},
]
_kept: dict[tuple[int, str], httpx.AsyncClient] = {}
_years = itertools.count(2100 + os.getpid() % 40)
_experts = itertools.count(1)


async def known(platform: Any, name: str, **entry: Any) -> httpx.AsyncClient:
    """Sign a person in, the same one for the same name."""
    key = (id(platform), name)
    if key not in _kept:
        _kept[key] = await client_of(platform, name, **entry)
    return _kept[key]


async def desk(platform: Any) -> httpx.AsyncClient:
    """Sign in a reviewer of the department that leads the quality awards."""
    return await known(platform, "panel-desk", roles=["reviewer"], department="scjgj")


class Expert:
    """An expert from a university, or from an office that has nothing to do with the award."""

    def __init__(self, subject: str, client: httpx.AsyncClient) -> None:
        self.subject, self.client = subject, client

    def entry(self, **changes: Any) -> dict[str, Any]:
        return {"subject": self.subject, "name": "专家", "field": "质量管理", **changes}


async def expert(platform: Any, **entry: Any) -> Expert:
    name = f"panel-expert-{next(_experts)}"
    asked = {"roles": ["institution"], "institution": f"university-of-{name}", **entry}
    return Expert(name, await client_of(platform, name, **asked))


async def call_of(platform: Any, **changes: Any) -> dict[str, Any]:
    """Have a call for the quality award published, in a year of its own."""
    today = date.fromisoformat(
        (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    )
    window = {"opens_on": str(today), "closes_on": str(today + timedelta(days=9))}
    body = {"programme": QUALITY, "year": next(_years), "window": window, "quota": 1, **changes}
    writer = platform.client("reviewer") if "programme" in changes else await desk(platform)
    made = await writer.post(CALLS, json=body)
    assert made.status_code == 201, made.text
    return await call_deed(platform, made.json(), "publish")


async def call_deed(
    platform: Any, call: dict[str, Any], event: str, client: Any = None, **body: Any
) -> dict[str, Any]:
    answer = await try_call_deed(platform, call, event, client, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def try_call_deed(
    platform: Any, call: dict[str, Any], event: str, client: Any = None, **body: Any
) -> httpx.Response:
    now = (await platform.client("auditor").get(f"{CALLS}/{call['id']}")).json()
    deed = {"event": event, "version": now["version"], **body}
    return await (client or platform.client("approver")).post(
        f"{CALLS}/{call['id']}/events", json=deed
    )


async def applied(
    platform: Any, call: dict[str, Any], *, reviewed: bool = True
) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    """Have a firm apply under a call, and its case taken into review."""
    is_quality = call["programme"] == QUALITY
    if is_quality:
        uscc = fresh_uscc()
        await register(platform, uscc)
        await platform.settle()
    else:
        uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {
        "programme": call["programme"], "call": call["id"],
        "applicant": {"kind": "firm", "id": uscc}, "matter": {"kind": "year", "period": "2025"},
    }  # fmt: skip
    made = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
    assert made.status_code == 201, made.text
    if not reviewed:
        return firm, made.json()
    if is_quality:
        await desk(platform)
        return firm, await _walked(platform, firm, made.json())
    return firm, await walk(platform, firm, made.json())


async def _walked(platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    for who, event in ((firm, "submit"), (await desk(platform), "accept"),
                       (await desk(platform), "review")):  # fmt: skip
        answer = await who.post(
            f"/v1/policy/cases/{case['id']}/events",
            json={"event": event, "version": case["version"]}, headers=platform.key(),
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        case = answer.json()
    return case


def panel_body(seated: list[Expert], **changes: Any) -> dict[str, Any]:
    return {
        "criteria": CRITERIA, "total_points": 100, "experts": [each.entry() for each in seated],
        **changes,
    }  # fmt: skip


async def try_convene(
    platform: Any, seated: list[Expert], client: Any = None, **changes: Any
) -> httpx.Response:
    return await (client or await desk(platform)).post(
        PANELS, json=panel_body(seated, **changes), headers=platform.key()
    )


async def convened(
    platform: Any, seated: list[Expert], client: Any = None, **changes: Any
) -> dict[str, Any]:
    """Convene a panel and have an approver confirm it."""
    made = await try_convene(platform, seated, client, **changes)
    assert made.status_code == 201, made.text
    return await done(platform, made.json(), "confirm", platform.client("approver"))


async def attempt(
    platform: Any, panel: dict[str, Any], event: str, client: Any = None, **body: Any
) -> httpx.Response:
    now = (await platform.client("auditor").get(f"{PANELS}/{panel['id']}")).json()
    return await (client or await desk(platform)).post(
        f"{PANELS}/{panel['id']}/events",
        json={"event": event, "version": now["version"], **body}, headers=platform.key(),
    )  # fmt: skip


async def done(
    platform: Any, panel: dict[str, Any], event: str, client: Any = None, **body: Any
) -> dict[str, Any]:
    answer = await attempt(platform, panel, event, client, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def points(total: int) -> list[dict[str, Any]]:
    """Split a number of points over the two criteria."""
    first = min(40, total) * 100
    return [
        {"criterion": "leadership", "points_hundredths": first},
        {"criterion": "results", "points_hundredths": total * 100 - first},
    ]


async def hand_in(
    platform: Any, who: Expert, panel: dict[str, Any], number: int, total: int | None = None,
    **changes: Any,
) -> httpx.Response:  # fmt: skip
    body: dict[str, Any] = {"number": number, "declares_no_interest": True, **changes}
    if total is not None:
        body["points"] = points(total)
    return await who.client.post(f"{SEATS}/{panel['id']}/sheets", json=body, headers=platform.key())


async def scored(
    platform: Any, panel: dict[str, Any], experts: list[Expert], given: dict[str, list[int]]
) -> None:
    """Hand in the sheets of all experts; `given` has the points by case."""
    numbers = {each["case"]: each["number"] for each in panel["cases"]}
    for case, totals in given.items():
        for who, total in zip(experts, totals, strict=True):
            answer = await hand_in(platform, who, panel, numbers[case], total)
            assert answer.status_code == 201, answer.text


async def scores(platform: Any, panel: dict[str, Any]) -> dict[str, Any]:
    answer = await platform.client("auditor").get(f"{PANELS}/{panel['id']}/scores")
    assert answer.status_code == 200, answer.text
    return answer.json()
