"""The gateway's own part of the API document: what it answers itself."""

from typing import Any


def own_document(version: str) -> dict[str, Any]:
    """Give the document that the services' ones are merged into."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Liangxin 两新",
            "version": version,
            "description": "科技创新和产业创新政策服务：事实、规则、申报、资金、共享。"
            "金额一律为整数分，错误一律为 application/problem+json（RFC 9457）。",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "gateway", "description": "Health and documents of the gateway itself"}],
        "paths": {
            "/livez": {"get": _operation("livez", "Tell that the process runs", _state("alive"))},
            "/readyz": {
                "get": _operation(
                    "readyz",
                    "Tell which services can answer; one that cannot degrades the whole",
                    _readiness("ready", "degraded"),
                    {
                        "503": _answer(
                            "Send no requests here: the gateway is about to end (draining),"
                            " or a required service or all of them are missing (unreachable)",
                            _readiness("draining", "unreachable"),
                        )
                    },
                )
            },
            "/openapi.json": {
                "get": _operation("openapi_document", "Give this document", {"type": "object"})
            },
            "/asyncapi.json": {
                "get": _operation("asyncapi_document", "Give every event", {"type": "object"})
            },
        },
    }


def _operation(
    name: str, summary: str, schema: dict[str, Any], others: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "tags": ["gateway"],
        "summary": summary,
        "operationId": name,
        "security": [],
        "responses": {"200": _answer(summary, schema), **(others or {})},
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _state(*values: str) -> dict[str, Any]:
    status = {"type": "string", "enum": list(values)}
    return {"type": "object", "properties": {"status": status}, "required": ["status"]}


def _readiness(*whole: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": list(whole)},
            "services": {
                "type": "object",
                "description": "Each service; calls to an unreachable one are refused with 503,"
                " code `service-unavailable`, and Retry-After. A degraded one answers and lacks"
                " something, such as the broker: what it hears and announces is late, not lost",
                "additionalProperties": {
                    "type": "string",
                    "enum": ["ready", "degraded", "unreachable"],
                },
            },
        },
        "required": ["status", "services"],
    }
