"""Transfers between pharmacies while a drug is short: offered to both, agreed, booked out and in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from contracts.events.shortage_responses import TransferProposed
from services.dispatch.application.registers import admitted_pharmacy, pharmacy_ref
from services.dispatch.application.stock import policy_at, warning_day
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.stock import booking
from services.dispatch.domain.stock.booking import AdjustStock, ReceiveStock
from services.dispatch.domain.stock.item import STOCK_ITEMS, offered, stock_item_id
from services.dispatch.domain.stock.state import StockState
from services.dispatch.domain.transfer import (
    AnswerTransfer,
    TransferArrived,
    TransferOffered,
    TransferSent,
    TransferState,
    answer,
    may,
    transfer_id,
    transfer_ref,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Change, Deciding, Decision, Load, Moment, UseCase

MOVED_OUT = "moved_out"


def offer_transfer(event: TransferProposed) -> UseCase:
    """Both sides find it in their lists; told again it changes nothing."""
    identity = transfer_id(event.response_id, event.number)
    told = TransferOffered(transfer_id=identity, **event.model_dump())

    def decide(_moment: Moment, transfer: Loaded[TransferState]) -> Decision:
        return Decision.nothing() if transfer.exists else Decision.on(transfer, [told])

    return UseCase((transfer_ref(identity),), decide)


def answer_transfer(identity: UUID, command: AnswerTransfer) -> UseCase:
    """A side says yes or no."""

    def decide(moment: Moment, transfer: Loaded[TransferState]) -> Decision:
        return _decided(transfer, answer(transfer.state, command, moment.now))

    return UseCase((transfer_ref(identity),), decide)


def send_transfer(identity: UUID, pharmacy: str, by: str) -> UseCase:
    """The giver books the packs out, those that expire first; what holds have reserved stays."""

    def decide(moment: Moment, transfer: Loaded[TransferState]) -> Deciding:
        offer = may(transfer.state, pharmacy, "giver", "SendTransfer")
        if isinstance(offer, Refusal):
            return Decision.refused(offer)
        (shelf,) = yield Load.of(STOCK_ITEMS.ref(stock_item_id(pharmacy, offer.product)))
        booked = _booked_out(shelf.state, offer, by, moment)
        if isinstance(booked, Refusal):
            return Decision.refused(booked)
        picks = offered(shelf.state, offer.quantity, civil_day(moment.now))
        sent = TransferSent(picks=picks, unit_price=shelf.state.unit_price or 0, by=by, sent_at=moment.now)
        return _with(transfer, sent, Change(shelf, tuple(booked)))

    return UseCase((transfer_ref(identity),), decide)


def _booked_out(shelf: StockState, offer: TransferOffered, by: str, moment: Moment) -> Outcome:
    today = civil_day(moment.now)
    if shelf.available(today) < offer.quantity:
        return Refusal("transfer.not_free", {"free": shelf.available(today), "quantity": offer.quantity})
    events: list[DomainEvent] = []
    for pick in offered(shelf, offer.quantity, today):
        command = AdjustStock(
            lot=pick.lot,
            change=-pick.quantity,
            reason=MOVED_OUT,
            adjusted_by=by,
            note=f"to {offer.to_pharmacy}",
            occurred_at=moment.now,
        )
        booked = booking.adjust(shelf, command)
        if isinstance(booked, Refusal):
            return booked
        events += booked
    return events


def receive_transfer(identity: UUID, pharmacy: str, by: str) -> UseCase:
    """The taker books in what was sent, lot by lot, at its own price, or the giver's where it has none."""

    def decide(moment: Moment, transfer: Loaded[TransferState]) -> Deciding:
        offer = may(transfer.state, pharmacy, "taker", "ReceiveTransfer")
        if isinstance(offer, Refusal):
            return Decision.refused(offer)
        sent = transfer.state.sent
        refs = (pharmacy_ref(pharmacy), recalled_ref(offer.product))
        place, recalled, giver, shelf = yield Load(
            (
                *refs,
                STOCK_ITEMS.ref(stock_item_id(offer.from_pharmacy, offer.product)),
                STOCK_ITEMS.ref(stock_item_id(pharmacy, offer.product)),
            )
        )
        admitted = admitted_pharmacy(place.state, moment)
        if isinstance(admitted, Refusal):
            return Decision.refused(admitted)
        picks = sent.picks if sent is not None else ()
        refused = none_recalled(recalled.state, frozenset(pick.lot for pick in picks))
        if isinstance(refused, Refusal):
            return Decision.refused(refused)
        booked: list[DomainEvent] = []
        for pick in picks:
            received = booking.receive(
                shelf.after(booked),
                ReceiveStock(
                    pharmacy=pharmacy,
                    product=offer.product,
                    drug_key=offer.drug_key,
                    region=admitted.region,
                    pack_size=giver.state.pack_size,
                    lot=pick.lot,
                    expiry=pick.expiry,
                    quantity=pick.quantity,
                    unit_price=shelf.state.unit_price or (sent.unit_price if sent else 0),
                    occurred_at=moment.now,
                    warn_on=warning_day(pick.expiry, policy_at(moment)),
                ),
                civil_day(moment.now),
            )
            if isinstance(received, Refusal):
                return Decision.refused(received)
            booked += received
        return _with(transfer, TransferArrived(by=by, arrived_at=moment.now), Change(shelf, tuple(booked)))

    return UseCase((transfer_ref(identity),), decide)


def transfer_view(state: TransferState) -> dict[str, Any]:
    """A transfer as both sides see it."""
    shown = state.offer.model_dump(mode="json") if state.offer else {}
    picks = [pick.model_dump(mode="json") for pick in state.sent.picks] if state.sent else []
    return {**shown, "state": state.status, "accepted_by": sorted(state.accepted), "lots": picks}


def _decided(transfer: Loaded[TransferState], outcome: Outcome) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    return Decision.on(transfer, outcome, Answer(200, transfer_view(transfer.after(outcome))))


def _with(transfer: Loaded[TransferState], event: DomainEvent, *changes: Change) -> Decision:
    shown: Callable[[TransferState], dict[str, Any]] = transfer_view
    return Decision((Change(transfer, (event,)), *changes), Answer(200, shown(transfer.after([event]))))
