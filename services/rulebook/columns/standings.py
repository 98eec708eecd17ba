"""Where many applicants stand, at once: what the one-by-one reading says, word for word.

Outcomes and amounts come from columns. Reasons are written by the same slow code as for one
applicant, but once for all who are alike in what they hang on; only who may have failed narrowly
is looked at in person, since a near miss tells his own numbers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import polars as pl

from services.rulebook.assess import CompiledProgramme
from services.rulebook.columns.frames import TYPES, Frames, Staged
from services.rulebook.columns.naming import Column, columns_of
from services.rulebook.columns.plan import answers_of, reader_of
from services.rulebook.columns.traces import Tracer
from services.rulebook.findings import Verdict
from services.rulebook.ruleset import RuleSet, number_id, qualified
from services.rulebook.situation import Situation
from services.rulebook.standing import Standing, standing_of

T = TypeVar("T")
Numbers = Mapping[str, int | None]
# What is known of a programme is forgotten when it grows beyond this: memory stays bounded.
KEPT_MAX: Final = 20_000
PAID, PAID_OPEN, PERHAPS_NEAR, OPEN = 1, 2, 3, 4


@dataclass(frozen=True)
class Seat(Generic[T]):
    """A programme, where its columns stand in the answer, and what was said of it so far."""

    place: int
    programme: CompiledProgramme
    parameters: Mapping[str, int | None]
    state: str
    # What the reasons of an open amount, and of an open outcome, hang on.
    traces: Mapping[int, list[str]]
    said: dict[Any, T | None] = field(default_factory=dict[Any, T | None])


class Board(Generic[T]):
    """A rule set with the numbers of a day, read for tables of all columns that it looks at.

    `wrap` makes of a programme's place and a standing what is kept; equal standings without
    numbers of the applicant's own are one object.
    """

    def __init__(
        self,
        rules: RuleSet,
        programmes: Sequence[CompiledProgramme],
        *,
        year: int,
        numbers: Numbers,
        wrap: Callable[[int, Standing], T],
    ) -> None:
        self.columns: dict[str, Column] = columns_of(rules, year)
        self._schema = {name: TYPES[column.kind] for name, column in self.columns.items()}
        self._rules, self._numbers, self._wrap = rules, numbers, wrap
        self._frames = Frames(self._schema, year)
        self._chosen: dict[str, pl.Expr] = {}
        reader = reader_of(rules, self._frames, numbers)
        tracer = Tracer(self._frames, reader)
        self._seats = [
            self._seat(reader, tracer, place, each) for place, each in enumerate(programmes)
        ]

    def standings(
        self, rows: Sequence[Sequence[Any]], situation: Callable[[int], Situation]
    ) -> list[dict[str, T]]:
        """Tell where each row stands, by programme; nothing where there is nothing to tell.

        A row has a cell for each of `columns`; `situation` is asked for those that are looked at.
        """
        found: list[dict[str, T]] = [{} for _ in rows]
        if not rows:
            return found
        answers = self._answers(rows)
        looking = _Looking(self._rules, self._numbers, situation)
        for seat in self._seats:
            name = seat.programme.programme.id
            for row, said in self._of(seat, answers, looking):
                if said is not None:
                    found[row][name] = said
        return found

    def _answers(self, rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
        cells = zip(*rows, strict=True)
        table = pl.DataFrame(
            [
                pl.Series(name, list(column), dtype=kind)
                for (name, kind), column in zip(self._schema.items(), cells, strict=True)
            ]
        )
        for columns in self._frames.stages:
            table = table.with_columns(**columns)
        answered = table.select(pl.lit(0).alias("~"), **self._chosen)
        return {column.name: column.to_list() for column in answered.get_columns()}

    def _of(
        self, seat: Seat[T], answers: Mapping[str, list[Any]], looking: "_Looking"
    ) -> Iterator[tuple[int, T | None]]:
        states = answers[seat.state]
        traces = {state: [answers[n] for n in names] for state, names in seat.traces.items()}
        said = seat.said
        if len(said) > KEPT_MAX:
            said.clear()
        for row, state in enumerate(states):
            if not state:
                continue
            if state == PERHAPS_NEAR:
                yield row, self._look(seat, looking, row)
                continue
            key = (state, *(word[row] for word in traces[state]))
            if key not in said and state == PAID:
                said[key] = self._wrap(seat.place, Standing("entitled", key[1], "set"))
            elif key not in said:
                said[key] = self._look(seat, looking, row)
            yield row, said[key]

    def _look(self, seat: Seat[T], looking: "_Looking", row: int) -> T | None:
        situation, verdicts = looking.at(row)
        verdict = Verdict._make(verdicts[seat.place])
        standing = standing_of(seat.programme, situation, verdict, seat.parameters)
        return None if standing is None else self._wrap(seat.place, standing)

    def _seat(
        self, reader: Any, tracer: Tracer, place: int, compiled: CompiledProgramme
    ) -> Seat[T]:
        answers = answers_of(reader, self._frames, compiled)
        checks = [
            (qualified(node, compiled), answers.checks[condition.id])
            for condition, node in compiled.checks
            if condition.decides
        ]
        self._chosen[f"{place}.state"] = _state(tracer, answers, checks)
        self._chosen[f"{place}.amount"] = answers.amount_fen.expr
        amount = [qualified(compiled.amount, compiled)] if compiled.amount else []
        traced = {PAID_OPEN: amount, OPEN: [node for node, _ in checks]}
        words = {state: tracer.trace(roots) for state, roots in traced.items()}
        named = {
            state: {f"{place}.{state}.{n}": word for n, word in enumerate(found)}
            for state, found in words.items()
        }
        self._chosen |= {name: word for each in named.values() for name, word in each.items()}
        return Seat(
            place=place,
            programme=compiled,
            parameters={
                name: self._numbers.get(number_id(compiled, name))
                for name in compiled.programme.parameters
            },
            state=f"{place}.state",
            traces={PAID: [f"{place}.amount"]} | {n: list(each) for n, each in named.items()},
        )


class _Looking:
    """Looks at single applicants, at each once."""

    def __init__(
        self, rules: RuleSet, numbers: Numbers, situation: Callable[[int], Situation]
    ) -> None:
        self._rules, self._numbers, self._situation = rules, numbers, situation
        self._seen: dict[int, tuple[Situation, tuple[Any, ...]]] = {}

    def at(self, row: int) -> tuple[Situation, tuple[Any, ...]]:
        if row not in self._seen:
            situation = self._situation(row)
            self._seen[row] = situation, self._rules.decide(situation, self._numbers)
        return self._seen[row]


def _state(tracer: Tracer, answers: Any, checks: list[tuple[Any, Staged]]) -> pl.Expr:
    """Say in a number what there is to tell, as `standing_of` would decide it."""
    outcome, amount = answers.outcome.expr, answers.amount_fen.expr
    held = [value.expr for _, value in checks]
    perhaps = [value.expr | tracer.may_be_near(node) for node, value in checks]
    any_holds = pl.any_horizontal([each.fill_null(value=False) for each in held or [_no()]])
    all_near = pl.all_horizontal([each.fill_null(value=False) for each in perhaps or [_no()]])
    return (
        pl.when(outcome & amount.is_not_null())
        .then(PAID)
        .when(outcome)
        .then(PAID_OPEN)
        .when(outcome.not_() & all_near)
        .then(PERHAPS_NEAR)
        .when(outcome.is_null() & any_holds)
        .then(OPEN)
        .otherwise(0)
        .cast(pl.UInt8)
    )


def _no() -> pl.Expr:
    return pl.lit(value=False)
