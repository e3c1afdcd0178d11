"""The aggregate of a reporter's signals on one day. Streams per reporter and day: no reporter can become a hot spot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id
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


def signals_ref(reporter: str, day: date) -> StreamRef[SignalsState]:
    return SIGNALS.ref(derived_id("signal", reporter, day))


def receive_signal(state: SignalsState, received: SignalReceived) -> list[DomainEvent]:
    """The same demand told again on the same day is nothing new."""
    return [] if (received.drug_key, received.signal.demand_key) in state.unfilled else [received]
