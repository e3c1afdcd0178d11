"""What shortage does about what others publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.dispatch_later import TraceCodeRepeated
from contracts.events.dispatch_stock import LineUnfilled, OrderLineChanged, RegisterEntryRecorded, StockChanged
from contracts.events.prescribe import RegisterEntryRecorded as DrugRecorded
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction, Together
from services.seedwork.model import Loaded
from services.seedwork.register_loading import copy_entry
from services.seedwork.usecase import Change, Decision, Load, Moment, UseCase
from services.shortage.application.leaving import KINDS as REPORTING
from services.shortage.application.leaving import register_reporter
from services.shortage.application.lots import take_order_lines, take_unfilled
from services.shortage.application.national_register import on_entry_recorded
from services.shortage.application.nodes import Loading
from services.shortage.application.officers import COPIES
from services.shortage.domain.integrity import (
    CodePlace,
    IntegrityAlarmRaised,
    IntegrityState,
    integrity_ref,
    raise_alarm,
)
from services.shortage.domain.lots import OrderLineColumns, UnfilledRow
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.reporter import ReporterState, heard, reporter_ref
from services.shortage.domain.shelves import ShelvesState, StockLevelReported, report_level, shelves_ref
from services.shortage.domain.values import happened_by
from services.shortage.domain.watch import WatchState, note_facts, watch_ref


def take_lines_unfilled(told: Sequence[tuple[LineUnfilled, Envelope]]) -> UseCase:
    """Pharmacies could not fill lines. One that has it in its books while reporting none contradicts itself: flagged,
    whoever is right."""
    return take_unfilled(
        [
            UnfilledRow(
                drug_key=event.drug_key,
                region=event.region,
                occurred_at=envelope.parsed_body().occurred_at,
                demand_key=event.demand_key,
                pharmacy=event.pharmacy,
                quantity=event.quantity,
                reason=event.reason,
                on_hand=event.on_hand if event.on_hand_known else None,
                contradictory=event.reason != "not_enough_stock" and event.on_hand_known and event.on_hand > 0,
                event=_very(envelope),
            )
            for event, envelope in told
        ]
    )


def take_lines_changed(told: Sequence[tuple[OrderLineChanged, Envelope]]) -> UseCase:
    """Kept as facts; the detectors look at them within a tick, once they say what came of a line."""
    return take_order_lines([(*_told_of(event), _very(envelope)) for event, envelope in told])


_told_of: Callable[[OrderLineChanged], tuple[Any, ...]] = attrgetter(
    *(name for name in OrderLineColumns.model_fields if name != "event")
)


def _very(envelope: Envelope) -> str:
    """The very event, as evidence names it."""
    return f"{envelope.stream}/{envelope.public_seq}"


def _alone(together: Together) -> Reaction:
    return lambda event, envelope: together([(event, envelope)])


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


def on_stock_changed(event: StockChanged, _envelope: Envelope) -> UseCase:
    """Kept as a fact of its reporter and day; the first of a day has the day before judged, which is over."""

    def decide(moment: Moment, watch: Loaded[WatchState], reporter: Loaded[ReporterState]) -> Loading[Decision]:
        at = happened_by(event.occurred_at, moment.now)
        told = StockLevelReported(**event.model_dump(exclude={"occurred_at"}), occurred_at=at)
        day: Loaded[ShelvesState]
        (day,) = yield Load.of(shelves_ref(event.pharmacy, civil_day(at)))
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        new = report_level(day.state, told)
        over = bool(new) and watch.state.day_to_judge(moment.now) is not None
        noted = note_facts(watch.state, event.drug_key, moment.now, policy) if over else []
        word = heard(reporter.state, event.pharmacy, event.region, moment.now, policy.detection.silence)
        return Decision((Change(day, tuple(new)), Change(watch, tuple(noted)), Change(reporter, tuple(word))))

    return UseCase((watch_ref(event.drug_key), reporter_ref(event.pharmacy)), decide)


def on_register_entry(event: RegisterEntryRecorded, _envelope: Envelope) -> UseCase:
    """Pharmacies report; couriers and others of dispatch's register do not."""
    return register_reporter(event) if event.kind in REPORTING else copy_entry(COPIES, event)


TOGETHER: Mapping[type[IntegrationEvent], Together] = {
    LineUnfilled: take_lines_unfilled,
    OrderLineChanged: take_lines_changed,
}
REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    **{event: _alone(together) for event, together in TOGETHER.items()},
    TraceCodeRepeated: on_trace_code_repeated,
    StockChanged: on_stock_changed,
    RegisterEntryRecorded: on_register_entry,
    DrugRecorded: on_entry_recorded,
}
