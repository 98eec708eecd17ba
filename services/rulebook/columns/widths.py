"""Whether every number on the way fits the widest integer of the engines, by its bounds alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from services.rulebook.columns.lowering import Lowering
from services.rulebook.columns.whole import Algebra, Span, Whole
from services.rulebook.errors import RuleError
from services.rulebook.nodes import Kind, Node, kind_of
from services.rulebook.vocabulary import Vocabulary

NOTHING: Final = ""


def check_width(node: Node, vocabulary: Vocabulary, bounds: Mapping[str, Span], text: str) -> None:
    """Refuse an expression that could overflow; a number counts as rounded down at the end."""
    numbers = {name: Whole(1, NOTHING, *span) for name, span in bounds.items()}
    reader = Lowering(cast("Algebra[str]", BoundsAlone()), vocabulary, numbers)
    read = reader.fen if kind_of(node) is Kind.NUMBER else reader.value
    try:
        read(node)
    except RuleError as error:
        expression = " ".join(text.split())
        raise RuleError(replace(issue, expression=expression) for issue in error.issues) from None


def most_fen(node: Node, vocabulary: Vocabulary, bounds: Mapping[str, Span]) -> int:
    """Give what an amount cannot exceed, whatever the facts are within their bounds."""
    numbers = {name: Whole(1, NOTHING, *span) for name, span in bounds.items()}
    reader = Lowering(cast("Algebra[str]", BoundsAlone()), vocabulary, numbers)
    return reader.fen(node).span[1]


class BoundsAlone:
    """An engine that computes nothing: the reckoning around it knows the bounds."""

    def __getattr__(self, _: str) -> Callable[..., str]:
        return lambda *_, **__: NOTHING
