"""What a row of cases of earlier years must say, on plain values."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from stdnum.cn import uscc

from services.kernel.actors import Actor
from services.kernel.days import Day
from services.kernel.errors import FieldError, FieldFault, Forbidden
from services.kernel.problems import refusal_from_validation
from services.kernel.row_files import Cell, as_integer, as_text
from services.policy.contract.events import Matter, Party
from services.policy.firms.rules import fold_uscc

FILE_BYTES_MAX = 8 * 1024 * 1024
ROWS_MAX = 20_000
ROWS_A_STEP = 50
FIRM = "firm"
INTEGERS = ("amount_fen",)
REQUIRED = (
    "external_ref", "programme", "applicant_id", "matter_kind", "state", "decided_on", "document",
)  # fmt: skip
OPTIONAL = (
    "applicant_kind", "applicant_name", "matter_id", "matter_period", "paid_on", "amount_fen",
)  # fmt: skip
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Ref = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
LegacyState = Literal["closed", "withdrawn", "refused", "revoked"]


class LegacyRow(BaseModel):
    """One case of earlier years: how it ended, by which document, and what was paid."""

    model_config = ConfigDict(extra="forbid")

    external_ref: Ref
    programme: Ref
    applicant_kind: Ref = FIRM
    applicant_id: Ref
    applicant_name: Text | None = None
    matter_kind: Ref
    matter_id: Ref | None = None
    matter_period: Ref | None = None
    state: LegacyState
    decided_on: Day
    document: Text
    paid_on: Day | None = None
    amount_fen: Annotated[int, Field(strict=True, ge=1, le=10**15)] | None = None

    def party(self) -> Party:
        is_firm = self.applicant_kind == FIRM
        folded = fold_uscc(self.applicant_id) if is_firm else self.applicant_id
        return Party(kind=self.applicant_kind, id=folded)

    def matter(self) -> Matter:
        return Matter(kind=self.matter_kind, id=self.matter_id, period=self.matter_period)


def read_row(cells: Mapping[str, Cell], *, strict: bool) -> LegacyRow | list[FieldError]:
    """Read a row, or name every field that does not fit; NDJSON types its own values."""
    faults: list[FieldError] = []
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        try:
            read = as_integer if name in INTEGERS else as_text
            values[name] = cell if strict else read(cell)
        except FieldFault as fault:
            faults.append(FieldError(name, fault.code, fault.zh, fault.en))
    try:
        row = LegacyRow.model_validate(values)
    except ValidationError as invalid:
        named = {fault.pointer for fault in faults}
        found = refusal_from_validation(invalid.errors()).errors
        return faults + [each for each in found if each.pointer.strip("/") not in named]
    return faults or row


def faults_of(row: LegacyRow, today: date) -> list[FieldError]:
    """Name what contradicts itself: days to come, an end that pays nothing, a code that is none."""
    faults: list[FieldError] = []
    is_paid = row.state == "closed"
    for name, value in (("amount_fen", row.amount_fen), ("paid_on", row.paid_on)):
        if is_paid and value is None:
            faults.append(
                FieldError(
                    name, "payment-required", "已办结的办件须写明拨付金额和日期。",
                    "A closed case names what was paid, and on which day.",
                )
            )  # fmt: skip
        if not is_paid and value is not None:
            faults.append(
                FieldError(
                    name, "payment-unexpected", "只有已办结的办件有拨付金额和日期。",
                    "Only a closed case has what was paid, and on which day.",
                )
            )  # fmt: skip
    for name, day in (("decided_on", row.decided_on), ("paid_on", row.paid_on)):
        if day is not None and day > today:
            faults.append(
                FieldError(
                    name, "date-in-future", "日期不能晚于当前业务日期。",
                    "The day must not be after the current business day.",
                )
            )  # fmt: skip
    if row.paid_on is not None and row.paid_on < row.decided_on:
        faults.append(
            FieldError(
                "paid_on", "paid-before-decided", "拨付日期不能早于决定日期。",
                "Nothing is paid before it was decided.",
            )
        )  # fmt: skip
    if row.applicant_kind == FIRM and not uscc.is_valid(row.party().id):
        faults.append(
            FieldError(
                "applicant_id", "uscc-invalid", "不是有效的统一社会信用代码。",
                "This is no valid unified social credit code.",
            )
        )  # fmt: skip
    return faults


def require_city_level(actor: Actor) -> None:
    """Let the city's registrars state what the city paid; a town's declare aid of the town."""
    if actor.town_code is not None:
        raise Forbidden(
            "历史办件为市级资金，由市级登记部门导入。",
            "Cases of earlier years are of the city's money; the city's registrars import them.",
            code="level-not-own",
        )


def system_of(actor: Actor) -> str:
    """Name whose refs these are: the department's, whoever of it imports them."""
    return f"import:{actor.department or actor.client_id}"
