"""A title from above: recommended by letter, granted, held, and ended; the firm is matched again.

Cixi does not grant it: only the upper level's result makes a recognition of a recommendation.
"""

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.launch.city.cast import DEMO_FIRMS
from services.launch.story.notice import move_clock
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage
from services.launch.story.trial import follow
from services.launch.units import units_of

RECOMMENDATIONS = "/v1/policy/recommendations"
PROGRAMME, TITLE = "gazelle-star-recommendation", "gazelle-star"
# What gazelle stars are offered, and nobody else.
SERVICES_FOR_STARS = (
    "gazelle-conversion-service",
    "gazelle-finance-service",
    "gazelle-research-service",
    "gazelle-talent-service",
)
DESK = "demo-desk-kjj"
FILED = "NB-2026-0001（演示）"
LETTER, RESULT = "慈科演函〔2026〕1号", "甬科高演〔2026〕66号"
ISSUER = "宁波市科学技术局（演示）"
# Short, so that the story sees it end.
DAYS_HELD = 3
ENDED = "liangxin.enterprise.recognition.expired.v1"
TOLD = "SELECT count(*) FROM outbox WHERE aggregate = :aggregate AND type = :type"


async def recommend(stage: Stage) -> dict[str, Any]:
    """Guide the story's firm to a title of Ningbo, as far as its entry in the firm's file."""
    stage.act("推荐申报：从辅导到认定", "recommended to the upper level, and granted")
    caller, firm = stage.caller, DEMO_FIRMS["demo_firm"]
    await _sign_up_desk(stage)
    today = (await caller.get("admin", "/v1/demo/clock"))["today"]
    before = await _stands_under(stage, firm.uscc)
    stage.check("before, it is offered no service for gazelle stars", before, set[str]())
    body = {
        "programme": PROGRAMME,
        "applicant": {"kind": "firm", "id": firm.uscc},
        "year": int(today[:4]),
    }
    found = await caller.post(DESK, RECOMMENDATIONS, body)
    stage.check(
        "the desk of science guides the firm to it",
        [found["state"], found["origin"], found["applicant_name"]],
        ["guided", "guidance", firm.name],
    )
    filing = {"system": "宁波市科技管理系统（演示）", "number": FILED, "filed_on": today}
    found = await _move(stage, "firm", found, "file", **filing)
    stage.check(
        "the firm has filed above", [found["state"], found["upper_number"]], ["filed", FILED]
    )
    finding = "材料齐全，符合通知条件（演示）"
    found = await _move(stage, DESK, found, "review", outcome="pass", finding=finding)
    stage.check("it passes the local review", found["state"], "passed")
    letter = {"number": LETTER, "issued_on": today}
    found = await _move(stage, "approver-b", found, "issue-letter", **letter)
    stage.check(
        "another person issues the letter under its number",
        [found["state"], found["letter_number"]],
        ["recommended", LETTER],
    )
    notice = {"reference": "宁波市科技局网站公示（演示）", "published_on": today}
    found = await _move(stage, DESK, found, "notice", **notice)
    held = await _titles(stage, firm.uscc)
    stage.check(
        "neither letter nor the upper notice is a title",
        [found["state"], held],
        ["in-upper-notice", []],
    )
    return await _import_result(stage, found, date.fromisoformat(today))


async def _import_result(stage: Stage, found: dict[str, Any], on: date) -> dict[str, Any]:
    """Import what Ningbo decided, and wait until the firm's file has it and it was matched."""
    last = on + timedelta(days=DAYS_HELD)
    row = {
        "programme": PROGRAMME, "upper_number": FILED, "outcome": "granted", "document": RESULT,
        "issuer": ISSUER, "decided_on": on, "valid_from": on, "valid_to": last,
    }  # fmt: skip
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(row))
    writer.writeheader()
    writer.writerow(row)
    accepted = await stage.caller.ask(
        DESK, "POST", f"{RECOMMENDATIONS}/imports", content=file.getvalue().encode(),
        headers={"Content-Type": "text/csv"}, expect=(202,),
    )  # fmt: skip
    operation = await follow(stage, DESK, accepted.json()["id"])
    stage.check("the upper result is imported", operation["result"], {"moved": 1, "refused": 0})
    # The registry hears of it and answers; then the firm is told of anew, and matched.
    await until_quiet(stage.settings)
    found = await stage.caller.get(DESK, f"{RECOMMENDATIONS}/{found['id']}")
    stage.check(
        "granted under the upper level's document",
        [found["state"], found["result_document"], found["title"]["state"]],
        ["granted", RESULT, "recorded"],
    )
    uscc = found["applicant"]["id"]
    (held,) = await _titles(stage, uscc)
    _show(stage, found["applicant_name"], held)
    stage.check(
        "it is a recognition in the firm's file, with its issuer, document, days and source",
        [held["recognition"], held["issuer"], held["document"], held["valid_to"], held["holds"],
         held["source"]],
        [TITLE, ISSUER, RESULT, last.isoformat(), True,
         {"kind": "recommendation", "id": found["id"]}],
    )  # fmt: skip
    offered = await _stands_under(stage, uscc)
    stage.check("now it is offered the services for gazelle stars", offered, {*SERVICES_FOR_STARS})
    return held


async def let_end(stage: Stage, title: dict[str, Any]) -> None:
    """Move the clock past the title's last day: it is told of, and the firm matched again."""
    stage.act("称号到期，重新匹配", "a title ends, and the firm is matched again")
    uscc, last = title["uscc"], date.fromisoformat(title["valid_to"])
    await move_clock(stage, f"{last}T23:58:00+08:00")
    await until_quiet(stage.settings)
    (held,) = await _titles(stage, uscc)
    stage.check(
        "its last day still counts",
        [held["holds"], await _told(stage, title), await _stands_under(stage, uscc)],
        [True, 0, {*SERVICES_FOR_STARS}],
    )
    await move_clock(stage, f"{last + timedelta(days=1)}T00:00:30+08:00")
    await until_quiet(stage.settings)
    stage.check("the day after, its end is told of once", await _told(stage, title), 1)
    offered = await _stands_under(stage, uscc)
    stage.check("matched again, the firm is offered none of the services", offered, set[str]())
    (ended,) = await _titles(stage, uscc)
    _show(stage, DEMO_FIRMS["demo_firm"].name, ended)
    stage.check(
        "the file keeps it as a title that held, and holds no more",
        [ended["id"], ended["state"], ended["holds"]],
        [title["id"], "held", False],
    )
    on = (await stage.caller.get("admin", "/v1/demo/clock"))["today"]
    path = f"/v1/policy/firms/{uscc}/entitlements"
    answer = await stage.caller.get("auditor", path, on=on)
    stood = [each for each in answer["programmes"] if each["programme"] in SERVICES_FOR_STARS]
    stage.console.print(f"  {stood[0]['reason']}", highlight=False)
    # No complete list of stars was published, so nobody says that it holds none from elsewhere.
    stage.check(
        "asked on that day, it is entitled to none: nobody says any more that it holds the title",
        [len(stood), {each["outcome"] for each in stood}, _asked(stood)],
        [len(SERVICES_FOR_STARS), {"unknown"}, {("recognitions", "科技局")}],
    )


async def _sign_up_desk(stage: Stage) -> None:
    """Have the administrator register a reviewer of the department that leads the measure."""
    new = {
        "client_id": DESK,
        "name": "市科技局审核岗（演示）",
        "roles": ["reviewer"],
        "scopes": ["enterprise:read", "policy:read", "policy:write"],
        "department": "kjj",
    }
    client = await stage.caller.post("admin", "/v1/identity/clients", new)
    stage.caller.clients[DESK] = {"client_id": DESK, "client_secret": client["client_secret"]}


async def _move(
    stage: Stage, role: str, found: dict[str, Any], event: str, **data: Any
) -> dict[str, Any]:
    body = {"event": event, "version": found["version"], "note": "", "data": data}
    return await stage.caller.post(role, f"{RECOMMENDATIONS}/{found['id']}/events", body)


async def _titles(stage: Stage, uscc: str) -> list[dict[str, Any]]:
    """Read the firm's entries of this title."""
    page = await stage.caller.get("auditor", f"/v1/enterprise/firms/{uscc}/recognitions")
    return [each for each in page["items"] if each["recognition"] == TITLE]


async def _stands_under(stage: Stage, uscc: str) -> set[str]:
    """Name the services for gazelle stars that the firm was matched to."""
    found = await stage.caller.get("auditor", f"/v1/policy/firms/{uscc}/matches")
    return {
        each["programme"]
        for each in found["items"]
        if each["programme"] in SERVICES_FOR_STARS and each["outcome"] == "eligible"
    }


def _asked(programmes: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Name what is missing, and which department is to state it."""
    return {(lack["fact"], lack["owner"]) for each in programmes for lack in each["missing"]}


async def _told(stage: Stage, title: dict[str, Any]) -> int:
    """Count how often the registry has announced that the title ended."""

    async def count(session: AsyncSession, _: datetime) -> int:
        values = {"aggregate": f"recognition:{title['id']}", "type": ENDED}
        return int((await session.execute(text(TOLD), values)).scalar_one())

    async with units_of(stage.settings, "enterprise") as in_unit:
        return await in_unit(count)


def _show(stage: Stage, name: str, title: dict[str, Any]) -> None:
    table = stage.table("企业 firm", "称号 title", "文号 document", "有效期 validity", "有效 holds")
    days = f"{title['valid_from']}—{title['valid_to']}"
    table.add_row(name, title["title"], title["document"], days, "是" if title["holds"] else "否")
    stage.console.print(table)
