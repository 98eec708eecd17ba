from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.policy.case_batches.rules import ITEMS_MAX
from services.policy.cases.rules import CaseEvent, CaseState
from services.policy.cases.schemas import NOTE_CHARS_MAX, CaseDeed, Version


class BatchItem(BaseModel):
    """A case of the batch, at the version that the caller has seen, with its event's data."""

    model_config = ConfigDict(extra="forbid")

    case: UUID
    version: Version
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class NewBatch(BaseModel):
    """One event of officers for many cases; the note is every case's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "accept",
                    "note": "",
                    "items": [
                        {"case": "01936b2c-0000-7000-8000-000000000001", "version": 2, "data": {}}
                    ],
                }
            ]
        },
    )

    event: CaseEvent
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    items: Annotated[list[BatchItem], Field(min_length=1, max_length=ITEMS_MAX)]

    def deed(self, position: int) -> CaseDeed:
        """Give an item as the single event that it stands for."""
        item = self.items[position]
        return CaseDeed(event=self.event, version=item.version, note=self.note, data=item.data)


class ItemFault(BaseModel):
    pointer: str
    code: str
    detail: str
    detail_en: str


class ItemProblem(BaseModel):
    """Why an item was refused, as the single event would have said it."""

    status: int
    code: str
    detail: str
    detail_en: str
    errors: list[ItemFault]


class ItemAnswer(BaseModel):
    """What became of one item: where its case is now, or why it was not moved."""

    case: UUID
    moved: bool
    state: CaseState | None = None
    version: int | None = None
    problem: ItemProblem | None = None


class BatchResult(BaseModel):
    """The result of a batch's operation; `items` are in the order of the request."""

    event: CaseEvent
    moved: int
    refused: int
    items: list[ItemAnswer]
