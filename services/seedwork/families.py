"""Which families a service tells, by wire name."""

from __future__ import annotations

from contracts.events import EVENTS


def families_of(producer: str) -> dict[str, str]:
    """wire name -> family, of one producer's events."""
    return {name: event.FAMILY for name, event in EVENTS.items() if name.startswith(f"{producer}.")}
