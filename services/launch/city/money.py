"""Budget lines of the special funds and what upper levels have paid."""

from datetime import date

from services.launch.city.chance import WAN
from services.launch.city.drafts import Draft
from services.launch.city.model import Aid, BudgetLine
from services.launch.city.rosters import AWARD, NINGBO_RD

DIGITAL_GROWTH = "digital-growth"
# The group in which the programme competes: the duplicate stands in it, the match does not.
DIGITAL_GROWTH_GROUP = "digital-growth"
RD_GROUP = "rd-investment"
DUPLICATE_FEN = 10 * WAN
# The first batch has room for one award at the cap: paid out, it is nearly spent.
FIRST_BATCH_FEN = 31 * WAN
FIRST_BATCH_SPENT_FEN = 30 * WAN


def budgets(through_year: int) -> tuple[BudgetLine, ...]:
    """Lay out three years; the first batch of the year after the facts is nearly spent."""
    years = range(through_year, through_year + 3)
    return (
        BudgetLine(through_year + 1, None, DIGITAL_GROWTH,
                   f"{through_year + 1}年数字经济制造业增量奖励资金（第一批）", "jxj",
                   FIRST_BATCH_FEN,
                   spent_fen=FIRST_BATCH_SPENT_FEN),
        *(BudgetLine(year, None, DIGITAL_GROWTH, f"{year}年数字经济制造业增量奖励资金", "jxj",
                     3000 * WAN) for year in years),
        *(BudgetLine(year, 9, None, f"{year}年大优强企业培育资金", "jxj", 2000 * WAN)
          for year in years),
        *(BudgetLine(year, 27, None, f"{year}年企业研发投入配套资金", "kjj", 1500 * WAN)
          for year in years),
    )  # fmt: skip


def aid(drafts: dict[str, Draft], through_year: int) -> tuple[Aid, ...]:
    """Declare one true duplicate of a programme and one legitimate base of a match."""
    year, next_year = str(through_year), through_year + 1
    match = drafts["match"]
    return (
        Aid(
            uscc=drafts["topped_up"].firm.uscc,
            period=year,
            level="ningbo",
            programme="ningbo-digital-growth",
            stacking_group=DIGITAL_GROWTH_GROUP,
            amount_fen=DUPLICATE_FEN,
            paid_on=date(next_year, 5, 8),
            document=f"示范甬经信〔{next_year}〕1号",
        ),
        Aid(
            uscc=match.firm.uscc,
            period=year,
            level="ningbo",
            programme=NINGBO_RD,
            stacking_group=RD_GROUP,
            amount_fen=match.books[through_year][AWARD],
            paid_on=date(next_year, 6, 15),
            document=f"示范甬科〔{next_year}〕1号",
        ),
    )
