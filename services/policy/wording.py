"""Wording what the rule language would accept: its hints are English, its readers are not all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from services.kernel.errors import Invalid, invalid_field
from services.rulebook.errors import nearest

NAMES_SHOWN_MAX = 3


@dataclass(frozen=True)
class Said:
    """The same in Chinese and English; what needs no words in either is written once."""

    zh: str = ""
    en: str = ""


# What is written in a rule stays as it is written there; the words around it are translated.
_TYPES = {
    "int": ("整数", "a whole number"),
    "bool": ("true或false", "true or false"),
    "text": ("文本", "a text"),
    "date": ("YYYY-MM-DD日期", "a date YYYY-MM-DD"),
    "year": ("按年度填报的事实", "a fact of a year"),
    "day": ("按日期填报的事实", "a fact as of a day"),
}
_PHRASES = {
    "a value": "须填写",
    "an expectation": "须写明预期结果",
    "a condition, true or false": "应为判断真假的条件",
    "a condition that names a fact": "条件中须写有事实名",
    "an expression, not true or false alone": "须写表达式，不得只写true或false",
    "a number that names a fact": "数值中须写有事实名",
    "a class that names a fact": "分类表达式中须写有事实名",
    "a text or number": "应为文本或数值",
    "an exact number: 5, 35/100 or 35%": "应为精确的数，写作5、35/100或35%",
    "`at_least` or `above` with `points`, or `otherwise` alone": (
        "每档写at_least或above并写points，末档只写otherwise"
    ),
    "points as [low, high]": "分值区间写作[低, 高]",
    "bounds from the highest down": "各档界限须由高到低",
    "bounds from the highest down, `otherwise` at the end": "各档界限须由高到低，末档写otherwise",
    "`of` beside `bands`": "of与bands须同时写",
    "one of `points`, `of` with `bands`, `judged`, `items`, `best_of`": (
        "points、of加bands、judged、items、best_of须取其一"
    ),
    "`judged` alone or beside `bands`": "judged须单独写，或与bands同写",
    "whole numbers of at most 38 digits on the way; bound the fact or the parameter": (
        "中间结果不超过38位整数，请收紧事实或参数的取值范围"
    ),
    "an id that is no fact": "标识不得与事实同名",
    "`low`, `value` and `high` in this order": "须依low、value、high由小到大",
    "a number of fen": "应为以分计的数额",
    "a number": "应为数值",
    "a bool": "应为真假值",
    "a number or date": "应为数值或日期",
    "holds('id'), grade('id') or on_list('id')": "写作holds('id')、grade('id')或on_list('id')",
    "a text": "应为文本",
    "a date": "应为日期",
    "a yearly fact": "应为按年度填报的事实",
    "a day has no hour": "日期不带时刻",
    "a criterion of each id once": "评分项编号不得重复",
    "`total_points` beside `criteria`": "criteria与total_points须同时写",
    "points that sum to `total_points`, or weights of 10000 together": (
        "各项满分之和须等于total_points，或各项权重之和为10000"
    ),
    "a day is YYYY-MM-DD": "日期须为YYYY-MM-DD",
    "`says` and `source` beside the rule": "说明请写入says和source字段",
    "either `when` or `manual: true`": "when与manual: true须二者取一",
    "IS NULL or IS NOT NULL": "应为IS NULL或IS NOT NULL",
    "an ELSE that says what holds otherwise": "须用ELSE写明其余情形",
    "values of one type in every branch": "各分支的类型应当一致",
    "two values of one type": "两侧的类型应当一致",
    "two different values": "两侧应为不同的值",
    "numbers or dates with < <= > >=; = <> IN for others": (
        "数值和日期可用< <= > >=，其他类型用= <> IN"
    ),
    "a divisor other than 0": "除数不得为0",
    "numbers of at most 38 digits": "数值不超过38位",
    "one value, as of the day": "应为当日的一个值",
    "YYYY": "年份应为四位数字",
    "a list of ids": "应为标识的列表",
    "an id, or {recognition, grade}": "应为标识，或{recognition, grade}",
    "an object": "应为对象",
    "a list": "应为列表",
    "names with values": "应为名称与取值的对照",
    "a whole number": "应为整数",
    "true or false": "应为true或false",
    "a date YYYY-MM-DD": "应为YYYY-MM-DD日期",
    "null": "须为null",
    "another value": "须为其他取值",
    "a spelling that the field allows": "须符合该字段的写法",
    "small letters, digits and hyphens": "应为小写字母、数字和连字符",
    "small letters, digits and underscores, a letter first": (
        "应为小写字母开头，由小写字母、数字和下划线组成"
    ),
    "either what serves it, or `why_not`": "须写明由何项落实，或以why_not写明理由，二者取一",
    "`opens` and `closes` beside `by: days`": "by: days须同时写opens和closes，其他方式不写",
    "either `share_bp` or `amount`": "share_bp与amount须二者取一",
    "either `count` or `parameter`": "count与parameter须二者取一",
    "an integer": "应为整数",
    "whole numbers": "应为整数",
    "texts": "应为文本",
    "days": "应为日期",
    "integers": "应为整数",
    "true, false, an integer of 64 bits, a text or a date": (
        "应为true、false、64位整数、文本或日期"
    ),
    "no name is known here": "此处没有可用的名称",
}
_PATTERNS = (
    (r"did you mean (\S+)\?", r"是否指\1？"),
    (r"did you mean (\S+)\? Allowed: (.+)", r"是否指\1？可用：\2"),
    (r"no name is known here Allowed: (.*)", r"此处没有可用的名称"),
    (r"(-?\d+) to (-?\d+)", r"允许\1至\2"),
    (r"1 to (\d+) values", r"应有1至\1个值"),
    (r"at most (\d+)(?: levels)?", r"不超过\1"),
    (r"shares of (\d+) bp together", r"各期share_bp之和须为\1"),
    (r"at least (-?\d+)", r"不小于\1"),
    (r"more than (-?\d+)", r"大于\1"),
    (r"less than (-?\d+)", r"小于\1"),
    (r"at least (\d+) characters", r"不少于\1个字符"),
    (r"at most (\d+) characters", r"不超过\1个字符"),
    (r"at least (\d+) entries", r"不少于\1项"),
    (r"at most (\d+) entries", r"不超过\1项"),
    (r"one of (.+)", r"须为其中之一：\1"),
    (r"a fact before (.+)", r"\1前须为事实名"),
    (r"(\w+\(fact, n\)) with n from 1 to (\d+)", r"写作\1，n为1至\2"),
    (r"(\w+\('id'\)), the id in small letters, digits and hyphens",
     r"写作\1，标识用小写字母、数字和连字符"),
    (r"fact names, :parameters, integers, decimals, 'text', (DATE .+)",
     r"可用：事实名、:参数、整数、小数、'文本'、\1"),
    (r"(DATE 'YYYY-MM-DD'|a < b AND b < c|IN \(1, 2, 3\)|\w+\(a, b\))", r"写作\1"),
)  # fmt: skip
_ENGLISH_WORD = re.compile(r"[A-Za-z]")


def in_chinese(allowed: str) -> str:
    """Word a hint for a Chinese reader; what has no Chinese wording is left out."""
    if allowed in _TYPES:
        return f"应为{_TYPES[allowed][0]}"
    if allowed in _PHRASES:
        return _PHRASES[allowed]
    for pattern, wording in _PATTERNS:
        if found := re.fullmatch(pattern, allowed, re.DOTALL):
            return found.expand(wording)
    return "" if _ENGLISH_WORD.search(allowed) else f"应为{allowed}"


def in_english(allowed: str) -> str:
    """Word a hint for an English reader."""
    return _TYPES[allowed][1] if allowed in _TYPES else allowed


def hint(allowed: str) -> Said:
    """Word what the language would accept."""
    return Said(in_chinese(allowed), in_english(allowed))


def one_of(known: Iterable[str]) -> Said:
    """List what may stand somewhere."""
    names = " ".join(known)
    return Said(names, names)


def nearest_of(name: str, known: Iterable[str]) -> Said:
    """Name what was probably meant."""
    return hint(nearest(name, known))


def unknown_name(pointer: str, code: str, name: str, known: Iterable[str]) -> Invalid:
    """Refuse a name that nobody has given, with the names that are most like it."""
    words = sorted(known)
    close = get_close_matches(name, words, n=NAMES_SHOWN_MAX)
    close = close or get_close_matches(name, words, n=1, cutoff=0)
    hint = f"是否指{'、'.join(close)}？" if close else "此处没有可用的名称"
    hint_en = f"did you mean {', '.join(close)}?" if close else "no name is known here"
    return invalid_field(
        pointer, code, f"没有这个名称（{hint}）。", f"There is no such name ({hint_en})."
    )
