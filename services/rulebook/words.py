"""The language's own words: facts of other years, recognitions, lists and earlier awards."""

import re
from collections.abc import Iterable
from typing import Final, NoReturn

from sqlglot import exp

from services.rulebook.errors import Issue, RuleError, nearest
from services.rulebook.lexicon import ALLOWED
from services.rulebook.nodes import (
    Arithmetic,
    Const,
    FactAt,
    Grade,
    Holds,
    Kind,
    Node,
    OnceEver,
    OnList,
    YearsTotal,
)
from services.rulebook.vocabulary import Vocabulary

YEARS_MAX: Final = 10
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def read_call(word: str, arguments: list[exp.Expr], vocabulary: Vocabulary) -> Node:
    """Read one of the language's own words with its literal arguments."""
    match word:
        case "prior":
            name, years = _fact_and_years(word, arguments, vocabulary)
            return FactAt(name, Kind.NUMBER, years)
        case "sum_years" | "avg_years":
            name, years = _fact_and_years(word, arguments, vocabulary)
            return YearsTotal(name, years, average=word == "avg_years")
        case "growth":
            name, years = _fact_and_years(word, arguments, vocabulary)
            now, before = FactAt(name, Kind.NUMBER, 0), FactAt(name, Kind.NUMBER, years)
            return Arithmetic("-", Arithmetic("/", now, before), Const(1, Kind.NUMBER))
        case "holds":
            return Holds(_id(word, arguments, vocabulary.recognitions))
        case "grade":
            return Grade(_id(word, arguments, vocabulary.recognitions))
        case "on_list":
            return OnList(_id(word, arguments, vocabulary.lists))
        case "once_ever":
            return OnceEver(_id(word, arguments, vocabulary.programmes))
        case _:
            raise RuleError([Issue("not-allowed", found=f"{word}()", allowed=ALLOWED)])
    return None


def _fact_and_years(
    word: str, arguments: list[exp.Expr], vocabulary: Vocabulary
) -> tuple[str, int]:
    usage = f"{word}(fact, n) with n from 1 to {YEARS_MAX}"
    column, count = _arguments(word, arguments, usage, count=2)
    if type(column) is not exp.Column or len([v for v in column.args.values() if v]) != 1:
        _refuse("bad-argument", f"{word} of something that is no fact", usage)
    fact = vocabulary.get(column.name)
    if fact is None:
        _refuse("unknown-fact", column.name, nearest(column.name, vocabulary))
    if fact.period != "year":
        _refuse("type-mismatch", f"{fact.name} is a fact as of the day", "a yearly fact")
    if type(count) is not exp.Literal or count.is_string or not count.this.isdigit():
        _refuse("bad-argument", f"{word} without a whole number of years", usage)
    years = int(count.this)
    if not 1 <= years <= YEARS_MAX:
        _refuse("bad-argument", f"{word} over {years} years", usage)
    return fact.name, years


def _id(word: str, arguments: list[exp.Expr], known: Iterable[str] | None) -> str:
    usage = f"{word}('id'), the id in small letters, digits and hyphens"
    (literal,) = _arguments(word, arguments, usage, count=1)
    if type(literal) is not exp.Literal or not literal.is_string:
        _refuse("bad-argument", f"{word} without a literal id", usage)
    name = str(literal.this)
    if not _ID.fullmatch(name):
        _refuse("bad-argument", f"{word}('{name}')", usage)
    if known is not None and name not in known:
        _refuse("unknown-id", f"{word}('{name}')", nearest(name, known))
    return name


def _arguments(word: str, arguments: list[exp.Expr], usage: str, *, count: int) -> list[exp.Expr]:
    if len(arguments) != count:
        _refuse("bad-argument", f"{word} with {len(arguments)} arguments", usage)
    return arguments


def _refuse(code: str, found: str, allowed: str) -> NoReturn:
    raise RuleError([Issue(code, found=found, allowed=allowed)])
