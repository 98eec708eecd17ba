"""Bodies of firms."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from services.enterprise.codes.uscc import canonical_uscc
from services.enterprise.contract.events import DatedCode
from services.enterprise.firms.rules import (
    check_division,
    check_industry,
    check_name,
    check_town,
    clean_text,
)
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.days import Day

# What is typed may hold spaces and full-width characters; longer than this nothing is meant.
RAW_CHARS_MAX = 1000

Raw = Annotated[str, StringConstraints(max_length=RAW_CHARS_MAX)]
Uscc = Annotated[
    Raw,
    AfterValidator(canonical_uscc),
    Field(description="统一社会信用代码", examples=["91330282MA00T35T2N"]),
]
FirmName = Annotated[Raw, AfterValidator(check_name)]
IndustryCode = Annotated[Raw, AfterValidator(check_industry), Field(examples=["3854"])]
TownCode = Annotated[Raw, AfterValidator(check_town), Field(examples=["330282107"])]
DivisionCode = Annotated[Raw, AfterValidator(check_division), Field(examples=["330282"])]
Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(clean_text)]
ShortText = Annotated[str, StringConstraints(max_length=100), AfterValidator(clean_text)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewFirm(Body):
    """A firm to be registered."""

    uscc: Uscc
    name: FirmName
    industry_code: IndustryCode
    town_code: TownCode
    established_on: Day | None = None
    registration_authority_code: DivisionCode | None = Field(
        None, description="Digits 3 to 8 of the code where it is not given"
    )
    domicile_address: Text | None = None
    legal_form: ShortText | None = None
    fiscal_jurisdiction: DivisionCode | None = None
    fiscal_jurisdiction_from: Day | None = None
    source: Text | None = None
    synthetic: StrictBool = False


class FirmChange(Body):
    """What of a profile changes, from `valid_from` on (today where it is not given)."""

    name: FirmName | None = None
    industry_code: IndustryCode | None = None
    town_code: TownCode | None = None
    registration_authority_code: DivisionCode | None = None
    domicile_address: Text | None = None
    legal_form: ShortText | None = None
    established_on: Day | None = None
    fiscal_jurisdiction: DivisionCode | None = None
    valid_from: Day | None = None
    source: Text | None = None

    def changes(self) -> dict[str, Any]:
        """Give the fields that were named."""
        return {
            name: getattr(self, name)
            for name in self.model_fields_set
            if name not in ("valid_from", "source")
        }

    @model_validator(mode="after")
    def says_something(self) -> Self:
        changes = self.changes()
        if not changes:
            raise FieldFault("nothing-stated", "没有要修改的内容。", "Nothing is to be changed.")
        if any(value is None for name, value in changes.items() if name not in MAY_BE_EMPTY):
            raise FieldFault(
                "not-null",
                "只有住所和企业类型可以清空。",
                "Only the domicile and the legal form may be emptied.",
            )
        return self


MAY_BE_EMPTY = ("domicile_address", "legal_form")


class FirmView(BaseModel):
    """A firm's profile as it stands; `statement_id` is the newest statement about the firm."""

    uscc: str
    name: str
    industry_code: str
    town_code: str
    registration_authority_code: str
    domicile_address: str | None
    legal_form: str | None
    established_on: date | None
    fiscal_jurisdiction: str | None
    fiscal_jurisdictions: list[DatedCode]
    synthetic: bool
    version: int
    statement_id: UUID
    registered_at: datetime
    changed_at: datetime
