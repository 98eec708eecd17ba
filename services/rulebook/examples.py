"""Examples beside the rules: cases worked by hand, which every rule must reproduce."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from services.rulebook.assess import CompiledProgramme
from services.rulebook.errors import Refusal
from services.rulebook.programme import Example, Expectation
from services.rulebook.situation import JsonObject
from services.rulebook.stated import read_situation


@dataclass(frozen=True, slots=True)
class Failure:
    """What an example expected and what the rule gave instead."""

    programme: str
    example: str
    what: str
    expected: Any
    given: Any

    def __str__(self) -> str:
        return (
            f"{self.programme}, example “{self.example}”: "
            f"{self.what} should be {self.expected!r}, the rule gives {self.given!r}"
        )


def run_examples(
    compiled: CompiledProgramme, examples: Iterable[Example] | None = None
) -> list[Failure]:
    """Work every example through the rule and list what differs; by default the rule's own."""
    chosen = compiled.programme.examples if examples is None else examples
    return [failure for example in chosen for failure in _run(compiled, example)]


def _run(compiled: CompiledProgramme, example: Example) -> Iterator[Failure]:
    try:
        situation = read_situation(
            on=example.day,
            facts=example.given,
            vocabulary=compiled.vocabulary,
            year=example.year,
            history=example.history,
        )
    except Refusal as refusal:
        yield Failure(compiled.programme.id, example.name, "given", "facts", str(refusal))
        return
    undeclared = example.parameters.keys() - compiled.programme.parameters.keys()
    if undeclared:
        known = sorted(compiled.programme.parameters)
        yield Failure(compiled.programme.id, example.name, "parameters", known, sorted(undeclared))
        return
    answer = compiled.assess(situation, example.parameters).to_json()
    for what, expected, given in _differences(example.expect, answer):
        yield Failure(compiled.programme.id, example.name, what, expected, given)


def _differences(expect: Expectation, answer: JsonObject) -> Iterator[tuple[str, Any, Any]]:
    """Compare what the example names; missing, flags and near are compared as whole sets."""
    given: dict[str, Any] = {
        "outcome": answer["outcome"],
        "amount_fen": answer["amount_fen"],
        "amount_status": answer["amount_status"],
        "missing": sorted({entry["fact"] for entry in answer["missing"]}),
        "flags": answer["flags"],
        "near": sorted({entry["condition"] for entry in answer["near"]}),
        "score": (answer["score"] or {}) and (answer["score"]["low"], answer["score"]["high"]),
        "classes": answer["classes"],
    }
    for what in sorted(expect.model_fields_set - {"conditions"}):
        expected = getattr(expect, what)
        if what in ("missing", "flags", "near"):
            expected = sorted(expected or ())
        if expected != given[what]:
            yield what, expected, given[what]
    outcomes = {entry["id"]: entry["outcome"] for entry in answer["conditions"]}
    for name, expected in sorted(expect.conditions.items()):
        if outcomes.get(name) != expected:
            yield f"condition {name}", expected, outcomes.get(name)
