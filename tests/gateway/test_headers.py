"""What passes the door and what does not."""

from ipaddress import ip_network

import pytest

from gateway.headers import caller_of, peer_key, request_id_of, sift_answer, sift_request

PROXIES = (ip_network("10.0.0.0/8"),)
PEER = ("203.0.113.9", 4711)


@pytest.mark.parametrize(
    "name",
    [
        b"x-user",
        b"x-user-id",
        b"x-dept",
        b"x-dept-code",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-real-ip",
        b"x-internal-anything",
        b"forwarded",
        b"x-http-method-override",
        b"x-method-override",
        b"x-original-url",
        b"x_user",
        b"connection",
        b"transfer-encoding",
        b"upgrade",
        b"proxy-authorization",
        b"expect",
    ],
)
def test_a_claim_or_hop_header_does_not_go_on(name: bytes) -> None:
    assert sift_request([(name, b"v"), (b"accept", b"*/*")]).kept == [(b"accept", b"*/*")]


def test_what_the_connection_header_names_does_not_go_on() -> None:
    given = [(b"connection", b"close, X-Secret"), (b"x-secret", b"1"), (b"if-match", b'"1"')]
    assert sift_request(given).kept == [(b"if-match", b'"1"')]


def test_an_ordinary_header_goes_on_unchanged() -> None:
    given = [(b"authorization", b"Bearer t"), (b"idempotency-key", b"k"), (b"content-length", b"2")]
    assert sift_request(given).kept == given


@pytest.mark.parametrize("given", [b"abc-1_2.X", b"a" * 64])
def test_a_sane_request_id_is_kept(given: bytes) -> None:
    assert request_id_of(given) == given


@pytest.mark.parametrize("given", [None, b"", b"a" * 65, b"a b", b"a\r\nb", "编号".encode()])
def test_any_other_request_id_is_replaced(given: bytes | None) -> None:
    made = request_id_of(given)
    assert made != given
    assert len(made) == 36
    assert made[14:15] == b"7"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "address"),
    [
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", PROXIES, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", PROXIES, "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", PROXIES, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, junk", PROXIES, "10.0.0.1"),
        ("10.0.0.1", "", PROXIES, "10.0.0.1"),
        ("10.0.0.1", "10.0.0.7", PROXIES, "10.0.0.7"),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    peer: str, forwarded_for: str, trusted: tuple, address: str
) -> None:
    read = {b"x-forwarded-for": forwarded_for.encode()}
    assert caller_of((peer, 1), "http", read, trusted).address == address


def test_only_a_trusted_proxy_names_the_scheme() -> None:
    read = {b"x-forwarded-proto": b"https"}
    assert caller_of(PEER, "http", read, PROXIES).scheme == "http"
    assert caller_of(("10.0.0.1", 1), "http", read, PROXIES).scheme == "https"
    assert (
        caller_of(("10.0.0.1", 1), "http", {b"x-forwarded-proto": b"gopher"}, PROXIES).scheme
        == "http"
    )


def test_one_ipv6_household_is_one_caller() -> None:
    assert peer_key("2001:db8:1:2:aaaa::1") == peer_key("2001:db8:1:2:bbbb::2")
    assert peer_key("2001:db8:1:2::1") != peer_key("2001:db8:1:3::1")
    assert peer_key("203.0.113.9") == "203.0.113.9"


def test_an_answer_gets_security_headers_and_loses_those_of_the_hop() -> None:
    given = [(b"keep-alive", b"5"), (b"access-control-allow-origin", b"*"), (b"etag", b'"1"')]
    assert dict(sift_answer(given, b"r-1")) == {
        b"etag": b'"1"',
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"cache-control": b"no-store",
        b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
        b"x-request-id": b"r-1",
    }


def test_a_caching_rule_of_the_service_stands() -> None:
    answered = sift_answer([(b"cache-control", b"max-age=60")], b"r-1")
    assert [v for k, v in answered if k == b"cache-control"] == [b"max-age=60"]
