"""`liangxin coverage`: what a row counts is the measure's own, and what is shared says so."""

from datetime import date
from typing import Any

from rich.console import Console

from services.launch.commands.counting import NOTHING, Counts, counted, names_of
from services.launch.commands.coverage import write_coverage
from services.policy.plan.actions.load_library import library
from tests.policy.board_steps import created
from tests.policy.steps import firm_client, fresh_uscc, open_case, register

ON = date(2026, 11, 23)
SERVICES = ("enterprise", "policy", "finance")


async def counts(platform: Any) -> Counts:
    plans = library()
    names = [names_of(each, plans, ON) for each in plans.measures if each.plan == plans.main]
    found = NOTHING
    for service in SERVICES:
        async with platform.service(service).sessions() as session:
            found = found.joined(await counted(session, service, names))
    return found


def added(before: Counts, after: Counts) -> dict[tuple[int, str], int]:
    gained = {at: found - before.own[at] for at, found in after.own.items()}
    return {at: found for at, found in gained.items() if found}


def shown(found: Counts) -> list[str]:
    console = Console(record=True, width=300, force_terminal=False)
    write_coverage(console, library(), {}, found, ON)
    return console.export_text().splitlines()


async def test_cases_tasks_titles_and_lists_count_for_their_measure_alone(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    firm = await firm_client(platform, uscc)
    before = await counts(platform)
    await open_case(platform, firm, uscc)  # of a programme under no measure of the plan
    assert added(before, await counts(platform)) == {}
    await open_case(platform, firm, uscc, "rd-matching")
    await created(platform, measure=25)
    title = await platform.client("registrar").post(
        f"/v1/enterprise/firms/{uscc}/recognitions",
        json={
            "recognition": "high-tech-enterprise", "issuer": "宁波市科学技术局",
            "document": "甬科高〔2025〕1号", "valid_from": "2025-01-01", "valid_to": "2027-12-31",
        },
    )  # fmt: skip
    assert title.status_code == 201, title.text
    gained = added(before, await counts(platform))
    assert gained.pop((27, "policy.cases")) == 1
    assert gained.pop((25, "policy.tasks")) == 1
    plans = library()
    looking = {
        measure.number
        for measure in plans.measures
        if measure.plan == plans.main
        and "high-tech-enterprise" in names_of(measure, plans, ON).titles
    }
    assert gained == {(number, "enterprise.recognitions"): 1 for number in looking}
    assert 0 < len(looking) < 30


def test_what_serves_all_measures_alike_is_not_shown_as_a_measures_own() -> None:
    found = Counts({(27, "policy.cases"): 3, (1, "policy.cases"): 0}, {"enterprise.firms": 2001})
    lines = shown(found)
    firms = [line for line in lines if "企业档案" in line]
    assert firms
    assert all("共用/shared 企业档案 2,001" in line for line in firms if "none yet" not in line)
    assert sum("办件 3" in line for line in lines) == 1
    assert not any("共用/shared 办件" in line for line in lines)


def test_without_a_platform_nothing_is_counted() -> None:
    lines = shown(NOTHING)
    assert any("no platform has run on this data yet" in line for line in lines)
    assert not any("shared" in line for line in lines)
