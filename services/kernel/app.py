"""The HTTP app of a service, built from its description."""

from typing import Any

import orjson
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kernel import metrics
from services.kernel.actors import guards_of
from services.kernel.code_lists import code_list_router
from services.kernel.operations import operation_router
from services.kernel.problems import install_problem_handlers
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from services.kernel.trace import enter_trace

API_VERSION = "1.0.0"


def build_app(service: Service, runtime: Runtime | None = None) -> FastAPI:
    """Build a service's app; without a runtime it only describes itself (for the API document)."""
    app = FastAPI(
        title=service.title_en,
        description=service.title,
        version=API_VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would name the address that the gateway called, not the caller's.
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.runtime = runtime
    install_problem_handlers(app)
    routers = [
        *service.routers,
        operation_router(service.name),
        code_list_router(service.name, service.code_lists),
    ]
    for router in routers:
        # Taken over one by one, so that whoever walks app.routes sees every route.
        app.router.routes.extend(router.routes)
    if runtime is not None:
        _add_health(app, runtime)
    return app


def describe(service: Service) -> dict[str, Any]:
    """Give a service's OpenAPI 3.1 document; every refusal is a problem+json in it."""
    app = build_app(service)
    document = app.openapi()
    for route in app.routes:
        if isinstance(route, APIRoute) and any(g.public for g in guards_of(route.dependant)):
            for method in route.methods or ():
                # A token may be sent and need not.
                document["paths"][route.path][method.lower()]["security"] = [{}, {"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status in ("4XX", "5XX") and "application/problem+json" in content:
                    content["application/problem+json"] = content.pop("application/json")
    return document


def asgi_app(service: Service, runtime: Runtime) -> ASGIApp:
    """Give the app with what every request needs around it: its trace and its metrics."""
    return Traced(build_app(service, runtime), service.name)


class Traced:
    """Pure ASGI: continues the caller's trace, counts and times the request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        enter_trace(headers.get(b"traceparent", b"").decode("latin-1"))
        status, has_answered = 500, False

        async def watched(message: Message) -> None:
            nonlocal status, has_answered
            if message["type"] == "http.response.start":
                status, has_answered = message["status"], True
            await send(message)

        with metrics.REQUEST_SECONDS.labels(self._service).time():
            try:
                await self._app(scope, receive, watched)
            except Exception:
                # The framework raises again what it has answered and we have logged.
                if not has_answered:
                    raise
            finally:
                metrics.REQUESTS.labels(self._service, scope["method"], f"{status // 100}xx").inc()


def _add_health(app: FastAPI, runtime: Runtime) -> None:
    async def livez(_: Any) -> Response:
        return Response(
            status_code=200 if runtime.is_alive else 503,
            content=b"ok" if runtime.is_alive else b"worker ended",
        )

    async def readyz(_: Any) -> Response:
        state = await runtime.readiness()
        serves = state["database"] == state["keys"] == "ready" and "serving" not in state
        degraded = [name for name, value in state.items() if value != "ready"]
        body = {
            "service": runtime.service.name,
            "status": "ready" if not degraded else "degraded" if serves else "down",
            "degraded": degraded,
            "checks": state,
        }
        return Response(orjson.dumps(body), 200 if serves else 503, media_type="application/json")

    async def measures(_: Any) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    # The gateway routes none of these to the outside: they are for whoever runs the process.
    app.router.add_route("/metrics", measures)
    app.router.add_route("/livez", livez)
    app.router.add_route("/readyz", readyz)
