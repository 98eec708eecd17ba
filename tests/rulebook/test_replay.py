"""The same situation gives the same bytes: in another process, under another hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.rulebook import Situation
from tests.rulebook.builders import programme, situation

ROOT = Path(__file__).parents[2]
STORY = """
from tests.rulebook.test_replay import story
print(story())
"""


def story() -> str:
    """Assess a case that touches every set and map of the language."""
    compiled = programme(
        "industry_code IN ('3854', '3855', '3856') AND NOT holds('a') AND on_list('b')",
        "revenue_fen / prior(revenue_fen, 1) > 1.1 OR class1_ip_count > 3",
        "sum_years(staff_count, 3) >= 100 AND once_ever('p')",
        {"says": "较为靠前", "manual": True, "flag": "expert-check"},
        amount="LEAST(revenue_fen * :rate_bp / 10000, 5000)",
        parameters={"rate_bp": "bp"},
    )
    frozen = situation(
        industry_code="3854", recognitions=[], lists=["b", "a"], revenue_fen={"2025": 5}
    )
    replayed = Situation.from_json(frozen.canonical())
    answer = compiled.assess(replayed, {"rate_bp": 300})
    return f"{compiled.function.source}\n{frozen.digest()}\n{answer.canonical()}"


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_answer_does_not_depend_on_the_process(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.decode().rstrip("\n") == story()


def test_no_text_of_the_input_stands_in_the_generated_source() -> None:
    compiled = programme(
        "industry_code = 'import os' AND holds('evil-id') AND on_list('evil-list')",
        "revenue_fen > 5 AND once_ever('evil-programme') AND grade('evil-grade') = 'evil'",
        amount=":rate_bp * staff_count",
        parameters={"rate_bp": "bp"},
    )

    for text in ("import", "evil", "revenue", "staff", "industry", "rate", "'", '"'):
        assert text not in compiled.function.source


def test_the_generated_function_reaches_nothing_but_its_constants() -> None:
    scope = programme("is_listed").function.rule.__globals__

    assert scope["__builtins__"] == {}
    names = {name for name in scope if not name.startswith("K")}
    assert names == {"__builtins__", "Fraction", "floor", "min", "max", "rule"}


def test_the_same_condition_is_computed_once() -> None:
    compiled = programme("revenue_fen > 5 AND is_listed", "revenue_fen > 5 OR is_above_scale")

    assert compiled.function.source.count("> (5)") == 1
    assert compiled.function.source.count("facts.get") == 3
