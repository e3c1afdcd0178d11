"""JSON schemas of what the services tell each other: the events, and the contents of the registers.

To what pydantic knows, a schema adds what a consumer must know: the wire name, the family, and which fields are
personal (`x-personal`, the class of data; on the wire such a field is a sealed text).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from contracts.envelope import IntegrationEvent
from contracts.events import EVENTS
from contracts.registers import CONTENT
from services.seedwork.store.sealing import personal_fields

CONTRACTS = Path(__file__).parents[2] / "contracts"
EXAMPLES = CONTRACTS / "examples"
REGISTER_PREFIX = "register."
_WIRE_NAME = re.compile(r"[a-z_]+\.[a-z_]+\.v\d+(?=\.|$)")

Schema = dict[str, Any]


def event_schema(event: type[IntegrationEvent]) -> Schema:
    """The schema of one event's `data`."""
    schema = event.model_json_schema()
    for name, data_class in personal_fields(event).items():
        schema["properties"][name]["x-personal"] = data_class.value
    return {**schema, "x-wire-name": event.TYPE, "x-family": event.FAMILY}


def current_schemas() -> dict[str, Schema]:
    """Everything a release promises, by name: events by wire name, register contents as `register.<kind>`."""
    promised: dict[str, type[BaseModel]] = {f"{REGISTER_PREFIX}{kind}": model for kind, model in CONTENT.items()}
    contents = {name: model.model_json_schema() for name, model in promised.items()}
    return dict(sorted({**{name: event_schema(event) for name, event in EVENTS.items()}, **contents}.items()))


def model_of(name: str) -> type[BaseModel]:
    """Today's class behind a promised name. Raises KeyError when there is none any more."""
    if name.startswith(REGISTER_PREFIX):
        return CONTENT[name.removeprefix(REGISTER_PREFIX)]
    return EVENTS[name]


def example(wire_name: str) -> Schema:
    """The golden example of an event's `data`, personal fields in clear."""
    loaded: Schema = orjson.loads((EXAMPLES / f"{wire_name}.json").read_bytes())
    return loaded


def examples() -> dict[str, Schema]:
    """Every golden example by its name: the event's wire name, with more behind it for a further case of the event."""
    return {
        path.name.removesuffix(".json"): orjson.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob("*.json"))
    }


def wire_name_of(example_name: str) -> str:
    """`prescribe.prescription_issued.v1.confirmed` -> `prescribe.prescription_issued.v1`."""
    found = _WIRE_NAME.match(example_name)
    return found[0] if found else example_name


def as_text(document: Any) -> str:
    """JSON for people and for diffs: two spaces, order as given, a line break at the end."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
