from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.kernel.errors import FieldFault
from services.kernel.file_names import clean_file_name
from services.kernel.file_types import FileType
from services.policy.contract.events import Party
from services.policy.evidence.rules import (
    AGENT_CHARS_MAX,
    INVOICE_CHARS_MAX,
    INVOICES_MAX,
    EvidenceEvent,
    EvidenceState,
    MarkKind,
    MaterialStatus,
    fold_agent,
    fold_invoice,
)

NOTE_CHARS_MAX = 2000
NAME_CHARS_READ = 1000


def _invoice(text: str) -> str:
    folded = fold_invoice(text)
    if not folded:
        raise FieldFault(
            "invoice-number", "发票号码须含字母或数字。", "An invoice number has letters or digits."
        )
    return folded


def _agent(text: str) -> str:
    if not fold_agent(text):
        raise FieldFault("agent-name", "代理机构名称不能为空。", "The agent needs a name.")
    return text.strip()


FileName = Annotated[str, Field(max_length=NAME_CHARS_READ), AfterValidator(clean_file_name)]
Invoice = Annotated[str, Field(max_length=INVOICE_CHARS_MAX), AfterValidator(_invoice)]
Agent = Annotated[str, Field(max_length=AGENT_CHARS_MAX), AfterValidator(_agent)]


class About(BaseModel):
    """What is said of a file beside its content."""

    name: str
    material: str | None
    invoices: list[str]
    agent: str | None


async def about(
    name: Annotated[FileName, Query(description="The file's name, without a path")],
    material: Annotated[
        str | None, Query(max_length=100, description="Its id in the list of materials")
    ] = None,
    invoice: Annotated[
        list[Invoice] | None, Query(max_length=INVOICES_MAX, description="An invoice's number")
    ] = None,
    agent: Annotated[Agent | None, Query(description="代理机构, where one prepared it")] = None,
) -> About:
    return About.model_construct(
        name=name, material=material, invoices=list(dict.fromkeys(invoice or ())), agent=agent
    )


class EvidenceView(BaseModel):
    """A file of a case; `flags` is what it shares with other applicants, for officers alone."""

    id: UUID
    case: UUID
    material: str | None
    internal: bool
    name: str
    file_type: FileType
    media_type: str
    bytes: int
    sha256: str
    state: EvidenceState
    version: int
    invoices: list[str]
    agent: str | None
    role: str
    uploaded_by: str | None
    uploaded_at: datetime
    flags: list[MarkKind] | None


class EvidenceList(BaseModel):
    items: list[EvidenceView]
    next_cursor: str | None = None


class EvidenceDeed(BaseModel):
    """An event of a file. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"event": "withdraw", "version": 2, "note": "传错文件"}]},
    )

    event: EvidenceEvent
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=0)


class LinkView(BaseModel):
    """An address that gives the file to whoever has it, until it is over."""

    href: str
    expires_at: datetime


class MaterialView(BaseModel):
    """What the programme asks as proof, and whether it is there."""

    id: str
    title: str
    english: str
    proves: list[str]
    status: MaterialStatus
    required: bool = False
    evidence: list[UUID]


class MaterialList(BaseModel):
    """The materials of a case; `missing` names what the applicant still has to hand in."""

    items: list[MaterialView]
    missing: list[str]
    next_cursor: str | None = None


class DuplicateCase(BaseModel):
    """A case that shares something with another applicant's."""

    case: UUID
    programme: str
    applicant: Party
    applicant_name: str
    evidence: list[UUID]


class Duplicate(BaseModel):
    """What several applicants share; `cases` are those that the caller may know of."""

    kind: MarkKind
    value: str
    applicants: int
    cases: list[DuplicateCase]


class DuplicateList(BaseModel):
    items: list[Duplicate]
    next_cursor: str | None
