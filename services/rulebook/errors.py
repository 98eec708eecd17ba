"""What the language refuses, and how it says so."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

TITLES: Final[dict[str, tuple[str, str]]] = {
    "syntax": ("表达式无法解析", "The expression cannot be read"),
    "not-allowed": ("规则语言不允许这种写法", "The rule language does not allow this"),
    "unknown-fact": ("没有登记这个事实名", "No fact of this name is registered"),
    "unknown-parameter": ("规则没有声明这个参数", "The programme declares no such parameter"),
    "unknown-id": ("没有这个标识", "No such id is known"),
    "type-mismatch": ("类型不符", "The types do not fit"),
    "bad-argument": ("参数写法不正确", "The argument is not of the required form"),
    "constant-condition": (
        "条件恒定，起不到审查作用",
        "The condition cannot fail, so it checks nothing",
    ),
    "overflow": (
        "中间结果可能超出精确整数的范围",
        "A number on the way may be too large to be reckoned exactly",
    ),
    "too-large": ("超出规模上限", "A limit of size is exceeded"),
    "unknown-key": ("字段名未定义", "The field is not defined"),
    "missing-key": ("缺少必填字段", "A required field is missing"),
    "bad-value": ("取值不正确", "The value is not valid"),
    "duplicate": ("标识重复", "The id is used twice"),
    "language-version": ("规则语言版本不受支持", "This version of the language is not supported"),
    "wrong-type": ("事实的类型不符", "The fact has another type"),
    "out-of-bounds": ("事实的取值超出范围", "The fact lies outside its bounds"),
    "wrong-period": ("事实的时间口径不符", "The fact is stated for another kind of period"),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: where it stands, what was found there and what would be accepted.

    `detail` and `detail_en` never repeat the input, so that an HTTP answer may carry them;
    `str()` repeats it, for the author of the file.
    """

    code: str
    pointer: str = ""
    found: str = ""
    allowed: str = ""
    expression: str = ""
    where: str = ""

    @property
    def detail(self) -> str:
        return TITLES[self.code][0]

    @property
    def detail_en(self) -> str:
        return TITLES[self.code][1]

    def __str__(self) -> str:
        place = f"{self.where}{self.pointer}" or "expression"
        parts = [f"{place}: {self.detail_en} [{self.code}]"]
        if self.expression:
            parts.append(f"expression: {self.expression}")
        if self.found:
            parts.append(f"found: {self.found}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        return "; ".join(parts)


class Refusal(Exception):
    """Input that the language refuses, with every fault that was found."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))

    def within(self, *, where: str = "", pointer: str = "") -> "Refusal":
        """Say the same about a part of a larger document."""
        return type(self)(
            replace(issue, where=where or issue.where, pointer=pointer + issue.pointer)
            for issue in self.issues
        )


class RuleError(Refusal):
    """A programme or an expression is not written in the language."""


class FactError(Refusal):
    """A stated fact is not one that the vocabulary knows."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the known word that is most like the given one."""
    words = sorted(known)
    close = get_close_matches(name, words, n=1, cutoff=0)
    return f"did you mean {close[0]}?" if close else "no name is known here"


def pointer_to(*parts: str | int) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
