"""What was decided under language 1.0 reads the same and answers with the same bytes.

`frozen_under_1_0.json` was written by the release that had no other language; it is never renewed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from services.rulebook import Fact, Situation, Vocabulary, compile_programme, load_programme
from services.rulebook.situation import parse_canonical

FROZEN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("frozen_under_1_0.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", FROZEN, ids=[case["name"] for case in FROZEN])
def test_a_frozen_case_answers_with_the_same_bytes(case: dict[str, Any]) -> None:
    rule = parse_canonical(case["rule"])
    assert rule["programme"]["language"] == "1.0"
    facts = Vocabulary(Fact(**fact) for fact in rule["facts"])
    compiled = compile_programme(load_programme(rule["programme"]), facts)
    answer = compiled.assess(Situation.from_json(case["situation"]), case["numbers"])
    assert answer.canonical() == case["assessment"]


def test_the_corpus_holds_every_outcome() -> None:
    told = [json.loads(case["assessment"]) for case in FROZEN]
    assert {each["outcome"] for each in told} == {"eligible", "ineligible", "unknown"}
    assert {each["amount_status"] for each in told} >= {"set", "pending-parameter"}
