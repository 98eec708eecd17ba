"""The AsyncAPI 3.0 document, generated from the event classes."""

from typing import Any

from services.kernel.events import SHARDS, Event

CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time", "lxaggregate", "lxseq", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "The outbox row; the same event has the same id",
        },
        "source": {"type": "string"},
        "type": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "lxaggregate": {
            "type": "string",
            "description": "What it happened to; its events keep their order",
        },
        "lxseq": {"type": "integer", "description": "The number of the event within its aggregate"},
        "traceparent": {"type": "string"},
    },
}


def asyncapi_document(
    announced: dict[str, tuple[type[Event], ...]], version: str
) -> dict[str, Any]:
    """Describe every event that services announce."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for service, events in sorted(announced.items()):
        for event in sorted(events, key=lambda e: e.TYPE):
            name = event.__name__
            schemas.update(_schemas(event))
            messages[name] = _message(event)
            channels[name] = _channel(event)
            operations[f"announce{name}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": f"{service} announces {event.TYPE}",
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Liangxin events",
            "version": version,
            "description": "CloudEvents 1.0 in JSON on NATS JetStream, one stream a service.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    return {
        "address": event.subjects().removesuffix("*") + "{shard}",
        "parameters": {
            "shard": {
                "description": f"00 to {SHARDS - 1}, by the aggregate's hash; never anyone's id"
            }
        },
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    data = {
        "properties": {
            "type": {"const": event.TYPE},
            "data": {"$ref": f"#/components/schemas/{event.__name__}"},
        }
    }
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "description": f"A {event.KIND} event.",
        "payload": {"allOf": [CLOUD_EVENT, data]},
    }


def _schemas(event: type[Event]) -> dict[str, Any]:
    schema = event.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    return {event.__name__: schema, **inner}
