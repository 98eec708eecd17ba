"""What passes the door and what does not: request and answer headers, who is calling."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

import uuid_utils

Pairs = list[tuple[bytes, bytes]]
Network = IPv4Network | IPv6Network

IPV6 = 6
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization"
    b" te trailer transfer-encoding upgrade".split()
)
# Claims about the caller, the way here or another method: nobody outside may make them (A06, A10).
_CLAIMS = (b"x-forwarded-", b"x-user", b"x-dept", b"x-internal-", b"x-real-ip")
_OVERRIDES = frozenset(
    b"forwarded x-http-method x-http-method-override x-method-override"
    b" x-original-url x-rewrite-url".split()
)
_READ = frozenset(
    b"authorization accept accept-language origin if-none-match content-length".split()
)
_READ_AND_DROPPED = frozenset(
    b"connection transfer-encoding expect x-request-id traceparent tracestate"
    b" x-forwarded-for x-forwarded-proto".split()
)
_DROPPED = HOP_BY_HOP | _OVERRIDES
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close", b"Keep-Alive"})
_CORS_ANSWERS = frozenset(
    b"access-control-" + end
    for end in b"allow-origin allow-methods allow-headers allow-credentials allow-private-network"
    b" expose-headers max-age".split()
)
_ANSWER_DROPPED = (
    HOP_BY_HOP | _CORS_ANSWERS | {b"server", b"date", b"x-request-id", b"x-powered-by"}
)
_ANSWER_NOTED = frozenset({b"cache-control", b"content-security-policy"})
_ANSWER_SPECIAL = _ANSWER_DROPPED | _ANSWER_NOTED

ALWAYS: Pairs = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
NO_STORE = (b"cache-control", b"no-store")
NO_CONTENT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Incoming(NamedTuple):
    read: dict[bytes, bytes]
    kept: Pairs


class Caller(NamedTuple):
    address: str
    scheme: str


def sift_request(headers: Iterable[tuple[bytes, bytes]]) -> Incoming:
    """Split request headers into those the gateway reads and those that go on to the service."""
    read: dict[bytes, bytes] = {}
    kept: Pairs = []
    for pair in headers:
        name, value = pair
        is_read, is_kept = _treatment(name)
        if is_kept:
            kept.append(pair)
        if is_read:
            read[name] = read[name] + b"," + value if name in read else value
    connection = read.get(b"connection")
    if connection is not None and connection not in _PLAIN_CONNECTION:
        named = {token.strip().lower() for token in connection.split(b",")}
        kept = [pair for pair in kept if pair[0] not in named]
    return Incoming(read, kept)


@lru_cache(maxsize=1024)
def _treatment(name: bytes) -> tuple[bool, bool]:
    """Tell whether a request header is read, and whether it goes on to the service."""
    if name in _READ:
        return True, True
    if name in _READ_AND_DROPPED:
        return True, False
    return False, not (name in _DROPPED or name.startswith(_CLAIMS) or b"_" in name)


def sift_answer(headers: Iterable[tuple[bytes, bytes]], request_id: bytes) -> Pairs:
    """Give an answer's headers: hop-by-hop and CORS ones dropped, security ones added."""
    kept: Pairs = []
    noted: set[bytes] = set()
    for pair in headers:
        name = pair[0]
        if name in _ANSWER_SPECIAL:
            if name in _ANSWER_DROPPED:
                continue
            noted.add(name)
        kept.append(pair)
    kept += ALWAYS
    if b"cache-control" not in noted:
        kept.append(NO_STORE)
    if b"content-security-policy" not in noted:
        kept.append(NO_CONTENT)
    kept.append((b"x-request-id", request_id))
    return kept


def request_id_of(given: bytes | None) -> bytes:
    """Accept a sane request id from the caller, or make one."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return str(uuid_utils.uuid7()).encode()


def caller_of(
    client: Sequence[object] | None,
    scheme: str,
    read: dict[bytes, bytes],
    trusted: tuple[Network, ...],
) -> Caller:
    """Say who is calling: the peer, or the last address a trusted proxy names that is not one."""
    address = str(client[0]) if client else "unknown"
    if not trusted or not _is_trusted(address, trusted):
        return Caller(address, scheme)
    given = read.get(b"x-forwarded-for", b"").decode("latin-1")
    for hop in reversed([each.strip() for each in given.split(",")]):
        if not _is_address(hop):
            break
        address = hop
        if not _is_trusted(hop, trusted):
            break
    proto = read.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip()
    return Caller(address, proto.decode() if proto in (b"http", b"https") else scheme)


@lru_cache(maxsize=4096)
def peer_key(address: str) -> str:
    """Give the key by which an address is counted: IPv6 by its /64, which one household holds."""
    if ":" not in address or not _is_address(address):
        return address
    parsed = ip_address(address.partition("%")[0])
    return parsed.exploded[:19] if parsed.version == IPV6 else str(parsed)


@lru_cache(maxsize=4096)
def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
