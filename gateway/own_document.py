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
                    "Tell which services can answer",
                    _READINESS,
                    {"503": {"description": "Draining, or a required service or all are missing"}},
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
    answer = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {
        "tags": ["gateway"],
        "summary": summary,
        "operationId": name,
        "security": [],
        "responses": {"200": answer, **(others or {})},
    }


def _state(*values: str) -> dict[str, Any]:
    status = {"type": "string", "enum": list(values)}
    return {"type": "object", "properties": {"status": status}, "required": ["status"]}


_READINESS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["ready", "degraded"]},
        "services": {
            "type": "object",
            "additionalProperties": {
                "type": "string",
                "enum": ["ready", "degraded", "unreachable"],
            },
        },
    },
    "required": ["status", "services"],
}
