"""Bodies of lists."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from services.enterprise.firms.schemas import Body, Raw, Text
from services.enterprise.lists.rules import ITEMS_MAX, check_extra, check_list_id
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.days import Day

ListId = Annotated[Raw, AfterValidator(check_list_id)]


class NewItem(BaseModel):
    """A firm on the list, with whatever else the list says of it."""

    model_config = ConfigDict(extra="allow")
    uscc: Raw

    @model_validator(mode="after")
    def carries_plain_values(self) -> Self:
        check_extra(self.model_extra or {})
        return self


class NewVersion(Body):
    """A version of a list; `complete` says that who is not on it is known not to be."""

    valid_from: Day
    valid_to: Day | None = None
    complete: StrictBool
    document: Text
    items: list[NewItem] = Field(max_length=ITEMS_MAX)
    public: StrictBool = False
    synthetic: StrictBool = False

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise FieldFault(
                "validity-order",
                "valid_to不能早于valid_from。",
                "valid_to cannot lie before valid_from.",
            )
        return self


class VersionPublished(BaseModel):
    list: str
    version_id: UUID
    statement_id: UUID
    item_count: int


class VersionView(BaseModel):
    version_id: UUID
    valid_from: date
    valid_to: date | None
    complete: bool
    public: bool
    synthetic: bool
    document: str
    item_count: int
    department: str
    published_at: datetime


Versions = list[VersionView]


class ListView(BaseModel):
    """A list with its latest versions, newest first; who is on it is read from a version."""

    list: str
    department: str
    versions: Versions


class ListPage(BaseModel):
    items: list[ListView]
    next_cursor: str | None


class ItemView(BaseModel):
    """A firm on a version, with whatever else was published of it."""

    model_config = ConfigDict(extra="allow")
    uscc: str


class ItemPage(BaseModel):
    items: list[ItemView]
    next_cursor: str | None
