"""The monthly report: as of a day, the same whenever it is written, and safe in a spreadsheet."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from services.kernel.errors import Invalid
from services.kernel.exports import Format
from services.policy.contract.events import TaskChanged
from services.policy.task_reports import rules
from services.policy.tasks.rules import BoardRule, Every, period_of
from tests.policy.board_steps import PROOF, created, done, finished, office, read, today
from tests.policy.steps import code, reset_clock, set_clock

PATH = "/v1/policy/task-reports"
RULE = BoardRule(behind_bp=2000, silent_days=30, remind_days=5, lead_days=3, office_days=10)
DAY = date(2026, 6, 30)
JUNE = period_of(Every.MONTH, DAY)


def stood(**changes: Any) -> TaskChanged:
    return TaskChanged.model_validate(
        {
            "task_id": "t", "version": 1, "origin": "plan", "measure": 9, "title": "任务",
            "title_en": None, "lead": "jxj", "support": [], "begins_on": "2026-06-01",
            "due_on": "2026-12-31", "every": None, "series": None, "period": None,
            "meeting_id": None, "decision": None, "in_plan": True, "state": "in-progress",
            "progress_bp": 3000, "reported_on": "2026-06-20", "evidence_count": 1,
            "alert": "none", "finished_on": None, "synthetic": False, **changes,
        }
    )  # fmt: skip


def tallied(*tasks: TaskChanged) -> rules.Tally:
    return rules.tally([rules.line_of(each, RULE, DAY) for each in tasks], JUNE)


def test_each_kind_is_counted() -> None:
    found = tallied(
        stood(),
        stood(state="done", finished_on="2026-06-10"),
        stood(state="accepted", finished_on="2026-05-31"),
        stood(due_on="2026-06-29"),
        stood(reported_on=None, begins_on="2026-05-01", state="blocked"),
        stood(state="cancelled"),
        stood(state="recurring", due_on=None),
    )
    assert found == rules.Tally(
        tasks=5, accepted=1, done=1, finished_in_month=1, overdue=1, at_risk=1, blocked=1,
        progress_bp=(3000 * 3 + 20_000) // 5, evidence=5,
    )  # fmt: skip


def test_without_tasks_the_progress_is_unknown_and_not_zero() -> None:
    assert tallied().progress_bp is None
    assert tallied(stood(state="cancelled")).progress_bp is None


@pytest.mark.parametrize(
    ("on", "today_", "day"),
    [
        (None, date(2026, 6, 15), date(2026, 6, 15)),
        (None, date(2026, 7, 1), date(2026, 6, 30)),
        (date(2026, 6, 1), date(2026, 7, 1), date(2026, 6, 1)),
    ],
)
def test_a_month_is_told_as_of_its_end_or_of_today(
    on: date | None, today_: date, day: date
) -> None:
    assert rules.day_of(JUNE, on, today_) == day


@pytest.mark.parametrize(
    ("on", "today_", "refusal"),
    [
        (None, date(2026, 5, 31), "month-not-begun"),
        (date(2026, 5, 31), date(2026, 7, 1), "day-outside-month"),
        (date(2026, 7, 1), date(2026, 7, 1), "day-outside-month"),
        (date(2026, 6, 16), date(2026, 6, 15), "day-outside-month"),
    ],
)
def test_a_day_that_is_not_of_the_month_or_not_yet_is_refused(
    on: date | None, today_: date, refusal: str
) -> None:
    with pytest.raises(Invalid) as refused:
        rules.day_of(JUNE, on, today_)
    assert refused.value.code == refusal


async def report(client: Any, month: str, **asked: Any) -> dict[str, Any]:
    answer = await client.get(f"{PATH}/{month}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_task_stands_in_the_report_with_its_proof(platform: Any) -> None:
    task = await finished(platform, measure=28)
    month = str(today(platform))[:7]
    auditor = platform.client("auditor")
    told = await report(auditor, month)

    (line,) = [each for each in told["tasks"] if each["task"] == task["id"]]
    assert (line["state"], line["progress_bp"]) == ("done", 10_000)
    assert line["evidence"] == [f"{PROOF['title']}：{PROOF['document']}"]
    (measure,) = [each for each in told["measures"] if each["measure"] == 28]
    assert measure["done"] >= 1
    assert measure["finished_in_month"] >= 1
    assert [each["measure"] for each in told["measures"]][:30] == list(range(1, 31))
    assert (told["on"], told["complete"]) == (str(today(platform)), False)
    assert {each["reading"] for each in told["rules"]} == {True}
    assert sum(each["tasks"] for each in told["measures"]) == told["total"]["tasks"]
    assert sum(each["tasks"] for each in told["departments"]) == told["total"]["tasks"]


async def test_a_report_of_an_earlier_day_does_not_know_what_came_later(platform: Any) -> None:
    """What was written before the day ended counts, and nothing after it."""
    task = await created(platform, measure=29, working_days=200)
    day = today(platform)
    auditor = platform.client("auditor")
    try:
        await set_clock(platform, f"{day + timedelta(days=1)}T09:00:00+08:00")
        before = await report(auditor, str(day)[:7], on=str(day))
        task = await read(platform.client("reviewer"), task)
        task = await done(platform, "reviewer", task, "start")
        await done(platform, "reviewer", task, "attach", **PROOF)
        again = await report(auditor, str(day)[:7], on=str(day))
        (line,) = [each for each in again["tasks"] if each["task"] == task["id"]]
        assert (line["state"], line["evidence"]) == ("open", [])
        assert (again, again["complete"]) == (before, True)
        files = [
            (await auditor.get(f"{PATH}/{str(day)[:7]}", params={"on": str(day)},
                               headers={"Accept": Format.XLSX})).content
            for _ in range(2)
        ]  # fmt: skip
        assert files[0] == files[1]
    finally:
        await reset_clock(platform)


async def test_a_department_gets_its_own_part(platform: Any) -> None:
    mine = await created(platform)
    foreign = await created(platform, await office(platform), lead="rsj", support=[])
    month = str(today(platform))[:7]
    told = await report(platform.client("reviewer"), month)

    assert told["department"]["code"] == "jxj"
    shown = {each["task"] for each in told["tasks"]}
    assert mine["id"] in shown
    assert foreign["id"] not in shown
    for each in told["tasks"]:
        assert "jxj" in (each["lead"]["code"], *(s["code"] for s in each["support"]))
    assert (await report(await office(platform), month))["department"] is None
    assert (await platform.client("public").get(f"{PATH}/{month}")).status_code == 401
    assert (await platform.client("firm").get(f"{PATH}/{month}")).status_code == 403
    town = await platform.client("reviewer-town").get(f"{PATH}/{month}")
    assert code(town) == (403, "no-department")


async def test_the_workbook_says_the_same_and_runs_nothing(platform: Any) -> None:
    formula = '=HYPERLINK("http://example.org")'
    task = await created(platform, title=formula)
    month = str(today(platform))[:7]
    client = platform.client("reviewer")
    answer = await client.get(f"{PATH}/{month}", headers={"Accept": Format.XLSX})
    assert (answer.status_code, answer.headers["content-type"]) == (200, Format.XLSX)
    assert f"task-report-{month}" in answer.headers["content-disposition"]
    told = await report(client, month)
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["说明", "按措施", "按部门", "任务"]
    rows = list(book["任务"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == [each["task"] for each in told["tasks"]]
    (row,) = [row for row in rows if row[0] == task["id"]]
    assert row[2] == f"'{formula}"
    assert all(cell.data_type != "f" for sheet in book for line in sheet for cell in line)
    measures = {row[0]: row[2] for row in book["按措施"].iter_rows(min_row=2, values_only=True)}
    assert measures == {each["measure"]: each["tasks"] for each in told["measures"]}
    about = {row[0]: row[1] for row in book["说明"].iter_rows(min_row=2, values_only=True)}
    assert about["SHA-256"] == told["sha256"]


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "x", "0000-01"])
async def test_a_month_is_written_as_a_month(platform: Any, month: str) -> None:
    assert (await platform.client("auditor").get(f"{PATH}/{month}")).status_code == 422


async def test_the_report_of_a_month_to_come_is_refused(platform: Any) -> None:
    answer = await platform.client("auditor").get(f"{PATH}/2098-01")
    assert code(answer) == (422, "month-not-begun")
