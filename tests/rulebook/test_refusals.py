"""What is not in the language does not load, and the refusal says where, what and what instead."""

import pytest

from services.rulebook import RuleError
from services.rulebook.parse import parse_amount, parse_condition
from tests.rulebook.builders import VOCABULARY, truth

FORBIDDEN = [
    "SELECT 1",
    "(SELECT 1) > revenue_fen",
    "revenue_fen IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "revenue_fen > ALL (SELECT 1)",
    "ANY(revenue_fen) > 1",
    "DROP TABLE firms",
    "SET x = 1",
    "WITH a AS (SELECT 1) SELECT 1",
    "CAST(revenue_fen AS TEXT) = '1'",
    "TRY_CAST(revenue_fen AS TEXT) = '1'",
    "CAST('2026-01-01' AS DATE) > established_on",
    "revenue_fen::text = '1'",
    "'2026-01-01'::date > established_on",
    "DATE('2026-01-01') > established_on",
    "TIMESTAMP '2026-01-01' > established_on",
    "established_on > CURRENT_DATE",
    "established_on + INTERVAL '1' DAY > DATE '2026-01-01'",
    "industry_code LIKE '38%'",
    "industry_code ILIKE '38%'",
    "industry_code SIMILAR TO '38'",
    "industry_code || 'x' = 'y'",
    "industry_code COLLATE x = 'y'",
    "SUM(revenue_fen) OVER () > 1",
    "SUM(revenue_fen) > 1",
    "COUNT(*) > 1",
    "COALESCE(revenue_fen, 0) > 1",
    "NULLIF(revenue_fen, 0) > 1",
    "IF(is_listed, 1, 2) > 1",
    "ABS(revenue_fen) > 1",
    "ROUND(revenue_fen / 3) > 1",
    "FLOOR(revenue_fen, 2) > 1",
    "FLOOR(revenue_fen TO DAY) > 1",
    "POWER(revenue_fen, 2) > 1",
    "SLEEP(10)",
    "eval('1')",
    "__import__('os')",
    "revenue_fen.__class__ = 1",
    "__class__",
    "x -> x + 1",
    "revenue_fen -> 'a' = 1",
    "revenue_fen:rate > 1",
    "revenue_fen[0] = 1",
    "[revenue_fen] = 1",
    "{revenue_fen} = 1",
    "{{revenue_fen}} = 1",
    "(revenue_fen, staff_count) = (1, 2)",
    "firms.revenue_fen > 1",
    "revenue_fen > 1; DROP TABLE firms",
    "revenue_fen > 1;",
    "revenue_fen > 1 -- a comment",
    "revenue_fen > 1 /* a comment */",
    "/* a comment */ revenue_fen > 1",
    "revenue_fen > 1 # a comment",
    "revenue_fen > 1 // 2",
    "revenue_fen == 1",
    "revenue_fen != 1",
    "revenue_fen <=> 1",
    "revenue_fen IS DISTINCT FROM 1",
    "revenue_fen IS TRUE",
    "is_listed IS TRUE",
    "revenue_fen ISNULL",
    "revenue_fen NOTNULL",
    "revenue_fen NOT NULL",
    "revenue_fen = NULL",
    "NULL",
    "!is_listed",
    "is_listed && is_above_scale",
    "is_listed XOR is_above_scale",
    "revenue_fen % 2 = 1",
    "revenue_fen DIV 2 = 1",
    "revenue_fen & 1 = 1",
    "revenue_fen ^ 2 > 1",
    "~revenue_fen > 1",
    "revenue_fen AS x",
    "revenue_fen x",
    "revenue_fen > 1 extra",
    '"revenue_fen" > 1',
    "`revenue_fen` > 1",
    "revenue_fen > 1e3",
    "revenue_fen > 0x10",
    "revenue_fen > 1_000",
    "revenue_fen > .5",
    "revenue_fen > 5.",
    "revenue_fen > １２",
    "revenue_fen ≥ 12",
    "revenue_fen\u3000> 12",
    "revenue_fen\u0000 > 12",
    "industry_code = N'x'",
    "industry_code = E'x'",
    "industry_code = x'41'",
    "revenue_fen > ?",
    "revenue_fen > @p",
    "revenue_fen > $1",
    "revenue_fen > %(p)s",
    "revenue_fen > :1",
    "revenue_fen BETWEEN SYMMETRIC 1 AND 2",
    "revenue_fen IN staff_count",
    "revenue_fen IN UNNEST(staff_count)",
    "revenue_fen IN ()",
    "1 < revenue_fen < 3",
    "LEAST(revenue_fen, *) > 1",
    "LEAST(revenue_fen, 1) FILTER (WHERE is_listed) > 1",
    "holds(DISTINCT 'x')",
    "holds('x') IGNORE NULLS",
    "holds(x => 'y')",
    "holds",
    "CASE END",
    "revenue_fen >",
    "revenue_fen > 1 AND",
    "(revenue_fen > 1",
    "revenue_fen > 1)",
    "industry_code = 'abc",
    "*",
    "",
    "   ",
]


@pytest.mark.parametrize("expression", FORBIDDEN)
def test_what_is_not_in_the_language_does_not_load(expression: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(expression, VOCABULARY)

    (issue,) = caught.value.issues
    assert issue.found
    assert issue.allowed
    assert issue.detail
    assert issue.detail_en


@pytest.mark.parametrize(
    ("expression", "code", "found"),
    [
        ("'3' > revenue_fen", "type-mismatch", "'3' (text) against revenue_fen (number)"),
        ("industry_code > 'a'", "type-mismatch", "industry_code (text) against 'a' (text)"),
        ("industry_code = 3854", "type-mismatch", "industry_code (text) against 3854 (number)"),
        ("established_on > '2026-01-01'", "type-mismatch", "(date) against '2026-01-01' (text)"),
        ("is_listed = 1", "type-mismatch", "is_listed (bool) against 1 (number)"),
        ("is_listed + 1 > 1", "type-mismatch", "is_listed is a bool"),
        ("revenue_fen AND is_listed", "type-mismatch", "revenue_fen is a number"),
        ("NOT revenue_fen", "type-mismatch", "revenue_fen is a number"),
        ("revenue_fen", "type-mismatch", "a number"),
        ("LEAST(industry_code, 1) > 1", "type-mismatch", "industry_code is a text"),
        ("FLOOR(established_on) > 1", "type-mismatch", "established_on is a date"),
        ("industry_code BETWEEN 'a' AND 'b'", "type-mismatch", "industry_code is a text"),
        ("revenue_fen IN (1, 'a')", "type-mismatch", "'a' (text)"),
        ("CASE WHEN is_listed THEN 1 ELSE 'a' END = 1", "type-mismatch", "1 beside 'a'"),
        ("lists = 'a'", "type-mismatch", "lists is a set of ids"),
        ("prior(class1_ip_count, 1) > 1", "type-mismatch", "class1_ip_count is a fact as of"),
        ("sum_years(is_listed, 2) > 1", "type-mismatch", "is_listed is a fact as of the day"),
        ("prior(revenue_fen, 0) > 1", "bad-argument", "prior over 0 years"),
        ("prior(revenue_fen, 11) > 1", "bad-argument", "prior over 11 years"),
        ("prior(revenue_fen, staff_count) > 1", "bad-argument", "whole number of years"),
        ("prior(revenue_fen, 1.5) > 1", "bad-argument", "whole number of years"),
        ("prior(revenue_fen) > 1", "bad-argument", "prior with 1 arguments"),
        ("prior(revenue_fen + 1, 1) > 1", "bad-argument", "no fact"),
        ("prior(x.revenue_fen, 1) > 1", "not-allowed", "."),
        ("holds(industry_code)", "bad-argument", "holds without a literal id"),
        ("holds('Little Giant')", "bad-argument", "holds('Little Giant')"),
        ("holds('a', 'b')", "bad-argument", "holds with 2 arguments"),
        ("once_ever(1)", "bad-argument", "once_ever without a literal id"),
        ("LEAST(revenue_fen) > 1", "bad-argument", "LEAST of one value"),
        ("established_on > DATE '2026-13-01'", "bad-argument", "DATE '2026-13-01'"),
        ("established_on > DATE '20260101'", "bad-argument", "DATE '20260101'"),
        ("revenue_fen / 0 > 1", "bad-argument", "a division by zero"),
        ("revenue_fen / (1 - 1) > 1", "bad-argument", "a division by zero"),
        ("CASE WHEN is_listed THEN 1 END = 1", "bad-argument", "CASE without ELSE"),
        ("revenue_fen + 1 IS NULL", "bad-argument", "revenue_fen + 1 IS NULL"),
        ("revenue_fen IN (1, staff_count)", "bad-argument", "not a literal"),
        ("true", "constant-condition", "true"),
        ("1 = 2", "constant-condition", "1 = 2"),
        (":rate > 3", "constant-condition", ":rate > 3"),
        ("is_listed OR TRUE", "constant-condition", "TRUE"),
        ("is_listed AND 1 < 2", "constant-condition", "1 < 2"),
        ("NOT FALSE AND is_listed", "constant-condition", "FALSE"),
        ("revenue_fen = revenue_fen", "constant-condition", "revenue_fen"),
        ("1 = 1 OR is_listed", "constant-condition", "1 (number) against 1"),
        ("SUM(revenue_fen) > 1", "not-allowed", "SUM"),
        ("revenue_fen(1) > 1", "not-allowed", "revenue_fen"),
        ("5 BETWEEN revenue_fen AND 9", "constant-condition", "5"),
        ("CASE 1 WHEN 2 THEN is_listed ELSE is_listed END", "constant-condition", "1"),
        ("CASE WHEN TRUE THEN is_listed ELSE is_listed END", "constant-condition", "TRUE"),
        (":rate IN (1) AND is_listed", "constant-condition", ":rate"),
        ("revenue_fen > :rates", "unknown-parameter", ":rates"),
    ],
)
def test_a_refusal_names_the_code_and_what_was_found(
    expression: str, code: str, found: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(expression, VOCABULARY, ["rate"])

    (issue,) = caught.value.issues
    assert issue.code == code
    assert found in issue.found
    assert issue.expression == expression


@pytest.mark.parametrize(
    ("expression", "nearest"),
    [
        ("revenu_fen > 1", "revenue_fen"),
        ("Revenue_Fen > 1", "revenue_fen"),
        ("rd_internal > 1", "rd_internal_fen"),
        ("prior(rd_interal_fen, 1) > 1", "rd_internal_fen"),
        ("is_above_scales", "is_above_scale"),
    ],
)
def test_an_unknown_fact_names_the_nearest(expression: str, nearest: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(expression, VOCABULARY)

    (issue,) = caught.value.issues
    assert issue.code == "unknown-fact"
    assert issue.allowed == f"did you mean {nearest}?"


@pytest.mark.parametrize("expression", ["is_listed", "'text'", "established_on", "grade('a')"])
def test_an_amount_must_be_a_number(expression: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_amount(expression, VOCABULARY)

    assert caught.value.issues[0].code == "type-mismatch"


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 13 + "revenue_fen" + ")" * 13 + " > 1",
        "(" * 5000 + "revenue_fen",
        "NOT " * 300 + "is_listed",
        "NOT NOT NOT is_listed",
        "- " * 300 + "revenue_fen > 1",
        " + ".join(["revenue_fen"] * 100) + " > 1",
        " OR ".join(["is_listed"] * 500),
        "revenue_fen > 1" + " " * 4000,
        "CASE WHEN is_listed THEN " * 60 + "1" + " ELSE 2 END" * 60 + " = 1",
        "revenue_fen IN (" + ", ".join(str(n) for n in range(201)) + ")",
        "revenue_fen > " + " * ".join(["9" * 30] * 2),
    ],
)
def test_an_expression_beyond_the_limits_of_size_is_refused(expression: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(expression, VOCABULARY)

    assert caught.value.issues[0].code == "too-large"


def test_an_expression_at_the_limits_of_size_is_computed() -> None:
    nested = "(" * 12 + "revenue_fen" + " / 2 + 1)" * 12
    assert truth(f"{nested} = 2", revenue_fen=2) is True

    negated = "NOT (" * 12 + "is_listed" + ")" * 12
    assert truth(negated, is_listed=True) is True

    joined = " OR ".join(f"class1_ip_count = {number}" for number in range(150))
    assert truth(joined, class1_ip_count=149) is True


def test_the_refusal_tells_the_author_everything_in_one_line() -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition("revenu_fen\n  > 1", VOCABULARY)

    assert str(caught.value) == (
        "expression: No fact of this name is registered [unknown-fact]; "
        "expression: revenu_fen > 1; found: revenu_fen; allowed: did you mean revenue_fen?"
    )
