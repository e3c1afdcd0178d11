"""Transfers between pharmacies while a drug is short: offered to both, agreed, booked out and in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.shortage_responses import TransferProposed
from services.dispatch.application.registers import admitted_pharmacy, pharmacy_ref
from services.dispatch.application.stock import policy_at, warning_day
from services.dispatch.domain.recall import RecalledState, recalled_ref
from services.dispatch.domain.stock import booking, deadlines, quarantine
from services.dispatch.domain.stock.booking import AdjustStock, ReceiveStock
from services.dispatch.domain.stock.events import StockReceived
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
        booked: list[DomainEvent] = []
        for pick in sent.picks if sent is not None else ():
            receipt = ReceiveStock(
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
            )
            came = _booked_in(shelf.after(booked), receipt, recalled.state, moment.now)
            if isinstance(came, Refusal):
                return Decision.refused(came)
            booked += came
        return _with(transfer, TransferArrived(by=by, arrived_at=moment.now), Change(shelf, tuple(booked)))

    return UseCase((transfer_ref(identity),), decide)


def _booked_in(shelf: StockState, receipt: ReceiveStock, recalled: RecalledState, now: datetime) -> Outcome:
    """What was recalled or has expired on its way is there all the same, in nobody else's books: it is set apart."""
    recall_id, expired = recalled.by_lot.get(receipt.lot), receipt.expiry < civil_day(now)
    if recall_id is None and not expired:
        return booking.receive(shelf, receipt, civil_day(now))
    known = shelf.lots.get(receipt.lot)
    if known and known.expiry != receipt.expiry:
        return Refusal("stock.lot_differs", {"lot": receipt.lot, "expiry": known.expiry.isoformat()})
    came = StockReceived(**dict(receipt))
    there = STOCK_ITEMS.fold([came], shelf)
    if recall_id is None:
        return [came, *deadlines.expire(there, now)]
    return [came, *quarantine.withdraw(there, recall_id, (receipt.lot,), now)]


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
