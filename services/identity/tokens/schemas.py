from typing import Any

from pydantic import BaseModel


class TokenAnswer(BaseModel):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the scheme's name
    expires_in: int
    scope: str
    issued_token_type: str | None = None


class OAuthProblem(BaseModel):
    """OAuth's error with the platform's problem members beside it."""

    error: str
    error_description: str
    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None


class Introspection(BaseModel):
    """What a token says, or only that it does not count."""

    active: bool
    sub: str | None = None
    client_id: str | None = None
    scope: str | None = None
    exp: int | None = None
    iat: int | None = None
    jti: str | None = None
    roles: list[str] | None = None
    department: str | None = None
    uscc: str | None = None


class KeySetAnswer(BaseModel):
    keys: list[dict[str, Any]]


class ServerMetadata(BaseModel):
    """RFC 8414."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str
    introspection_endpoint: str
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
