"""GB/T 4754-2017: sections, divisions, groups and classes of economic activity."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

from services.kernel.yaml_text import parse_yaml


class IndustryLevel(StrEnum):
    DIVISION = "division"
    GROUP = "group"
    CLASS = "class"


LEVELS = {2: IndustryLevel.DIVISION, 3: IndustryLevel.GROUP, 4: IndustryLevel.CLASS}


@dataclass(frozen=True)
class Section:
    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Industry:
    """One code; its section is the letter of the standard (C is manufacturing)."""

    code: str
    zh: str
    level: IndustryLevel
    section: Section

    @property
    def parent(self) -> str | None:
        """Give the code one level up; a division has none."""
        return None if self.level is IndustryLevel.DIVISION else self.code[:-1]


class _RawSection(TypedDict):
    zh: str
    en: str
    first: str
    last: str


class _Raw(TypedDict):
    sections: dict[str, _RawSection]
    codes: dict[str, str]


def industry(code: str) -> Industry | None:
    return _industries().get(code)


def industries() -> tuple[Industry, ...]:
    """List every division, each followed by its groups, each followed by its classes."""
    return tuple(_industries().values())


def sections() -> tuple[Section, ...]:
    return tuple(Section(code, each["zh"], each["en"]) for code, each in _raw()["sections"].items())


@cache
def _raw() -> _Raw:
    text = (Path(__file__).parent / "industries.yaml").read_text("utf-8")
    return cast("_Raw", parse_yaml(text))


@cache
def _industries() -> dict[str, Industry]:
    named = {each.code: each for each in sections()}
    section_of = {
        f"{division:02}": named[letter]
        for letter, each in _raw()["sections"].items()
        for division in range(int(each["first"]), int(each["last"]) + 1)
    }
    return {
        code: Industry(code, zh, LEVELS[len(code)], section_of[code[:2]])
        for code, zh in _raw()["codes"].items()
    }
