"""The demonstration's clients, one for each role, and the file that tells their secrets."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.facts.actions import own_every_fact
from services.identity.bindings.actions import bind
from services.identity.bindings.schemas import NewBinding
from services.identity.clients.actions import register_client
from services.identity.clients.queries import client_by_name
from services.identity.clients.schemas import NewClient
from services.identity.demo.actions import DEMO_ISSUER
from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.settings import Settings
from services.launch.city.cast import DEMO_FIRMS
from services.launch.configuration import CREDENTIALS_FILE
from services.launch.units import InUnit, units_of

FIRM = DEMO_FIRMS["demo_firm"].uscc
FIRM_B = DEMO_FIRMS["demo_firm_b"].uscc
PERSON = "demo-person-1"
SERVICES = (
    "identity",
    "enterprise",
    "talent",
    "platforms",
    "policy",
    "finance",
    "sharing",
    "messages",
)
ADMIN = Actor("admin", "admin", frozenset({Role.ADMIN}))

DEMO_CLIENTS: dict[str, dict[str, Any]] = {
    "registrar": {"roles": ["registrar"], "department": "sjglj", "name": "市数据局登记岗（演示）"},
    "registrar-b": {
        "roles": ["registrar"],
        "department": "nyncj",
        "name": "市农业农村局登记岗（演示）",
    },
    "firm": {"roles": ["firm"], "uscc": FIRM, "name": "企业系统甲（演示）"},
    "firm-b": {"roles": ["firm"], "uscc": FIRM_B, "name": "企业系统乙（演示）"},
    "reviewer": {"roles": ["reviewer"], "department": "jxj", "name": "市经信局审核岗（演示）"},
    "reviewer-b": {"roles": ["reviewer"], "department": "rsj", "name": "市人社局审核岗（演示）"},
    "reviewer-town": {
        "roles": ["reviewer"],
        "town_code": "330282107",
        "name": "观海卫镇初审岗（演示）",
    },
    "approver": {"roles": ["approver"], "department": "jxj", "name": "市经信局审批岗（演示）"},
    "approver-b": {"roles": ["approver"], "department": "kjj", "name": "市科技局审批岗（演示）"},
    "office": {"roles": ["reviewer"], "department": "zfb", "name": "市府办督查岗（演示）"},
    "treasurer": {"roles": ["treasurer"], "department": "czj", "name": "市财政局经办岗（演示）"},
    "treasurer-b": {"roles": ["treasurer"], "department": "czj", "name": "市财政局复核岗（演示）"},
    "auditor": {
        "roles": ["auditor"],
        "department": "sjj",
        "name": "市审计局（演示）",
        "reads_only": True,
    },
    "bank": {"roles": ["bank"], "bank": "demo-bank", "name": "示范银行（演示）"},
    "institution": {
        "roles": ["institution"],
        "institution": "demo-institution",
        "name": "示范研究院（演示）",
    },
    "steward": {"roles": ["steward"], "department": "sjglj", "name": "市数据局数据管理岗（演示）"},
    "steward-b": {"roles": ["steward"], "department": "rsj", "name": "市人社局数据管理岗（演示）"},
    "mobile": {"roles": [], "may_exchange": True, "name": "移动端后台（演示）"},
    "admin": {"roles": ["admin"], "name": "平台管理员（演示）"},
}
SHOWN = ("department", "uscc", "town_code", "bank", "institution")


@dataclass(frozen=True)
class Credentials:
    """What an outside client needs to call the demonstration."""

    base_url: str
    clients: dict[str, dict[str, str]]

    def to_json(self) -> bytes:
        body = {"base_url": self.base_url, "clients": self.clients, "demonstration": True}
        return orjson.dumps(body, option=orjson.OPT_INDENT_2)


async def ensure_clients(settings: Settings, base_url: str) -> Credentials:
    """Have the demonstration's clients, and their secrets in the credentials file.

    Only databases are opened: the running services' relays announce what comes of it.
    """
    path = settings.data / CREDENTIALS_FILE
    known: dict[str, dict[str, str]] = (
        orjson.loads(path.read_bytes())["clients"] if path.exists() else {}
    )
    clients: dict[str, dict[str, str]] = {}
    async with units_of(settings, "identity") as in_unit:
        for name, entry in DEMO_CLIENTS.items():
            secret = await _ensure_client(in_unit, name, entry) or known.get(name, {}).get(
                "client_secret"
            )
            if secret is None:
                raise SystemExit(
                    f"{path} is missing, and the secret of client {name} is nowhere else:"
                    " remove the data folder"
                )
            shown = {key: entry[key] for key in SHOWN if key in entry}
            clients[name] = {"client_id": name, "client_secret": secret, **shown}
    clients["mobile"]["person"] = PERSON
    credentials = Credentials(base_url, clients)
    _write_private(path, credentials.to_json())
    await _ensure_bindings(settings)
    return credentials


async def _ensure_client(in_unit: InUnit, name: str, entry: dict[str, Any]) -> str | None:
    async def register(session: AsyncSession, now: datetime) -> str | None:
        if await client_by_name(session, name) is not None:
            return None
        fields = {key: value for key, value in entry.items() if key != "reads_only"}
        verbs = ("read",) if entry.get("reads_only") else ("read", "write")
        scopes = [f"{service}:{verb}" for service in SERVICES for verb in verbs]
        _, secret = await register_client(
            session, SYSTEM, NewClient(client_id=name, scopes=scopes, **fields), now=now
        )
        return secret

    return await in_unit(register)


async def _ensure_bindings(settings: Settings) -> None:
    """Bind the demonstration's person to its firm, and let its registrar own every fact."""

    async def bind_person(session: AsyncSession, now: datetime) -> None:
        new = NewBinding(issuer=DEMO_ISSUER, subject=PERSON, uscc=FIRM, document="演示授权书")
        await bind(session, ADMIN, new, now=now)

    async def own_facts(session: AsyncSession, _: datetime) -> None:
        await own_every_fact(session, DEMO_CLIENTS["registrar"]["department"])

    async with units_of(settings, "enterprise") as in_unit:
        await in_unit(own_facts)
    marker = settings.data / "demo-bindings.done"
    if not marker.exists():
        async with units_of(settings, "identity") as in_unit:
            await in_unit(bind_person)
        marker.touch()


def _write_private(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    temporary.replace(path)
