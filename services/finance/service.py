"""Finance on one screen."""

from datetime import timedelta
from pathlib import Path

from services.finance import reactions
from services.finance.aid.routes import router as aid
from services.finance.awards.queries import restate_awards
from services.finance.awards.routes import router as awards
from services.finance.base import Base
from services.finance.budgets.routes import router as budgets
from services.finance.code_lists import CODE_LISTS
from services.finance.contract.events import AwardChanged
from services.finance.ledger.actions import check_ledger
from services.finance.ledger.routes import router as ledger
from services.finance.payouts.routes import router as payouts
from services.kernel.reactions import Reaction
from services.kernel.service import Service
from services.kernel.timers import TimerKind
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded

SERVICE = Service(
    name="finance",
    title="资金：预算指标、台账、补助、资助与支付",
    title_en="Finance: budgets, ledger, aid, awards and payouts",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(budgets, aid, awards, payouts, ledger),
    announces=(AwardChanged,),
    reactions=(
        Reaction(AwardProposed, reactions.reserve_award),
        Reaction(CaseDecided, reactions.decide_award),
        Reaction(CaseEnded, reactions.end_award),
    ),
    timers=(TimerKind("check-ledger", check_ledger, every=timedelta(hours=1)),),
    code_lists=CODE_LISTS,
    restaters=(restate_awards,),
)
