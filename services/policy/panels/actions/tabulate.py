"""The score table of a panel, for the minutes: as data, and as a workbook."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.exports import Format, Sheet, workbook_bytes
from services.policy.panels import queries, rules
from services.policy.panels.actions.close_panel import is_intact
from services.policy.panels.models import Panel
from services.policy.panels.rules import NO_SCORE_NAMES, SHEET_STATE_NAMES, PanelState
from services.policy.panels.schemas import (
    GivenPoints,
    ScoredCase,
    ScoreTable,
    SheetLine,
)
from services.policy.plan.actions.load_library import library
from services.rulebook.situation import parse_canonical

_RESULT_TITLES = (
    "名次", "编号", "申报单位", "办件", "得分", "有效评分表", "去除份数", "最高与最低之差",
    "差距提示", "没有得分的原因",
)  # fmt: skip


async def score_table(session: AsyncSession, panel: Panel) -> ScoreTable:
    """Show the latest edition; while sheets are corrected after a reopening, there is none."""
    edition = await queries.edition(session, panel)
    if edition is None or panel.state != PanelState.CLOSED:
        raise Conflict(
            "评审尚未结束，评分不予公开。",
            "The panel is not closed; no score is told before.",
            code="panel-not-closed",
        )
    rows = await queries.results(session, panel.id, edition.edition)
    cases = {case.id: case for _, case in await queries.cases(session, panel.id)}
    content = parse_canonical(edition.content)
    sheets = {each["case"]: each["sheets"] for each in content["cases"]}
    programme = library().programmes.get(panel.programme)
    return ScoreTable(
        panel=panel.id, edition=edition.edition, state=PanelState(panel.state), title=panel.title,
        programme=panel.programme,
        programme_title=programme.compiled.programme.title if programme else panel.programme,
        document=panel.document, criteria=queries.criterion_views(panel),
        total_points=panel.total_points, experts_min=panel.experts_min,
        drop_extremes_from=panel.drop_extremes_from, spread_flag_points=panel.spread_flag_points,
        rounding=content["rounding"],
        experts=[queries.expert_view(each) for each in await queries.experts(session, panel.id)],
        closed_on=city_day(edition.closed_at), closed_by=edition.closed_by, note=edition.note,
        reopened_for=edition.reopened_for, sha256=edition.sha256,
        is_intact=is_intact(edition, {row.case_id: row for row in rows}),
        items=[
            ScoredCase(
                **queries.score_line(row).model_dump(), case=row.case_id,
                applicant_name=cases[row.case_id].applicant_name,
                sheets=[_sheet(panel, each) for each in sheets[str(row.case_id)]],
            )
            for row in rows
        ],
    )  # fmt: skip


def _sheet(panel: Panel, told: Mapping[str, Any]) -> SheetLine:
    total = None
    if told["total"] is not None:
        given = queries.given_of(told["points"])
        exact = rules.sheet_total(given, queries.criteria_of(panel), panel.total_points)
        total = rules.thousandths(exact)
    return SheetLine(
        seat=told["seat"], state=told["state"], version=told["version"],
        points=[GivenPoints.model_validate(each) for each in told["points"]],
        total_thousandths=total, dropped=told["dropped"], comment=told["comment"],
    )  # fmt: skip


def workbook(table: ScoreTable) -> bytes:
    """Write the table as XLSX; the same table gives the same bytes.

    Points stand under seats, and the experts are listed without theirs: minutes show who was
    there, and not who gave what. That is for who may read the panel itself.
    """
    names = [each.says for each in table.criteria]
    sheets = (
        Sheet("说明", ("项目", "内容"), _about(table)),
        Sheet("得分", _RESULT_TITLES, _results(table)),
        Sheet("评分", ("编号", "席位", "情况", *names, "合计", "去除", "评语"), _sheets(table)),
        Sheet("专家", ("姓名", "领域"), sorted((each.name, each.field) for each in table.experts)),
    )
    return workbook_bytes(sheets, created=datetime.combine(table.closed_on, time.min, tzinfo=UTC))


def _about(table: ScoreTable) -> list[Sequence[Any]]:
    def stated(number: int | None, words: str) -> str:
        return "未规定" if number is None else words.format(number)

    criteria = "；".join(
        f"{each.says}（{each.max_points}分"
        + ("" if each.weight_bp is None else f"，权重{each.weight_bp}/10000")
        + "）"
        for each in table.criteria
    )
    return [
        ("评审组", table.title),
        ("项目", table.programme_title),
        ("依据", table.document or "未登记"),
        ("评分项", criteria),
        ("总分", table.total_points),
        ("专家人数下限", stated(table.experts_min, "{}人")),
        ("去除一个最高分和一个最低分", stated(table.drop_extremes_from, "评分表满{}份时")),
        ("差距提示", stated(table.spread_flag_points, "最高与最低相差超过{}分")),
        ("取值", table.rounding),
        ("次数", table.edition),
        ("重新评审的理由", table.reopened_for or "无"),
        ("结束日期", table.closed_on),
        ("结束时的说明", table.note or "无"),
        ("SHA-256", table.sha256),
    ]


def _results(table: ScoreTable) -> list[Sequence[Any]]:
    places = rules.positions([each.score_thousandths for each in table.items])
    flags = {True: "超过", False: "未超过", None: "未规定"}
    return [
        (
            place, each.number, each.applicant_name, str(each.case),
            rules.written(each.score_thousandths), each.counted, each.dropped,
            rules.written(each.spread_thousandths),
            flags[each.is_spread_flagged] if each.reason is None else None,
            NO_SCORE_NAMES[each.reason][0] if each.reason is not None else None,
        )
        for place, each in zip(places, table.items, strict=True)
    ]  # fmt: skip


def _sheets(table: ScoreTable) -> list[Sequence[Any]]:
    lines: list[Sequence[Any]] = []
    for case in sorted(table.items, key=lambda each: each.number):
        for sheet in case.sheets:
            given = {each.criterion: each.points_hundredths * 10 for each in sheet.points}
            points = [rules.written(given.get(each.id)) for each in table.criteria]
            lines.append(
                (
                    case.number, sheet.seat, SHEET_STATE_NAMES[sheet.state][0], *points,
                    rules.written(sheet.total_thousandths), "是" if sheet.dropped else "否",
                    sheet.comment,
                )
            )  # fmt: skip
    return lines


# What `Accept` may ask for instead of JSON.
WRITERS: Mapping[Format, Callable[[ScoreTable], bytes]] = {Format.XLSX: workbook}
