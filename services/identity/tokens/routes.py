from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.identity.keys.queries import usable_keys
from services.identity.tokens import rules
from services.identity.tokens.access import TokenCaller
from services.identity.tokens.actions.authenticate_client import authenticate, read_proof
from services.identity.tokens.actions.issue_token import (
    exchange_token,
    issue_client_token,
)
from services.identity.tokens.actions.issue_token import revoke_token as take_back
from services.identity.tokens.schemas import (
    Introspection,
    KeySetAnswer,
    OAuthProblem,
    ServerMetadata,
    TokenAnswer,
)
from services.kernel.clock import system_now
from services.kernel.errors import Unauthenticated
from services.kernel.idempotency import ANSWER_NEVER_KEPT
from services.kernel.problems import prefers_english
from services.kernel.trace import current_trace_id
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router

router = noun_router("identity", "tokens", prefix="")
SERVICES = ("identity", "enterprise", "policy", "finance")
FORM_FIELDS_MAX = 20


def _form(*required: str, **optional: str) -> dict[str, Any]:
    fields = {name: {"type": "string"} for name in (*required, *optional)}
    schema = {"type": "object", "required": list(required), "properties": fields}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": schema}},
        }
    }


OAUTH_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OAuthProblem, "description": "Refused, in OAuth's words"},
}
CREDENTIALS = {
    "client_id": "",
    "client_secret": "",
    "client_assertion_type": "",
    "client_assertion": "",
}


@router.post(
    "/oauth2/token",
    dependencies=[ANSWER_NEVER_KEPT],
    response_model=TokenAnswer,
    responses=OAUTH_PROBLEMS,
    openapi_extra=_form(
        "grant_type", scope="", subject_token="", subject_token_type="", uscc="", **CREDENTIALS
    ),
)
async def issue_token(
    request: Request, _: TokenCaller, session: Session, now: Now, runtime: CurrentRuntime
) -> Any:
    """Issue an access token: client credentials, or exchange of a person's token (RFC 8693)."""
    try:
        form = await _read_form(request)
        client = await _client(request, session, runtime, form)
        if form.get("grant_type") == rules.GRANT_CLIENT:
            answer = await issue_client_token(session, client, form.get("scope"), runtime.settings)
        elif form.get("grant_type") == rules.GRANT_EXCHANGE:
            answer = await exchange_token(session, client, form, runtime.settings, now=now)
        else:
            raise rules.OAuthError(
                "unsupported_grant_type", "不支持的grant_type。", "Unsupported grant_type."
            )
    except rules.OAuthError as error:
        return _problem(request, error)
    return JSONResponse(answer.model_dump(exclude_none=True), headers={"Cache-Control": "no-store"})


@router.post(
    "/oauth2/revoke",
    dependencies=[ANSWER_NEVER_KEPT],
    response_class=Response,  # the answer has no body
    responses=OAUTH_PROBLEMS,
    openapi_extra=_form("token", **CREDENTIALS),
)
async def revoke_token(
    request: Request, _: TokenCaller, session: Session, now: Now, runtime: CurrentRuntime
) -> Response:
    """Take back one of the caller's own tokens (RFC 7009), also one that no longer counts."""
    try:
        form = await _read_form(request)
        client = await _client(request, session, runtime, form)
    except rules.OAuthError as error:
        return _problem(request, error)
    try:
        await take_back(
            session, client, await runtime.verifier.verify(form.get("token", "")), now=now
        )
    except Unauthenticated:
        return Response(status_code=200)
    return Response(status_code=200)


@router.post(
    "/oauth2/introspect",
    dependencies=[ANSWER_NEVER_KEPT],
    response_model=Introspection,
    responses=OAUTH_PROBLEMS,
    openapi_extra=_form("token", **CREDENTIALS),
)
async def introspect_token(
    request: Request, _: TokenCaller, session: Session, runtime: CurrentRuntime
) -> Any:
    """Say whether a token counts, and what it says (RFC 7662), to an authenticated client."""
    try:
        form = await _read_form(request)
        await _client(request, session, runtime, form)
    except rules.OAuthError as error:
        return _problem(request, error)
    try:
        actor = await runtime.verifier.verify(form.get("token", ""))
    except Unauthenticated:
        return Introspection(active=False)
    return Introspection(
        active=True,
        sub=actor.subject,
        client_id=actor.client_id,
        scope=" ".join(sorted(actor.scopes)),
        jti=actor.jti,
        exp=int(actor.expires_at),
        iat=int(actor.issued_at),
        roles=sorted(actor.roles),
        department=actor.department,
        uscc=actor.uscc,
    )


@router.get("/oauth2/jwks")
async def get_jwks(_: TokenCaller, session: Session) -> KeySetAnswer:
    """Give the public keys that verify access tokens."""
    return KeySetAnswer(keys=[k.public_jwk for k in await usable_keys(session, system_now())])


@router.get("/.well-known/oauth-authorization-server")
async def get_metadata(_: TokenCaller, runtime: CurrentRuntime) -> ServerMetadata:
    """Describe the token server (RFC 8414)."""
    issuer = runtime.settings.issuer
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/oauth2/token",
        jwks_uri=f"{issuer}/oauth2/jwks",
        revocation_endpoint=f"{issuer}/oauth2/revoke",
        introspection_endpoint=f"{issuer}/oauth2/introspect",
        grant_types_supported=[rules.GRANT_CLIENT, rules.GRANT_EXCHANGE],
        token_endpoint_auth_methods_supported=[
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        token_endpoint_auth_signing_alg_values_supported=rules.ASSERTION_ALGORITHMS,
        response_types_supported=["none"],
        scopes_supported=[f"{s}:{verb}" for s in SERVICES for verb in ("read", "write")],
    )


async def _read_form(request: Request) -> dict[str, str]:
    if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        raise rules.OAuthError(
            "invalid_request",
            "请以application/x-www-form-urlencoded提交。",
            "Send application/x-www-form-urlencoded.",
        )
    form = await request.form(max_fields=FORM_FIELDS_MAX)
    values = {k: v for k, v in form.items() if isinstance(v, str)}
    if any("\x00" in v for v in values.values()):
        raise rules.OAuthError(
            "invalid_request", "参数含有非法字符。", "A parameter holds an illegal character."
        )
    return values


async def _client(request: Request, session: Any, runtime: Any, form: dict[str, str]) -> Any:
    address = rules.caller_address(
        request.client.host if request.client else None,
        request.headers.get("x-forwarded-for", ""),
        runtime.settings.trusted_proxies,
    )
    issuer = runtime.settings.issuer
    audiences = [issuer, f"{issuer}/oauth2/token"]
    proof = read_proof(request.headers.get("authorization"), form)
    return await authenticate(
        session, proof, address=address, audiences=audiences, now=system_now()
    )


def _problem(request: Request, error: rules.OAuthError) -> JSONResponse:
    english = prefers_english(request.headers.get("accept-language"))
    text = error.en if english else error.zh
    body = {
        "error": error.error,
        "error_description": error.en,
        "type": f"urn:liangxin:problem:{error.error}",
        "title": "Token refused" if english else "未签发令牌",
        "status": error.status,
        "detail": text,
        "code": error.error.replace("_", "-"),
        "trace_id": current_trace_id(),
    }
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Basic"
    return JSONResponse(body, error.status, headers)
