"""Integration events by producing service. `EVENTS` finds the class of a wire name."""

from importlib import import_module

from contracts.envelope import IntegrationEvent

PRODUCERS = ("prescribe", "review", "dispatch", "insurance", "shortage")

_MODULES = (
    *PRODUCERS,
    "prescribe_later",
    "prescribe_representation",
    "dispatch_returned",
    "dispatch_road",
    "dispatch_later",
    "dispatch_stock",
    "insurance_audit",
    "insurance_reconciliation",
    "shortage_responses",
    "shortage_reporters",
)

EVENTS: dict[str, type[IntegrationEvent]] = {
    event.TYPE: event
    for module in _MODULES
    for event in vars(import_module(f"contracts.events.{module}")).values()
    if isinstance(event, type) and issubclass(event, IntegrationEvent) and "TYPE" in vars(event)
}
