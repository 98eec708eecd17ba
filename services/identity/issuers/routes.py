from services.identity.issuers import actions, queries
from services.identity.issuers.access import IssuerAdmin, IssuerReader
from services.identity.issuers.schemas import IssuerList, IssuerView, NewIssuer
from services.kernel.unit import Now, Session, noun_router

router = noun_router("identity", "issuers")


@router.get("")
async def list_issuers(_: IssuerReader, session: Session) -> IssuerList:
    """List the OpenID Connect providers whose tokens are trusted for exchange."""
    return IssuerList(items=[IssuerView.model_validate(i) for i in await queries.issuers(session)])


@router.post("", status_code=201)
async def trust_issuer(
    body: NewIssuer, actor: IssuerAdmin, session: Session, now: Now
) -> IssuerView:
    """Trust a provider, or replace the keys of one that is trusted."""
    row = await actions.trust_issuer(session, actor, **body.model_dump(), now=now)
    return IssuerView.model_validate(row)
