from uuid import UUID

from fastapi import Response

from services.kernel.clock import city_day
from services.kernel.etags import set_etag
from services.kernel.unit import Now, Session, noun_router
from services.policy.parameters import actions, queries, rules
from services.policy.parameters.access import Approver, ParameterReader, Proposer
from services.policy.parameters.schemas import (
    NewParameter,
    ParameterChangeView,
    ParameterDeed,
    ParameterList,
    ParameterView,
)
from services.policy.plan.actions.load_library import library

router = noun_router("policy", "parameters")


@router.get("")
async def list_parameters(actor: ParameterReader, session: Session, now: Now) -> ParameterList:
    """List every number that a clause leaves open: in force, proposed, or unset with its clause."""
    today = city_day(now)
    decisions = await queries.decisions(session)
    changes = await queries.changes(session)
    items: list[ParameterView] = []
    for entry in library().parameters.values():
        dated = rules.in_force(entry, decisions, today)
        items.append(
            ParameterView(
                parameter=entry.id, programme=entry.programme, title=entry.zh, title_en=entry.en,
                unit=entry.unit, clause=entry.clause, allowed=list(entry.allowed), low=entry.low,
                high=entry.high, state="in-force" if dated else "unset",
                value=dated.value if dated else None,
                valid_from=dated.valid_from if dated else None,
                source=dated.source if dated else None, reading=bool(dated and dated.reading),
                changes=[queries.view(c, actor) for c in changes if c.parameter == entry.id],
            )
        )  # fmt: skip
    return ParameterList(on=today, items=items)


@router.post("", status_code=201)
async def propose_parameter(
    body: NewParameter, actor: Proposer, session: Session, now: Now, response: Response
) -> ParameterChangeView:
    """Propose a number for a day, with its source; it is in force once another person approves."""
    change = await actions.propose_parameter(session, actor, body, now=now)
    set_etag(response, change.version)
    response.headers["Location"] = f"/v1/policy/parameters/{change.id}"
    return queries.view(change, actor)


@router.get("/{change_id}")
async def get_parameter_change(
    change_id: UUID, actor: ParameterReader, session: Session, response: Response
) -> ParameterChangeView:
    """Read one proposal."""
    change = await queries.change(session, change_id)
    set_etag(response, change.version)
    return queries.view(change, actor)


@router.post("/{change_id}/events")
async def decide_parameter(
    change_id: UUID,
    body: ParameterDeed,
    actor: Approver,
    session: Session,
    now: Now,
    response: Response,
) -> ParameterChangeView:
    """Approve or reject another person's proposal; firms are matched anew by the operation."""
    change, operation = await actions.decide_parameter(session, actor, change_id, body, now=now)
    set_etag(response, change.version)
    return queries.view(change, actor, operation)
