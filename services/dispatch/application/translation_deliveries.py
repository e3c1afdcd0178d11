"""How the events of a delivery are told to the others. Never a drug name, a contact or a note."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.envelope import IntegrationEvent
from contracts.events import dispatch as told
from contracts.events import dispatch_road
from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.state import DeliveryState
from services.seedwork.composition import Happened
from services.seedwork.model import DomainEvent

Told = Iterable[IntegrationEvent]
_PARCEL = ("prescription_id", "fulfilment_id", "delivery_id", "supply_id", "pharmacy", "courier", "cold_chain")
_PARCEL_MORE = ("storage", "identity_required")


def _parcel(happened: Happened) -> dict[str, Any]:
    created = happened.after.created
    return {name: getattr(created, name) for name in (*_PARCEL, *_PARCEL_MORE)}


def _created(happened: Happened, _event: e.DeliveryCreated) -> Told:
    yield told.DeliveryCreated.model_validate(_parcel(happened))


def _handed_over(happened: Happened, event: e.DeliveryHandedOver) -> Told:
    facts = {"seal_no": happened.after.seal_no, "proof_sha256": event.proof_sha256, "eta": event.eta}
    yield told.DeliveryHandedOver.model_validate({**_parcel(happened), **facts})


def _attempt_failed(happened: Happened, event: e.DeliveryAttemptFailed) -> Told:
    said = event.model_dump(include={"attempt", "reason", "may_retry"})
    yield told.DeliveryAttemptFailed.model_validate({**_parcel(happened), **said})


def _return_started(happened: Happened, event: e.DeliveryReturnStarted) -> Told:
    if happened.after.ended:  # what is back and done with goes nowhere: the pharmacy's own affair
        return
    yield dispatch_road.DeliveryReturnStarted.model_validate({**_parcel(happened), "reason": event.reason})


def _breached(happened: Happened, event: e.TemperatureBreached) -> Told:
    said = event.breach.model_dump(exclude={"freezing"})
    yield dispatch_road.TemperatureBreached.model_validate({**_parcel(happened), "excursion": event.excursion, **said})


def _assessed(happened: Happened, event: e.ExcursionAssessed) -> Told:
    breach = happened.after.excursions[event.excursion].breach
    said = event.model_dump(exclude={"at"})
    facts = {"kind": breach.kind, "started_at": breach.started_at}
    yield dispatch_road.TemperatureAssessed.model_validate({**_parcel(happened), **said, **facts})


def _ended(happened: Happened, outcome: str, **more: Any) -> Told:
    yield told.DeliveryEnded.model_validate({**_parcel(happened), "outcome": outcome, **more})


def _delivered(happened: Happened, event: e.DeliveryDelivered) -> Told:
    if not event.rejected:
        proof = event.model_dump(include={"proof_sha256", "exception"})
        yield from _ended(happened, "delivered", **proof)


def _inspected(happened: Happened, event: e.ReturnInspected) -> Told:
    """Once: what had been written off as lost was told then."""
    state: DeliveryState = happened.after
    if not event.found_again:
        yield from _ended(happened, _outcome(state, state.status), exception=state.exception)


def _lost(happened: Happened, _event: e.DeliveryLost) -> Told:
    state: DeliveryState = happened.after
    yield from _ended(happened, _outcome(state, "lost"), exception=state.exception)


def _outcome(state: DeliveryState, otherwise: str) -> str:
    return "partly" if state.accepted else otherwise


def _cancelled(happened: Happened, _event: e.DeliveryCancelled) -> Told:
    yield from _ended(happened, "cancelled")


DELIVERIES_TOLD: Mapping[type[DomainEvent], Callable[[Happened, Any], Told]] = {
    e.DeliveryCreated: _created,
    e.DeliveryHandedOver: _handed_over,
    e.DeliveryAttemptFailed: _attempt_failed,
    e.DeliveryReturnStarted: _return_started,
    e.TemperatureBreached: _breached,
    e.ExcursionAssessed: _assessed,
    e.DeliveryDelivered: _delivered,
    e.ReturnInspected: _inspected,
    e.DeliveryLost: _lost,
    e.DeliveryCancelled: _cancelled,
}
