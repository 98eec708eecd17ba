"""A scoring table as people write it: parts with a cap, bands, judged points and a pass line.

    score:
      says: 综合评价得分不低于60分，且科技人员指标得分不为0
      pass: score >= 60 AND staff > 0
      source: 国科发政〔2017〕115号 第六条
      parts:
        - id: staff
          says: 科技人员占职工总数的比例
          max: 20
          of: tech_staff_count / staff_count
          bands:
            - {at_least: 30%, points: 20}
            - {at_least: 10%, points: [4, 16]}
            - {otherwise: 0}
        - {id: ip, says: 知识产权, max: 30, judged: expert_ip_points}
        - {id: conversion, says: 成果转化, max: 30, points: conversion_count * 6}

`items:` adds up parts of a part, `best_of:` takes the better of several reckonings.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Final, TypeAlias, cast

from pydantic import BeforeValidator, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from services.rulebook.errors import Issue, pointer_to
from services.rulebook.parts import Expression, Id, Named, ParameterName, Part, Words

BANDS_MAX: Final = 20
ITEMS_MAX: Final = 30
POINTS_MAX: Final = 10_000
LEVELS_MAX: Final = 4
_BOUND: Final = re.compile(r"-?[0-9]{1,18}(/[1-9][0-9]{0,8}|%)?")

Points = Annotated[StrictInt, Field(ge=0, le=POINTS_MAX)]
Cap = Annotated[StrictInt, Field(ge=1, le=POINTS_MAX)]


def _bound(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _BOUND.fullmatch(value):
        return value
    raise PydanticCustomError("bad-value", "an exact number: 5, 35/100 or 35%")


def _span(value: object) -> object:
    """Take one number for a range that has one."""
    return (value, value) if isinstance(value, int) else value


Bound: TypeAlias = Annotated[int | str, BeforeValidator(_bound)]
Span: TypeAlias = Annotated[tuple[Points, Points], BeforeValidator(_span)]


class Band(Part):
    """The points from a bound on, given by the rule or to be judged between two."""

    at_least: Bound | None = None
    above: Bound | None = None
    points: Span | None = None
    otherwise: Span | None = None

    @model_validator(mode="after")
    def _is_bounded_or_last(self) -> "Band":
        bounds = [bound for bound in (self.at_least, self.above) if bound is not None]
        is_row = len(bounds) == 1 and self.points is not None and self.otherwise is None
        is_last = not bounds and self.points is None and self.otherwise is not None
        if not is_row and not is_last:
            allowed = "`at_least` or `above` with `points`, or `otherwise` alone"
            raise PydanticCustomError("missing-key", allowed)
        low, high = self.span
        if low > high:
            raise PydanticCustomError("bad-value", "points as [low, high]")
        return self

    @property
    def is_exclusive(self) -> bool:
        return self.above is not None

    @property
    def bound(self) -> Fraction | None:
        stated = self.above if self.at_least is None else self.at_least
        return None if stated is None else exact(stated)

    def admits(self, value: Fraction) -> bool:
        """Tell whether a number reaches this band; the last one takes every number."""
        if self.bound is None:
            return True
        return value > self.bound if self.is_exclusive else value >= self.bound

    @property
    def span(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.points or self.otherwise)


class Item(Part):
    """Points for one matter, up to a cap.

    They follow from an expression (`points`), from the band that a number lies in (`of` with
    `bands`), from experts (`judged`, alone or within the band), from the sum of `items`, or from
    the better one of several reckonings (`best_of`).
    """

    id: Id
    says: Named
    english: Words = ""
    max: Cap
    points: Expression | None = None
    judged: ParameterName | None = None
    of: Expression | None = None
    bands: Annotated[tuple[Band, ...], Field(max_length=BANDS_MAX)] = ()
    items: Annotated[tuple["Item", ...], Field(max_length=ITEMS_MAX)] = ()
    best_of: Annotated[tuple["Item", ...], Field(max_length=ITEMS_MAX)] = ()
    source: Words = ""

    @model_validator(mode="after")
    def _has_one_way(self) -> "Item":
        if (self.of is None) is bool(self.bands):
            raise PydanticCustomError("missing-key", "`of` beside `bands`")
        ways = [self.points is not None, bool(self.bands), bool(self.items), bool(self.best_of)]
        is_judged_alone = self.judged is not None and not any(ways)
        if not is_judged_alone and sum(ways) != 1:
            allowed = "one of `points`, `of` with `bands`, `judged`, `items`, `best_of`"
            raise PydanticCustomError("missing-key", allowed)
        if self.judged is not None and any(ways) and not self.bands:
            raise PydanticCustomError("bad-value", "`judged` alone or beside `bands`")
        return self


class Score(Part):
    """A table of points and, where the text has one, the line that decides.

    `pass` is a condition over `score` and the ids of the parts: `score >= 60 AND staff > 0`.
    """

    id: Id = "score"
    says: Named
    english: Words = ""
    max: Cap | None = None
    pass_: Annotated[Expression | None, Field(alias="pass")] = None
    parts: Annotated[tuple[Item, ...], Field(min_length=1, max_length=ITEMS_MAX)]
    source: Words = ""


def exact(bound: int | str) -> Fraction:
    """Read a bound as it is written: a whole number, a fraction or a share in percent."""
    text = str(bound)
    return Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)


def score_issues(score: Score, where: str) -> Iterator[Issue]:
    """Name what contradicts itself in a table whose shape is right."""
    reach = sum(part.max for part in score.parts)
    if score.max is not None and score.max > reach:
        found, allowed = str(score.max), f"at most {reach}"
        yield Issue("bad-value", "/score/max", found, allowed, where=where)
    names = {"score"}
    for index, part in enumerate(score.parts):
        pointer = pointer_to("score", "parts", index)
        name = expression_name(part.id)
        if name in names:
            yield Issue("duplicate", f"{pointer}/id", part.id, where=where)
        names.add(name)
        yield from _item_issues(part, pointer, where, level=1)


def expression_name(part_id: str) -> str:
    """Give the name by which expressions call a part: SQL reads a hyphen as minus."""
    return part_id.replace("-", "_")


def _item_issues(item: Item, pointer: str, where: str, *, level: int) -> Iterator[Issue]:
    if level > LEVELS_MAX:
        allowed = f"at most {LEVELS_MAX} levels"
        yield Issue("too-large", pointer, "items in items", allowed, where=where)
        return
    yield from _band_issues(item, pointer, where)
    for key in ("items", "best_of"):
        inner: tuple[Item, ...] = getattr(item, key)
        seen: set[str] = set()
        for index, part in enumerate(inner):
            at = f"{pointer}/{key}/{index}"
            if part.id in seen:
                yield Issue("duplicate", f"{at}/id", part.id, where=where)
            seen.add(part.id)
            if part.max > item.max:
                found, allowed = str(part.max), f"at most {item.max}"
                yield Issue("bad-value", f"{at}/max", found, allowed, where=where)
            yield from _item_issues(part, at, where, level=level + 1)
        reach = (sum if key == "items" else max)([part.max for part in inner] or [item.max])
        if item.max > reach:
            found, allowed = str(item.max), f"at most {reach}"
            yield Issue("bad-value", f"{pointer}/max", found, allowed, where=where)


def _band_issues(item: Item, pointer: str, where: str) -> Iterator[Issue]:
    before: tuple[Any, ...] | None = None
    for index, band in enumerate(item.bands):
        at = f"{pointer}/bands/{index}"
        is_last = index == len(item.bands) - 1
        if (band.bound is None) is not is_last or len(item.bands) == 1:
            allowed = "bounds from the highest down, `otherwise` at the end"
            yield Issue("bad-value", at, allowed=allowed, where=where)
        elif band.bound is not None:
            here = (band.bound, band.is_exclusive)
            if before is not None and here >= before:
                allowed = "bounds from the highest down"
                yield Issue("bad-value", at, str(band.bound), allowed, where=where)
            before = here
        if band.span[1] > item.max:
            key = "otherwise" if band.points is None else "points"
            found, allowed = str(band.span[1]), f"at most {item.max}"
            yield Issue("bad-value", f"{at}/{key}", found, allowed, where=where)
