"""The city's subdistricts, towns and statistical zones, and the form of division codes."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import cast

from services.kernel.yaml_text import parse_yaml

DIVISION_CODE = re.compile(r"[1-9][0-9]{5}(?:[0-9]{3})?", re.ASCII)


class TownKind(StrEnum):
    SUBDISTRICT = "subdistrict"
    TOWN = "town"
    STATISTICAL_ZONE = "statistical-zone"


@dataclass(frozen=True)
class Town:
    code: str
    zh: str
    en: str
    kind: TownKind


def town(code: str) -> Town | None:
    return _towns().get(code)


def towns() -> tuple[Town, ...]:
    """List subdistricts, towns and zones in the order of their codes."""
    return tuple(_towns().values())


def is_division_code(code: str) -> bool:
    """Tell whether this has the form of a county's (6) or a town's (9 digits) code (GB/T 2260)."""
    return DIVISION_CODE.fullmatch(code) is not None


@cache
def _towns() -> dict[str, Town]:
    text = (Path(__file__).parent / "towns.yaml").read_text("utf-8")
    raw = cast("dict[str, dict[str, str]]", parse_yaml(text)["towns"])
    return {
        code: Town(code, each["zh"], each["en"], TownKind(each["kind"]))
        for code, each in raw.items()
    }
