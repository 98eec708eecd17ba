"""Where a path leads, what it may cost, and how it is logged."""

import pytest

from gateway.paths import Work, is_safe, service_of, shape_of, work_of

ID = "01a20671-16a2-7257-bd26-c2206359e789"


@pytest.mark.parametrize(
    "raw_path",
    [
        b"/v1/policy/a%2fb",
        b"/v1/policy/a%2Fb",
        b"/v1/policy/a%5cb",
        b"/v1/policy/a\\b",
        b"/v1/policy/%00",
        b"/v1/policy/\x00",
        b"/v1/policy/../finance/budgets",
        b"/v1/policy/./cases",
        b"/v1/policy/%2e%2e/finance",
        b"/v1/policy/.%2E",
        b"/v1/policy/..",
        b"/v1/policy/%ff",
        b"/v1/policy/%zz",
        b"/v1/policy/%",
        b"/v1/policy/\xe4\xb8\xad",
        b"/v1/policy/a b",
        b"*",
        b"",
        b"v1/policy",
    ],
)
def test_a_path_that_two_parsers_may_read_differently_is_refused(raw_path: bytes) -> None:
    assert not is_safe(raw_path)


@pytest.mark.parametrize(
    "raw_path",
    [
        b"/",
        b"/v1/policy/cases",
        b"/.well-known/oauth-authorization-server",
        b"/v1/enterprise/firms/91330282MA00T35T2N",
        b"/v1/policy/%E6%B5%8B%E8%AF%95",
        b"/v1/policy/a..b",
        b"/v1/policy/%252e%252e/x",
    ],
)
def test_an_ordinary_path_passes(raw_path: bytes) -> None:
    assert is_safe(raw_path)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/policy/cases", "policy"),
        ("/v1/messages", "messages"),
        ("/v1/demo/clock", "identity"),
        ("/oauth2/token", "identity"),
        ("/.well-known/oauth-authorization-server", "identity"),
        ("/v1/", None),
        ("/v2/policy", None),
        ("/", None),
        ("/oauth2", None),
        ("/.well-known/security.txt", None),
    ],
)
def test_the_second_segment_names_the_service(path: str, service: str | None) -> None:
    assert service_of(path) == service


@pytest.mark.parametrize(
    ("method", "path", "accept", "work"),
    [
        ("GET", "/v1/policy/cases", None, Work.PLAIN),
        ("GET", "/v1/policy/cases", b"application/json", Work.PLAIN),
        ("POST", "/v1/enterprise/imports", None, Work.IMPORT),
        ("POST", "/v1/enterprise/imports/", None, Work.IMPORT),
        ("POST", "/v1/policy/cases/imports", None, Work.IMPORT),
        ("POST", "/v1/policy/recommendations/imports", None, Work.IMPORT),
        ("POST", "/v1/enterprise/firms/imports", None, Work.PLAIN),
        ("PUT", "/v1/enterprise/imports", None, Work.PLAIN),
        ("GET", "/v1/enterprise/firms", b"text/csv", Work.EXPORT),
        ("GET", "/v1/enterprise/firms", b"application/x-ndjson", Work.EXPORT),
        ("GET", "/v1/enterprise/firms", b"application/vnd.apache.parquet", Work.EXPORT),
        ("POST", "/v1/enterprise/firms", b"text/csv", Work.PLAIN),
        ("GET", "/v1/sharing/exports/7", None, Work.EXPORT),
        ("GET", "/v1/messages/stream", None, Work.STREAM),
        ("POST", "/v1/messages/stream", None, Work.PLAIN),
        ("POST", f"/v1/policy/cases/{ID}/evidence", None, Work.UPLOAD),
        ("POST", f"/v1/policy/cases/{ID}/evidence/", None, Work.UPLOAD),
        ("GET", f"/v1/policy/cases/{ID}/evidence", None, Work.PLAIN),
        ("POST", "/v1/policy/evidence", None, Work.PLAIN),
        ("POST", f"/v1/policy/evidence/{ID}/links", None, Work.PLAIN),
        ("GET", f"/v1/policy/evidence/{ID}/content", None, Work.DOWNLOAD),
        ("GET", "/v1/policy/content", None, Work.PLAIN),
    ],
)
def test_work_is_told_by_method_path_and_wanted_form(
    method: str, path: str, accept: bytes | None, work: Work
) -> None:
    assert work_of(method, path, accept) is work


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/policy/cases", "/v1/policy/cases"),
        (f"/v1/policy/cases/{ID}/events", f"/v1/policy/cases/{ID}/events"),
        ("/v1/talent/people/330282199001011234", "/v1/talent/people/{}"),
        ("/v1/talent/people/13800138000", "/v1/talent/people/{}"),
        ("/v1/talent/people/张三", "/v1/talent/people/{}"),
        ("/v1/" + "a/" * 50, "/v1" + "/a" * 10),
    ],
)
def test_the_log_shows_words_and_ids_and_hides_the_rest(path: str, shape: str) -> None:
    assert shape_of(path) == shape
