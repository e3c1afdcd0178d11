"""A reporter's signals on one day, as earlier releases kept them in streams of their own: what they stored loads.

Signals are taken in lots now (`services.shortage.domain.lots`).
"""

from __future__ import annotations

from dataclasses import dataclass

from services.seedwork.model import Aggregate
from services.shortage.domain.events import SignalReceived


@dataclass(frozen=True)
class SignalsState:
    """The demands this reporter could not fill that day."""

    unfilled: frozenset[tuple[str, str]] = frozenset()


def evolve_signals(state: SignalsState, event: SignalReceived) -> SignalsState:
    return SignalsState(state.unfilled | {(event.drug_key, event.signal.demand_key)})


SIGNALS: Aggregate[SignalsState] = Aggregate(
    name="signal", events=(SignalReceived,), initial=SignalsState(), evolve=evolve_signals
)
