"""Registering firms and changing their profiles."""

from fastapi import Request, Response

from services.enterprise.firms.access import FirmPath, Registrar
from services.enterprise.firms.actions import change_firm, register_firm
from services.enterprise.firms.queries import firm_view, lock_firm
from services.enterprise.firms.schemas import FirmChange, FirmView, NewFirm
from services.kernel.clock import city_day
from services.kernel.etags import MATCHED, require_match, set_etag
from services.kernel.unit import Now, Session, noun_router

router = noun_router("enterprise", "firms")


@router.post("", status_code=201)
async def post_firm(
    new: NewFirm, actor: Registrar, session: Session, now: Now, response: Response
) -> FirmView:
    """Register a firm by its unified social credit code."""
    firm = await register_firm(session, actor, new, now=now)
    response.headers["Location"] = f"/v1/enterprise/firms/{firm.uscc}"
    set_etag(response, firm.version)
    return await firm_view(session, firm, city_day(now))


@router.patch("/{uscc}", dependencies=[MATCHED])
async def patch_firm(  # noqa: PLR0917  FastAPI hands each of these over by name
    uscc: FirmPath,
    change: FirmChange,
    actor: Registrar,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> FirmView:
    """Change a firm's profile from a day on; `If-Match` is required."""
    firm = await lock_firm(session, actor, uscc)
    require_match(request, firm.version)
    await change_firm(session, actor, firm, change, now=now)
    set_etag(response, firm.version)
    return await firm_view(session, firm, city_day(now))
