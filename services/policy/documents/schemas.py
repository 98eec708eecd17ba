import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from services.kernel.days import Day
from services.kernel.errors import FieldFault
from services.policy.contract.events import Party
from services.policy.documents.rules import (
    LINES_MAX,
    MINUTES_PATTERN,
    NUMBER_PATTERN,
    DocumentEvent,
    DocumentKind,
    DocumentState,
    Validity,
)

PAYMENT_EXAMPLE: dict[str, JsonValue] = {
    "kind": "payment",
    "number": "慈经信资〔2026〕12号",
    "cases": [
        {
            "case": "01936b2c-0000-7000-8000-000000000001",
            "functional_subject": "2150899 其他支持中小企业发展和管理支出",
            "economic_subject": None,
            "quota_document": None,
        }
    ],
    "minutes": {"number": "慈经信会纪〔2026〕8号", "held_on": "2026-11-20"},
}


def _number(text: str) -> str:
    """Take a document's number as offices write it, or say how they do."""
    if re.fullmatch(NUMBER_PATTERN, text) is None:
        raise FieldFault(
            "number-form",
            "发文字号须为“机关代字〔年份〕序号号”，如“慈经信资〔2026〕12号”：代字为2至20个汉字，"
            "年份用六角括号〔〕，序号不编虚位。",
            "A document's number is the office's two to twenty Chinese characters, the year in"
            " 〔〕 and a number without leading zeros before 号, such as 慈经信资〔2026〕12号.",
        )
    return text


Number = Annotated[
    str, AfterValidator(_number), WithJsonSchema({"type": "string", "pattern": NUMBER_PATTERN})
]
Subject = Annotated[str, Field(min_length=1, max_length=60)]
Version = Annotated[int, Field(strict=True, ge=1)]


class Minutes(BaseModel):
    """The collective decision that a payment rests on (会议纪要)."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(pattern=MINUTES_PATTERN)]
    held_on: Day


class CaseLine(BaseModel):
    """A case of a document; for a payment with its subjects, where they are known."""

    model_config = ConfigDict(extra="forbid")

    case: UUID
    functional_subject: Subject | None = Field(None, description="功能分类科目; null: unknown")
    economic_subject: Subject | None = Field(None, description="经济分类科目; null: unknown")
    quota_document: Subject | None = Field(None, description="指标文号; null: unknown")


class NewDocument(BaseModel):
    """A draft: a decision of one case, a payment of many, or a letter of a recommendation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PAYMENT_EXAMPLE]})

    kind: DocumentKind
    number: Annotated[Number, Field(description="发文字号")]
    title: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    cases: Annotated[list[CaseLine], Field(max_length=LINES_MAX)] = Field(
        default_factory=list[CaseLine], description="Required but for a letter"
    )
    recommendation: UUID | None = Field(None, description="Required for a letter, and only there")
    addressee: Annotated[str, Field(min_length=2, max_length=60)] | None = Field(
        None, description="The upper department that a letter goes to; only there"
    )
    minutes: Minutes | None = Field(None, description="Required for a payment, and only there")
    replaces: UUID | None = Field(None, description="The withdrawn document that this one replaces")


class DocumentDeed(BaseModel):
    """An event of a document. `note` says why one is withdrawn."""

    model_config = ConfigDict(extra="forbid")

    event: DocumentEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=0)


class DocumentLine(BaseModel):
    """A case of a document; of a payment, who is paid how much under which subjects."""

    position: int
    case: UUID
    case_state: str
    payee: Party
    payee_name: str
    programme: str
    amount_fen: int | None
    functional_subject: str | None
    economic_subject: str | None
    quota_document: str | None


class DocumentSummary(BaseModel):
    """A document in a list; `validity` is null until it was issued."""

    id: UUID
    kind: DocumentKind
    number: str
    title: str
    department: str
    state: DocumentState
    version: int
    validity: Validity | None
    cases: int
    total_fen: int | None
    minutes: Minutes | None
    replaces: UUID | None
    recommendation: UUID | None = Field(description="Of a letter; null for other kinds")
    drafted_by: str
    drafted_at: datetime
    issued_by: str | None
    issued_on: date | None
    pdf_sha256: str | None
    withdrawn_for: str | None


class DocumentView(DocumentSummary):
    """A document whole: what its pages say as data, and what the caller may do about it."""

    verification_code: str | None = Field(description="Null until it was issued")
    content: dict[str, Any]
    content_sha256: str
    lines: list[DocumentLine]
    allowed_events: list[DocumentEvent]


class DocumentList(BaseModel):
    items: list[DocumentSummary]
    next_cursor: str | None


class VerificationView(BaseModel):
    """What anybody may learn of a document in hand: nothing personal, names masked."""

    kind: DocumentKind
    kind_name: str
    number: str
    issued_on: date
    department: str
    sha256: str = Field(description="Of the PDF that was issued")
    validity: Validity
    validity_name: str
    addressee: str | None = Field(description="Masked; null where there are many, or none is told")
    replaced_by: str | None = Field(description="The number of the document that replaces it")
    demonstration: bool = Field(description="Made in the demonstration: it has no legal effect")
