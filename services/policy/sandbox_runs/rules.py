"""A changed plan beside the one in force, on plain values: grants, sums, who wins and who loses.

Unknown is not zero: what a firm would receive is None where a fact is missing. What waits for a
number that nobody has set pays nothing yet, and is counted as such.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any

from services.kernel.exports import Column, Format
from services.policy.evaluations.rules import matter_key
from services.policy.stacking.rules import OWN_LEVEL
from services.rulebook import CompiledProgramme, Situation, Verdict
from services.rulebook.combine import Candidate, best_combination
from services.rulebook.evaluate import World, value_of
from services.rulebook.explain import cause_of
from services.rulebook.ruleset import RuleSet, rule_set
from services.rulebook.stacking import Aid, StackingTerms, limits_from

SHOWN_MAX = 50
FORMATS = (Format.XLSX, Format.PARQUET)
# What a sheet holds, less the row of headings.
XLSX_ROWS_MAX = 1_048_575
COLUMNS: Mapping[str, Column] = {
    "uscc": str, "name": str, "town_code": str, "programme": str, "before": str,
    "before_fen": int, "after": str, "after_fen": int, "rank": str,
}  # fmt: skip


class Outcome(StrEnum):
    """What a version of the plan says of a firm; `absent` where it has no such programme."""

    ENTITLED = "eligible"
    REFUSED = "ineligible"
    UNKNOWN = "unknown"
    PENDING = "pending-parameter"
    ABSENT = "absent"


# What is kept of an outcome: one letter for each programme of a firm.
LETTERS: Mapping[Outcome, str] = {
    Outcome.ENTITLED: "e", Outcome.REFUSED: "r", Outcome.UNKNOWN: "u", Outcome.PENDING: "p",
    Outcome.ABSENT: "-",
}  # fmt: skip
OF_LETTER = {letter: outcome for outcome, letter in LETTERS.items()}


class Wanted(StrEnum):
    """Which outcomes an export is asked for."""

    ENTITLED = "entitled"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    PENDING = "pending"


WANTED: Mapping[Wanted, Outcome] = {
    Wanted.ENTITLED: Outcome.ENTITLED,
    Wanted.REFUSED: Outcome.REFUSED,
    Wanted.UNKNOWN: Outcome.UNKNOWN,
    Wanted.PENDING: Outcome.PENDING,
}
OUTCOMES = {True: Outcome.ENTITLED, False: Outcome.REFUSED, None: Outcome.UNKNOWN}


@dataclass(frozen=True)
class Asked:
    """A programme as one version of the plan asks it, with the numbers that it uses."""

    compiled: CompiledProgramme
    measure: int | None
    group: str
    values: Mapping[str, int | None]
    sampled: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.compiled.programme.id

    @property
    def title(self) -> str:
        return self.compiled.programme.title

    def is_as(self, other: "Asked | None") -> bool:
        """Tell whether both ask the same: one rule with the same numbers."""
        return (
            other is not None
            and self.compiled is other.compiled
            and dict(self.values) == dict(other.values)
        )


@dataclass(frozen=True)
class Grant:
    """What one version gives a firm under a programme; None is not known."""

    outcome: Outcome
    amount_fen: int | None

    @property
    def is_entitled(self) -> bool:
        return self.outcome in (Outcome.ENTITLED, Outcome.PENDING)

    @property
    def counted_fen(self) -> int | None:
        """Count what waits for a number as nothing yet, and what is unknown as unknown."""
        return 0 if self.outcome is Outcome.PENDING else self.amount_fen


@dataclass(frozen=True)
class Version:
    """A plan as it is asked: its programmes, and what may be received together."""

    programmes: Mapping[str, Asked]
    rules: RuleSet
    terms: StackingTerms

    @cached_property
    def numbers(self) -> dict[str, int | None]:
        return {
            f"{asked.id}.{name}": value
            for asked in self.programmes.values()
            for name, value in asked.values.items()
        }

    def verdicts(self, situation: Situation) -> dict[str, Verdict]:
        """Ask all programmes at once."""
        answers = self.rules.decide(situation, self.numbers)
        return {n: Verdict._make(a) for n, a in zip(self.programmes, answers, strict=True)}

    def outcome(self, programme: str, grant: Grant) -> Outcome:
        """Name what a grant is in this version."""
        return grant.outcome if programme in self.programmes else Outcome.ABSENT

    def letters(self, names: Iterable[str], grants: Mapping[str, Grant]) -> str:
        """Write down what every programme says of a firm, in the order of the names."""
        return "".join(LETTERS[self.outcome(n, grants.get(n, REFUSED))] for n in names)


def version_of(programmes: Iterable[Asked], terms: StackingTerms) -> Version:
    """Put programmes together in one function."""
    by_id = {asked.id: asked for asked in programmes}
    return Version(by_id, rule_set(asked.compiled for asked in by_id.values()), terms)


OPEN = Grant(Outcome.UNKNOWN, None)
REFUSED = Grant(Outcome.REFUSED, 0)


@dataclass(frozen=True)
class FirmResult:
    """What becomes of one firm: what it is granted or might be, and its rank where one is asked.

    A programme that is not named refuses it, or is not in that version.
    """

    uscc: str
    before: Mapping[str, Grant]
    after: Mapping[str, Grant]
    ranks: Mapping[str, Fraction | None]

    @property
    def pairs(self) -> Iterator[tuple[str, Grant, Grant]]:
        for programme in sorted(self.before.keys() | self.after.keys()):
            yield (
                programme,
                self.before.get(programme, REFUSED),
                self.after.get(programme, REFUSED),
            )

    def difference(self) -> int | None:
        """Give what the firm wins or loses; None where a grant that changes is not known."""
        total = 0
        for _, before, after in self.pairs:
            if before == after:
                continue
            if before.counted_fen is None or after.counted_fen is None:
                return None
            total += after.counted_fen - before.counted_fen
        return total

    @property
    def is_from_pending(self) -> bool:
        return any(b.outcome is Outcome.PENDING and b != a for _, b, a in self.pairs)


@dataclass
class Tally:
    """What has been counted so far, in a form that goes on with the next firms."""

    before: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    after: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    winners: list[int] = field(default_factory=lambda: [0, 0, 0])
    losers: list[int] = field(default_factory=lambda: [0, 0, 0])
    open: int = 0
    most: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    least: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def add(self, results: Iterable[FirmResult]) -> None:
        """Count more firms."""
        for result in results:
            for programme, before, after in result.pairs:
                _count(self.before, programme, before)
                _count(self.after, programme, after)
            self._weigh(result)
        self.most = sorted(self.most, key=lambda each: (-each[0], each[1]))[:SHOWN_MAX]
        self.least = sorted(self.least)[:SHOWN_MAX]

    def _weigh(self, result: FirmResult) -> None:
        difference = result.difference()
        if difference is None:
            self.open += 1
        if not difference:
            return
        side = self.winners if difference > 0 else self.losers
        side[0] += 1
        side[1] += abs(difference)
        side[2] += result.is_from_pending
        (self.most if difference > 0 else self.least).append((difference, result.uscc))

    def to_json(self) -> dict[str, Any]:
        return vars(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Tally":
        tally = Tally(**data)
        tally.most = [(difference, uscc) for difference, uscc in tally.most]
        tally.least = [(difference, uscc) for difference, uscc in tally.least]
        return tally


def firm_result(
    uscc: str,
    situation: Situation,
    before: Version,
    after: Version,
    standing: Sequence[Aid] = (),
) -> FirmResult:
    """Ask both versions about one firm, and settle what it may receive together.

    What stands of its aid counts in both: a grant is what it would receive beside that.
    """
    verdicts, changed = before.verdicts(situation), after.verdicts(situation)
    granted = _settled(before, situation, verdicts, standing)
    rank = {
        name: _rank(asked, situation)
        for name, asked in after.programmes.items()
        if asked.compiled.terms.rank is not None and changed[name].outcome is True
    }
    return FirmResult(uscc, granted, _settled(after, situation, changed, standing), rank)


def _settled(
    version: Version,
    situation: Situation,
    verdicts: Mapping[str, Verdict],
    standing: Sequence[Aid],
) -> dict[str, Grant]:
    """Give what is granted or unknown; of what may not be received together, the best."""
    grants: dict[str, Grant] = {}
    candidates: list[Candidate] = []
    for name, verdict in verdicts.items():
        outcome = OUTCOMES[verdict.outcome]
        if outcome is Outcome.REFUSED:
            continue
        if outcome is Outcome.UNKNOWN:
            grants[name] = OPEN
            continue
        asked = version.programmes[name]
        if verdict.amount_fen is None and _is_pending(asked, situation):
            grants[name] = Grant(Outcome.PENDING, None)
        candidates.append(_candidate(asked, situation, verdict.amount_fen))
    best = best_combination(candidates, standing, version.terms)
    for chosen in best.chosen:
        grants.setdefault(chosen.candidate.programme, Grant(Outcome.ENTITLED, chosen.amount_fen))
    for dropped in best.dropped:
        grants.setdefault(dropped.candidate.programme, Grant(Outcome.ENTITLED, 0))
    for undecided in best.undecided:
        grants.setdefault(undecided.candidate.programme, Grant(Outcome.ENTITLED, None))
    return grants


def _candidate(asked: Asked, situation: Situation, amount_fen: int | None) -> Candidate:
    rule = asked.compiled.programme
    world = World(situation, asked.values)
    return Candidate(
        programme=rule.id, level=OWN_LEVEL, matter=matter_key(rule.matter, situation.year),
        group=asked.group, relation=rule.relation, year=situation.on.year,
        limits=limits_from(asked.compiled.terms.ceilings_json(rule, world)), amount_fen=amount_fen,
    )  # fmt: skip


def _is_pending(asked: Asked, situation: Situation) -> bool:
    amount = asked.compiled.amount
    return amount is not None and bool(cause_of(amount, World(situation, asked.values)).parameters)


def _rank(asked: Asked, situation: Situation) -> Fraction | None:
    node = asked.compiled.terms.rank
    value: Any = value_of(node, World(situation, asked.values)) if node else None
    return None if value is None else Fraction(value)


def _count(counts: dict[str, list[int]], programme: str, grant: Grant) -> None:
    """Count entitled, unknown, open and the sum of what is known."""
    if grant.outcome is Outcome.REFUSED:
        return
    count = counts.setdefault(programme, [0, 0, 0, 0])
    count[0] += grant.is_entitled
    count[1] += grant.outcome is Outcome.UNKNOWN
    count[2] += grant.is_entitled and grant.amount_fen is None
    count[3] += grant.amount_fen or 0


def cells(grant: Any, name: str, town_code: str | None) -> list[Any]:
    """Put a grant into the row of a file, in the order of its columns."""
    known = {"name": name, "town_code": town_code}
    return [known[each] if each in known else getattr(grant, each) for each in COLUMNS]


def outcome_rows(
    firm: tuple[str, str, str | None],
    outcomes: tuple[str, str],
    names: Sequence[str],
    wanted: frozenset[Outcome],
    grants: Mapping[str, Any],
) -> Iterator[list[Any]]:
    """Give a firm's rows of the outcomes wanted under either version; amounts are the grants'."""
    uscc, firm_name, town_code = firm
    for name, was, is_ in zip(names, *outcomes, strict=True):
        before, after = OF_LETTER[was], OF_LETTER[is_]
        if before not in wanted and after not in wanted:
            continue
        grant = grants.get(name)
        before_fen, after_fen, rank = (
            (grant.before_fen, grant.after_fen, grant.rank)
            if grant is not None
            else (_ungranted_fen(before), _ungranted_fen(after), None)
        )
        yield [
            uscc, firm_name, town_code, name, before.value, before_fen, after.value, after_fen, rank
        ]  # fmt: skip


def _ungranted_fen(outcome: Outcome) -> int | None:
    return None if outcome is Outcome.UNKNOWN else 0
