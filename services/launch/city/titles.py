"""Titles and scale: recognitions that follow from a firm's books, tier within tier."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import IntEnum
from random import Random

from services.launch.city.chance import WAN, chance
from services.launch.city.model import Recognition

Books = Mapping[int, Mapping[str, int]]
SCALE_FEN = 2000 * WAN
# 国科发政〔2017〕115号 第六条: staff, turnover and assets of a 科技型中小企业.
SMALL_STAFF_MAX, SMALL_FEN_MAX = 500, 20_000 * WAN
ONE_DAY = timedelta(days=1)

NINGBO = "宁波市经济和信息化局（示范）"
MINISTRY = "工业和信息化部（示范）"
TECH = "宁波市科学技术局（示范）"
STATISTICS = "慈溪市统计局（示范）"
LOCAL = "慈溪市经济和信息化局（示范）"


class Tier(IntEnum):
    """How far a firm has climbed; each tier holds the titles of those below it."""

    NONE = 0
    INNOVATIVE = 1
    SPECIALISED = 2
    LITTLE_GIANT = 3


def draw_tier(rng: Random, books: Books, through_year: int) -> Tier:
    """Let a researching firm climb as far as its books allow, and not always so far."""
    last, before = books.get(through_year), books.get(through_year - 1)
    if last is None or before is None:
        return Tier.NONE
    revenue, research = last["revenue_fen"], last["rd_expense_fen"]
    if not 500 * WAN <= revenue <= 100_000 * WAN or not chance(rng, 55):
        return Tier.NONE
    spends = all(
        year["rd_expense_fen"] >= 100 * WAN
        and year["rd_expense_fen"] * 100 >= 3 * year["revenue_fen"]
        for year in (last, before)
    )
    if revenue < 1500 * WAN or not spends or not chance(rng, 60):
        return Tier.INNOVATIVE
    is_strong = revenue >= 5000 * WAN and research + before["rd_expense_fen"] >= 1200 * WAN
    return Tier.LITTLE_GIANT if is_strong and chance(rng, 40) else Tier.SPECIALISED


def tier_titles(uscc: str, tier: Tier, through_year: int) -> list[Recognition]:
    """Give the titles of a tier: 小巨人 within 专精特新 within 创新型, on every day."""
    y = through_year
    found: list[Recognition] = []
    if tier >= Tier.INNOVATIVE:
        found += [_term(uscc, "innovative-sme", NINGBO, date(each, 7, 1)) for each in (y - 3, y)]
    if tier == Tier.SPECIALISED:
        found += [_term(uscc, "specialised-sme", NINGBO, date(y, 7, 1))]
    if tier == Tier.LITTLE_GIANT:
        found += [_term(uscc, "specialised-sme", NINGBO, date(each, 7, 1)) for each in (y - 3, y)]
        found += [_term(uscc, "little-giant", MINISTRY, date(y - 1, 9, 1))]
    return found


def above_scale(uscc: str, books: Books, *, since: int, through_year: int) -> list[Recognition]:
    """Keep 规上 by the calendar year: in when the year before reached 2000万, out when it fell."""
    spans: list[tuple[int, int | None]] = []
    for year in sorted(books):
        reached = books[year]["main_revenue_fen"] >= SCALE_FEN
        is_open = bool(spans) and spans[-1][1] is None
        if reached and not is_open:
            spans.append((year + 1 if year > min(books) else min(since, year + 1), None))
        if not reached and is_open:
            spans[-1] = (spans[-1][0], year)
    document = f"示范规上名录〔{through_year + 1}〕1号"
    return [
        Recognition(
            uscc, "above-scale", None, STATISTICS, document,
            date(first, 1, 1), None if last is None else date(last, 12, 31),
        )
        for first, last in spans
    ]  # fmt: skip


def land_class(rng: Random, uscc: str, through_year: int) -> Recognition:
    """Class a firm by its yield a mu; the sample quotas are no city's."""
    grade = rng.choice("AAAABBBBBBBBBCCCCCDD")
    year = through_year + 1
    return Recognition(
        uscc, "per-mu-class", grade, LOCAL, f"示范亩均评价〔{year}〕1号",
        date(year, 1, 1), date(year, 12, 31),
    )  # fmt: skip


def green_star(uscc: str, through_year: int) -> Recognition:
    return _term(uscc, "green-factory-star", LOCAL, date(through_year, 6, 1), grade="3")


def technology_titles(rng: Random, uscc: str, books: Books, through_year: int) -> list[Recognition]:
    """Give a researching firm its 高企 certificate, its 科技型中小企业 number, or neither."""
    last = books.get(through_year)
    if last is None:
        return []
    found: list[Recognition] = []
    if last["rd_expense_fen"] * 100 >= 3 * last["revenue_fen"] and chance(rng, 55):
        issued = through_year - rng.choice((0, 1, 2, 2, 3))
        found.append(_term(uscc, "high-tech-enterprise", TECH, date(issued, 12, 8)))
    is_small = (
        last["staff_count"] <= SMALL_STAFF_MAX
        and last["revenue_fen"] <= SMALL_FEN_MAX
        and last["total_assets_fen"] <= SMALL_FEN_MAX
    )
    if is_small and chance(rng, 60):
        found.append(_term(uscc, "tech-sme", TECH, date(through_year + 1, 6, 30), years=1))
    return found


def _term(
    uscc: str, title: str, issuer: str, first: date, *, years: int = 3, grade: str | None = None
) -> Recognition:
    last = first.replace(year=first.year + years) - ONE_DAY
    document = f"示范认定〔{first.year}〕{title}"
    return Recognition(uscc, title, grade, issuer, document, first, last)
