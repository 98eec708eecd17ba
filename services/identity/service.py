"""Identity on one screen."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.base import Base
from services.identity.bindings.routes import router as bindings
from services.identity.bindings.rules import BindingKind, BindingState
from services.identity.clients.actions import restate_principals
from services.identity.clients.models import FailedAttempt
from services.identity.clients.routes import router as clients
from services.identity.clients.rules import ClientState
from services.identity.contract.events import ClockMoved, KeyChanged, PrincipalChanged, TokenRevoked
from services.identity.demo.actions import ensure_demo_issuer, restate_clock
from services.identity.demo.routes import router as demo
from services.identity.issuers.routes import router as issuers
from services.identity.keys.actions import ensure_keys, restate_keys
from services.identity.keys.routes import router as keys
from services.identity.tokens.models import UsedAssertion
from services.identity.tokens.routes import router as tokens
from services.kernel.actors import SYSTEM
from services.kernel.clock import system_now
from services.kernel.code_lists import CodeList
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from services.kernel.settings import Profile
from services.kernel.timers import TimerKind
from services.kernel.unit import in_unit


async def begin(runtime: Runtime) -> None:
    """Have keys before the first request; in the demonstration, a provider where people sign in."""

    async def prepare(session: AsyncSession, _: Any) -> None:
        await ensure_keys(session, SYSTEM, runtime.settings.secret_key, now=system_now())
        if runtime.settings.profile is Profile.DEMONSTRATION:
            await ensure_demo_issuer(session, SYSTEM, runtime.settings, now=system_now())

    await in_unit(runtime, prepare)


async def forget_assertions(session: AsyncSession, _: str, __: Any) -> None:
    await session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at < system_now()))


async def forget_failures(session: AsyncSession, _: str, __: Any) -> None:
    await session.execute(
        delete(FailedAttempt).where(FailedAttempt.failed_at < system_now() - timedelta(days=1))
    )


SERVICE = Service(
    name="identity",
    title="身份服务：客户端、令牌、密钥与企业授权",
    title_en="Identity: clients, tokens, keys and bindings of people to firms",
    metadata=Base.metadata,
    migrations=Path(__file__).parent / "migrations",
    routers=(tokens, clients, bindings, issuers, keys, demo),
    announces=(KeyChanged, TokenRevoked, PrincipalChanged, ClockMoved),
    timers=(
        TimerKind("forget-assertions", forget_assertions, every=timedelta(hours=1)),
        TimerKind("forget-failures", forget_failures, every=timedelta(hours=1)),
    ),
    restaters=(restate_keys, restate_principals, restate_clock),
    on_start=begin,
    code_lists=(
        CodeList(
            "client-states",
            "客户端状态",
            "Client states",
            {ClientState.ACTIVE: ("有效", "Active"), ClientState.SUSPENDED: ("暂停", "Suspended")},
        ),
        CodeList(
            "binding-kinds",
            "授权种类",
            "Kinds of binding",
            {
                BindingKind.LEGAL_REPRESENTATIVE: ("法定代表人", "Legal representative"),
                BindingKind.STAFF: ("本企业人员", "Staff"),
                BindingKind.AGENT: ("受托代理人", "Agent"),
            },
        ),
        CodeList(
            "binding-states",
            "授权状态",
            "Binding states",
            {BindingState.ACTIVE: ("有效", "Active"), BindingState.REVOKED: ("已撤销", "Revoked")},
        ),
    ),
)
