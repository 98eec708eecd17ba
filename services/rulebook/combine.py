"""The best lawful set of programmes that one applicant may receive, found exactly.

Candidates that no rule joins are settled apart. What is joined is searched: one unit for each
contest, of which one programme is received, and one for each that is paid beside its base. The
chosen are then paid one after the other by the very function that finance reserves with, which
also says why nothing is left of the others. Of sets that pay the same the one that comes first is
taken: larger amounts before smaller ones, then by programme and matter.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from services.rulebook.search import YEAR, Option, ScopeKey, best_options
from services.rulebook.stacking import (
    COMPETES,
    Aid,
    CeilingScope,
    Clause,
    Cut,
    OneClause,
    Position,
    StackingTerms,
    is_contest,
    is_same_grant,
    limit_left,
    places_left,
    refusal,
    room,
    within,
)

# What joins candidates: a contest, the scope of a ceiling, the scope of a rule.
Tie: TypeAlias = tuple[str, ...]
CEILING_SCOPES: Final[tuple[CeilingScope, ...]] = ("matter", "group", "beneficiary-year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Position):
    """What may be received, and how much by its own rule; null is not known yet."""

    amount_fen: int | None

    @property
    def is_known(self) -> bool:
        """Tell whether it can be settled: neither its amount nor a ceiling of it is open."""
        return self.amount_fen is not None and None not in [x.limit_fen for x in self.limits]

    @property
    def name(self) -> tuple[str, str]:
        return self.programme, self.matter


@dataclass(frozen=True, slots=True)
class Chosen:
    """A programme of the best set and what it pays in it; null is not known yet."""

    candidate: Candidate
    amount_fen: int | None
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A programme of which nothing is left beside the best set, and the rule that says so."""

    candidate: Candidate
    cut: Cut

    @property
    def given_up_fen(self) -> int:
        return self.candidate.amount_fen or 0


@dataclass(frozen=True, slots=True)
class Undecided:
    """A programme neither chosen nor dropped, because an amount that rules join it to is open."""

    candidate: Candidate
    rule: Clause


@dataclass(frozen=True, slots=True)
class Combination:
    """The best lawful set; while an amount is not known its total is not complete."""

    chosen: tuple[Chosen, ...]
    dropped: tuple[Dropped, ...]
    undecided: tuple[Undecided, ...]

    @property
    def total_fen(self) -> int:
        return sum(each.amount_fen or 0 for each in self.chosen)

    @property
    def is_complete(self) -> bool:
        return not self.undecided and all(each.amount_fen is not None for each in self.chosen)


class YearsDiffer(ValueError):
    """Candidates paid from several years' money were asked at once; each year is settled apart."""


def best_combination(
    candidates: Iterable[Candidate], standing: Sequence[Aid], terms: StackingTerms
) -> Combination:
    """Choose what pays most by every rule, beside the aid that stands already."""
    ordered = sorted(candidates, key=lambda each: (-(each.amount_fen or 0), each.name))
    if len({each.year for each in ordered}) > 1:
        raise YearsDiffer("all candidates must be of one year")
    chosen: list[Chosen] = []
    dropped: list[Dropped] = []
    undecided: list[Undecided] = []
    possible: list[tuple[Candidate, int]] = []
    for each in ordered:
        # What pays nothing by its own rule is asked for as one fen, so that rules still show.
        found = room(each, each.amount_fen or 1, standing, terms)
        if each.is_known and not found.amount_fen:
            dropped.append(Dropped(each, found.cuts[0]))
        else:
            possible.append((each, min(each.amount_fen or 0, found.amount_fen)))
    for group in _joined(possible, standing, terms.rules):
        settled = _settle(group, standing, terms)
        chosen.extend(settled.chosen)
        dropped.extend(settled.dropped)
        undecided.extend(settled.undecided)
    return Combination(
        tuple(sorted(chosen, key=lambda each: each.candidate.name)),
        tuple(sorted(dropped, key=lambda each: each.candidate.name)),
        tuple(sorted(undecided, key=lambda each: each.candidate.name)),
    )


def _joined(
    possible: list[tuple[Candidate, int]], standing: Sequence[Aid], rules: Sequence[OneClause]
) -> list[list[tuple[Candidate, int]]]:
    """Part candidates into those that rules join, directly or by others."""
    capped = {
        _scope_key(limit.of, at)
        for at in (*(each for each, _ in possible), *standing)
        for limit in at.limits
    }
    part_of = list(range(len(possible)))

    def root(index: int) -> int:
        while part_of[index] != index:
            index = part_of[index]
        return index

    first: dict[Tie, int] = {}
    for index, (each, _) in enumerate(possible):
        for tie in _ties(each, capped, rules):
            one, other = root(first.setdefault(tie, index)), root(index)
            part_of[max(one, other)] = min(one, other)
    parts: dict[int, list[tuple[Candidate, int]]] = {}
    for index, entry in enumerate(possible):
        parts.setdefault(root(index), []).append(entry)
    return list(parts.values())


def _ties(
    candidate: Candidate, capped: Container[ScopeKey], rules: Iterable[OneClause]
) -> Iterator[Tie]:
    """Name what joins a candidate to others: its contest, the ceilings over it, its rules."""
    if candidate.relation == COMPETES:
        yield ("contest", candidate.matter, candidate.group)
    # What pays nothing and brings no ceiling takes no part in any.
    if capped and (candidate.amount_fen != 0 or candidate.limits):
        for scope in CEILING_SCOPES:
            key = _scope_key(scope, candidate)
            if key in capped:
                yield ("ceiling", *key)
    for rule in rules:
        if rule.names(candidate):
            yield ("rule", *_places_key(rule, candidate))


def _settle(
    group: list[tuple[Candidate, int]], standing: Sequence[Aid], terms: StackingTerms
) -> Combination:
    """Settle what rules join; while one of them is not known, nothing of them is dropped."""
    known = [entry for entry in group if entry[0].is_known]
    if len(group) == 1:
        return Combination((_alone(*group[0], standing, terms),), (), ())
    paid = list(standing)
    chosen: list[Chosen] = []
    for each in _search(known, standing, terms.rules) if known else ():
        found = room(each, each.amount_fen or 0, paid, terms)
        if found.amount_fen or not each.amount_fen:
            chosen.append(Chosen(each, found.amount_fen, found.cuts))
            paid.append(_as_aid(each, found.amount_fen))
    taken = {each.candidate.name for each in chosen}
    others = [each for each, _ in group if each.name not in taken]
    if len(known) == len(group):
        return Combination(tuple(chosen), tuple(_drop(each, paid, terms) for each in others), ())
    rules = [(each, _joining_rule(each, group, terms)) for each in others]
    return Combination(tuple(chosen), (), tuple(Undecided(each, rule) for each, rule in rules))


def _alone(
    candidate: Candidate, left_fen: int, standing: Sequence[Aid], terms: StackingTerms
) -> Chosen:
    """Choose what no rule joins to anything: it pays what is left beside aid that stands."""
    if not candidate.is_known:
        return Chosen(candidate, None)
    asked_fen = candidate.amount_fen or 0
    cuts = room(candidate, asked_fen, standing, terms).cuts if left_fen < asked_fen else ()
    return Chosen(candidate, left_fen, cuts)


def _search(
    known: list[tuple[Candidate, int]], standing: Sequence[Aid], rules: Sequence[OneClause]
) -> list[Candidate]:
    """Put candidates as options before the search; give what it took, the largest first."""
    places: list[int] = []
    rows: dict[Tie, int] = {}
    units: dict[Tie, list[Option[Candidate]]] = {}
    for each, fen in known:
        uses: set[int] = set()
        for rule in _rules_that_count(each, standing, rules):
            row = rows.setdefault(_places_key(rule, each), len(places))
            if row == len(places):
                places.append(places_left(rule, each, standing))
            uses.add(row)
        caps = _least(_caps(each, standing))
        option = Option(each, fen, (each.matter, each.group), caps, frozenset(uses))
        is_rival = each.relation == COMPETES
        unit = ("contest", each.matter, each.group) if is_rival else ("beside", *each.name)
        units.setdefault(unit, []).append(option)
    given = _least(
        (key, fen)
        for aid in standing
        for key, fen in _caps(aid, standing)
        if key != YEAR or aid.year == known[0][0].year
    )
    return [option.item for option in best_options(list(units.values()), places, given)]


def _rules_that_count(
    candidate: Candidate, standing: Sequence[Aid], rules: Iterable[OneClause]
) -> Iterator[OneClause]:
    """Find the rules of which a candidate takes a place; more for the same grant takes none."""
    same = [aid for aid in standing if is_same_grant(candidate, aid)]
    for rule in rules:
        counted = any(rule.names(aid) and within(rule.per, candidate, aid) for aid in same)
        if rule.names(candidate) and not counted:
            yield rule


def _caps(at: Position, standing: Sequence[Aid]) -> Iterator[tuple[ScopeKey, int]]:
    """Give what the ceilings of a grant leave beside the aid that stands."""
    for limit in at.limits:
        counted = (aid for aid in standing if within(limit.of, at, aid))
        yield _scope_key(limit.of, at), limit_left(limit, counted)


def _least(caps: Iterable[tuple[ScopeKey, int]]) -> dict[ScopeKey, int]:
    """Keep the strictest of the ceilings of a scope."""
    least: dict[ScopeKey, int] = {}
    for key, fen in caps:
        least[key] = min(fen, least.get(key, fen))
    return least


def _scope_key(scope: CeilingScope, at: Position) -> ScopeKey:
    if scope == "matter":
        return (at.matter,)
    return (at.matter, at.group) if scope == "group" else YEAR


def _places_key(rule: OneClause, at: Position) -> Tie:
    return (rule.id, at.matter) if rule.per == "matter" else (rule.id,)


def _as_aid(candidate: Candidate, amount_fen: int) -> Aid:
    return Aid(
        id=candidate.programme, programme=candidate.programme, level=candidate.level,
        matter=candidate.matter, group=candidate.group, relation=candidate.relation,
        year=candidate.year, limits=candidate.limits, amount_fen=amount_fen,
    )  # fmt: skip


def _drop(candidate: Candidate, paid: Sequence[Aid], terms: StackingTerms) -> Dropped:
    """Say which rule leaves nothing; what pays nothing anyhow is asked for as one fen."""
    cut = refusal(candidate, candidate.amount_fen or 1, paid, terms)
    rivals = tuple(aid for aid in paid if is_contest(candidate, aid))
    return Dropped(candidate, cut or Cut("competing", terms.clause, 0, rivals))


def _joining_rule(
    candidate: Candidate, group: list[tuple[Candidate, int]], terms: StackingTerms
) -> Clause:
    """Name the rule by which an open amount may decide over a candidate."""
    others = [each for each, _ in group if each.name != candidate.name]
    if any(is_contest(candidate, each) for each in others):
        return terms.clause
    for rule in terms.rules:
        if rule.names(candidate) and any(rule.names(each) for each in others):
            return Clause(rule.id, rule.says, rule.source)
    for each, _ in group:
        for limit in each.limits:
            return Clause(limit.id, limit.says, limit.source)
    return terms.clause
