"""Who benefits and what for, as requests name them; firms by their canonical code."""

import unicodedata
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as NumberInvalid

from services.policy.contract.events import Matter

FIRM = "firm"
KIND_CHARS_MAX = 40
TEXT_CHARS_MAX = 200

Kind = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", min_length=1, max_length=KIND_CHARS_MAX)
]
ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARS_MAX)
]


class FieldRefused(ValueError):
    """Says in both languages what does not fit; never repeats what was sent."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


def canonical_id(kind: str, identifier: str) -> str:
    """Bring a firm's code into its one form; other ids only lose the spaces around them."""
    if kind != FIRM:
        return identifier.strip()
    folded = unicodedata.normalize("NFKC", identifier)
    return uscc.compact("".join(folded.split())).upper()


class PartyBody(BaseModel):
    """Who benefits: a kind and an id, for firms the unified social credit code."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    id: ShortText

    @model_validator(mode="after")
    def is_canonical(self) -> Self:
        self.id = canonical_id(self.kind, self.id)
        if self.kind == FIRM:
            try:
                uscc.validate(self.id)
            except NumberInvalid:
                raise FieldRefused(
                    "uscc-invalid",
                    "不是有效的统一社会信用代码：应为18位，且校验码须与其他各位相符。",
                    "Not a unified social credit code: 18 characters with a fitting check digit.",
                ) from None
        return self


class MatterBody(Matter):
    """What the aid is for: a thing by id, or a period; exactly one of the two."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    id: ShortText | None = Field(default=None, description="Instead of `period`")
    period: ShortText | None = Field(
        default=None, validate_default=True, description="Instead of `id`; four digits of a year"
    )

    @field_validator("period")
    @classmethod
    def names_its_year(cls, period: str | None, info: ValidationInfo) -> str | None:
        fault = Matter(kind=info.data.get("kind", ""), period=period).period_fault()
        if fault is not None:
            raise fault
        return period

    @model_validator(mode="after")
    def names_one(self) -> Self:
        if (self.id is None) == (self.period is None):
            raise FieldRefused(
                "matter-one-of", "id与period须且只须填一项。", "Give exactly one of id and period."
            )
        return self


class PartyView(BaseModel):
    kind: str
    id: str


class MatterView(BaseModel):
    """A matter as it was given, without the half that does not apply."""

    kind: str
    id: str | None = None
    period: str | None = None

    @model_serializer(mode="wrap")
    def without_nulls(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}
