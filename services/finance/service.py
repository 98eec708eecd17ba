"""Finance on one screen."""

from datetime import timedelta
from pathlib import Path

from services.finance import reactions
from services.finance.aid.queries import restate_aid
from services.finance.aid.routes import router as aid
from services.finance.aid.rules import AID_STATE_NAMES, LEVEL_NAMES, RELATION_NAMES
from services.finance.awards.queries import restate_awards
from services.finance.awards.routes import router as awards
from services.finance.awards.rules import AWARD_STATE_NAMES, STACKING_MODE_NAMES
from services.finance.base import Base
from services.finance.budgets.queries import restate_budgets
from services.finance.budgets.routes import router as budgets
from services.finance.budgets.rules import BUDGET_STATE_NAMES
from services.finance.contract.events import AidChanged, AwardChanged, BudgetChanged
from services.finance.ledger.actions import check_ledger
from services.finance.ledger.routes import router as ledger
from services.finance.ledger.rules import TRANSFER_NAMES
from services.finance.payouts.routes import router as payouts
from services.finance.payouts.rules import LINE_STATE_NAMES, PAYOUT_STATE_NAMES
from services.kernel.code_lists import CodeList
from services.kernel.reactions import Reaction
from services.kernel.service import Service
from services.kernel.timers import TimerKind
from services.policy.contract.desk import LegacyCaseImported
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded

CODE_LISTS = (
    CodeList("levels", "补助层级", "Levels of aid", {**LEVEL_NAMES}),
    CodeList("aid-states", "补助记录状态", "States of aid", {**AID_STATE_NAMES}),
    CodeList("relations", "与其他补助的关系", "Relations to other aid", {**RELATION_NAMES}),
    CodeList("stacking-modes", "从高、不重复的执行口径", "Stacking modes", {**STACKING_MODE_NAMES}),
    CodeList("budget-states", "预算指标状态", "States of budget lines", {**BUDGET_STATE_NAMES}),
    CodeList("award-states", "资助状态", "States of awards", {**AWARD_STATE_NAMES}),
    CodeList("payout-states", "支付批次状态", "States of payment batches", {**PAYOUT_STATE_NAMES}),
    CodeList("payout-line-states", "支付明细状态", "States of payment lines", {**LINE_STATE_NAMES}),
    CodeList("transfer-kinds", "记账类型", "Kinds of transfers", {**TRANSFER_NAMES}),
)

SERVICE = Service(
    name="finance",
    title="资金：预算指标、台账、补助、资助与支付",
    title_en="Finance: budgets, ledger, aid, awards and payouts",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(budgets, aid, awards, payouts, ledger),
    announces=(AwardChanged, BudgetChanged, AidChanged),
    reactions=(
        Reaction(AwardProposed, reactions.reserve_award),
        Reaction(CaseDecided, reactions.decide_award),
        Reaction(CaseEnded, reactions.end_award),
        Reaction(LegacyCaseImported, reactions.enter_legacy_aid),
    ),
    timers=(TimerKind("check-ledger", check_ledger, every=timedelta(hours=1)),),
    code_lists=CODE_LISTS,
    restaters=(restate_awards, restate_budgets, restate_aid),
)
