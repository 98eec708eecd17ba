"""OAuth 2.0 on plain values: what may be asked, how it is refused (RFC 6749, 7523, 8693)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
GRANT_CLIENT = "client_credentials"
GRANT_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_TYPES = (
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:access_token",
    "urn:ietf:params:oauth:token-type:jwt",
)
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name, not a secret
SUBJECT_ALGORITHMS = ["ES256", "RS256", "PS256"]
ASSERTION_ALGORITHMS = ["ES256", "PS256"]
ASSERTION_S_MAX = 300
JTI_CHARS_MAX = 200
# Wider than what can be registered: it bounds what a stranger may have written down.
CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
FAILURES_MAX = 10
# From all places together: a secret is not guessed from many addresses either.
FAILURES_ANYWHERE_MAX = 100
LOCK_S = 900


@dataclass
class OAuthError(Exception):
    """A refusal of the token endpoint in OAuth's own words, with our sentences beside them."""

    error: str
    zh: str
    en: str
    status: int = 400


def invalid_client() -> OAuthError:
    """Say the same whether the client is unknown, suspended, locked or its proof is wrong."""
    return OAuthError(
        "invalid_client", "客户端身份未通过验证。", "The client could not be authenticated.", 401
    )


def caller_address(peer: str | None, forwarded: str, trusted: Iterable[Network]) -> str:
    """Say where a request comes from: who called us, or whom our own gateway names last."""
    named = forwarded.rpartition(",")[2].strip()
    if peer is None:
        return named
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    is_ours = address.is_loopback or any(address in network for network in trusted)
    return named if named and is_ours else peer


def granted_scopes(asked: str | None, allowed: Iterable[str]) -> list[str]:
    """Grant what was asked for, or all that is allowed where nothing was."""
    allowed_set = set(allowed)
    if not asked:
        return sorted(allowed_set)
    wanted = set(asked.split())
    if not wanted <= allowed_set:
        raise OAuthError(
            "invalid_scope",
            "所申请的权限范围超出该客户端的许可。",
            "A scope was asked for that the client does not have.",
        )
    return sorted(wanted)


def chosen_firm(asked: str | None, bound: list[str]) -> str:
    """Choose the firm a person will act for: the one asked for, or the only one."""
    if asked:
        wanted = asked.strip().upper()
        if wanted in bound:
            return wanted
        raise OAuthError(
            "invalid_target", "此人未获授权代表该企业。", "The person may not act for this firm."
        )
    if len(bound) == 1:
        return bound[0]
    if not bound:
        raise OAuthError(
            "invalid_grant", "此人未获授权代表任何企业。", "The person may not act for any firm."
        )
    raise OAuthError(
        "invalid_target",
        "此人可代表多家企业，请以uscc参数注明其一。",
        "The person may act for several firms; name one as uscc.",
    )
