"""What stands beside an amount, parsed: ceilings, instalments and the order of applicants."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from services.rulebook.administration import BASIS_POINTS
from services.rulebook.errors import pointer_to
from services.rulebook.evaluate import World, value_of
from services.rulebook.nodes import Node, Tally
from services.rulebook.parse import parse_amount, parse_condition
from services.rulebook.programme import Programme
from services.rulebook.situation import JsonObject
from services.rulebook.vocabulary import Vocabulary

Reading: TypeAlias = Callable[[str, Vocabulary, Iterable[str], Mapping[str, Tally]], Node]
TRUTHS: Final[dict[Any, str]] = {True: "true", False: "false", None: "unknown"}


class Read(Protocol):
    def __call__(self, parse: Reading, text: str, pointer: str) -> Node | None: ...


@dataclass(frozen=True)
class Terms:
    """One node for each ceiling, an amount and a condition for each instalment, and the rank."""

    ceilings: tuple[Node, ...] = ()
    instalments: tuple[tuple[Node | None, Node | None], ...] = ()
    rank: Node | None = None

    @property
    def nodes(self) -> list[Node]:
        pairs = [node for pair in self.instalments for node in pair]
        return [node for node in (*self.ceilings, *pairs, self.rank) if node is not None]

    def ceilings_json(self, programme: Programme, world: World) -> tuple[JsonObject, ...]:
        """Give each limit in whole fen; null is not known."""
        return tuple(
            {
                "id": stated.id,
                "says": stated.says,
                "of": stated.of,
                "limit_fen": _fen(node, world),
                "source": stated.source,
            }
            for stated, node in zip(programme.ceilings, self.ceilings, strict=True)
        )

    def instalments_json(
        self, programme: Programme, world: World, amount_fen: int | None
    ) -> tuple[JsonObject, ...]:
        """Give each instalment in whole fen and whether it is due; shares leave nothing over.

        What the shares lose by rounding down is paid with the last of them.
        """
        shares = _shared(amount_fen, [part.share_bp for part in programme.instalments])
        answers: list[JsonObject] = []
        for index, (amount, when) in enumerate(self.instalments):
            stated = programme.instalments[index]
            fen = shares[index] if amount is None else _fen(amount, world)
            due = True if when is None else value_of(when, world)
            answers.append(
                {"id": stated.id, "says": stated.says, "amount_fen": fen, "due": TRUTHS[due]}
            )
        return tuple(answers)


def read_terms(programme: Programme, read: Read) -> Terms:
    """Parse every expression beside the amount; faults go where `read` collects them."""
    ceilings = [
        read(parse_amount, part.limit, pointer_to("ceilings", index, "limit"))
        for index, part in enumerate(programme.ceilings)
    ]
    instalments: list[tuple[Node | None, Node | None]] = []
    for index, part in enumerate(programme.instalments):
        at = pointer_to("instalments", index)
        amount = read(parse_amount, part.amount, f"{at}/amount") if part.amount else None
        when = read(parse_condition, part.when, f"{at}/when") if part.when else None
        instalments.append((amount, when))
    rank = read(parse_amount, programme.rank_by, "/rank_by") if programme.rank_by else None
    return Terms(tuple(node for node in ceilings if node), tuple(instalments), rank)


def _fen(node: Node, world: World) -> int | None:
    value: Any = value_of(node, world)
    return None if value is None else max(0, int(value // 1))


def _shared(amount_fen: int | None, shares: list[int | None]) -> list[int | None]:
    if amount_fen is None:
        return [None] * len(shares)
    parts = [None if share is None else amount_fen * share // BASIS_POINTS for share in shares]
    last = max((index for index, share in enumerate(shares) if share is not None), default=None)
    if last is not None and sum(share or 0 for share in shares) == BASIS_POINTS:
        rest = amount_fen - sum(part or 0 for part in parts)
        parts[last] = (parts[last] or 0) + rest
    return parts
