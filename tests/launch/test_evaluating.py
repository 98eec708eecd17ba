"""`liangxin evaluate`: a table of firms in, a table of answers out."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from services.launch.commands import evaluating
from services.launch.commands.evaluating import evaluate_table
from services.policy.plan.actions.load_library import library
from services.policy.wording import in_chinese
from services.rulebook import read_situation
from services.rulebook.columns.checking import WORDS

DAY = "2026-11-23"
FIRMS: dict[str, list[Any]] = {
    "uscc": ["A", "B", "C", "D"],
    "rd_internal_fen.2025": [221_000_000, 221_000_000, 200_000_000, None],
    "rd_internal_fen.2024": [200_000_000, 200_000_000, 180_000_000, 1],
    "revenue_fen.2025": [6_000_000_000, 6_000_000_000, 5_000_000_000, 5_000_000_000],
    "ningbo_rd_award_fen.2025": [11_000_000, 11_000_000, 11_000_000, 1],
    "is_above_scale": [True, True, True, True],
    "is_city_level": [True, None, True, True],
    "list.ningbo-rd-post-subsidy": [True, True, True, True],
}


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=300, force_terminal=False)


def write(path: Path, **changed: Any) -> Path:
    table = {name: values for name, values in {**FIRMS, **changed}.items() if values is not None}
    pl.DataFrame(table).write_parquet(path)
    return path


def run(console: Console, facts: Path, out: Path, on: str = DAY) -> int:
    return evaluate_table(console, str(facts), str(out), on=on, master="")


def test_each_row_is_answered_as_the_programme_answers(console: Console, tmp_path: Path) -> None:
    out = tmp_path / "results.parquet"
    assert run(console, write(tmp_path / "facts.parquet"), out) == 0
    results = pl.read_parquet(out)
    assert results["uscc"].to_list() == FIRMS["uscc"]
    assert results["rd-matching.outcome"].to_list() == [True, None, False, None]
    assert results["rd-matching.amount_fen"].to_list() == [None, None, 0, None]
    rule = library().programmes["rd-matching"].compiled
    for index, row in enumerate(results.to_dicts()):
        facts = {
            name: {"2025": FIRMS[f"{name}.2025"][index]}
            for name in ("revenue_fen", "ningbo_rd_award_fen")
        }
        spent = {year: FIRMS[f"rd_internal_fen.{year}"][index] for year in ("2024", "2025")}
        situation = read_situation(
            on=rule_day(), vocabulary=library().vocabulary,
            facts={**facts, "rd_internal_fen": spent, "is_above_scale": True,
                   "is_city_level": FIRMS["is_city_level"][index],
                   "lists": ["ningbo-rd-post-subsidy"]},
        )  # fmt: skip
        told = [(e["id"], e["outcome"]) for e in rule.assess(situation).conditions]
        words = {True: "true", False: "false", None: "unknown"}
        assert told == [(name, words[row[f"rd-matching.condition.{name}"]]) for name, _ in told]


def rule_day() -> Any:
    return evaluating._day(DAY)


def test_a_file_is_answered_slice_by_slice(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, whole, sliced = (tmp_path / name for name in ("facts.parquet", "a.parquet", "b.parquet"))
    write(facts)
    assert run(console, facts, whole) == 0
    monkeypatch.setattr(evaluating, "ROWS", 3)
    assert run(console, facts, sliced) == 0
    assert pl.read_parquet(sliced).equals(pl.read_parquet(whole))
    assert "4/4" in console.export_text()
    assert {each.name for each in tmp_path.iterdir()} == {"facts.parquet", "a.parquet", "b.parquet"}


def test_a_folder_gives_a_folder(console: Console, tmp_path: Path) -> None:
    facts, out = tmp_path / "facts", tmp_path / "results"
    facts.mkdir()
    write(facts / "east.parquet")
    write(facts / "west.parquet", uscc=list("EFGH"))
    assert run(console, facts, out) == 0
    assert pl.read_parquet(out / "west.parquet")["uscc"].to_list() == list("EFGH")
    assert "8/8" in console.export_text()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"revenue_fen.20255": [1] * 4}, ("revenue_fen.20255", "did you mean revenue_fen.")),
        ({"revenu_fen.2025": [1] * 4}, ("revenu_fen.2025", "did you mean revenue_fen.2025?")),
        ({"revenue_fen": [1] * 4}, ("revenue_fen", "did you mean revenue_fen.YYYY?")),
        ({"is_city_leve": [True] * 4}, ("is_city_leve", "did you mean is_city_level?")),
        ({"is_city_level": [1] * 4}, ("is_city_level", "true or false")),
        ({"revenue_fen.2025": [1.0] * 4}, ("revenue_fen.2025", "whole numbers")),
        ({"list.ningbo": [True] * 4}, ("list.ningbo", "did you mean list.ningbo-rd-post-subsidy?")),
        ({"revenue_fen.2025": [-1] * 4}, ("revenue_fen.2025", "0 to 1000000000000000")),
        ({"ghost.x": [1] * 4}, ("ghost.x",)),
    ],
)
def test_a_wrong_column_is_named_with_what_would_fit(
    console: Console, tmp_path: Path, changed: dict[str, Any], told: tuple[str, ...]
) -> None:
    out = tmp_path / "results.parquet"
    assert run(console, write(tmp_path / "facts.parquet", **changed), out) == 2
    text = console.export_text()
    assert "facts.parquet" in text
    assert all(part in text for part in told)
    assert not out.exists()


def test_what_is_no_table_is_refused(console: Console, tmp_path: Path) -> None:
    facts = tmp_path / "facts.parquet"
    assert run(console, facts, tmp_path / "out.parquet") == 2
    facts.write_text("no table")
    assert run(console, facts, tmp_path / "out.parquet") == 2
    assert run(console, write(facts), facts) == 2
    assert run(console, facts, tmp_path / "out.parquet", "23.11.2026") == 2
    text = console.export_text()
    assert all(
        part in text
        for part in ("no Parquet file", "Not a Parquet", "cannot replace", "YYYY-MM-DD")
    )


def test_a_yearly_fact_without_a_year_is_that_of_the_year_before_the_day(
    console: Console, tmp_path: Path
) -> None:
    named, bare = tmp_path / "named.parquet", tmp_path / "bare.parquet"
    years = {"revenue_fen.2025": None, "revenue_fen": FIRMS["revenue_fen.2025"]}
    assert run(console, write(tmp_path / "facts.parquet"), named) == 0
    assert run(console, write(tmp_path / "short.parquet", **years), bare) == 0
    assert pl.read_parquet(bare).equals(pl.read_parquet(named))
    assert run(console, tmp_path / "short.parquet", bare, on="2025-11-23") == 0
    assert pl.read_parquet(bare)["large-strong.outcome"].to_list() == [False] * 4


def test_a_yearly_fact_that_stands_twice_is_refused(console: Console, tmp_path: Path) -> None:
    twice = write(tmp_path / "facts.parquet", revenue_fen=[1, 2, 3, 4])
    assert run(console, twice, tmp_path / "results.parquet") == 2
    assert "revenue_fen.YYYY" in console.export_text()


def test_a_table_without_any_fact_of_the_rules_is_refused(console: Console, tmp_path: Path) -> None:
    facts = tmp_path / "facts.parquet"
    pl.DataFrame({"uscc": ["A"], "revenue_fen.2001": [1]}).write_parquet(facts)
    assert run(console, facts, tmp_path / "out.parquet") == 2
    assert "No programme" in console.export_text()


def test_a_fact_that_the_table_lacks_is_unknown(console: Console, tmp_path: Path) -> None:
    facts, out = tmp_path / "facts.parquet", tmp_path / "results.parquet"
    pl.DataFrame({"uscc": ["A"], "is_above_scale": [True]}).write_parquet(facts)
    assert run(console, facts, out) == 0
    row = pl.read_parquet(out).row(0, named=True)
    assert row["rd-matching.condition.above-scale"] is True
    assert row["rd-matching.outcome"] is None


@pytest.mark.parametrize(
    ("values", "told"),
    [([1.0] * 4, ("：应为整数", "whole numbers")), ([-1] * 4, ("允许0至", "0 to "))],
)
def test_a_column_without_a_year_is_called_as_the_file_calls_it(
    console: Console, tmp_path: Path, values: list[Any], told: tuple[str, ...]
) -> None:
    facts = write(tmp_path / "facts.parquet", **{"revenue_fen.2025": None, "revenue_fen": values})
    assert run(console, facts, tmp_path / "out.parquet") == 2
    text = console.export_text()
    assert "facts.parquet revenue_fen " in text
    assert "facts.parquet/revenue_fen:" in text
    assert "revenue_fen.2025" not in text
    assert all(part in text for part in told)


@pytest.mark.parametrize("words", WORDS.values())
def test_every_type_of_a_column_has_its_words_in_chinese(words: str) -> None:
    assert in_chinese(words)
    assert words not in in_chinese(words)
