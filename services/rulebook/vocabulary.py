"""The facts a rule may name: what each is called, measured in, owned by and bounded by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.rulebook.errors import Issue, RuleError
from services.rulebook.lexicon import FUNCTIONS, is_plain_word
from services.rulebook.nodes import Kind

INTEGER_MAX: Final = 2**63 - 1

FactType = Literal["bool", "int", "text", "date", "ids"]
KINDS: Final[dict[str, Kind]] = {
    "bool": Kind.BOOL,
    "int": Kind.NUMBER,
    "text": Kind.TEXT,
    "date": Kind.DATE,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of the registry; `ids` is the type of `recognitions` and `lists`.

    `low` and `high` bound an integer, so that an engine of fixed width can prove that no product
    overflows.
    """

    name: str
    period: Literal["year", "day"]
    type: FactType
    unit: str = ""
    title: str = ""
    english: str = ""
    owner: str = ""
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        if fault := self._fault():
            raise RuleError([Issue("bad-value", pointer=f"/{self.name}", found=fault)])

    def _fault(self) -> str:
        if not is_plain_word(self.name) or self.name in FUNCTIONS:
            return "a name that the language cannot read as a fact"
        if self.period not in ("year", "day"):
            return f"period {self.period}"
        if self.type not in (*KINDS, "ids"):
            return f"type {self.type}"
        if self.period == "year" and self.type != "int":
            return "a yearly fact that is not an integer"
        if self.type != "int" and (self.low is not None or self.high is not None):
            return "bounds on a fact that is not an integer"
        if self.low is not None and self.high is not None and self.low > self.high:
            return "a lower bound above the upper bound"
        return ""


class Vocabulary(Mapping[str, Fact]):
    """All facts by name, and the known ids where the caller can tell them."""

    def __init__(
        self,
        facts: Iterable[Fact],
        *,
        recognitions: Iterable[str] | None = None,
        lists: Iterable[str] | None = None,
        programmes: Iterable[str] | None = None,
    ) -> None:
        self._facts: dict[str, Fact] = {}
        for fact in facts:
            if fact.name in self._facts:
                raise RuleError([Issue("duplicate", pointer=f"/{fact.name}", found=fact.name)])
            self._facts[fact.name] = fact
        self.recognitions = None if recognitions is None else frozenset(recognitions)
        self.lists = None if lists is None else frozenset(lists)
        self.programmes = None if programmes is None else frozenset(programmes)

    def __getitem__(self, name: str) -> Fact:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def owner_of(self, name: str) -> str | None:
        """Name who states the fact; holdings are owned where the vocabulary lists them."""
        fact = self._facts.get(name)
        return fact.owner or None if fact else None
