from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.bindings import access, queries, rules
from services.identity.bindings.models import Binding
from services.identity.bindings.schemas import NewBinding
from services.identity.clients.actions import change_principal
from services.identity.issuers.queries import issuer as find_issuer
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day, system_now
from services.kernel.errors import NotFound, invalid_field
from services.kernel.etags import check_version
from services.kernel.ids import new_id


async def bind(session: AsyncSession, actor: Actor, new: NewBinding, *, now: datetime) -> Binding:
    """Let a person act for a firm."""
    access.require_may_write(actor)
    if not access.may_bind(actor, new.uscc):
        raise NotFound("没有这家企业。", "There is no such firm.")
    if await find_issuer(session, new.issuer) is None:
        raise invalid_field(
            "/issuer",
            "issuer-unknown",
            "该身份提供方未被信任，请先登记。",
            "This provider is not trusted; register it first.",
        )
    # By system time, as at the exchange of tokens: a moved business clock locks nobody out.
    valid_from = new.valid_from or city_day(system_now())
    if new.valid_to is not None and new.valid_to < valid_from:
        raise invalid_field(
            "/valid_to",
            "days-reversed",
            "截止日不得早于起始日。",
            "The last day may not be before the first.",
        )
    binding = Binding(
        id=new_id(),
        person=rules.person_id(new.issuer, new.subject),
        uscc=new.uscc,
        kind=new.kind,
        state=rules.BindingState.ACTIVE,
        valid_from=valid_from,
        valid_to=new.valid_to,
        document=new.document,
        granted_by=actor.subject,
        version=1,
        created_at=now,
    )
    session.add(binding)
    await session.flush()
    audit(
        session,
        actor,
        "binding.grant",
        "binding",
        binding.id,
        now=now,
        detail={"kind": binding.kind},
    )
    return binding


async def revoke_binding(
    session: AsyncSession, actor: Actor, id_: UUID, version: int, note: str, *, now: datetime
) -> Binding:
    """End a binding; every token the person holds stops counting, for this firm and any other."""
    access.require_may_write(actor)
    binding = await queries.binding(session, actor, id_, lock=True)
    check_version(version, binding.version)
    binding.state = rules.revoke(rules.BindingState(binding.state))
    binding.version += 1
    await change_principal(session, binding.person, active=True, now=now)
    audit(session, actor, "binding.revoke", "binding", binding.id, now=now, detail={"note": note})
    return binding
