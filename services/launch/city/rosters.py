"""The lists of upper levels, complete by version, and the Ningbo R&D awards that go with one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from services.launch.city.chance import WAN
from services.launch.city.drafts import Draft
from services.launch.city.model import ListVersion, Recognition
from services.launch.city.titles import SCALE_FEN, Tier

NINGBO_RD, YONG_KE_QI, GAZELLE = "ningbo-rd-post-subsidy", "yong-ke-qi", "gazelle-star-list"
AWARD = "ningbo_rd_award_fen"
RESEARCH_FEN_MIN = 200 * WAN
# A sample share and cap: the city of Ningbo's formula is not published in what we read.
AWARD_PERCENT, AWARD_FEN_MAX = 5, 200 * WAN


def with_awards(draft: Draft, through_year: int) -> Draft:
    """Enter the Ningbo awards of the last two years in the books of a firm that wins them."""
    if not draft.wins_ningbo:
        return draft
    awarded = {
        year: {**draft.books[year], AWARD: _award_fen(draft.books[year]["rd_internal_fen"])}
        for year in (through_year - 1, through_year)
        if _spends(draft, year)
    }
    return replace(draft, books={**draft.books, **awarded})


def lists(
    drafts: list[Draft], recognitions: Iterable[Recognition], through_year: int
) -> tuple[ListVersion, ...]:
    """Publish each list; the version of a year rests on the books of the year before."""
    certified = {each.uscc for each in recognitions if each.recognition == "high-tech-enterprise"}
    year = through_year + 1
    return (
        *(_version(NINGBO_RD, each, [d for d in drafts if AWARD in d.books.get(each - 1, {})])
          for each in (through_year, year)),
        *(_version(GAZELLE, each, [d for d in drafts if _leaps(d, each - 1)])
          for each in (through_year, year)),
        _version(YONG_KE_QI, year, [d for d in drafts if _is_innovator(d, certified)]),
    )  # fmt: skip


def _version(name: str, year: int, members: list[Draft]) -> ListVersion:
    return ListVersion(
        list=name,
        valid_from=date(year, 1, 1),
        valid_to=date(year, 12, 31),
        document=f"示范清单〔{year}〕{name}",
        members=tuple(draft.firm.uscc for draft in members),
    )


def _spends(draft: Draft, year: int) -> bool:
    last = draft.books.get(year)
    return (
        last is not None
        and draft.trade.is_industrial
        and last["main_revenue_fen"] >= SCALE_FEN
        and last["rd_internal_fen"] >= RESEARCH_FEN_MIN
    )


def _award_fen(research_fen: int) -> int:
    return min(research_fen * AWARD_PERCENT // 100 // WAN * WAN, AWARD_FEN_MAX)


def _leaps(draft: Draft, year: int) -> bool:
    """Two years running a fifth more turnover, from a base worth naming."""
    series = [draft.books.get(each, {}).get("revenue_fen") for each in range(year - 2, year + 1)]
    first, second, third = series
    return (
        draft.researches
        and first is not None
        and second is not None
        and third is not None
        and first >= 1000 * WAN
        and second * 10 >= first * 12
        and third * 10 >= second * 12
    )


def _is_innovator(draft: Draft, certified: set[str]) -> bool:
    return draft.tier >= Tier.SPECIALISED or draft.firm.uscc in certified
