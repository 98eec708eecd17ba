"""The gateway's own documents, pages, health and metrics."""

import json
import re
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from gateway.app import Gateway
from gateway.backends import InMemory
from gateway.health import judge
from gateway.pages import STATIC
from gateway.remote import Remote
from services.kernel.settings import Profile
from tests.gateway.conftest import Open, settings_for
from tests.gateway.upstreams import Upstream

ENGLISH = {"Accept-Language": "en"}
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "openapi.json").write_text('{"openapi": "3.1.0"}')
    (tmp_path / "asyncapi.json").write_text('{"asyncapi": "3.0.0"}')
    return tmp_path


async def test_a_document_is_served_once_and_then_known(
    documents: Path, open_gateway: Open
) -> None:
    client = await open_gateway({}, documents=documents)
    first = await client.get("/openapi.json")
    assert first.json() == {"openapi": "3.1.0"}
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-cache"
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    again = await client.get("/openapi.json", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    changed = await client.get("/openapi.json", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200
    assert (await client.get("/asyncapi.json")).json() == {"asyncapi": "3.0.0"}


async def test_a_document_that_is_not_there_is_not_found(
    tmp_path: Path, open_gateway: Open
) -> None:
    client = await open_gateway({}, documents=tmp_path)
    assert (await client.get("/openapi.json")).status_code == 404


async def test_head_gives_the_headers_alone_and_post_is_refused(
    documents: Path, open_gateway: Open
) -> None:
    client = await open_gateway({}, documents=documents)
    head = await client.head("/openapi.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "20"
    post = await client.post("/openapi.json")
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")
    assert post.json()["code"] == "method-not-allowed"


async def test_the_first_page_speaks_json_to_programs_and_html_to_people(
    open_gateway: Open,
) -> None:
    client = await open_gateway({})
    told = (await client.get("/")).json()
    assert told["openapi"] == "/openapi.json"
    assert told["docs"] == "/docs"
    assert told["health"] == {"live": "/livez", "ready": "/readyz"}
    chinese = await client.get("/", headers=HTML)
    assert "统一入口" in chinese.text
    english = await client.get("/", headers=HTML | ENGLISH)
    assert "The one door" in english.text
    assert english.headers["vary"] == "accept, accept-language"


async def test_the_docs_page_loads_only_from_here(open_gateway: Open) -> None:
    client = await open_gateway({})
    for language in ({}, ENGLISH):
        page = await client.get("/docs", headers=HTML | language)
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        links = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        assert {"/static/swagger-ui-bundle.js", "/static/docs.js"} <= set(links)
        for link in set(links) - {"/openapi.json", "/asyncapi.json"}:
            assert link.startswith("/")
            assert (await client.get(link)).status_code == 200
        assert not re.search(r"<script>|<style|\son\w+=|style=", page.text)
    script = await client.get("/static/docs.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "validatorUrl: null" in script.text


async def test_docs_are_closed_in_production(open_gateway: Open) -> None:
    client = await open_gateway({}, profile=Profile.PRODUCTION)
    assert (await client.get("/docs")).status_code == 404
    assert (await client.get("/static/swagger-ui-bundle.js")).status_code == 404
    assert (await client.get("/")).json()["docs"] is None
    assert (await client.get("/", headers=HTML)).status_code == 200


@pytest.mark.parametrize("path", ["/static/", "/static/../app.py", "/static/docs.zh.html"])
async def test_no_other_file_is_served(path: str, open_gateway: Open) -> None:
    client = await open_gateway({})
    assert (await client.get(path)).status_code == 404


def test_the_vendored_files_carry_their_licence() -> None:
    assert "Apache License" in (STATIC / "swagger-ui.LICENSE.txt").read_text()
    assert (STATIC / "swagger-ui-bundle.js.LICENSE.txt").is_file()


async def test_readiness_names_each_service(
    upstream: Upstream, open_gateway: Open, unused_url: str
) -> None:
    upstream.readiness = {"status": "ready", "degraded": "broker"}
    backends = {"policy": InMemory(Upstream()), "messages": InMemory(upstream)}
    client = await open_gateway({**backends, "finance": Remote(unused_url)})
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "services": {"finance": "unreachable", "messages": "degraded", "policy": "ready"},
    }


async def test_services_are_asked_once_a_second_at_most(
    remote: Remote, upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": remote})
    for _ in range(3):
        assert (await client.get("/readyz")).json()["status"] == "ready"
    assert upstream.calls["readyz"] == 1


async def test_a_draining_gateway_is_not_ready_and_serves_on(upstream: Upstream) -> None:
    gateway = Gateway({"policy": InMemory(upstream)}, settings_for())
    await gateway.start()
    transport = httpx.ASGITransport(app=gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/readyz")).status_code == 200
        gateway.drain()
        drained = await client.get("/readyz")
        assert (drained.status_code, drained.json()["status"]) == (503, "draining")
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/v1/policy/measures")).status_code == 200
    await gateway.stop()


def test_readiness_is_weighed() -> None:
    assert judge({"a": "ready", "b": "ready"}, ())[1]["status"] == "ready"
    assert judge({"a": "ready", "b": "unreachable"}, ())[0] == 200
    assert judge({"a": "ready", "b": "unreachable"}, ("b",))[0] == 503
    assert judge({"a": "ready", "b": "degraded"}, ("b",))[1]["status"] == "degraded"
    assert judge({"a": "unreachable"}, ())[0] == 503
    assert judge({}, ())[0] == 503


async def test_metrics_need_their_token_and_hold_no_id(
    upstream: Upstream, open_gateway: Open
) -> None:
    client = await open_gateway({"policy": InMemory(upstream)}, metrics_token="m" * 20)
    await client.get("/v1/policy/cases/01a20671-16a2-7257-bd26-c2206359e789")
    assert (await client.get("/metrics")).status_code == 401
    answer = await client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 20})
    lines = [line for line in answer.text.splitlines() if line.startswith("liangxin_gateway")]
    wanted = 'liangxin_gateway_requests_total{method="GET",service="policy",status_class="2xx"}'
    assert any(line.startswith(wanted) for line in lines)
    assert any(line.startswith('liangxin_gateway_in_flight{service="policy"} 0') for line in lines)
    assert not any("01a20671" in line for line in lines)


async def test_metrics_are_closed_without_a_token(open_gateway: Open) -> None:
    client = await open_gateway({})
    assert (await client.get("/metrics")).status_code == 404


async def test_a_websocket_is_refused(upstream: Upstream) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Gateway({"policy": InMemory(upstream)}, settings_for())(
        {"type": "websocket", "path": "/v1/policy"}, receive, send
    )
    assert json.dumps(sent) == '[{"type": "websocket.close", "code": 1008}]'
