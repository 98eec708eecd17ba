"""From SQL text to our own nodes: an allow-list of forms, with types, names and limits checked."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NoReturn, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from services.rulebook.arithmetic import compared, joined_by, number
from services.rulebook.errors import Issue, RuleError, nearest
from services.rulebook.lexicon import ALLOWED, NESTING_MAX, check_words
from services.rulebook.nodes import (
    Case,
    Compare,
    Const,
    Extreme,
    FactAt,
    Floor,
    Grade,
    Holds,
    IsUnknown,
    Kind,
    Node,
    Not,
    OneOf,
    OnList,
    Parameter,
    Tally,
    YearsTotal,
    all_of,
    any_of,
    asks_about_subject,
    is_constant,
    kind_of,
    sql_text,
)
from services.rulebook.situation import read_day
from services.rulebook.vocabulary import KINDS, Vocabulary
from services.rulebook.words import read_call

OPTIONS_MAX: Final = 200
OPERATORS_MAX: Final = 40


NO_TALLIES: Final[Mapping[str, Tally]] = MappingProxyType({})


def parse_condition(
    text: str,
    vocabulary: Vocabulary,
    parameters: Iterable[str] = (),
    tallies: Mapping[str, Tally] = NO_TALLIES,
) -> Node:
    """Read a condition: an expression that is true, false or unknown of an applicant."""
    node = _parse(text, Reader(vocabulary, frozenset(parameters), tallies))
    _require(text, node, (Kind.BOOL,), "a condition, true or false")
    return _about_subject(text, node, "a condition that names a fact")


def parse_amount(
    text: str,
    vocabulary: Vocabulary,
    parameters: Iterable[str] = (),
    tallies: Mapping[str, Tally] = NO_TALLIES,
) -> Node:
    """Read an amount: an exact number of fen, rounded down only at the very end."""
    node = _parse(text, Reader(vocabulary, frozenset(parameters), tallies))
    return _require(text, node, (Kind.NUMBER,), "a number of fen")


def parse_points(
    text: str,
    vocabulary: Vocabulary,
    parameters: Iterable[str] = (),
    tallies: Mapping[str, Tally] = NO_TALLIES,
) -> Node:
    """Read what points are given for: a number that differs between applicants."""
    node = _parse(text, Reader(vocabulary, frozenset(parameters), tallies))
    _require(text, node, (Kind.NUMBER,), "a number")
    return _about_subject(text, node, "a number that names a fact")


def parse_class(
    text: str,
    vocabulary: Vocabulary,
    parameters: Iterable[str] = (),
    tallies: Mapping[str, Tally] = NO_TALLIES,
) -> Node:
    """Read a class: a text or a number that tells applicants apart."""
    node = _parse(text, Reader(vocabulary, frozenset(parameters), tallies))
    _require(text, node, (Kind.TEXT, Kind.NUMBER), "a text or number")
    return _about_subject(text, node, "a class that names a fact")


def _require(text: str, node: Node, kinds: tuple[Kind, ...], allowed: str) -> Node:
    if kind_of(node) not in kinds:
        _refuse_in(text, "type-mismatch", f"a {kind_of(node)}", allowed)
    return node


def _about_subject(text: str, node: Node, allowed: str) -> Node:
    if not asks_about_subject(node):
        _refuse_in(text, "constant-condition", text, allowed)
    return node


def _parse(text: str, reader: "Reader") -> Node:
    try:
        check_words(text)
        return reader.node(sqlglot.parse_one(text))
    except RuleError as error:
        raise RuleError(
            Issue(i.code, i.pointer, i.found, i.allowed, " ".join(text.split()), i.where)
            for i in error.issues
        ) from None
    except SqlglotError:
        _refuse_in(text, "syntax", "words in an order that is no expression", ALLOWED)
    except RecursionError:
        _refuse_in(text, "too-large", "nesting", f"at most {NESTING_MAX} levels")


def _refuse(code: str, found: str, allowed: str) -> NoReturn:
    raise RuleError([Issue(code, found=found, allowed=allowed)])


def _refuse_in(text: str, code: str, found: str, allowed: str) -> NoReturn:
    raise RuleError([Issue(code, found=found, allowed=allowed, expression=" ".join(text.split()))])


@dataclass
class Reader:
    """Turns one parser tree into nodes; `depth` bounds the nesting."""

    vocabulary: Vocabulary
    parameters: frozenset[str]
    tallies: Mapping[str, Tally]
    depth: int = 0

    def node(self, tree: exp.Expr) -> Node:
        """Read any allowed form; the exact class decides, so no subclass slips in."""
        form = FORMS.get(type(tree))
        if form is None:
            _refuse("not-allowed", type(tree).__name__.upper(), ALLOWED)
        read, parts = form
        for part, value in tree.args.items():
            if value and part not in parts:
                _refuse("not-allowed", f"{type(tree).__name__.upper()} with {part}", ALLOWED)
        level = 0 if type(tree) is exp.Paren else 1
        self.depth += level
        if self.depth > OPERATORS_MAX:
            _refuse("too-large", "operators in one another", f"at most {OPERATORS_MAX}")
        node = read(self, tree)
        self.depth -= level
        return node

    def typed(self, tree: exp.Expr, *kinds: Kind) -> Node:
        node = self.node(tree)
        if kind_of(node) not in kinds:
            wanted = " or ".join(kinds)
            _refuse("type-mismatch", f"{sql_text(node)} is a {kind_of(node)}", f"a {wanted}")
        return node

    def varying(self, tree: exp.Expr) -> Node:
        """Read a condition that is part of another; TRUE or 1 = 1 would disarm the whole."""
        node = self.typed(tree, Kind.BOOL)
        if is_constant(node):
            _refuse("constant-condition", sql_text(node), "a condition that names a fact")
        return node

    def name(self, tree: exp.Column) -> Node:
        name = tree.name
        if name in self.tallies:
            return self.tallies[name].points
        fact = self.vocabulary.get(name)
        if fact is None:
            _refuse("unknown-fact", name, nearest(name, [*self.vocabulary, *self.tallies]))
        if fact.type == "ids":
            words = "holds('id'), grade('id') or on_list('id')"
            _refuse("type-mismatch", f"{name} is a set of ids", words)
        return FactAt(name, KINDS[fact.type], 0 if fact.period == "year" else None)

    def parameter(self, tree: exp.Placeholder) -> Node:
        if tree.name not in self.parameters:
            _refuse("unknown-parameter", f":{tree.name}", nearest(tree.name, self.parameters))
        return Parameter(tree.name)

    def literal(self, tree: exp.Literal) -> Node:
        if tree.is_string:
            return Const(tree.this, Kind.TEXT)
        return number(Fraction(tree.this))

    def boolean(self, tree: exp.Boolean) -> Node:
        return Const(bool(tree.this), Kind.BOOL)

    def day(self, tree: exp.Cast) -> Node:
        text = str(tree.this.this)
        day = read_day(text)
        if day is None:
            _refuse("bad-argument", f"DATE '{text}'", "DATE 'YYYY-MM-DD'")
        return Const(day, Kind.DATE)

    def inner(self, tree: exp.Paren) -> Node:
        return self.node(tree.this)

    def negation(self, tree: exp.Not) -> Node:
        return Not(self.varying(tree.this))

    def conjunction(self, tree: exp.And) -> Node:
        return all_of(self.varying(part) for part in tree.flatten(unnest=False))

    def disjunction(self, tree: exp.Or) -> Node:
        return any_of(self.varying(part) for part in tree.flatten(unnest=False))

    def comparison(self, tree: exp.Binary) -> Node:
        op = COMPARISONS[type(tree)]
        for side in (tree.left, tree.right):
            if type(side) in COMPARISONS:
                _refuse("not-allowed", "a chain of comparisons", "a < b AND b < c")
        left, right = self.node(tree.left), self.node(tree.right)
        ordered = op not in ("=", "<>")
        _check_comparable(left, right, ordered=ordered)
        return compared(op, left, right) if ordered else Compare(op, left, right)

    def between(self, tree: exp.Between) -> Node:
        subject = self.typed(tree.this, Kind.NUMBER, Kind.DATE)
        self._must_ask(subject, "BETWEEN")
        low, high = self.node(tree.args["low"]), self.node(tree.args["high"])
        for bound in (low, high):
            _check_comparable(subject, bound, ordered=True)
        return all_of([compared(">=", subject, low), compared("<=", subject, high)])

    def membership(self, tree: exp.In) -> Node:
        subject = self.node(tree.this)
        options = [self.node(option) for option in tree.expressions]
        if not options or len(options) > OPTIONS_MAX:
            _refuse("too-large", f"IN with {len(options)} values", f"1 to {OPTIONS_MAX} values")
        for option in options:
            _check_comparable(subject, option, ordered=False)
        constants = tuple(option for option in options if isinstance(option, Const))
        if len(constants) != len(options):
            _refuse("bad-argument", "IN with a value that is not a literal", "IN (1, 2, 3)")
        self._must_ask(subject, "IN")
        return OneOf(subject, constants)

    def _must_ask(self, subject: Node, word: str) -> None:
        if not asks_about_subject(subject):
            _refuse("constant-condition", sql_text(subject), f"a fact before {word}")

    def null_test(self, tree: exp.Is) -> Node:
        if type(tree.expression) is not exp.Null:
            _refuse("not-allowed", "IS with a value", "IS NULL or IS NOT NULL")
        subject = self.node(tree.this)
        if not isinstance(subject, FactAt | YearsTotal | Holds | Grade | OnList):
            _refuse("bad-argument", f"{sql_text(subject)} IS NULL", "a fact before IS NULL")
        return IsUnknown(subject)

    def case(self, tree: exp.Case) -> Node:
        if tree.args.get("default") is None:
            _refuse("bad-argument", "CASE without ELSE", "an ELSE that says what holds otherwise")
        branches = [
            (self._when(tree, branch), self.node(branch.args["true"]))
            for branch in tree.args["ifs"]
        ]
        otherwise = self.node(tree.args["default"])
        for _, value in branches:
            if kind_of(value) is not kind_of(otherwise):
                found = f"{sql_text(value)} beside {sql_text(otherwise)}"
                _refuse("type-mismatch", found, "values of one type in every branch")
        return Case(tuple(branches), otherwise)

    def _when(self, tree: exp.Case, branch: exp.If) -> Node:
        if tree.this is None:
            return self.varying(branch.this)
        subject, option = self.node(tree.this), self.node(branch.this)
        _check_comparable(subject, option, ordered=False)
        self._must_ask(subject, "WHEN")
        return Compare("=", subject, option)

    def arithmetic(self, tree: exp.Binary) -> Node:
        left = self.typed(tree.left, Kind.NUMBER)
        right = self.typed(tree.right, Kind.NUMBER)
        return joined_by(ARITHMETIC[type(tree)], left, right)

    def negative(self, tree: exp.Neg) -> Node:
        return joined_by("-", Const(0, Kind.NUMBER), self.typed(tree.this, Kind.NUMBER))

    def extreme(self, tree: exp.Least | exp.Greatest) -> Node:
        items = tuple(self.typed(i, Kind.NUMBER) for i in (tree.this, *tree.expressions))
        word = "LEAST" if type(tree) is exp.Least else "GREATEST"
        if not tree.expressions:
            _refuse("bad-argument", f"{word} of one value", f"{word}(a, b)")
        numbers = [cast("Fraction", item.value) for item in items if isinstance(item, Const)]
        if len(numbers) == len(items):
            return number(Fraction(min(numbers) if word == "LEAST" else max(numbers)))
        return Extreme(word, items)

    def floor(self, tree: exp.Floor) -> Node:
        operand = self.typed(tree.this, Kind.NUMBER)
        if isinstance(operand, Const):
            return number(Fraction(math.floor(cast("Fraction", operand.value))))
        return Floor(operand)

    def call(self, tree: exp.Anonymous) -> Node:
        return read_call(tree.name.lower(), list(tree.expressions), self.vocabulary)


def _check_comparable(left: Node, right: Node, *, ordered: bool) -> None:
    a, b = kind_of(left), kind_of(right)
    found = f"{sql_text(left)} ({a}) against {sql_text(right)} ({b})"
    if a is not b:
        _refuse("type-mismatch", found, "two values of one type")
    if ordered and a not in (Kind.NUMBER, Kind.DATE):
        _refuse("type-mismatch", found, "numbers or dates with < <= > >=; = <> IN for others")
    if left == right:
        _refuse("constant-condition", found, "two different values")


COMPARISONS: Final[dict[type, Any]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: Final[dict[type, Any]] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}

# The allow-list: each form of the parser that is read, and the parts of it that are understood.
Form = tuple[Callable[[Reader, Any], Node], frozenset[str]]
_PAIR: Final = frozenset({"this", "expression"})
_ONE: Final = frozenset({"this"})
FORMS: Final[dict[type, Form]] = {
    exp.Column: (Reader.name, _ONE),
    exp.Placeholder: (Reader.parameter, _ONE),
    exp.Literal: (Reader.literal, frozenset({"this", "is_string"})),
    exp.Boolean: (Reader.boolean, _ONE),
    exp.Cast: (Reader.day, frozenset({"this", "to"})),
    exp.Paren: (Reader.inner, _ONE),
    exp.Not: (Reader.negation, _ONE),
    exp.And: (Reader.conjunction, _PAIR),
    exp.Or: (Reader.disjunction, _PAIR),
    **dict.fromkeys(COMPARISONS, (Reader.comparison, _PAIR)),
    exp.Between: (Reader.between, frozenset({"this", "low", "high"})),
    exp.In: (Reader.membership, frozenset({"this", "expressions"})),
    exp.Is: (Reader.null_test, _PAIR),
    exp.Case: (Reader.case, frozenset({"this", "ifs", "default"})),
    exp.Add: (Reader.arithmetic, _PAIR),
    exp.Sub: (Reader.arithmetic, _PAIR),
    exp.Mul: (Reader.arithmetic, _PAIR),
    exp.Div: (Reader.arithmetic, _PAIR | {"typed", "safe"}),
    exp.Neg: (Reader.negative, _ONE),
    exp.Least: (Reader.extreme, frozenset({"this", "expressions", "ignore_nulls"})),
    exp.Greatest: (Reader.extreme, frozenset({"this", "expressions", "ignore_nulls"})),
    exp.Floor: (Reader.floor, _ONE),
    exp.Anonymous: (Reader.call, frozenset({"this", "expressions"})),
}
