"""Pages out of the services' own tables: transitions, policies, personal data."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from pydantic import BaseModel

import services
from contracts.events import EVENTS
from contracts.topology import FAMILY, PORTS
from rxflow.docs.markdown import code, codes, first_paragraph, page, table
from services.seedwork.composition import Service
from services.seedwork.model import PersonalClass
from services.seedwork.store.sealing import personal_fields
from services.seedwork.transitions import Transitions

_SERVICES = Path(services.__path__[0])
_TRANSITIONS = (
    "What is not listed is refused. The decide functions ask these very tables. `-` as a state: nothing has happened "
    "to the aggregate yet; `clock:` names a deadline; what is emitted are integration events."
)
_POLICIES = (
    "Limits are dated data of a jurisdiction, never constants: a decision takes the version in force on its day. To "
    "change one, add a version; the old one keeps deciding about its own days."
)


@dataclass(frozen=True)
class TransitionTable:
    """One aggregate's table and where it stands."""

    service: str
    name: str
    module: str
    about: str
    transitions: Transitions


def composed(name: str) -> Service:
    """What a service is made of."""
    service: Service = import_module(f"services.{name}.composition").SERVICE
    return service


def transition_tables() -> Iterator[TransitionTable]:
    """Every transition table of every service's domain, where it is defined."""
    for service in PORTS:
        for module in _domain_modules(service):
            for name in _assigned(module):
                found = getattr(module, name, None)
                if isinstance(found, Transitions):
                    about = first_paragraph(module.__doc__)
                    yield TransitionTable(service, _table_name(module, name), module.__name__, about, found)


def transitions_page() -> str:
    """What each aggregate answers to in which state."""
    parts = [_TRANSITIONS]
    service = ""
    for each in transition_tables():
        if each.service != service:
            service = each.service
            parts.append(f"## {service}")
        rows = ((row.state, row.trigger, row.guard, row.next, row.emits) for row in each.transitions.rows)
        parts += [
            f"### {each.name}",
            f"{each.about} ({code(each.module)})",
            table(("state", "command or event", "guard", "next", "emits"), rows),
        ]
    return page("Transition tables", *parts)


def policies_page() -> str:
    """The dated limits of every service."""
    parts = [_POLICIES]
    for service in PORTS:
        for file in sorted((_SERVICES / service / "domain" / "policies").glob("*.json")):
            place = f"services/{service}/domain/policies/{file.name}"
            meanings = _meanings(f"services.{service}.domain.policy")
            parts += [f"## {service}: {file.stem}", code(place), *_values(_policy(file), meanings, 3)]
    for room, about in (("signing", "signatures"), ("webhooks", "webhooks")):
        meanings = _meanings(f"services.seedwork.{room}.policy")
        for file in sorted((_SERVICES / "seedwork" / room / "policies").glob("*.json")):
            place = f"services/seedwork/{room}/policies/{file.name}"
            parts += [f"## {about}, in every service: {file.stem}", code(place), *_values(_policy(file), meanings, 3)]
    return page("Policies", *parts)


def privacy_page() -> str:
    """Which fields are personal, of which class, and which services can read them."""
    rights = ((name, codes(sorted(kind.value for kind in composed(name).rights)) or "none") for name in PORTS)
    told = [
        (code(name), code(field), kind.value, ", ".join(_readers(event.FAMILY, kind)) or "nobody")
        for name, event in sorted(EVENTS.items())
        for field, kind in personal_fields(event).items()
    ]
    kept = [
        (service, code(event.TOPIC), code(field), kind.value)
        for service in PORTS
        for aggregate in composed(service).aggregates
        for event in sorted(aggregate.events, key=lambda each: each.TOPIC)
        for field, kind in personal_fields(event).items()
    ]
    return page(
        "Personal data",
        "A personal field is sealed (AES-256-GCM) under a key of this patient and this class of data, wherever it is "
        "stored or sent: in events, on the broker, in the catch-up feeds, in parked and poisoned messages. The seal is "
        "bound to stream, number, type and field, so it cannot be moved. Whoever has no right to the class reads "
        "nothing; destroying the keys forgets the patient everywhere and leaves every hash chain provable. "
        "`patient_ref` is random and says nothing about the person.",
        "## Classes each service can read",
        table(("service", "classes"), rights),
        "## In integration events",
        "*Read by*: consumers of the family with a right to the class, and the producer itself.",
        table(("event", "field", "class", "read by"), told),
        "## In the services' own events",
        table(("service", "event", "field", "class"), kept),
    )


def _readers(family: str, kind: PersonalClass) -> Iterator[str]:
    places = FAMILY[family]
    return (name for name in (places.producer, *places.consumers) if kind in composed(name).rights)


def _domain_modules(service: str) -> Iterator[ModuleType]:
    package = import_module(f"services.{service}.domain")
    for found in sorted(pkgutil.walk_packages(package.__path__, f"{package.__name__}."), key=lambda each: each.name):
        yield import_module(found.name)


def _assigned(module: ModuleType) -> list[str]:
    """Names a module gives itself; imported ones stand where they come from."""
    found = []
    for node in ast.parse(inspect.getsource(module)).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def _table_name(module: ModuleType, name: str) -> str:
    own = name.removesuffix("TRANSITIONS").strip("_")
    if not own:
        own = module.__name__.partition(".domain.")[2].replace(".", " ")
    return own.replace("_", " ").capitalize()


def _policy(file: Path) -> Any:
    return orjson.loads(file.read_bytes())


def _meanings(module: str) -> dict[str, str]:
    """What the fields of a policy mean, where its model says so."""
    models = [each for each in vars(import_module(module)).values() if _is_model(each)]
    return {
        name: field.description or ""
        for model in models
        for name, field in model.model_fields.items()
        if field.description
    }


def _is_model(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseModel)


def _values(value: Mapping[str, Any], meanings: Mapping[str, str], level: int) -> Iterator[str]:
    """A policy file as parts of a page: its versions one by one, plain values as a table, each list of rows as one."""
    versions = value.get("versions")
    if versions is None:
        yield from _fields(value, meanings, level)
        return
    for version in versions:
        yield f"{'#' * level} From {version['valid_from']}"
        yield from _fields(version, meanings, level + 1)


def _fields(fields: Mapping[str, Any], meanings: Mapping[str, str], level: int) -> Iterator[str]:
    plain = {name: value for name, value in fields.items() if not _is_table(value)}
    rows = ((code(name), _text(value), meanings.get(name, "")) for name, value in plain.items())
    yield table(("field", "value", "meaning"), rows)
    for name, value in fields.items():
        if _is_table(value):
            yield f"{'#' * level} {code(name)}"
            yield _as_table(value)


def _is_table(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _as_table(value: Any) -> str:
    if isinstance(value, dict):
        return table(("key", "value"), ((code(key), _text(each)) for key, each in value.items()))
    columns = list(dict.fromkeys(name for row in value for name in row))
    return table(columns, ([_text(row.get(name, "")) for name in columns] for row in value))


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_text(each) for each in value)
        case dict():
            return "; ".join(f"{key}: {_text(each)}" for key, each in value.items())
        case _:
            return str(value)
