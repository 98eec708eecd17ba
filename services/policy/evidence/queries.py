"""Reading evidence: the files of a case, what is missing, what several applicants share."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import NotFound, invalid_field
from services.kernel.file_types import MEDIA_TYPES, FileType
from services.kernel.pages import PageRequest
from services.policy.calls.models import Call
from services.policy.cases.access import visible_to
from services.policy.cases.models import Case
from services.policy.contract.events import Party
from services.policy.evidence.access import OFFICERS, is_applicant, sees_flags, shown_to
from services.policy.evidence.models import Evidence, EvidenceMark, EvidenceStep
from services.policy.evidence.rules import (
    EvidenceState,
    MarkKind,
    Material,
    as_held,
    joined,
    require_there,
    state_of,
    status_of,
)
from services.policy.evidence.schemas import (
    Duplicate,
    DuplicateCase,
    EvidenceView,
    MaterialList,
    MaterialView,
)
from services.policy.plan.actions.load_library import library

# Of one thing that many share; the count of applicants tells of the rest.
CASES_SHOWN_MAX = 50
_OTHER = aliased(EvidenceMark)


@dataclass(frozen=True)
class File:
    """A file with the states it has reached."""

    row: Evidence
    reached: frozenset[str]

    @property
    def state(self) -> EvidenceState:
        return state_of(self.reached)

    @property
    def version(self) -> int:
        return len(self.reached)


async def file(session: AsyncSession, actor: Actor, evidence_id: UUID) -> tuple[File, Case]:
    """Find a file that the actor may read, with its case."""
    statement = select(Evidence, Case).join(Case, Case.id == Evidence.case_id)
    found = await session.execute(statement.where(Evidence.id == evidence_id, shown_to(actor)))
    row = found.one_or_none()
    if row is None:
        raise NotFound("没有这份材料。", "There is no such file.")
    return (await _with_steps(session, [row[0]]))[0], row[1]


async def files_of(session: AsyncSession, actor: Actor, case: Case) -> list[File]:
    """List the files of a case that the actor may read, in the order in which they came."""
    statement = select(Evidence).join(Case, Case.id == Evidence.case_id)
    statement = statement.where(Evidence.case_id == case.id, shown_to(actor))
    rows = (await session.scalars(statement.order_by(Evidence.id))).all()
    return await _with_steps(session, rows)


async def all_of_case(session: AsyncSession, case_id: UUID) -> list[File]:
    """Give every file of a case with its state, for its archive."""
    statement = select(Evidence).where(Evidence.case_id == case_id).order_by(Evidence.id)
    return await _with_steps(session, (await session.scalars(statement)).all())


async def count_of(session: AsyncSession, case_id: UUID) -> int:
    statement = select(func.count()).select_from(Evidence).where(Evidence.case_id == case_id)
    return await session.scalar(statement) or 0


async def same_file(session: AsyncSession, like: Evidence) -> File | None:
    """Find the file that was handed in already, as the same material of the same case."""
    statement = select(Evidence).where(
        Evidence.case_id == like.case_id,
        Evidence.sha256 == like.sha256,
        Evidence.internal == like.internal,
        Evidence.material.is_not_distinct_from(like.material),
        ~_has_reached(EvidenceState.WITHDRAWN),
    )
    row = await session.scalar(statement.order_by(Evidence.id).limit(1))
    return None if row is None else (await _with_steps(session, [row]))[0]


async def require_own_files(session: AsyncSession, case: Case, ids: Sequence[UUID]) -> None:
    """Take as proof only files that the applicant handed in to this case and that stand."""
    statement = select(func.count()).where(
        Evidence.id.in_(ids),
        Evidence.case_id == case.id,
        Evidence.internal.is_(False),
        ~_has_reached(EvidenceState.WITHDRAWN),
    )
    if await session.scalar(statement) != len(set(ids)):
        raise invalid_field(
            "/data/evidence", "evidence-unknown", "所列材料须是本件中申报单位上传且未撤回的文件。",
            "Name files that the applicant handed in to this case and did not withdraw.",
        )  # fmt: skip


async def unscanned(session: AsyncSession, evidence_id: UUID) -> Evidence | None:
    """Find a file that still waits for the scanner."""
    statement = select(Evidence).where(
        Evidence.id == evidence_id,
        ~_has_reached(EvidenceState.SCANNED),
        ~_has_reached(EvidenceState.WITHDRAWN),
    )
    return await session.scalar(statement)


async def referred(session: AsyncSession, hashes: Sequence[str]) -> frozenset[str]:
    """Of some content, name what a row refers to."""
    statement = select(Evidence.sha256).where(Evidence.sha256.in_(hashes)).distinct()
    return frozenset(await session.scalars(statement))


async def materials_of(session: AsyncSession, case: Case) -> tuple[Material, ...]:
    """List what a case's programme asks as proof, by the wording of its first day, and its call."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    stated = programme.compiled.programme.evidence if programme else ()
    known = [
        Material(each.id, each.title, each.english, each.proves, each.held, each.required)
        for each in stated
    ]
    call = await session.get(Call, case.call_id) if case.call_id else None
    if call is None:
        return tuple(known)
    asked = [
        Material(
            each["id"], each["title"], "", (), held=False,
            required=call.materials_required and each["required"],
        )
        for each in call.materials
    ]  # fmt: skip
    return joined(known, asked)


async def missing_materials(session: AsyncSession, case: Case) -> list[Material]:
    """List what the applicant still has to hand in: not held by the state, and not uploaded."""
    uploaded = await _uploaded(session, case)
    asked = await materials_of(session, case)
    return [each for each in asked if status_of(each, uploaded.keys()) == "missing"]


async def require_materials(session: AsyncSession, case: Case) -> None:
    """Refuse a case that lacks what its programme or its call requires."""
    require_there(await missing_materials(session, case))


async def material_list(
    session: AsyncSession, case: Case, unproved: frozenset[str]
) -> MaterialList:
    """Show what is asked, what is held, what is there, and what is missing.

    Nothing is held for a condition of which a fact is asked and not there: those are `unproved`.
    """
    uploaded = await _uploaded(session, case)
    asked = [as_held(each, unproved) for each in await materials_of(session, case)]
    items = [
        MaterialView(
            id=each.id, title=each.title, english=each.english, proves=list(each.proves),
            status=status_of(each, uploaded.keys()), required=each.required and not each.held,
            evidence=uploaded.get(each.id, []),
        )
        for each in asked
    ]  # fmt: skip
    missing = [each.id for each in items if each.status == "missing"]
    return MaterialList(items=items, missing=missing)


async def views(
    session: AsyncSession, actor: Actor, case: Case, files: Sequence[File]
) -> list[EvidenceView]:
    """Show files as the actor may see them: flags to officers, persons to their like."""
    ids = [each.row.id for each in files]
    invoices = await _invoices(session, ids)
    flags = await _flags(session, ids) if sees_flags(actor, case) else None
    names_persons = actor.has(*OFFICERS) and not is_applicant(actor, case)
    return [
        EvidenceView(
            id=row.id, case=row.case_id, material=row.material, internal=row.internal,
            name=row.name, file_type=FileType(row.file_type),
            media_type=MEDIA_TYPES[FileType(row.file_type)], bytes=row.bytes, sha256=row.sha256,
            state=each.state, version=each.version, invoices=invoices.get(row.id, []),
            agent=row.agent, role=row.role, uploaded_at=row.uploaded_at,
            uploaded_by=row.uploaded_by
            if names_persons or row.uploaded_by == actor.subject else None,
            flags=None if flags is None else flags.get(row.id, []),
        )
        for each in files
        for row in (each.row,)
    ]  # fmt: skip


async def case_flags(session: AsyncSession, actor: Actor, case: Case) -> list[MarkKind] | None:
    """Say what the case's files share with other applicants'; None to who may not know."""
    if not sees_flags(actor, case):
        return None
    statement = select(EvidenceMark.kind).where(EvidenceMark.case_id == case.id, _is_shared())
    found = set(await session.scalars(statement.distinct()))
    return [kind for kind in MarkKind if kind in found]


async def duplicates(session: AsyncSession, actor: Actor, page: PageRequest) -> list[Duplicate]:
    """List what several applicants share, where a case of it is one that the actor may read."""
    applicants = func.count(EvidenceMark.applicant.distinct())
    seen = exists().where(
        _OTHER.kind == EvidenceMark.kind, _OTHER.value == EvidenceMark.value,
        _OTHER.case_id == Case.id, visible_to(actor),
    )  # fmt: skip
    statement = select(EvidenceMark.kind, EvidenceMark.value, applicants).where(seen)
    if page.after is not None:
        after = tuple_(*(literal(str(each)) for each in page.after))
        statement = statement.where(tuple_(EvidenceMark.kind, EvidenceMark.value) > after)
    statement = statement.group_by(EvidenceMark.kind, EvidenceMark.value).having(applicants > 1)
    statement = statement.order_by(EvidenceMark.kind, EvidenceMark.value).limit(page.limit + 1)
    rows = (await session.execute(statement)).all()
    cases = await _cases_of(session, actor, [(kind, value) for kind, value, _ in rows])
    return [
        Duplicate(kind=MarkKind(kind), value=value, applicants=count, cases=cases[kind, value])
        for kind, value, count in rows
    ]


async def _cases_of(
    session: AsyncSession, actor: Actor, shared: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[DuplicateCase]]:
    """Find the cases of what is shared that the actor may read."""
    found: dict[tuple[str, str], dict[UUID, DuplicateCase]] = {each: {} for each in shared}
    statement = (
        select(EvidenceMark, Case)
        .join(Case, Case.id == EvidenceMark.case_id)
        .where(tuple_(EvidenceMark.kind, EvidenceMark.value).in_(shared), visible_to(actor))
        .order_by(EvidenceMark.evidence_id)
    )
    for mark, case in (await session.execute(statement)).all():
        cases = found[mark.kind, mark.value]
        if case.id not in cases and len(cases) < CASES_SHOWN_MAX:
            cases[case.id] = _duplicate_case(case)
        if case.id in cases:
            cases[case.id].evidence.append(mark.evidence_id)
    return {each: list(cases.values()) for each, cases in found.items()}


def _duplicate_case(case: Case) -> DuplicateCase:
    return DuplicateCase(
        case=case.id, programme=case.programme, applicant_name=case.applicant_name,
        applicant=Party(kind=case.applicant_kind, id=case.applicant_id), evidence=[],
    )  # fmt: skip


async def _with_steps(session: AsyncSession, rows: Sequence[Evidence]) -> list[File]:
    statement = select(EvidenceStep.evidence_id, EvidenceStep.state)
    statement = statement.where(EvidenceStep.evidence_id.in_([row.id for row in rows]))
    reached: dict[UUID, set[str]] = {row.id: set() for row in rows}
    for evidence_id, state in (await session.execute(statement)).all():
        reached[evidence_id].add(state)
    return [File(row, frozenset(reached[row.id])) for row in rows]


async def _uploaded(session: AsyncSession, case: Case) -> dict[str, list[UUID]]:
    """Give the applicant's files that count, by the material they are for."""
    statement = select(Evidence.material, Evidence.id).where(
        Evidence.case_id == case.id,
        Evidence.internal.is_(False),
        Evidence.material.is_not(None),
        ~_has_reached(EvidenceState.WITHDRAWN),
    )
    found: dict[str, list[UUID]] = {}
    for material, evidence_id in (await session.execute(statement.order_by(Evidence.id))).all():
        found.setdefault(material or "", []).append(evidence_id)
    return found


async def _invoices(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    statement = select(EvidenceMark.evidence_id, EvidenceMark.value).where(
        EvidenceMark.evidence_id.in_(ids), EvidenceMark.kind == MarkKind.INVOICE
    )
    found: dict[UUID, list[str]] = {}
    for evidence_id, value in (await session.execute(statement.order_by(EvidenceMark.value))).all():
        found.setdefault(evidence_id, []).append(value)
    return found


async def _flags(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[MarkKind]]:
    statement = select(EvidenceMark.evidence_id, EvidenceMark.kind).distinct()
    statement = statement.where(EvidenceMark.evidence_id.in_(ids), _is_shared())
    found: dict[UUID, list[MarkKind]] = {}
    for evidence_id, kind in (await session.execute(statement)).all():
        found.setdefault(evidence_id, []).append(MarkKind(kind))
    return {each: sorted(kinds, key=list(MarkKind).index) for each, kinds in found.items()}


def _is_shared() -> ColumnElement[bool]:
    """Tell a mark that another applicant's file bears, too."""
    return exists().where(
        _OTHER.kind == EvidenceMark.kind,
        _OTHER.value == EvidenceMark.value,
        _OTHER.applicant != EvidenceMark.applicant,
    )


def _has_reached(state: EvidenceState) -> ColumnElement[bool]:
    return exists().where(EvidenceStep.evidence_id == Evidence.id, EvidenceStep.state == state)
