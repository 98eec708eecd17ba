"""Reading archives, and recomputing what they hold."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, exists, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, defer

from services.kernel.actors import Actor
from services.kernel.blobs import Blobs
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.kernel.strict_json import digest
from services.policy.aftermath.queries import is_unsettled, open_matters
from services.policy.archives.models import CaseArchive
from services.policy.archives.rules import MANIFEST, ItemCheck
from services.policy.archives.schemas import (
    ArchiveCheck,
    ArchiveSummary,
    ArchiveView,
    ItemCheckView,
    RetentionView,
)
from services.policy.base import storage_of
from services.policy.calls.models import CallRank
from services.policy.cases.models import Case
from services.policy.cases.queries import is_visible, last_id
from services.policy.cases.rules import FINISHED, CaseState
from services.policy.clocks.models import CaseClock
from services.policy.documents.models import KeptFile
from services.policy.documents.rules import sha256_of
from services.policy.fact_objections.models import FactObjection
from services.policy.legacy_cases.models import LegacyCase
from services.policy.notices.models import NoticeEdition, NoticeItem, Objection
from services.policy.offers.models import Offer
from services.policy.overrides.models import CaseOverride
from services.policy.panels.models import (
    Panel,
    PanelCase,
    PanelEdition,
    PanelExpert,
    PanelResult,
    PanelSheet,
    PanelSheetVersion,
)
from services.policy.prefill.models import FactCheck
from services.policy.recusals.models import Recusal
from services.policy.situations.models import FrozenSituation, RuleText
from services.policy.steps.models import CaseStep

EXPORTED_AT_ONCE = 1_000


async def archive(session: AsyncSession, case_id: UUID, *, for_update: bool = False) -> CaseArchive:
    """Find the latest volume of a case that the caller was let to see."""
    statement = select(CaseArchive).where(CaseArchive.case_id == case_id)
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.order_by(CaseArchive.volume.desc()).limit(1))
    if found is None:
        raise NotFound("本件尚未归档。", "The case is not archived yet.", code="not-archived")
    return found


async def archives(
    session: AsyncSession, actor: Actor, page: PageRequest, *, year: int | None
) -> list[CaseArchive]:
    """List the volumes that the actor may know of, the newest first, for hand-over."""
    statement = _to_hand_over(actor, year)
    if page.after is not None:
        statement = statement.where(CaseArchive.id < last_id(page))
    rows = await session.scalars(statement.order_by(CaseArchive.id.desc()).limit(page.limit + 1))
    return list(rows)


async def every_archive(
    session: AsyncSession, actor: Actor, *, year: int | None
) -> AsyncIterator[Sequence[CaseArchive]]:
    """Give the same volumes all, some at a time, without their manifests."""
    after: UUID | None = None
    while True:
        statement = _to_hand_over(actor, year).options(defer(CaseArchive.manifest))
        if after is not None:
            statement = statement.where(CaseArchive.id < after)
        statement = statement.order_by(CaseArchive.id.desc()).limit(EXPORTED_AT_ONCE)
        rows = (await session.scalars(statement)).all()
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _to_hand_over(actor: Actor, year: int | None) -> Select[tuple[CaseArchive]]:
    statement = select(CaseArchive).where(is_visible(CaseArchive.case_id, actor))
    if year is not None:
        days = (date(year, 1, 1), date(year, 12, 31))
        statement = statement.where(CaseArchive.ended_on.between(*days))
    return statement


async def next_volume(session: AsyncSession, case_id: UUID) -> int:
    latest = select(func.max(CaseArchive.volume)).where(CaseArchive.case_id == case_id)
    return (await session.scalar(latest) or 0) + 1


async def is_archived(session: AsyncSession, case: Case) -> bool:
    """Tell whether the case is archived as it stands now."""
    found = exists().where(CaseArchive.case_id == case.id, CaseArchive.case_version == case.version)
    return bool(await session.scalar(select(found)))


async def ended_before(session: AsyncSession, instant: datetime, limit: int) -> Sequence[Case]:
    """Find ended cases that nobody has archived as they stand, the oldest first."""
    archived = exists().where(
        CaseArchive.case_id == Case.id, CaseArchive.case_version == Case.version
    )
    statement = (
        select(Case)
        .where(
            Case.state.in_(FINISHED),
            Case.changed_at <= instant,
            ~archived,
            ~is_unsettled(Case.id),
        )
        .order_by(Case.changed_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Case)
    )
    return (await session.scalars(statement)).all()


async def situations(session: AsyncSession, case_id: UUID) -> Sequence[FrozenSituation]:
    """Give what every proposal of a case was frozen with, in their order."""
    statement = select(FrozenSituation).where(FrozenSituation.case_id == case_id)
    return (await session.scalars(statement.order_by(FrozenSituation.attempt))).all()


async def rule_texts(session: AsyncSession, hashes: set[str]) -> Sequence[RuleText]:
    statement = select(RuleText).where(RuleText.sha256.in_(hashes)).order_by(RuleText.sha256)
    return (await session.scalars(statement)).all()


async def notice_items(session: AsyncSession, case_id: UUID) -> Sequence[NoticeItem]:
    statement = select(NoticeItem).where(NoticeItem.case_id == case_id)
    statement = statement.order_by(NoticeItem.attempt)
    return (await session.scalars(statement)).all()


async def notice_editions(
    session: AsyncSession, notice_ids: Collection[UUID]
) -> Sequence[NoticeEdition]:
    """Give the lists in which a case stood in public, byte for byte, in their order."""
    statement = select(NoticeEdition).where(NoticeEdition.notice_id.in_(notice_ids))
    statement = statement.order_by(NoticeEdition.notice_id, NoticeEdition.number)
    return (await session.scalars(statement)).all()


async def papers_of_case(
    session: AsyncSession, case_id: UUID
) -> list[tuple[str, str, Sequence[DeclarativeBase]]]:
    """Give what the desks wrote down of a case beside its history, by kind."""
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("legacy", "历史办件登记", LegacyCase),
        ("offers", "免申即享", Offer),
        ("fact-objections", "对事实的异议", FactObjection),
        ("fact-checks", "暂用事实的核对", FactCheck),
        ("recusals", "回避", Recusal),
        ("steps", "审核环节", CaseStep),
        ("rankings", "申报批次排序", CallRank),
        ("overrides", "突破规则", CaseOverride),
        ("clocks", "办理时限", CaseClock),
    )
    found: list[tuple[str, str, Sequence[DeclarativeBase]]] = []
    for name, title, model in kinds:
        statement = select(model).where(model.case_id == case_id)
        ordered = statement.order_by(*inspect(model).primary_key)
        found.append((name, title, (await session.scalars(ordered)).all()))
    return found


async def panels_of_case(
    session: AsyncSession, case_id: UUID
) -> tuple[Sequence[Panel], Sequence[PanelExpert], Sequence[PanelEdition]]:
    """Give the panels that a case stood before, who sat on them, and their results with its own."""
    before = select(PanelCase.panel_id).where(PanelCase.case_id == case_id)
    panels = select(Panel).where(Panel.id.in_(before)).order_by(Panel.id)
    experts = select(PanelExpert).where(PanelExpert.panel_id.in_(before))
    judged = exists().where(
        PanelResult.case_id == case_id,
        PanelResult.panel_id == PanelEdition.panel_id,
        PanelResult.edition == PanelEdition.edition,
    )
    editions = select(PanelEdition).where(judged)
    return (
        (await session.scalars(panels)).all(),
        (await session.scalars(experts.order_by(PanelExpert.panel_id, PanelExpert.seat))).all(),
        (
            await session.scalars(editions.order_by(PanelEdition.panel_id, PanelEdition.edition))
        ).all(),
    )


async def sheets_of_case(
    session: AsyncSession, case_id: UUID
) -> Sequence[tuple[PanelSheet, PanelSheetVersion]]:
    """Give every version of what experts said of a case, for its own file."""
    statement = (
        select(PanelSheet, PanelSheetVersion)
        .join(PanelCase, PanelCase.id == PanelSheet.panel_case_id)
        .join(PanelSheetVersion, PanelSheetVersion.sheet_id == PanelSheet.id)
        .where(PanelCase.case_id == case_id)
        .order_by(PanelSheet.id, PanelSheetVersion.version)
    )
    return [(sheet, version) for sheet, version in await session.execute(statement)]


async def objections(session: AsyncSession, case_id: UUID) -> Sequence[Objection]:
    """Give the objections to how a case was listed; who objected stays sealed where it is."""
    statement = select(Objection).join(NoticeItem, NoticeItem.id == Objection.item_id)
    statement = statement.where(NoticeItem.case_id == case_id).order_by(Objection.id)
    return (await session.scalars(statement)).all()


async def files_of(session: AsyncSession, found: CaseArchive) -> AsyncIterator[tuple[str, bytes]]:
    """Give the manifest and every file by its name, as a package holds them.

    What is kept here is read now; what lies in the storage is read as it is asked for.
    """
    return _each(found.manifest, await _kept(session, found), storage_of(session).blobs)


async def _each(
    manifest: str, kept: dict[str, bytes], blobs: Blobs
) -> AsyncIterator[tuple[str, bytes]]:
    yield MANIFEST, manifest.encode()
    for item in orjson.loads(manifest)["items"]:
        if item["sha256"] in kept:
            yield item["name"], kept[item["sha256"]]
        elif await blobs.has(item["sha256"]):
            chunks = await blobs.read(item["sha256"])
            yield item["name"], b"".join([chunk async for chunk in chunks])


async def check(session: AsyncSession, found: CaseArchive) -> ArchiveCheck:
    """Recompute every hash of a volume from the bytes that are kept now."""
    hashes: dict[str, str | None] = {}
    async for name, content in await files_of(session, found):
        hashes[name] = sha256_of(content)
    items = [
        ItemCheck(item["name"], item["sha256"], hashes.get(item["name"]))
        for item in orjson.loads(found.manifest)["items"]
    ]
    package = digest(found.manifest)
    differs = [each.name for each in items if not each.same]
    if package != found.package_sha256:
        differs.insert(0, MANIFEST)
    return ArchiveCheck(
        id=found.id, case=found.case_id, volume=found.volume, same=not differs, differs=differs,
        package_sha256=found.package_sha256, found_sha256=package,
        items=[
            ItemCheckView(
                name=each.name, same=each.same, sha256=each.sha256, found_sha256=each.found_sha256
            )
            for each in items
        ],
    )  # fmt: skip


def summary(found: CaseArchive) -> ArchiveSummary:
    return ArchiveSummary(
        id=found.id, case=found.case_id, volume=found.volume, title=found.title,
        fonds=found.fonds, department=found.department, case_state=CaseState(found.case_state),
        opened_on=found.opened_on, ended_on=found.ended_on, retention=retention_view(found),
        items=found.items, size_bytes=found.size_bytes, package_sha256=found.package_sha256,
        made_by=found.made_by, made_at=found.made_at, restricted=found.restricted_at is not None,
    )  # fmt: skip


async def view(session: AsyncSession, found: CaseArchive) -> ArchiveView:
    known = summary(found).model_dump(by_alias=True)
    manifest = orjson.loads(found.manifest)
    still = await open_matters(session, found.case_id)
    return ArchiveView.model_validate({**known, "manifest": manifest, "open_matters": still})


def retention_view(found: CaseArchive) -> RetentionView:
    return RetentionView.model_validate(
        {
            "class": found.retention_class,
            "source": found.retention_source,
            "until": found.retained_until,
        }
    )


async def _kept(session: AsyncSession, found: CaseArchive) -> dict[str, bytes]:
    hashes = {item["sha256"] for item in orjson.loads(found.manifest)["items"]}
    rows = await session.scalars(select(KeptFile).where(KeptFile.sha256.in_(hashes)))
    return {row.sha256: row.content for row in rows}
