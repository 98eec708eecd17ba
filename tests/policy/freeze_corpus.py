"""Freezes the answers of this release to the plans' own examples: `python -m … > corpus/X.json`.

A file is written once, by the release that brings a version of the language, and never again:
whoever must change one has changed what was decided.
"""

import json
import sys
from collections.abc import Iterator

from services.kernel.strict_json import digest
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.rulebook import read_situation
from tests.policy.corpus_shape import Corpus, FrozenCase


def freeze() -> Corpus:
    """Freeze a case for the first and the last example of each programme."""
    programmes = list(library().programmes.values())
    return {
        "rules": {digest(each.rule): each.rule for each in programmes},
        "cases": [case for each in programmes for case in _cases(each)],
    }


def _cases(programme: PlanProgramme) -> Iterator[FrozenCase]:
    compiled = programme.compiled
    examples = compiled.programme.examples
    for example in sorted({0, len(examples) - 1}):
        stated = examples[example]
        situation = read_situation(
            on=stated.day, facts=stated.given, vocabulary=library().vocabulary,
            year=stated.year, history=stated.history,
        )  # fmt: skip
        yield {
            "programme": programme.id,
            "rule_sha256": digest(programme.rule),
            "situation": situation.canonical(),
            "parameters": dict(stated.parameters),
            "assessment": compiled.assess(situation, stated.parameters).canonical(),
        }


if __name__ == "__main__":
    json.dump(freeze(), sys.stdout, ensure_ascii=False, indent=1, sort_keys=True)
    sys.stdout.write("\n")
