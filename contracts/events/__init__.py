"""Integration events by producing service. `EVENTS` finds the class of a wire name."""

from importlib import import_module

from contracts.envelope import IntegrationEvent

PRODUCERS = ("prescribe", "review", "dispatch", "insurance", "shortage")

EVENTS: dict[str, type[IntegrationEvent]] = {
    event.TYPE: event
    for producer in PRODUCERS
    for event in vars(import_module(f"contracts.events.{producer}")).values()
    if isinstance(event, type) and issubclass(event, IntegrationEvent) and "TYPE" in vars(event)
}
