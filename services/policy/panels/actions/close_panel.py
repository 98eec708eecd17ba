"""Closing a panel: scores are reckoned once, frozen under a hash, and told; or opened again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.outbox import announce
from services.kernel.strict_json import canonical, digest
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.panels import PanelClosed, PanelReopened, PanelScore
from services.policy.panels import queries, rules
from services.policy.panels.models import (
    Panel,
    PanelCase,
    PanelEdition,
    PanelExpert,
    PanelResult,
    PanelSheet,
)
from services.policy.panels.rules import FORMAT, ROUNDING, Judged, NoScore, SheetState
from services.policy.steps.actions.close_step import close_step
from services.policy.steps.queries import awaits
from services.policy.steps.rules import StepEvent, StepKind
from services.rulebook.situation import parse_canonical

# A case that was proposed rests on its score: the panel is not opened under it.
MAY_BE_JUDGED_ANEW = (CaseState.IN_REVIEW, CaseState.WITHDRAWN)


async def close_panel(
    session: AsyncSession,
    actor: Actor,
    panel: Panel,
    experts: Sequence[PanelExpert],
    *,
    note: str,
    without_outstanding: bool,
    confidential: bool,
    now: datetime,
) -> dict[str, Any]:
    """Reckon every case's score, freeze the table, and let the cases and others know."""
    rows = await queries.cases(session, panel.id, for_update=True)
    sheets = await queries.sheets(session, panel.id)
    standing = [row for row, case in rows if _is_judged(row, case)]
    outstanding = sum(len(experts) - len(sheets.get(row.id, [])) for row in standing)
    if outstanding and not without_outstanding:
        raise Conflict(
            f"尚有{outstanding}份评分表未交；如不再等候，请说明理由并注明without_outstanding。",
            f"{outstanding} sheet(s) are missing; to close all the same, say why and set "
            "without_outstanding.",
            code="sheets-outstanding",
        )
    if outstanding:
        rules.require_reason(note)
    seats = {each.subject: each.seat for each in experts}
    found: list[tuple[PanelCase, Case, Judged]] = []
    told: list[dict[str, Any]] = []
    for row, case in rows:
        given = sorted(sheets.get(row.id, []), key=lambda each: seats[each.expert])
        judged, line = _judge(panel, row, case, given, seats)
        found.append((row, case, judged))
        told.append(line)
    sha256 = await _freeze(session, actor, panel, told, note=note, now=now)
    for row, case, judged in found:
        session.add(_result(panel, row, judged))
        row.is_live = judged.score_thousandths is not None
        if judged.reason is None:
            await tell_case(session, case, panel, actor, SystemEvent.PANEL_JUDGED, now=now)
    await session.flush()
    if not confidential:
        announce(session, _closed(panel, found, sha256, now), now=now)
    return {"edition": panel.edition, "sha256": sha256, "outstanding": outstanding}


async def reopen_panel(
    session: AsyncSession,
    actor: Actor,
    panel: Panel,
    *,
    reason: str,
    confidential: bool,
    now: datetime,
) -> dict[str, Any]:
    """Take a panel's scores back, so that sheets may be corrected; its next end is an edition."""
    rows = await queries.cases(session, panel.id, for_update=True)
    bound = [row.number for row, case in rows
             if row.is_live and case.state not in MAY_BE_JUDGED_ANEW]  # fmt: skip
    if bound:
        numbers = "、".join(map(str, bound))
        raise Conflict(
            f"第{numbers}号办件已据评审结果提请，不能重新评审。",
            f"Cases {numbers} were proposed on these scores; the panel stays closed.",
            code="already-proposed",
        )
    ended = panel.edition
    elsewhere = await queries.judged_elsewhere(session, [case.id for _, case in rows], panel.id)
    for row, case in rows:
        was_scored = row.is_live
        row.is_live = case.id not in elsewhere
        if was_scored and case.state == CaseState.IN_REVIEW:
            await tell_case(session, case, panel, actor, SystemEvent.PANEL_REOPENED, now=now)
    panel.edition, panel.reopened_by = ended + 1, actor.subject
    panel.reopened_at, panel.reopened_for = now, reason
    if not confidential:
        event = PanelReopened(
            panel_id=panel.id, edition=ended, programme=panel.programme, call_id=panel.call_id,
            on=city_day(now),
        )  # fmt: skip
        announce(session, event, now=now)
    return {"edition": panel.edition}


async def tell_case(
    session: AsyncSession,
    case: Case,
    panel: Panel,
    actor: Actor,
    event: SystemEvent,
    *,
    now: datetime,
) -> None:
    """Enter in a case's history that a panel judged it, or judges it anew; no score is told there.

    This is the one place at which a case learns of its panel: a step that waits for experts is
    passed by it, whatever the score, which decides over rank and place.
    """
    role = Role.APPROVER if event is SystemEvent.PANEL_REOPENED else Role.REVIEWER
    data = {"panel": str(panel.id), "edition": panel.edition}
    by = Hand(actor, role)
    await record(session, case, event, was=CaseState(case.state), now=now, by=by, data=data)
    if event is SystemEvent.PANEL_JUDGED and await awaits(session, case.id, StepKind.EXPERT_REVIEW):
        await close_step(
            session, case.id, StepKind.EXPERT_REVIEW, outcome=StepEvent.PASS,
            finding=f"专家评审组已评分（第{panel.edition}次）", ref=str(panel.id), by=actor,
            now=now,
        )  # fmt: skip


def _is_judged(row: PanelCase, case: Case) -> bool:
    return row.is_live and case.state == CaseState.IN_REVIEW


def _judge(
    panel: Panel, row: PanelCase, case: Case, given: Sequence[PanelSheet], seats: Mapping[str, int]
) -> tuple[Judged, dict[str, Any]]:
    """Reckon one case, and write down every sheet of it and what became of it."""
    criteria, counted = queries.criteria_of(panel), list[tuple[PanelSheet, Fraction]]()
    for each in given:
        if each.state == SheetState.SUBMITTED:
            points = queries.given_of(each.points)
            total = rules.sheet_total(points, criteria, panel.total_points)
            counted.append((each, total))
    judged = rules.judge([total for _, total in counted], queries.terms_of(panel))
    if case.state != CaseState.IN_REVIEW:
        judged = Judged(None, len(counted), reason=NoScore.NOT_IN_REVIEW)
    elif not row.is_live:
        judged = Judged(None, len(counted), reason=NoScore.ANOTHER_PANEL)
    totals = {each.id: total for each, total in counted}
    dropped = {counted[place][0].id for place in judged.dropped}
    line = {
        "case": str(case.id),
        "number": row.number,
        "score_thousandths": judged.score_thousandths,
        "spread_thousandths": judged.spread_thousandths,
        "is_spread_flagged": judged.is_spread_flagged,
        "counted": judged.counted,
        "reason": judged.reason,
        "sheets": [
            {
                "seat": seats[each.expert],
                "state": each.state,
                "version": each.version,
                "points": each.points,
                "comment": each.comment,
                "total": str(totals[each.id]) if each.id in totals else None,
                "dropped": each.id in dropped,
            }
            for each in given
        ],
    }
    return judged, line


async def _freeze(
    session: AsyncSession,
    actor: Actor,
    panel: Panel,
    told: list[dict[str, Any]],
    *,
    note: str,
    now: datetime,
) -> str:
    """Keep the whole table as canonical text: equal tables have equal bytes."""
    content = canonical(
        {
            "format": FORMAT,
            "panel": str(panel.id),
            "edition": panel.edition,
            "programme": panel.programme,
            "call": panel.call_id and str(panel.call_id),
            "document": panel.document,
            "criteria": panel.criteria,
            "total_points": panel.total_points,
            "experts_min": panel.experts_min,
            "drop_extremes_from": panel.drop_extremes_from,
            "spread_flag_points": panel.spread_flag_points,
            "rounding": ROUNDING,
            "closed_on": city_day(now).isoformat(),
            "cases": told,
        }
    )
    sha256 = digest(content)
    session.add(
        PanelEdition(
            panel_id=panel.id, edition=panel.edition, content=content, sha256=sha256,
            closed_by=actor.subject, closed_at=now, note=note, reopened_by=panel.reopened_by,
            reopened_for=panel.reopened_for,
        )
    )  # fmt: skip
    await session.flush()
    return sha256


def _result(panel: Panel, row: PanelCase, judged: Judged) -> PanelResult:
    return PanelResult(
        panel_id=panel.id, edition=panel.edition, case_id=row.case_id, number=row.number,
        score_thousandths=judged.score_thousandths, counted=judged.counted,
        dropped=len(judged.dropped), spread_thousandths=judged.spread_thousandths,
        is_spread_flagged=judged.is_spread_flagged, reason=judged.reason,
    )  # fmt: skip


def _closed(
    panel: Panel, found: Sequence[tuple[PanelCase, Case, Judged]], sha256: str, now: datetime
) -> PanelClosed:
    scores = tuple(
        PanelScore(
            case_id=row.case_id, score_thousandths=judged.score_thousandths,
            is_spread_flagged=judged.is_spread_flagged,
        )
        for row, _, judged in found
    )  # fmt: skip
    return PanelClosed(
        panel_id=panel.id, edition=panel.edition, programme=panel.programme,
        call_id=panel.call_id, scores=scores, sha256=sha256, on=city_day(now),
    )  # fmt: skip


def is_intact(edition: PanelEdition, results: Mapping[UUID, PanelResult]) -> bool:
    """Tell whether the frozen text has its hash, and yields the scores that are on record."""
    return digest(edition.content) == edition.sha256 and rescored(edition.content) == {
        str(case): row.score_thousandths for case, row in results.items()
    }


def rescored(content: str) -> dict[str, int | None]:
    """Reckon every score anew from the frozen sheets alone."""
    data = parse_canonical(content)
    terms = rules.Terms(
        data["experts_min"], data["drop_extremes_from"], data["spread_flag_points"]
    )  # fmt: skip
    criteria = [rules.Criterion(**each) for each in data["criteria"]]
    found: dict[str, int | None] = {}
    for case in data["cases"]:
        totals = [
            rules.sheet_total(queries.given_of(each["points"]), criteria, data["total_points"])
            for each in case["sheets"]
            if each["state"] == SheetState.SUBMITTED
        ]
        is_shut = case["reason"] in (NoScore.NOT_IN_REVIEW, NoScore.ANOTHER_PANEL)
        found[case["case"]] = None if is_shut else rules.judge(totals, terms).score_thousandths
    return found
