"""Bodies of files and of the search."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, StringConstraints

from services.enterprise.facts.schemas import StatementView
from services.enterprise.firms.rules import clean_text
from services.enterprise.firms.schemas import FirmView, TownCode
from services.enterprise.lists.schemas import VersionView
from services.enterprise.recognitions.schemas import RecognitionId, RecognitionView
from services.enterprise.vocabulary.rules import FactValue

SearchText = Annotated[str, StringConstraints(max_length=100), AfterValidator(clean_text)]
IndustryPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]


class Search(BaseModel):
    """What firms are looked for."""

    q: SearchText | None = None
    town_code: TownCode | None = None
    industry_code: IndustryPrefix | None = None
    recognition: RecognitionId | None = None


async def search_of(
    q: Annotated[SearchText | None, Query(description="Part of a name, or a whole code")] = None,
    town_code: Annotated[TownCode | None, Query()] = None,
    industry_code: Annotated[
        IndustryPrefix | None, Query(description="The first digits of the industry code")
    ] = None,
    recognition: Annotated[
        RecognitionId | None, Query(description="A title that holds today")
    ] = None,
) -> Search:
    return Search.model_construct(
        q=q, town_code=town_code, industry_code=industry_code, recognition=recognition
    )


class FirmRow(BaseModel):
    """A firm as a list shows it."""

    uscc: str
    name: str
    industry_code: str
    town_code: str
    registration_authority_code: str
    established_on: date | None
    fiscal_jurisdiction: str | None
    synthetic: bool
    version: int
    changed_at: datetime


class FirmPage(BaseModel):
    items: list[FirmRow]
    next_cursor: str | None


class ProfileChangeView(BaseModel):
    """A field of the profile from a day on, and who said so when."""

    field: str
    value: FactValue | None
    valid_from: date
    recorded_at: datetime
    department: str | None
    source: str | None
    statement_id: UUID


class Membership(BaseModel):
    """A list that names the firm, by version; `data` is what it says of the firm."""

    list: str
    version: VersionView
    data: dict[str, Any]


class FirmFile(FirmView):
    """Everything the register holds of one firm.

    `yearly` maps years to the values in force, `daily` are those in force today; `statements`
    tell of each who said it, from which source, and which of them count.
    """

    industry: str | None
    town: str | None
    yearly: dict[str, dict[str, FactValue]]
    daily: dict[str, FactValue]
    statements: list[StatementView]
    recognitions: list[RecognitionView]
    lists: list[Membership]
    profile_changes: list[ProfileChangeView]
