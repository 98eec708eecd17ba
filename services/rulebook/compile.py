"""From nodes to one Python function for a whole set of rules.

Facts are looked up once and equal conditions are computed once, whichever programmes ask for
them; an amount is reckoned only where its programme is granted. The source is ours: no text of
the input stands in it, and nothing is in its reach but its constants and four functions.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

from services.rulebook.nodes import Floor, Node
from services.rulebook.situation import Holdings, Situation
from services.rulebook.writer import Writer, any_of_them, unknown, unless

Outcome: TypeAlias = bool | None
Answer: TypeAlias = tuple[Outcome, tuple[Outcome, ...], int | None]
Rule: TypeAlias = Callable[
    [
        Mapping[str, Any],
        int,
        Holdings | None,
        Holdings | None,
        frozenset[str] | None,
        Mapping[str, int | None],
    ],
    tuple[Answer, ...],
]

HEAD: Final = "def rule(facts, year, recognitions, lists, history, parameters):"


class Check(NamedTuple):
    """A condition to compute, and whether it decides or only raises a flag."""

    node: Node
    decides: bool


@dataclass(frozen=True)
class Function:
    """The source of a function for some programmes, and the function."""

    source: str
    rule: Rule

    def answers(
        self, situation: Situation, numbers: Mapping[str, int | None]
    ) -> tuple[Answer, ...]:
        """Answer outcome, every check and the amount of each programme, in their order."""
        return self.rule(
            situation.facts,
            situation.year,
            situation.recognitions,
            situation.lists,
            situation.history,
            numbers,
        )


def compile_rules(rules: Sequence[tuple[Sequence[Check], Node | None]]) -> Function:
    """Make one function of the checks and the amounts of many programmes.

    An amount is in whole fen: 0 for the ineligible and where the programme pays nothing, None
    where it is unknown.
    """
    writer = Writer(HEAD)
    answers = [_answer(writer, checks, amount) for checks, amount in rules]
    writer.line(f"return ({' '.join(answers)})")
    source = writer.source()
    return Function(source, _build(source, writer.constants))


def _answer(writer: Writer, checks: Sequence[Check], amount: Node | None) -> str:
    values = [writer.atom(check.node) for check in checks]
    every = "(" + "".join(f"{value}, " for value in values) + ")"
    deciding = list(
        dict.fromkeys(v for v, check in zip(values, checks, strict=True) if check.decides)
    )
    if not deciding:
        # Nothing decides, so nothing is granted: what is left is for a person to judge.
        return f"(None, {every}, {'0' if amount is None else 'None'}),"
    failed, open_ = any_of_them("{} is False", deciding), any_of_them("{} is None", deciding)
    outcome = writer.local(f"False if {failed} else None if {open_} else True")
    if amount is None:
        return f"({outcome}, {every}, 0),"
    fen = writer.local(f"0 if {outcome} is False else None")
    with writer.only_if(outcome):
        whole = writer.atom(Floor(amount))
        writer.line(f"{fen} = {unless(unknown([whole]), f'max(0, {whole})')}")
    return f"({outcome}, {every}, {fen}),"


def _build(source: str, constants: Mapping[str, Any]) -> Rule:
    scope: dict[str, Any] = {
        "__builtins__": {},
        "Fraction": Fraction,
        "floor": math.floor,
        "min": min,
        "max": max,
        **constants,
    }
    exec(compile(source, "<rulebook>", "exec"), scope)  # noqa: S102 (source is generated above)
    return scope["rule"]
