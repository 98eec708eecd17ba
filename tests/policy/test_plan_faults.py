"""Faults of a plan's files together: none hides another, and each is told in both languages."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.policy.plan.actions.faults_beside import faults_beside
from services.policy.plan.actions.load_library import library, load_library
from services.policy.plan.actions.read_document import PlanInvalid
from services.policy.plan.actions.reading import told
from services.rulebook import Issue, RuleError, compile_programme, load_programme
from tests.policy.changed_plans import copy_plans

M27, M09 = "cixi-2025-2027/measures/m27.yaml", "cixi-2025-2027/measures/m09.yaml"
LIBRARY_WORDS = re.compile(
    r"[Ii]nput should|[Ff]ield required|[Ee]xtra inputs|[Vv]alue error|String"
)


def compile_(data: Any) -> None:
    compile_programme(load_programme(data), library().vocabulary)


def draft(**changes: Any) -> dict[str, Any]:
    return {
        "id": "draft", "title": "草案",
        "eligibility": [
            {"id": "revenue", "says": "营收", "when": "revenue_fen >= 1"},
            {"id": "staff", "says": "人员", "when": "staff_cout >= 1"},
        ],
        "amount": "LEAST(revenue_fem, 5)",
        **changes,
    }  # fmt: skip


def faults_of(data: dict[str, Any]) -> list[Issue]:
    with pytest.raises(RuleError) as refused:
        compile_(data)
    return [*refused.value.issues, *faults_beside(data, refused.value, compile_)]


EXPRESSIONS = {("/eligibility/1/when", "unknown-fact"), ("/amount", "unknown-fact")}


@pytest.mark.parametrize(
    ("changes", "shape"),
    [
        ({"amout": "1"}, {("/amout", "unknown-key")}),
        ({"notice_days": "five"}, {("/notice_days", "bad-value")}),
        ({"relation": "match", "kind": "gift"},
         {("/relation", "bad-value"), ("/kind", "bad-value")}),
        ({"title": None}, {("/title", "bad-value")}),
        ({"evidence": [{"id": "e"}]},
         {("/evidence/0/title", "missing-key"), ("/evidence/0/proves", "missing-key")}),
        ({"parameters": {"rate_bp": {"unit": "bp", "lowest": 1}}},
         {("/parameters/rate_bp/lowest", "unknown-key")}),
    ],
)  # fmt: skip
def test_a_fault_of_the_shape_does_not_hide_those_of_the_expressions(
    changes: dict[str, Any], shape: set[tuple[str, str]]
) -> None:
    found = {(each.pointer, each.code) for each in faults_of(draft(**changes))}

    assert found >= EXPRESSIONS
    assert found - EXPRESSIONS <= shape
    assert found - EXPRESSIONS


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ({"id": "x", "sayss": "一", "when": "revenue_fen > 1"}, "/eligibility/0/sayss"),
        ({"id": "x", "says": "一", "whenn": "revenue_fen > 1"}, "/eligibility/0/whenn"),
        ({"says": "一", "when": "revenue_fen > 1"}, "/eligibility/0/id"),
        ({"id": "x", "says": "一"}, "/eligibility/0"),
        ({"id": "x", "says": "一", "when": True}, "/eligibility/0/when"),
    ],
)
def test_a_condition_without_a_part_does_not_hide_the_next(
    condition: dict[str, Any], fault: str
) -> None:
    data = draft()
    data["eligibility"][0] = condition
    found = [each.pointer for each in faults_of(data)]

    assert fault in found
    assert {"/eligibility/1/when", "/amount"} <= set(found)
    # What follows from reading on without the part is no fault of the author's.
    assert len(found) == len(set(found))


def test_where_others_name_what_is_wrong_nothing_is_told_that_may_be_right() -> None:
    data = draft(parameters={"rate_bp": {"unit": 5}}, amount="revenue_fen * :rate_bp / 10000")
    found = faults_of(data)

    assert {each.pointer for each in found} == {"/parameters/rate_bp/unit"}


def test_what_was_written_is_left_as_it_is() -> None:
    data = draft(amout="1")
    faults_of(data)
    assert data == draft(amout="1")


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    copy_plans(tmp_path)
    return tmp_path


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def test_faults_of_several_files_are_told_together_in_both_languages(plans: Path) -> None:
    replace(
        plans / M27,
        ("notice_days: 5", "notice_day: 5"),
        ("rd_internal_fen > 200000000", "rd_internall_fen > 200000000"),
        ("number: 27", "numbr: 27"),
    )
    replace(plans / M09, ("verbatim: true", "verbatim: perhaps"), ("relation: ", "relation: x"))
    replace(plans / "cixi-2025-2027/plan.yaml", ("status: draft-for-comment", "status: draft"))
    replace(plans / "cixi-2025-2027/parameters.yaml", ("values: unset", "values: none"))
    with pytest.raises(PlanInvalid) as refused:
        load_library(plans)
    faults = [str(each) for each in refused.value.faults]

    for place in (
        f"{M27}:\\d+: /programmes/0/notice_day: .*did you mean notice_days",
        f"{M27}:\\d+: /programmes/0/eligibility/1/when: .*did you mean rd_internal_fen",
        f"{M27}:\\d+: /numbr: .*did you mean number",
        f"{M27}:\\d+: /number: .*allowed: a value",
        f"{M09}:\\d+: /verbatim: .*allowed: true or false",
        f"{M09}:\\d+: /programmes/0/relation: .*one of matches, tops-up, competes",
        "plan.yaml:\\d+: /status: .*one of draft-for-comment, issued",
        "parameters.yaml:\\d+: /parameters/rd-matching.ratio_bp/values: .*one of unset; or a list",
    ):
        assert any(re.search(place, each) for each in faults), (place, faults)
    for fault in faults:
        english, chinese = fault.split(" | ")
        assert not LIBRARY_WORDS.search(fault), fault
        assert not re.search(r"[\u4e00-\u9fff]", english.split(": ", 2)[2].split(";")[0]), fault
        assert re.search(r"[\u4e00-\u9fff]", chinese), fault
    assert any("允许：true或false" in each or "应为true或false" in each for each in faults)


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"kind": "gift"}, "须为其中之一：", "one of recognition, "),
        ({"notice_days": 61}, "不超过60", "at most 60"),
        ({"notice_days": -1}, "不小于0", "at least 0"),
        ({"eligibility": []}, "不少于1项", "at least 1 entries"),
        ({"id": "A B"}, "小写字母、数字和连字符", "small letters, digits and hyphens"),
        ({"title": ""}, "不少于1个字符", "at least 1 characters"),
        ({"records": "x"}, "列表", "a list"),
        ({"departments": "jxj"}, "名称与取值的对照", "names with values"),
        ({"confidential": "yes"}, "true或false", "true or false"),
        ({"places": {"per": "year"}}, "二者取一", "either `count` or `parameter`"),
    ],
)
def test_what_is_allowed_is_said_in_our_own_words(
    changes: dict[str, Any], zh: str, en: str
) -> None:
    found, allowed = told(faults_of(draft(**changes))[0])

    assert zh in allowed.zh
    assert en in allowed.en
    assert not LIBRARY_WORDS.search(f"{found.zh}{found.en}{allowed.en}")
