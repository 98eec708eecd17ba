"""What was found out about one applicant under one programme, before it is put into words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from services.rulebook.compile import Outcome
from services.rulebook.explain import KNOWN, Cause, Lack, Miss
from services.rulebook.programme import Condition, Programme

AmountStatus: TypeAlias = Literal["set", "pending-parameter", "unknown-fact"]

MANUAL_CHECK: Final = "manual-check"
HISTORY_UNCHECKED: Final = "history-unchecked"
ZERO_BASE: Final = "zero-base"
PARAMETER_UNSET: Final = "parameter-unset"
POINTS_OPEN: Final = "points-open"


class Verdict(NamedTuple):
    """The bare answer of the compiled function; None is unknown."""

    outcome: Outcome
    checks: tuple[Outcome, ...]
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition: its outcome, the facts it looked at, and why it is unknown or failed."""

    condition: Condition
    outcome: Outcome
    facts: dict[str, Any]
    cause: Cause = KNOWN
    misses: tuple[Miss, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    programme: Programme
    outcome: Outcome
    conditions: Sequence[Finding]
    amount_fen: int | None
    amount_cause: Cause  # of the amount of an eligible applicant, else nothing
    is_history_open: bool
    class_causes: Sequence[Cause] = ()

    @property
    def failed(self) -> list[Finding]:
        return [f for f in self.conditions if f.condition.decides and f.outcome is False]

    @property
    def open(self) -> list[Finding]:
        """The deciding conditions that are unknown."""
        return [f for f in self.conditions if f.condition.decides and f.outcome is None]

    @property
    def manual(self) -> list[Finding]:
        return [f for f in self.conditions if f.condition.manual]

    @property
    def missing(self) -> list[Lack]:
        """The facts on which the answer hangs: none where it is already no."""
        lacks: set[Lack] = set()
        if self.outcome is None:
            lacks.update(*(finding.cause.missing for finding in self.open))
        else:
            lacks.update(self.amount_cause.missing)
            lacks.update(*(cause.missing for cause in self.class_causes))
        return sorted(lacks, key=lambda lack: (lack.fact, lack.year or 0))

    @property
    def amount_status(self) -> AmountStatus:
        if self.amount_fen is not None:
            return "set"
        return "pending-parameter" if self.amount_cause.parameters else "unknown-fact"

    @property
    def flags(self) -> list[str]:
        return sorted(set(self._flags()))

    def _flags(self) -> Iterator[str]:
        for finding in self.manual:
            yield MANUAL_CHECK
            if finding.condition.flag:
                yield finding.condition.flag
        for finding in self.conditions:
            if finding.condition.flag and finding.outcome is True:
                yield finding.condition.flag
        if self.is_history_open:
            yield HISTORY_UNCHECKED
        causes = [finding.cause for finding in self.open]
        if any(cause.has_zero_base for cause in (*causes, self.amount_cause)):
            yield ZERO_BASE
        if any(cause.parameters for cause in causes):
            yield PARAMETER_UNSET
        if any(cause.has_open_points for cause in causes):
            yield POINTS_OPEN
