from datetime import datetime
from typing import Any

from joserfc import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.bindings.queries import bindings_in_force
from services.identity.bindings.rules import person_id, strongest
from services.identity.clients.models import Client
from services.identity.clients.queries import principal_states
from services.identity.contract.events import TokenRevoked
from services.identity.issuers.queries import issuer as find_issuer
from services.identity.keys.actions import private_key
from services.identity.keys.queries import signing_keys
from services.identity.tokens import rules
from services.identity.tokens.actions.authenticate_client import decode, unverified_claims
from services.identity.tokens.schemas import TokenAnswer
from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day, system_now
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.settings import Settings
from services.kernel.tokens import ALGORITHM, AUDIENCE, TOKEN_S, as_instant

BEARINGS = ("department", "uscc", "town_code", "bank", "institution")


async def issue_client_token(
    session: AsyncSession, client: Client, scope: str | None, settings: Settings
) -> TokenAnswer:
    """Issue a token for the client itself."""
    claims: dict[str, Any] = {
        "sub": client.client_id,
        "client_id": client.client_id,
        "roles": client.roles,
        "scope": " ".join(rules.granted_scopes(scope, client.scopes)),
        **{name: getattr(client, name) for name in BEARINGS if getattr(client, name) is not None},
    }
    return await _sign(session, claims, settings)


async def exchange_token(
    session: AsyncSession,
    client: Client,
    form: dict[str, str],
    settings: Settings,
    *,
    now: datetime,
) -> TokenAnswer:
    """Turn a person's token of a trusted provider into one for this person acting for one firm."""
    if not client.may_exchange:
        raise rules.OAuthError(
            "unauthorized_client",
            "该客户端未获准换取用户令牌。",
            "The client may not exchange tokens.",
        )
    if form.get("subject_token_type") not in rules.TOKEN_TYPES:
        raise rules.OAuthError(
            "invalid_request", "subject_token_type不受支持。", "Unsupported subject_token_type."
        )
    person = await _person_of(session, form.get("subject_token", ""))
    bindings = await bindings_in_force(session, person, city_day(system_now()))
    uscc = rules.chosen_firm(form.get("uscc"), sorted({b.uscc for b in bindings}))
    claims = {
        "sub": person,
        "client_id": client.client_id,
        "roles": [str(Role.FIRM)],
        "uscc": uscc,
        "binding": strongest(b.kind for b in bindings if b.uscc == uscc),
        "scope": " ".join(rules.granted_scopes(form.get("scope"), client.scopes)),
        "act": {"sub": client.client_id},
    }
    audit(
        session,
        Actor(person, client.client_id, frozenset({Role.FIRM})),
        "token.exchange",
        "firm",
        uscc,
        now=now,
    )
    answer = await _sign(session, claims, settings)
    return answer.model_copy(update={"issued_token_type": rules.ACCESS_TOKEN_TYPE})


async def _person_of(session: AsyncSession, token: str) -> str:
    """Verify a person's token with the keys of the provider it names, if that one is trusted."""
    refused = rules.OAuthError(
        "invalid_grant",
        "用户令牌无效、已过期或非受信任的提供方签发。",
        "The subject token is invalid, expired or not from a trusted provider.",
    )
    name = unverified_claims(token).get("iss")
    issuer = (
        await find_issuer(session, name) if isinstance(name, str) and name.isprintable() else None
    )
    claims = decode(token, issuer.jwks, rules.SUBJECT_ALGORITHMS) if issuer else None
    if issuer is None or claims is None:
        raise refused
    now = system_now().timestamp()
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]  # pyright: ignore[reportUnknownVariableType]
    expires = claims.get("exp")
    if (
        issuer.audience not in named
        or not isinstance(expires, int)
        or expires <= now
        or not claims.get("sub")
    ):
        raise refused
    starts = claims.get("nbf", 0)
    if not isinstance(starts, int) or starts > now:
        raise refused
    return person_id(issuer.issuer, str(claims["sub"]))


async def _sign(session: AsyncSession, claims: dict[str, Any], settings: Settings) -> TokenAnswer:
    # The older of the two active keys signs: every service has long heard of it.
    key = (await signing_keys(session))[-1]
    now = await _issued_at(session, {claims["sub"], claims["client_id"]})
    full = {
        **claims,
        "iss": settings.issuer,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + TOKEN_S,
        "jti": str(new_id()),
    }
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    token = jwt.encode(header, full, private_key(key, settings.secret_key))
    return TokenAnswer(access_token=token, expires_in=TOKEN_S, scope=claims["scope"])


async def _issued_at(session: AsyncSession, principals: set[str]) -> int:
    """Date a token now, or at the second from which its bearers' tokens count again."""
    states = await principal_states(session, principals)
    return max(
        int(system_now().timestamp()), *(int(s.tokens_valid_from.timestamp()) for s in states), 0
    )


async def revoke_token(
    session: AsyncSession, client: Client, actor: Actor, *, now: datetime
) -> None:
    """Take a token back before its time; every service hears of it."""
    if actor.client_id != client.client_id:
        return
    announce(session, TokenRevoked(jti=actor.jti, expires_at=as_instant(actor.expires_at)), now=now)
    audit(session, actor, "token.revoke", "token", actor.jti, now=now)
