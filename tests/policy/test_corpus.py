"""What was decided under an earlier language or rule reads the same, byte for byte."""

import json
from pathlib import Path

import pytest

from services.kernel.strict_json import digest
from services.policy.situations.actions import revive
from services.rulebook import Situation
from services.rulebook.programme import LANGUAGE_VERSIONS
from tests.policy.corpus_shape import Corpus

FILES = sorted((Path(__file__).parent / "corpus").glob("*.json"))
# A file is written by one release and kept by all that follow: these are the bytes it wrote.
WRITTEN = {
    "1.0.json": "fc80cda5e3e15e8f0f292e5bd012e050b8bf3e16b729ce79876ac52599045ad0",
    "1.1.json": "40c464924736d4ae7c561539c6591fbd610d39ad754b26e2f9a635063b4b2afc",
}


def read(path: Path) -> Corpus:
    return json.loads(path.read_text("utf-8"))


def test_every_language_version_has_left_cases_behind() -> None:
    assert {path.name: digest(path.read_text("utf-8")) for path in FILES} == WRITTEN
    assert {path.stem for path in FILES} == set(LANGUAGE_VERSIONS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_frozen_case_is_decided_as_it_was(path: Path) -> None:
    corpus = read(path)
    rules = {sha256: revive(text) for sha256, text in corpus["rules"].items()}
    different = [
        (case["programme"], case["situation"])
        for case in corpus["cases"]
        if rules[case["rule_sha256"]]
        .assess(Situation.from_json(case["situation"]), case["parameters"])
        .canonical()
        != case["assessment"]
    ]

    assert len(corpus["cases"]) >= 40
    assert different == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_frozen_rule_is_the_one_it_says(path: Path) -> None:
    assert all(digest(text) == sha256 for sha256, text in read(path)["rules"].items())
