"""The AsyncAPI 3.0 document: every family as a channel, every event as a message, with its golden example."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from contracts.envelope import BODY_BYTES_MAX, Body
from contracts.events import EVENTS
from contracts.topology import EXCHANGE, FAMILIES, Family, queue_name
from rxflow.docs.markdown import first_paragraph
from rxflow.docs.releases import example_envelope, project_version
from services.seedwork.store.sealing import PREFIX, personal_fields

_BINDING = "0.3.0"


def asyncapi_document() -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rxflow",
            "version": project_version(),
            "description": (
                "What the five services tell each other. A consumer takes a family whole: numbers are contiguous per "
                "stream, from 1, and `hash = sha256(prev_hash | stream | public_seq | type | body)` links each event "
                f"to the one before. Fields marked `x-personal` travel sealed, as a text that begins with `{PREFIX}`; "
                "schemas and examples show them in clear. A contract grows by addition: ignore what you do not know."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "localhost:5672", "protocol": "amqp", "description": "RXFLOW_BROKER_URL"}},
        "channels": {family.name: _channel(family) for family in FAMILIES},
        "operations": {name: operation for family in FAMILIES for name, operation in _operations(family)},
        "components": {"messages": {name: _message(name) for name in sorted(EVENTS)}, "schemas": _schemas()},
    }


def _events_of(family: Family) -> list[str]:
    return sorted(name for name, event in EVENTS.items() if family.name == event.FAMILY)


def _channel(family: Family) -> dict[str, Any]:
    consumers = ", ".join(queue_name(consumer, family.name) for consumer in family.consumers)
    return {
        "address": family.name,
        "description": f"Told by {family.producer}. Queues: {consumers}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _events_of(family)},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations(family: Family) -> list[tuple[str, dict[str, Any]]]:
    def operation(service: str, action: str) -> tuple[str, dict[str, Any]]:
        words = {
            "action": action,
            "channel": {"$ref": f"#/channels/{family.name}"},
            "tags": [{"name": service}],
            "messages": [{"$ref": f"#/channels/{family.name}/messages/{name}"} for name in _events_of(family)],
        }
        return f"{service}.{action}.{family.name}", words

    return [operation(family.producer, "send"), *(operation(consumer, "receive") for consumer in family.consumers)]


def _message(wire_name: str) -> dict[str, Any]:
    event = EVENTS[wire_name]
    envelope = example_envelope(wire_name)
    return {
        "name": wire_name,
        "title": event.__name__,
        "summary": first_paragraph(event.__doc__),
        "contentType": "application/json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "properties": {
                        "type": {"const": wire_name},
                        "body": {
                            "contentMediaType": "application/json",
                            "contentSchema": {
                                "allOf": [
                                    {"$ref": "#/components/schemas/Body"},
                                    {"properties": {"data": {"$ref": f"#/components/schemas/{wire_name}"}}},
                                ]
                            },
                        },
                    }
                },
            ]
        },
        "examples": [
            {
                "name": "golden",
                "summary": "as on the wire, but personal fields in clear",
                "payload": {
                    "message_id": str(envelope.message_id),
                    "producer": envelope.producer,
                    "family": envelope.family,
                    "type": envelope.type,
                    "stream": str(envelope.stream),
                    "public_seq": envelope.public_seq,
                    "prev_hash": envelope.prev_hash.hex(),
                    "hash": envelope.hash.hex(),
                    "store_epoch": envelope.store_epoch,
                    "log_index": envelope.log_index,
                    "body": envelope.body,
                },
            }
        ],
    }


def _schemas() -> dict[str, Any]:
    """Every model once; an event under its wire name."""
    asked: list[Any] = [(event, "validation") for _, event in sorted(EVENTS.items())]
    references, document = models_json_schema(
        [*asked, (Body, "validation")], ref_template="#/components/schemas/{model}"
    )
    found = dict(document["$defs"])
    renamed = {}
    for wire_name, event in sorted(EVENTS.items()):
        schema = found.pop(references[event, "validation"]["$ref"].rpartition("/")[2])
        for field, kind in personal_fields(event).items():
            schema["properties"][field]["x-personal"] = kind.value
        renamed[wire_name] = schema
    return {"Envelope": _ENVELOPE, **renamed, **dict(sorted(found.items()))}


_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "What places a fact: its stream and number, its link in the chain, its place in the producer's log.",
    "required": [
        "message_id",
        "producer",
        "family",
        "type",
        "stream",
        "public_seq",
        "prev_hash",
        "hash",
        "store_epoch",
        "log_index",
        "body",
    ],
    "properties": {
        "message_id": {"type": "string", "format": "uuid", "description": "uuid5(stream, public_seq)"},
        "producer": {"type": "string"},
        "family": {"type": "string", "description": "aggregate kind; the routing key"},
        "type": {"type": "string", "description": "wire name"},
        "stream": {"type": "string", "format": "uuid"},
        "public_seq": {"type": "integer", "minimum": 1, "description": "contiguous per stream, from 1"},
        "prev_hash": {**_HASH, "description": "of the event before; zeros for the first"},
        "hash": _HASH,
        "store_epoch": {"type": "integer", "minimum": 1, "description": "raised by each restore of the producer"},
        "log_index": {"type": "integer", "minimum": 1, "description": "place in the producer's sealed log"},
        "body": {"type": "string", "maxLength": BODY_BYTES_MAX, "description": "JSON, byte for byte as stored"},
    },
}
