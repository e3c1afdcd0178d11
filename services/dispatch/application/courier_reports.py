"""What a courier's interface reports, taken in any order and more than once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from services.dispatch.application.deliveries import limits
from services.dispatch.application.parcel_ends import Deliver, delivered, with_goods
from services.dispatch.domain.delivery import reports, way
from services.dispatch.domain.delivery.commands import Report
from services.dispatch.domain.delivery.excursions import CLOCK_TOLERANCE
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


def take_report(report: Report, pickup_key: bytes) -> UseCase:
    """Applied when it is the newest word and the table allows it; else recorded, and nothing changes."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
        known = reports.known(parcel.state, report)
        if isinstance(known, Refusal):
            return Decision.refused(known)
        if known is not None:
            return Decision.nothing(_answer(parcel.state))
        if report.kind == "delivered" and report.proof is not None:
            return (yield from _delivered(moment, parcel, report, pickup_key))
        if report.kind == "lost":
            return (yield from _lost(moment, parcel, report))
        return _taken(parcel, reports.take(parcel.state, report, moment.now, limits(moment)))

    return UseCase((DELIVERIES.ref(report.delivery_id),), decide)


def _answer(state: DeliveryState) -> Answer:
    return Answer(200, {"status": state.status})


def _taken(parcel: Loaded[DeliveryState], events: list[DomainEvent]) -> Decision:
    return Decision.on(parcel, events, _answer(parcel.after(events)))


def _unfit(moment: Moment, state: DeliveryState, report: Report, trigger: str) -> list[DomainEvent] | None:
    """What is recorded of a report that cannot be true, or comes too late; None when it may be taken."""
    if lateness := reports.too_late(state, report):
        return [reports.noted(report, lateness)]
    if report.at > moment.now + CLOCK_TOLERANCE:
        return reports.against(state, report, "delivery.time_in_future")
    refused = way.answers(state, trigger, courier=report.courier)
    return reports.against(state, report, refused.code) if refused else None


def _delivered(moment: Moment, parcel: Loaded[DeliveryState], report: Report, pickup_key: bytes) -> Thinking:
    """With the steps before it that were never told, so that only what was wrong makes it an exception."""
    unfit = _unfit(moment, parcel.state, report, "Deliver")
    if unfit is not None or report.proof is None:
        return _taken(parcel, unfit or [])
    before = reports.on_the_way_to_the_door(parcel.state, report, limits(moment))
    command = Deliver(courier=report.courier, **dict(report.proof))
    decision = yield from delivered(moment, parcel, command, pickup_key, before, reports.when(parcel.state, report))
    return _noting(moment, parcel, decision, report)


def _lost(moment: Moment, parcel: Loaded[DeliveryState], report: Report) -> Thinking:
    unfit = _unfit(moment, parcel.state, report, "ReportLost")
    created = parcel.state.created
    if unfit is not None or created is None:
        return _taken(parcel, unfit or [])
    (fulfilment,) = yield Load.of(FULFILMENTS.ref(created.fulfilment_id))
    events = way.lose(parcel.state, reports.when(parcel.state, report), courier=report.courier)
    if isinstance(events, Refusal):  # pragma: no cover - `_unfit` has asked
        return Decision.refused(events)
    decision = yield from with_goods(moment, parcel, fulfilment, parcel.state, events)
    return _noting(moment, parcel, decision, report)


def _noting(moment: Moment, parcel: Loaded[DeliveryState], decision: Decision, report: Report) -> Decision:
    """With the note of the message; what the supply refuses is noted as against a rule."""
    if decision.refusal:
        return _taken(parcel, reports.against(parcel.state, report, decision.refusal.code))
    changes = tuple(
        Change(each.loaded, tuple(reports.applied(parcel.state, report, each.events, moment.now, limits(moment))))
        if each.loaded.stream_id == parcel.stream_id
        else each
        for each in decision.changes
    )
    events = next(each.events for each in changes if each.loaded.stream_id == parcel.stream_id)
    return replace(decision, changes=changes, answer=_answer(parcel.after(events)))
