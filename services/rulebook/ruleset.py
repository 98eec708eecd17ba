"""Many programmes at once: one function, one set of numbers, expressions shared among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.rulebook.compile import Answer, Check, Function, compile_rules
from services.rulebook.nodes import Node, Parameter, rebuilt
from services.rulebook.reading import ParsedProgramme
from services.rulebook.situation import Situation


@dataclass(frozen=True)
class RuleSet:
    """Programmes that are asked together; a number of theirs is called `programme.parameter`.

    `numbers` holds those that drafts bring along; what is in force is given with each question.
    """

    programmes: tuple[ParsedProgramme, ...]
    function: Function
    numbers: Mapping[str, int | None]

    def decide(
        self, situation: Situation, numbers: Mapping[str, int | None] | None = None
    ) -> tuple[Answer, ...]:
        """Answer outcome, checks and amount of every programme, in their order; no reasons.

        The situation must have been checked against the vocabulary, as `read_situation` does.
        """
        return self.function.answers(situation, self.numbers if numbers is None else numbers)

    def in_force(self, given: Mapping[str, int | None]) -> dict[str, int | None]:
        """Complete the numbers of a day, once for all who are asked about on it."""
        return {name: given.get(name, draft) for name, draft in self.numbers.items()}

    @property
    def bounds(self) -> dict[str, tuple[int, int]]:
        """Give what each number cannot leave."""
        return {
            number_id(each, name): declared.bounds
            for each in self.programmes
            for name, declared in each.programme.parameters.items()
        }

    @cached_property
    def facts(self) -> tuple[str, ...]:
        return tuple(sorted({name for each in self.programmes for name in each.facts}))


def rule_set(programmes: Iterable[ParsedProgramme]) -> RuleSet:
    """Make one function of many programmes."""
    parsed = tuple(programmes)
    rules = [
        (
            [Check(qualified(node, each), decides) for node, decides in each.deciding],
            each.amount and qualified(each.amount, each),
        )
        for each in parsed
    ]
    numbers = {
        number_id(each, name): declared.value
        for each in parsed
        for name, declared in each.programme.parameters.items()
    }
    return RuleSet(parsed, compile_rules(rules), numbers)


def number_id(parsed: ParsedProgramme, name: str) -> str:
    return f"{parsed.programme.id}.{name}"


def qualified(node: Node, parsed: ParsedProgramme) -> Node:
    """Call every parameter by its programme and name, since two may use one name."""

    def rename(part: Node) -> Node | None:
        if isinstance(part, Parameter):
            return Parameter(number_id(parsed, part.name))
        return None

    return rebuilt(node, rename)
