"""One request through the door, in both layouts."""

import re
from typing import Any

import httpx
import pytest
import structlog

from gateway.backends import Backend, InMemory
from tests.gateway.conftest import Open
from tests.gateway.upstreams import Upstream

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def headers_seen(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


async def test_a_request_reaches_its_service_as_it_was_sent(
    backend: Backend, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": backend})
    answer = await client.put(
        "/v1/enterprise/firms/测试?q=a%20b&q=c", content=b"12345", headers={"If-Match": '"3"'}
    )
    seen = answer.json()
    assert answer.status_code == 200
    assert (seen["method"], seen["path"]) == ("PUT", "/v1/enterprise/firms/测试")
    assert (seen["query"], seen["body_bytes"]) == ("q=a%20b&q=c", 5)
    assert headers_seen(answer)["if-match"] == '"3"'
    assert headers_seen(answer)["host"] == client.base_url.netloc.decode()


async def test_claims_from_outside_are_stripped(backend: Backend, open_gateway: Open) -> None:
    client = await open_gateway({"enterprise": backend})
    answer = await client.get(
        "/v1/enterprise/firms",
        headers={
            "X-User": "admin",
            "X-Dept": "330282",
            "X-Real-IP": "1.2.3.4",
            "X-Internal-Role": "approver",
            "X-HTTP-Method-Override": "DELETE",
            "X-Forwarded-For": "1.2.3.4",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "for=1.2.3.4",
            "Authorization": "Bearer token",
        },
    )
    seen = headers_seen(answer)
    assert not {n for n in seen if n.startswith(("x-user", "x-dept", "x-real", "x-internal"))}
    assert not {"forwarded", "x-http-method-override", "x-forwarded-host"} & set(seen)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert seen["authorization"] == "Bearer token"
    assert answer.json()["method"] == "GET"


async def test_a_trusted_proxy_names_the_client(open_gateway: Open, upstream: Upstream) -> None:
    client = await open_gateway({"enterprise": InMemory(upstream)}, trusted_proxies="127.0.0.0/8")
    answer = await client.get(
        "/v1/enterprise/firms",
        headers={"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"},
    )
    assert headers_seen(answer)["x-forwarded-for"] == "198.51.100.7"
    assert (answer.json()["client"], answer.json()["scheme"]) == ("198.51.100.7", "https")


async def test_a_sane_request_id_and_trace_go_all_the_way(
    backend: Backend, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": backend})
    given = {"X-Request-Id": "mobile-42", "traceparent": TRACEPARENT, "tracestate": "a=1"}
    answer = await client.get("/v1/enterprise/firms", headers=given)
    seen = headers_seen(answer)
    assert answer.headers["x-request-id"] == seen["x-request-id"] == "mobile-42"
    assert seen["traceparent"].split("-")[1] == TRACEPARENT.split("-")[1]
    assert seen["tracestate"] == "a=1"


async def test_a_request_without_ids_is_given_them(backend: Backend, open_gateway: Open) -> None:
    client = await open_gateway({"enterprise": backend})
    answer = await client.get(
        "/v1/enterprise/firms",
        headers={"X-Request-Id": "a b", "traceparent": "00-junk", "tracestate": "a=1"},
    )
    seen = headers_seen(answer)
    assert UUID7.fullmatch(answer.headers["x-request-id"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", seen["traceparent"])
    assert "tracestate" not in seen


async def test_every_answer_is_dressed_the_same(backend: Backend, open_gateway: Open) -> None:
    client = await open_gateway({"enterprise": backend})
    answer = await client.get("/v1/enterprise/dress", headers={"X-Request-Id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]
    assert answer.headers.get_list("date") == [answer.headers["date"]]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "max-age=60"
    assert answer.headers["etag"] == '"7"'
    assert "access-control-allow-origin" not in answer.headers
    assert "keep-alive" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/nowhere/x", "/v2/enterprise", "/v1", "/nothing"])
async def test_an_unknown_address_is_a_problem_in_chinese(
    path: str, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": InMemory(upstream)})
    answer = await client.get(path, headers={"traceparent": TRACEPARENT})
    problem = answer.json()
    assert answer.status_code == problem["status"] == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "zh"
    assert problem["code"] == "not-found"
    assert problem["type"] == "urn:liangxin:problem:not-found"
    assert problem["title"] == "未找到"
    assert problem["trace_id"] == TRACEPARENT.split("-")[1]
    assert not upstream.calls


async def test_a_problem_is_in_english_for_those_who_prefer_it(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": InMemory(upstream)})
    english = {"Accept-Language": "en-GB,en;q=0.9,zh;q=0.5"}
    answer = await client.get("/v1/nowhere/x", headers=english)
    assert answer.json()["title"] == "Not found"
    assert answer.headers["content-language"] == "en"
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert (await client.get("/v1/nowhere/x", headers=chinese)).json()["title"] == "未找到"


@pytest.mark.parametrize("raw", [b"/v1/enterprise/a%2Fb", b"/v1/enterprise/%2e%2e/x"])
async def test_an_ambiguous_path_is_refused_before_any_service(
    raw: bytes, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": InMemory(upstream)})
    url = httpx.URL(client.base_url).copy_with(raw_path=raw)
    answer = await client.send(httpx.Request("GET", url))
    assert (answer.status_code, answer.json()["code"]) == (400, "path-unsafe")
    assert answer.json()["title"] == "请求格式有误"
    assert not upstream.calls


async def test_identity_is_reached_by_its_fixed_paths(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"identity": InMemory(upstream)})
    for path in ("/oauth2/token", "/.well-known/oauth-authorization-server", "/v1/demo/clock"):
        assert (await client.get(path)).json()["path"] == path


async def test_cors_is_closed_unless_an_origin_is_named(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"enterprise": InMemory(upstream)}, cors_origins="https://a.cn")
    preflight = {"Origin": "https://a.cn", "Access-Control-Request-Method": "PUT"}
    allowed = await client.options("/v1/enterprise/firms", headers=preflight)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://a.cn"
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert not upstream.calls
    got = await client.get("/v1/enterprise/dress", headers={"Origin": "https://a.cn"})
    assert got.headers.get_list("access-control-allow-origin") == ["https://a.cn"]
    other = await client.get("/v1/enterprise/dress", headers={"Origin": "https://b.cn"})
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["vary"] == "origin"


async def test_the_access_log_holds_no_value_that_was_sent(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"talent": InMemory(upstream)})
    with structlog.testing.capture_logs() as lines:
        await client.get(
            "/v1/talent/people/330282199001011234?name=张三", headers={"Authorization": "Bearer s3"}
        )
    line: Any = lines[-1]
    assert line["event"] == "request answered"
    assert (line["service"], line["status"]) == ("talent", 200)
    assert line["route"] == "/v1/talent/people/{}"
    assert not re.search(r"330282199001011234|张三|name=|s3", repr(lines))
