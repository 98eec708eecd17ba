"""The words of the language: everything else is refused before a parser sees it."""

import re
from typing import Final, Literal, NoReturn

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import SqlglotError

from services.rulebook.errors import Issue, RuleError

EXPRESSION_CHARS_MAX: Final = 4_000
EXPRESSION_TOKENS_MAX: Final = 800
# The parser recurses some forty calls a level; Python allows a thousand, the caller's included.
NESTING_MAX: Final = 12
PREFIXES_MAX: Final = 2

FUNCTIONS: Final = frozenset(
    {
        "prior",
        "sum_years",
        "avg_years",
        "growth",
        "holds",
        "grade",
        "on_list",
        "once_ever",
        "least",
        "greatest",
        "floor",
    }
)
WORDS: Final = frozenset(
    {
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "IS",
        "NULL",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "TRUE",
        "FALSE",
        "DATE",
    }
)
SIGNS: Final = frozenset({"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "(", ")", ",", ":"})
ALLOWED: Final = (
    "fact names, :parameters, integers, decimals, 'text', DATE 'YYYY-MM-DD', "
    + " ".join(sorted(WORDS))
    + ", "
    + " ".join(sorted(SIGNS))
    + ", "
    + " ".join(f"{name}()" for name in sorted(FUNCTIONS))
)

_LEVELS: Final = {
    TokenType.L_PAREN: 1,
    TokenType.R_PAREN: -1,
    TokenType.CASE: 1,
    TokenType.END: -1,
}
_PREFIXES: Final = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,18})?")
_TEXT_LITERAL = re.compile(r"'(?:[^']|'')*'")
_COMMENT = re.compile(r"--|/\*|\*/|//|#")


def is_plain_word(name: str) -> bool:
    """Tell whether the parser will read the name as a name and not as a keyword."""
    if not _FACT_NAME.fullmatch(name):
        return False
    tokens = sqlglot.tokenize(name)
    return len(tokens) == 1 and tokens[0].token_type is TokenType.VAR


def check_words(text: str) -> None:
    """Refuse every character, word and sign that is not on the list of the language."""
    if len(text) > EXPRESSION_CHARS_MAX:
        _refuse("too-large", f"{len(text)} characters", f"at most {EXPRESSION_CHARS_MAX}")
    if odd := next((c for c in text if not c.isprintable() and c not in "\t\r\n"), None):
        _refuse("not-allowed", f"character U+{ord(odd):04X}", ALLOWED)
    if comment := _COMMENT.search(_TEXT_LITERAL.sub("''", text)):
        _refuse("not-allowed", f"comment {comment.group()}", "`says` and `source` beside the rule")
    tokens = _tokens(text)
    if len(tokens) > EXPRESSION_TOKENS_MAX:
        _refuse("too-large", f"{len(tokens)} words", f"at most {EXPRESSION_TOKENS_MAX}")
    _check_nesting(tokens)
    for index, token in enumerate(tokens):
        if not _is_allowed(tokens, index):
            _refuse("not-allowed", token.text, ALLOWED)


def _tokens(text: str) -> list[Token]:
    try:
        return list(sqlglot.tokenize(text))
    except SqlglotError:
        _refuse("syntax", "a text that is not closed or a sign that is not known", ALLOWED)


def _check_nesting(tokens: list[Token]) -> None:
    depth = prefixes = 0
    for token in tokens:
        depth += _LEVELS.get(token.token_type, 0)
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if depth > NESTING_MAX or prefixes > PREFIXES_MAX:
            _refuse("too-large", "nesting", f"at most {NESTING_MAX} levels")


def _is_allowed(tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    follows = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    match token.token_type:
        case TokenType.STRING:
            return True
        case TokenType.NUMBER:
            return _NUMBER.fullmatch(token.text) is not None
        case TokenType.VAR:
            is_called = follows is TokenType.L_PAREN
            return bool(_NAME.fullmatch(token.text)) and (
                not is_called or token.text.lower() in FUNCTIONS
            )
        case TokenType.DATE:
            return token.text.upper() == "DATE" and follows is TokenType.STRING
        case TokenType.NULL:
            words = [before.text.upper() for before in tokens[max(0, index - 2) : index]]
            return words[-1:] == ["IS"] or words == ["IS", "NOT"]
        case _:
            return token.text in SIGNS or token.text.upper() in WORDS


def _refuse(
    code: Literal["not-allowed", "syntax", "too-large"], found: str, allowed: str
) -> NoReturn:
    raise RuleError([Issue(code, found=found, allowed=allowed)])
