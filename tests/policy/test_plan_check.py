"""What an author of a plan is told: every fault by file, line and field, or that all holds."""

import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from services.launch.commands.planning import check_plans
from services.policy.plan.actions import load_library
from services.policy.plan.actions.load_library import PLANS_VARIABLE, library
from tests.policy.changed_plans import copy_plans


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    copy_plans(tmp_path)
    return tmp_path


def told(folder: Path | None) -> tuple[int, str]:
    console = Console(file=StringIO(), width=80)
    code = check_plans(console, folder)
    assert isinstance(console.file, StringIO)
    return code, console.file.getvalue()


def test_plans_that_hold_are_counted(plans: Path) -> None:
    code, text = told(plans)

    assert code == 0
    assert f"cixi-2025-2027 ({load_library.load_library(plans).main.version}): 2 measures" in text
    assert f"{len(library().facts)} facts" in text


def test_every_fault_is_told_by_file_line_and_field(plans: Path) -> None:
    for file, old, new in (
        ("cixi-2025-2027/measures/m27.yaml", "lead: kjj", "lead: kj"),
        ("cixi-industry-2025/measures/clause-1-1.yaml", "matter: year", "matters: year"),
    ):
        path = plans / file
        path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    code, text = told(plans)

    assert code == 1
    assert "cixi-2025-2027/measures/m27.yaml:" in text
    assert "/departments/lead: kj is no bureau" in text
    assert "/programmes/0/matters" in text
    assert "2 faults" in text


def test_a_fault_of_a_programme_is_not_told_of_its_parameters(plans: Path) -> None:
    path = plans / "cixi-2025-2027/measures/m27.yaml"
    text = path.read_text("utf-8").replace("rd_internal_fen > 200000000", "rd_internal_fen > 2e8")
    path.write_text(text, "utf-8")
    code, text = told(plans)

    assert code == 1
    assert "2e8" in text
    assert "1 faults" in text


def test_true_for_a_condition_is_told_what_to_write(plans: Path) -> None:
    path = plans / "cixi-2025-2027/measures/m27.yaml"
    text = path.read_text("utf-8").replace("when: is_above_scale", "when: true")
    path.write_text(text, "utf-8")
    code, text = told(plans)

    assert code == 1
    assert "an expression, not true or false alone" in text
    assert "须写表达式，不得只写true或false" in text


@pytest.mark.parametrize("content", [b"\xed\xff", b"\x00", b"\x07"])
def test_a_file_that_is_no_text_is_named_with_its_line(plans: Path, content: bytes) -> None:
    path = plans / "cixi-2025-2027/measures/m27.yaml"
    path.write_bytes(b"number: 27\npart: " + content)
    code, text = told(plans)

    assert code == 1
    assert "cixi-2025-2027/measures/m27.yaml:2: /: not readable as text" in text


def test_another_city_runs_its_own_plans(plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(plans / "cixi-industry-2025")
    monkeypatch.setenv(PLANS_VARIABLE, str(plans))
    found = load_library.library.__wrapped__()

    assert list(found.plans) == ["cixi-2025-2027"]
    assert "digital-growth" not in found.programmes


def test_a_folder_that_is_missing_or_holds_no_plan_is_named(tmp_path: Path) -> None:
    code, text = told(tmp_path / "nowhere")
    assert code == 1
    assert f"{tmp_path / 'nowhere'}:1: /: there is no such folder" in text
    assert "没有这个文件夹" in text
    code, text = told(tmp_path)
    assert code == 1
    assert "no plan in this folder" in text


def test_a_missing_rule_of_the_highest_is_told_where_it_belongs(plans: Path) -> None:
    for file in plans.glob("*/stacking.yaml"):
        file.unlink()
    code, text = told(plans)
    assert code == 1
    assert "cixi-2025-2027/stacking.yaml:1: /highest: 0 plans state `highest`, which is req" in text
    assert "必填" in text
    assert "plan.yaml" not in text
