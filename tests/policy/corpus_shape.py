"""Cases as they were frozen: what a file of the corpus holds."""

from typing import TypedDict


class FrozenCase(TypedDict):
    programme: str
    rule_sha256: str
    situation: str
    parameters: dict[str, int | None]
    assessment: str


class Corpus(TypedDict):
    rules: dict[str, str]
    cases: list[FrozenCase]
