"""What shortage does about what others publish."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.dispatch import LineUnfilled
from contracts.events.dispatch_later import TraceCodeRepeated
from contracts.events.dispatch_stock import OrderLineChanged
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction
from services.seedwork.model import Loaded
from services.seedwork.usecase import Change, Decision, Moment, UseCase
from services.shortage.application.nodes import Loading, after_confirmation, changes, node
from services.shortage.domain.decisions import add_evidence, dismiss_quiet, suspect
from services.shortage.domain.detector import count_signal
from services.shortage.domain.events import SignalReceived
from services.shortage.domain.integrity import (
    CodePlace,
    IntegrityAlarmRaised,
    IntegrityState,
    integrity_ref,
    raise_alarm,
)
from services.shortage.domain.orders import OrderLineReported, OrderSignalsState, order_signals_ref, report
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import node_at
from services.shortage.domain.signals import SignalsState, receive_signal, signals_ref
from services.shortage.domain.values import Signal
from services.shortage.domain.watching import fed


def on_line_unfilled(event: LineUnfilled, envelope: Envelope) -> UseCase:
    """A signal: kept with its reporter, counted by the detector of its drug and region, and judged with the case."""
    received = _received(event, envelope)
    signal = received.signal

    def decide(moment: Moment, day: Loaded[SignalsState]) -> Loading[Decision]:
        told = receive_signal(day.state, received)
        if not told:
            return Decision.nothing()
        policy = POLICIES.on(civil_day(signal.occurred_at), moment.jurisdiction)
        here = yield from node(event.drug_key, node_at(event.region, policy.case_region_level))
        here.detector.add([count_signal(here.detector.state, signal, policy)])
        signals = here.detector.state.signals
        if here.latest is not None:
            here.latest.add(dismiss_quiet(here.latest.state, signal.occurred_at))
        if here.latest is not None and not here.latest.events:
            here.latest.add(
                add_evidence(here.latest.state, signals, signal, moment.now, policy)
                or fed(here.latest.state, signals, signal, moment.now, policy)
            )
        if here.case is None:
            here.opened(suspect(here.new_case(), signals, signal, moment.now, policy))
        further = (yield from after_confirmation(here.case, moment.now, policy)) if here.case else []
        return Decision((Change(day, tuple(told)), *changes(*here.works(), *further)))

    return UseCase((signals_ref(event.pharmacy, civil_day(signal.occurred_at)),), decide)


def _received(event: LineUnfilled, envelope: Envelope) -> SignalReceived:
    """A pharmacy that has it in its books while reporting none contradicts itself: flagged, whoever is right."""
    signal = Signal(
        demand_key=event.demand_key,
        pharmacy=event.pharmacy,
        region=event.region,
        occurred_at=envelope.parsed_body().occurred_at,
        contradictory=event.reason != "not_enough_stock" and event.on_hand_known and event.on_hand > 0,
        event=f"{envelope.stream}/{envelope.public_seq}",
    )
    return SignalReceived(
        drug_key=event.drug_key,
        signal=signal,
        quantity=event.quantity,
        reason=event.reason,
        on_hand=event.on_hand if event.on_hand_known else None,
    )


def on_trace_code_repeated(event: TraceCodeRepeated, _envelope: Envelope) -> UseCase:
    """An alarm on the board of the authorities where it was sold and where it turned up."""
    alarm = IntegrityAlarmRaised(
        code_sha256=event.code_sha256,
        product=event.product,
        kind=event.kind,
        found=event.found,
        first=CodePlace.model_validate(event.first.model_dump(exclude={"supply_id"})),
        second=CodePlace.model_validate(event.second.model_dump(exclude={"supply_id"})),
    )

    def decide(_moment: Moment, known: Loaded[IntegrityState]) -> Decision:
        return Decision.on(known, raise_alarm(known.state, alarm))

    return UseCase((integrity_ref(event.code_sha256),), decide)


def on_order_line_changed(event: OrderLineChanged, _envelope: Envelope) -> UseCase:
    """Kept as a fact of its reporter and day."""
    told = OrderLineReported(**event.model_dump(exclude={"product"}))

    def decide(_moment: Moment, day: Loaded[OrderSignalsState]) -> Decision:
        return Decision.on(day, report(day.state, told))

    return UseCase((order_signals_ref(event.pharmacy, civil_day(event.occurred_at)),), decide)


REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    LineUnfilled: on_line_unfilled,
    TraceCodeRepeated: on_trace_code_repeated,
    OrderLineChanged: on_order_line_changed,
}
