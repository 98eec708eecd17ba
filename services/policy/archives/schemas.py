from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.policy.aftermath.schemas import OpenMatter
from services.policy.cases.rules import CaseState
from services.policy.office import RetentionClass

PACKAGE_SHA256 = (
    "Of the manifest (`manifest.json` in the zip), which names every file with its hash; it is not"
    " the hash of the zip's own bytes"
)


class RetentionView(BaseModel):
    """How long it is kept: `class` null where no table says so, `until` null if without end."""

    class_: RetentionClass | None = Field(alias="class")
    source: str | None
    until: date | None


class ArchiveSummary(BaseModel):
    """A volume as the hand-over list (移交清单) shows it."""

    id: UUID
    case: UUID
    volume: int
    title: str
    fonds: str | None = Field(description="全宗号; null: not assigned yet")
    department: str
    case_state: CaseState
    opened_on: date
    ended_on: date
    retention: RetentionView
    items: int
    size_bytes: int
    package_sha256: str = Field(description=PACKAGE_SHA256)
    made_by: str
    made_at: datetime
    restricted: bool


class ArchiveList(BaseModel):
    items: list[ArchiveSummary]
    next_cursor: str | None


class ArchiveView(ArchiveSummary):
    """A volume with its index (卷内目录): the manifest, whose hash is `package_sha256`."""

    manifest: dict[str, Any]
    open_matters: list[OpenMatter] = Field(
        description="What of the case is open since, such as an appeal"
    )


class ItemCheckView(BaseModel):
    name: str
    same: bool
    sha256: str
    found_sha256: str | None = Field(description="Null where the file is gone")


class ArchiveCheck(BaseModel):
    """Every hash of a volume recomputed; `differs` names the files that are not what they were."""

    id: UUID
    case: UUID
    volume: int
    same: bool
    differs: list[str]
    package_sha256: str = Field(description=PACKAGE_SHA256)
    found_sha256: str = Field(description="The manifest's as it is found now")
    items: list[ItemCheckView]


class ErasureRequest(BaseModel):
    """Asks that what the archive holds be erased, and why."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=2, max_length=1000)]


class ErasureAnswer(BaseModel):
    """What became of the request: while retention runs, erasure is restriction."""

    case: UUID
    erased: bool
    restricted: bool
    rule: str
    rule_en: str
    retention: RetentionView
