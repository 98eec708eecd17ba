"""What a step works for, and what became of its rows."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.codes.uscc import UsccInvalid
from services.enterprise.vocabulary.rules import FieldFault
from services.kernel.actors import Actor
from services.kernel.errors import FieldError, Refusal
from services.kernel.operations import RowError

TALLY = ("created", "updated", "unchanged", "refused")
FIELD_CHARS_MAX = 100


@dataclass(frozen=True)
class Job:
    """For whom a step works; `strict` where the file itself types its values."""

    session: AsyncSession
    actor: Actor
    now: datetime
    strict: bool


@dataclass
class Outcome:
    """How many rows did what, and why those that were refused were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    errors: list[RowError] = field(default_factory=list[RowError])

    def refuse(self, line: int, faults: list[FieldError]) -> None:
        """Refuse a row, once for each field that is at fault."""
        self.refused += 1
        named: dict[str, FieldError] = {}
        for fault in faults:
            named.setdefault(fault.pointer[:FIELD_CHARS_MAX].strip("/"), fault)
        self.errors += [
            RowError(line, name, fault.code, fault.zh, fault.en) for name, fault in named.items()
        ]

    def add(self, other: "Outcome") -> None:
        for name in TALLY:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors += other.errors

    def tally(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in TALLY}


def told_of(name: str, fault: FieldFault | UsccInvalid | Refusal) -> FieldError:
    """Lay a fault at the door of a field."""
    return FieldError(name, fault.code, fault.zh, fault.en)


UNKNOWN_FIRM = FieldError("uscc", "firm-unknown", "该企业尚未登记。", "The firm is not registered.")
