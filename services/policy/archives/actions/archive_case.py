"""Archiving an ended case: its originals under their hashes, an index, and one hash over all."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from services.kernel.actors import SYSTEM, Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.file_types import MEDIA_TYPES, SUFFIXES, FileType
from services.kernel.ids import new_id
from services.kernel.strict_json import canonical, digest
from services.policy.aftermath.queries import matters_of_case, open_matters
from services.policy.aftermath.rules import require_settled
from services.policy.archives import queries, rules
from services.policy.archives.models import CaseArchive
from services.policy.archives.rules import Original, Stored
from services.policy.calls.models import Call
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent, require_no_stake
from services.policy.documents import queries as documents
from services.policy.documents.actions.keep_file import PDF, keep_file
from services.policy.documents.models import Document
from services.policy.documents.rules import DECISION_OF
from services.policy.evidence import queries as evidence
from services.policy.evidence.rules import EvidenceState
from services.policy.office import Retention, office_of
from services.policy.plan.actions.load_library import library

ARCHIVE_TIMER = "archive-ended-cases"
ARCHIVE_EVERY = timedelta(hours=1)
ARCHIVED_AT_ONCE_MAX = 50
JSON = "application/json"
UNSET = Retention.model_validate({"class": None, "source": None})
# Who objected and with what words stays sealed where it is.
SEALED = ("sealed", "sealed_reply", "fingerprint")
# What finance told of the money, in the case's own history.
MONEY = (
    SystemEvent.RESERVED, SystemEvent.RESERVATION_REFUSED, SystemEvent.RESERVATION_ENDED,
    SystemEvent.AWARDED, SystemEvent.PAID, SystemEvent.PAYMENT_RETURNED, SystemEvent.RECOVERED,
)  # fmt: skip


async def archive_case(
    session: AsyncSession, actor: Actor, case_id: UUID, *, now: datetime
) -> CaseArchive:
    """Archive a case by an approver who has no stake in it."""
    case = await cases.case(session, actor, case_id, for_update=True)
    require_no_stake(actor, cases.applicant_of(case))
    rules.require_ended(CaseState(case.state))
    require_settled(each.kind for each in await open_matters(session, case.id))
    if await queries.is_archived(session, case):
        raise Conflict(
            "本件已按现状归档。", "The case is archived as it stands.", code="already-archived"
        )
    return await _archive(session, actor, case, now)


async def archive_ended(session: AsyncSession, _: str, now: datetime) -> None:
    """Archive what ended long enough ago, where the office has said how long that is."""
    days = office_of(session).archive.days_after_end
    if days is None:
        return
    before = now - timedelta(days=days)
    for case in await queries.ended_before(session, before, ARCHIVED_AT_ONCE_MAX):
        await _archive(session, SYSTEM, case, now)


async def _archive(session: AsyncSession, actor: Actor, case: Case, now: datetime) -> CaseArchive:
    originals = await _originals(session, case)
    size = rules.require_size(originals)
    for each in originals:
        if isinstance(each, Stored):
            continue
        await keep_file(session, each.content, each.media_type)
    office = office_of(session).archive
    programme = library().programme_on(case.programme, city_day(case.created_at))
    kind = programme.compiled.programme.kind if programme else None
    retention = office.retention.get(kind or "", UNSET)
    ended_on = city_day(case.changed_at)
    title = programme.compiled.programme.title if programme else case.programme
    found = CaseArchive(
        id=new_id(), case_id=case.id, volume=await queries.next_volume(session, case.id),
        case_version=case.version, case_state=case.state,
        title=f"{case.applicant_name}“{title}”申请案卷", fonds=office.fonds,
        department=programme.lead_code if programme else "", opened_on=city_day(case.created_at),
        ended_on=ended_on, retention_class=retention.class_, retention_source=retention.source,
        retained_until=rules.retained_until(ended_on, retention), items=len(originals),
        size_bytes=size, made_by=actor.subject, made_at=now,
    )  # fmt: skip
    issued = await documents.documents_of_case(session, case.id)
    found.manifest = canonical(_manifest(found, case, kind, originals, decision_of(issued)))
    found.package_sha256 = digest(found.manifest)
    session.add(found)
    await session.flush()
    detail = {
        "case": str(case.id),
        "volume": found.volume,
        "items": found.items,
        "package_sha256": found.package_sha256,
    }
    audit(session, actor, "archive.make", "case", case.id, now=now, detail=detail)
    return found


def _manifest(
    found: CaseArchive,
    case: Case,
    kind: str | None,
    originals: list[Original | Stored],
    decision: dict[str, str] | None,
) -> dict[str, Any]:
    """Write the index of a volume with its metadata; equal volumes have equal bytes."""
    return {
        "format": rules.FORMAT,
        "archive": str(found.id),
        "volume": found.volume,
        "title": found.title,
        "fonds": found.fonds,
        "department": found.department,
        "case": {
            "id": str(case.id),
            "version": case.version,
            "state": case.state,
            "programme": case.programme,
            "programme_kind": kind,
            "plan": case.plan,
            "measure": case.measure,
            "applicant": {"kind": case.applicant_kind, "id": case.applicant_id},
            "opened_on": found.opened_on,
            "ended_on": found.ended_on,
        },
        # Null where none was issued: whoever takes the volume over is not left to look for it.
        "decision": decision,
        "retention": {
            "class": found.retention_class,
            "source": found.retention_source,
            "until": found.retained_until,
        },
        "made_by": found.made_by,
        "made_at": found.made_at,
        "items": [
            {
                "number": number,
                "name": f"{number:02}-{each.name}",
                "title": each.title,
                "kind": each.kind,
                "media_type": each.media_type,
                "bytes": each.size,
                "sha256": each.sha256,
            }
            for number, each in enumerate(originals, start=1)
        ],
    }


def decision_of(issued: Sequence[Document]) -> dict[str, str] | None:
    """Name the latest decision document that was issued about a case."""
    found = [each for each in issued if each.kind in DECISION_OF.values()]
    if not found:
        return None
    latest = found[-1]
    return {"kind": latest.kind, "number": latest.number, "document": str(latest.id)}


async def _originals(session: AsyncSession, case: Case) -> list[Original | Stored]:
    """Collect what a case consists of, in the order of its life."""
    history = await cases.history(session, case.id)
    found: list[Original | Stored] = [_json("case.json", "办件", "case", _row(case))]
    if case.call_id is not None:
        call = await session.get_one(Call, case.call_id)
        found.append(_json("call.json", "申报批次", "call", _row(call)))
    found += await _evidence(session, case)
    found += _lists_of(await queries.papers_of_case(session, case.id))
    found += await _panels(session, case)
    found += await _frozen(session, case)
    found.append(_json("history.json", "办理经过", "history", [_row(each) for each in history]))
    notices = await queries.notice_items(session, case.id)
    if notices:
        rows = [_row(each) for each in notices]
        found.append(_json("notices.json", "公示", "notice", rows))
        found += await _lists(session, {each.notice_id for each in notices})
    if objections := await queries.objections(session, case.id):
        rows = [_row(each, without=SEALED) for each in objections]
        found.append(_json("objections.json", "公示异议", "objections", rows))
    for document in await documents.documents_of_case(session, case.id):
        content = await documents.content_of(session, document.pdf_sha256 or "")
        name, title = f"document-{document.id}", f"{document.title}（{document.number}）"
        found.append(Original(f"{name}.pdf", title, "document", PDF, content))
        told = document.content.encode()
        found.append(Original(f"{name}.json", f"{title}数据", "document-data", JSON, told))
    money = [_row(each) for each in history if each.event in MONEY]
    if money:
        found.append(_json("payments.json", "资金预留、立项与拨付", "payment", money))
    return found + await _aftermath(session, case)


async def _evidence(session: AsyncSession, case: Case) -> list[Original | Stored]:
    """Give the register of all files that came in, and those that stand and were scanned."""
    files = await evidence.all_of_case(session, case.id)
    if not files:
        return []
    register = [
        {**_row(each.row), "state": each.state, "sha256": each.row.sha256} for each in files
    ]
    found: list[Original | Stored] = [_json("evidence.json", "材料登记", "evidence-list", register)]
    for each in files:
        if each.state is EvidenceState.SCANNED:
            kind = FileType(each.row.file_type)
            name = f"evidence-{each.row.id}{SUFFIXES[kind][0]}"
            title = f"{each.row.name}（{'内部材料' if each.row.internal else '申报材料'}）"
            found.append(
                Stored(name, title, "evidence", MEDIA_TYPES[kind], each.row.sha256, each.row.bytes)
            )
    return found


async def _lists(session: AsyncSession, notice_ids: set[UUID]) -> list[Original]:
    """Give every list in which the case stood in public, as it was published."""
    return [
        Original(
            f"notice-{each.notice_id}-{each.number}.json", f"公示名单（第{each.number}版）",
            "notice-list", JSON, each.text.encode(),
        )
        for each in await queries.notice_editions(session, notice_ids)
    ]  # fmt: skip


async def _panels(session: AsyncSession, case: Case) -> list[Original]:
    """Give what experts said of the case, and every score table that it stands in, as frozen."""
    panels, experts, editions = await queries.panels_of_case(session, case.id)
    found = _lists_of([("panels", "专家评审组", panels), ("experts", "评审专家", experts)])
    sheets = await queries.sheets_of_case(session, case.id)
    if sheets:
        rows = [
            {"panel_id": str(sheet.panel_id), "expert": sheet.expert, **_row(version)}
            for sheet, version in sheets
        ]
        found.append(_json("sheets.json", "评分表", "sheets", rows))
    found += [
        Original(
            f"scores-{each.panel_id}-{each.edition}.json", f"专家评审得分（第{each.edition}次）",
            "scores", JSON, each.content.encode(),
        )
        for each in editions
    ]  # fmt: skip
    return found


async def _aftermath(session: AsyncSession, case: Case) -> list[Original]:
    """Give what followed the decision: obligations, proposals, appeals and checks."""
    return _lists_of(await matters_of_case(session, case.id))


def _lists_of(kinds: Iterable[tuple[str, str, Sequence[DeclarativeBase]]]) -> list[Original]:
    """Write the rows of each kind as one file; what there is none of has no file."""
    return [
        _json(f"{name}.json", title, name, [_row(each) for each in rows])
        for name, title, rows in kinds
        if rows
    ]


async def _frozen(session: AsyncSession, case: Case) -> list[Original]:
    """Give the frozen texts byte for byte: situations, assessments and the rules they name."""
    found: list[Original] = []
    rows = await queries.situations(session, case.id)
    for row in rows:
        title = f"第{row.attempt}次提请"
        for name, words in (("situation", "冻结的情形"), ("assessment", "判定")):
            text: str = getattr(row, name)
            found.append(
                Original(f"{name}-{row.attempt}.json", f"{title}{words}", name, JSON, text.encode())
            )
    for rule in await queries.rule_texts(session, {row.rule_sha256 for row in rows}):
        name = f"rule-{rule.sha256[:12]}.json"
        found.append(Original(name, "所依据的规则", "rule", JSON, rule.text.encode()))
    return found


def _json(name: str, title: str, kind: str, value: Any) -> Original:
    return Original(name, title, kind, JSON, canonical(value).encode())


def _row(entity: DeclarativeBase, without: Collection[str] = ()) -> dict[str, Any]:
    """Write a row as it stands; the driver's ids are no plain ones, so they are written as text."""
    names = [each.key for each in inspect(type(entity)).columns if each.key not in without]
    values = {name: getattr(entity, name) for name in names}
    return {name: str(each) if isinstance(each, UUID) else each for name, each in values.items()}
