"""Everything of enterprise that runs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.enterprise.base import REMINDER_DAYS, Base
from services.enterprise.codes.industries import industries, sections
from services.enterprise.codes.towns import towns
from services.enterprise.contract.events import FirmChanged, ListPublished
from services.enterprise.contract.recognitions import (
    RecognitionAnswered,
    RecognitionExpired,
    RecognitionExpiring,
)
from services.enterprise.facts.routes import router as facts_router
from services.enterprise.files.routes import router as files_router
from services.enterprise.firms.actions import TIMER, restate_firms, tell_of_day
from services.enterprise.firms.routes import router as firms_router
from services.enterprise.imports.actions.accept_import import OPERATION
from services.enterprise.imports.actions.run_import import forget_orphans, step_import
from services.enterprise.imports.routes import router as imports_router
from services.enterprise.imports.rules import KINDS
from services.enterprise.lists.actions import restate_lists
from services.enterprise.lists.routes import router as lists_router
from services.enterprise.reactions import (
    record_decided_title,
    record_upper_title,
    revoke_decided_title,
)
from services.enterprise.recognitions.actions import (
    EXPIRED_TIMER,
    EXPIRING_TIMER,
    tell_of_expired,
    tell_of_expiring,
)
from services.enterprise.recognitions.routes import router as recognitions_router
from services.enterprise.recognitions.rules import STATES
from services.enterprise.vocabulary.actions import seed_owners
from services.enterprise.vocabulary.rules import PERIODS, facts, lawful_sources, recognitions
from services.kernel.code_lists import CodeList
from services.kernel.operations import OperationKind
from services.kernel.reactions import Reaction
from services.kernel.service import Service
from services.kernel.timers import TimerKind
from services.kernel.unit import in_unit
from services.policy.contract.events import CaseDecided, CaseEnded
from services.policy.contract.recommendations import RecommendationChanged

HERE = Path(__file__).parent

CODE_LISTS = (
    CodeList(
        "towns", "镇（街道、园区）", "Towns and zones",
        {each.code: (each.zh, each.en) for each in towns()}, "统计用区划代码",
    ),
    CodeList(
        "industry-sections", "国民经济行业门类", "Industry sections",
        {each.code: (each.zh, each.en) for each in sections()}, "GB/T 4754-2017",
    ),
    CodeList(
        "industries", "国民经济行业分类", "Industries, each under the name of its section",
        {each.code: (each.zh, f"{each.section.en} ({each.code})") for each in industries()},
        "GB/T 4754-2017",
    ),
    CodeList(
        "recognitions", "认定", "Recognitions",
        {each.id: (each.zh, each.en) for each in recognitions()},
    ),
    CodeList("recognition-states", "认定状态", "States of a recognition", STATES),
    CodeList("facts", "事实", "Facts", {each.name: (each.zh, each.en) for each in facts()}),
    CodeList("fact-periods", "事实的期间", "Periods of facts", PERIODS),
    CodeList("fact-sources", "事实的合法来源", "Lawful sources of facts", lawful_sources()),
    CodeList("import-kinds", "导入种类", "Kinds of import", KINDS),
)  # fmt: skip


async def _on_start(runtime: Any) -> None:
    """Bring the ownership of facts in line with the vocabulary; give sessions their setting."""
    await in_unit(runtime, lambda session, _: seed_owners(session))
    days = runtime.settings.recognition_reminder_days
    runtime.sessions.configure(info={REMINDER_DAYS: days})


SERVICE = Service(
    name="enterprise",
    title="企业登记：一企一档，事实、认定与名单",
    title_en="Enterprise: firms, facts, recognitions and lists",
    metadata=Base.metadata,
    migrations=HERE / "migrations",
    routers=(
        files_router,
        firms_router,
        facts_router,
        recognitions_router,
        lists_router,
        imports_router,
    ),
    announces=(
        FirmChanged,
        ListPublished,
        RecognitionAnswered,
        RecognitionExpiring,
        RecognitionExpired,
    ),
    reactions=(
        Reaction(CaseDecided, record_decided_title),
        Reaction(CaseEnded, revoke_decided_title),
        Reaction(RecommendationChanged, record_upper_title),
    ),
    timers=(
        TimerKind(TIMER, tell_of_day),
        TimerKind(EXPIRING_TIMER, tell_of_expiring),
        TimerKind(EXPIRED_TIMER, tell_of_expired),
        TimerKind("forget-import-rows", forget_orphans, every=timedelta(hours=1)),
    ),
    operations=(OperationKind(OPERATION, step_import),),
    code_lists=CODE_LISTS,
    restaters=(restate_firms, restate_lists),
    on_start=_on_start,
)
