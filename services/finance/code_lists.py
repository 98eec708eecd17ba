"""Finance's closed sets of values, with their Chinese and English names."""

from services.finance.aid.rules import AID_STATE_NAMES, LEVEL_NAMES, RELATION_NAMES
from services.finance.awards.rules import AWARD_STATE_NAMES, STACKING_MODE_NAMES
from services.finance.budgets.rules import BUDGET_STATE_NAMES
from services.finance.ledger.rules import TRANSFER_NAMES
from services.finance.payouts.rules import LINE_STATE_NAMES, PAYOUT_STATE_NAMES
from services.kernel.code_lists import CodeList

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
