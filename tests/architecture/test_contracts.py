"""Contracts, catalogue and code agree: nothing said that nobody hears, nothing refused that is not catalogued."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from contracts.envelope import IntegrationEvent
from contracts.errors import CATALOGUE
from contracts.events import EVENTS, PRODUCERS
from contracts.events.prescribe import PrescriptionIssued
from contracts.roles import RIGHTS
from contracts.topology import FAMILIES, FAMILY
from rxflow.docs.schemas import examples, wire_name_of
from services.seedwork.composition import Service
from services.seedwork.store.sealing import personal_fields

AWAITED = {"protocol"}
"""Families that are taken, and that nobody tells yet: their consumers are tried on golden examples."""
ROOT = Path(__file__).parents[2]


def service(name: str) -> Service:
    composed: Service = import_module(f"services.{name}.composition").SERVICE
    return composed


def string_literals(folder: str) -> set[str]:
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
def test_an_event_belongs_to_a_bound_family_of_its_producer(wire_name: str) -> None:
    event = EVENTS[wire_name]

    producer, _, rest = wire_name.partition(".")
    assert rest.rpartition(".v")[2].isdigit()
    assert FAMILY[event.FAMILY].producer == producer
    assert FAMILY[event.FAMILY].consumers
    if event.FAMILY in AWAITED:
        return
    assert event.FAMILY in {aggregate.name for aggregate in service(producer).aggregates}


@pytest.mark.parametrize("name", sorted(EVENTS.keys() | examples().keys()))
def test_an_event_has_a_golden_example_that_loads(name: str) -> None:
    example = examples()[name]

    loaded = EVENTS[wire_name_of(name)].model_validate(example)

    assert orjson.loads(loaded.model_dump_json()) == example
    personal_fields(type(loaded))  # marks stand where they can be sealed


def test_no_example_without_an_event() -> None:
    assert {wire_name_of(name) for name in examples()} == EVENTS.keys()


def test_a_confirmed_prescription_has_a_golden_example_of_its_own() -> None:
    """Findings are in it, with the reasons and the second signature; the first signature stays what it was."""
    first = PrescriptionIssued.model_validate(examples()["prescribe.prescription_issued.v1"])
    confirmed = PrescriptionIssued.model_validate(examples()["prescribe.prescription_issued.v1.confirmed"])

    assert (first.kind, confirmed.kind) == ("first", "confirmed")
    assert confirmed.confirmation_no == 1
    assert confirmed.confirmed
    assert all(finding.reason for finding in confirmed.confirmed)
    assert (confirmed.revision, confirmed.signed_sha256) == (first.revision, first.signed_sha256)
    assert confirmed.confirmation_sha256 not in {None, first.signed_sha256}
    assert confirmed.valid_until == first.valid_until


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_told_and_its_consumers_react(family: object) -> None:
    told = {event for event in EVENTS.values() if family.name == event.FAMILY}  # type: ignore[attr-defined]

    assert told
    for consumer in family.consumers:  # type: ignore[attr-defined]
        assert told & service(consumer).react.keys(), f"{consumer} takes {family.name} and uses nothing of it"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PRODUCERS)
def test_a_service_reacts_only_to_families_it_takes_and_times_only_its_own(name: str) -> None:
    composed = service(name)
    aggregates = {aggregate.name for aggregate in composed.aggregates}

    for event in composed.react:
        assert issubclass(event, IntegrationEvent)
        assert name in FAMILY[event.FAMILY].consumers
    for aggregate, _kind in composed.timers:
        assert aggregate in aggregates
    topics = [event.TOPIC for aggregate in composed.aggregates for event in aggregate.events]
    assert all(topics)


def test_every_problem_is_used_and_every_refusal_is_catalogued() -> None:
    literals = string_literals("services") | string_literals("rxflow")
    areas = {code.partition(".")[0] for code in CATALOGUE}
    refused = {
        node.args[0].value
        for path in (ROOT / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"Refusal", "Refused"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    assert areas
    assert refused <= CATALOGUE.keys()
    assert {code for code in CATALOGUE if code not in literals} == set()


def test_every_right_is_asked_for() -> None:
    assert RIGHTS.keys() - string_literals("services") == set()
