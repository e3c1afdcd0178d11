"""Transfer: packs that should go from one pharmacy to another because a drug is short, as shortage proposed it.

Both sides say yes; then the giver books the packs out and the taker books the same lots in. Nobody must: what one of
them declines, or nobody answers in time, is over. An order of the authority (紧急调用) stands in the offer with its
reason; whether it is followed is the authority's business, not this system's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.stock.events import Pick
from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

Side = Literal["giver", "taker"]

TRANSFER_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "transfer_proposed", "always", "offered", "-"),
        Transition("offered", "AcceptTransfer", "giver or taker, in time; the other has not yet", "offered", "-"),
        Transition("offered", "AcceptTransfer", "in time; the other side has accepted", "agreed", "-"),
        Transition("offered", "DeclineTransfer", "giver or taker, with a reason", "declined", "-"),
        Transition("agreed", "DeclineTransfer", "giver or taker, with a reason", "declined", "-"),
        Transition("agreed", "SendTransfer", "giver; so much is free on the shelf", "sent", "stock_changed"),
        Transition(
            "sent", "ReceiveTransfer", "taker; recalled and expired packs are set apart", "arrived", "stock_changed"
        ),
    )
)


class AnswerTransfer(Command):
    """Yes, or no and why."""

    pharmacy: str
    accept: bool
    by: str
    reason: str | None = Field(default=None, max_length=200)


class TransferOffered(DomainEvent):
    """Shortage proposes it; quantities in base units, whole packs."""

    TOPIC: ClassVar[str] = "dispatch.transfer.offered"

    transfer_id: UUID
    response_id: UUID
    number: int
    case_id: UUID
    drug_key: str
    from_pharmacy: str
    to_pharmacy: str
    product: str
    quantity: int
    packs: int
    distance_metres: int
    legal_ground: str
    order_reason: str | None
    valid_until: date


class TransferAnswered(DomainEvent):
    """One side's word. `agreed`: the other has said yes before; in events of older releases it may be missing."""

    TOPIC: ClassVar[str] = "dispatch.transfer.answered"

    side: Side
    accepted: bool
    by: str
    reason: str | None
    agreed: bool = False


class TransferSent(DomainEvent):
    """The giver's packs have left; lots as they were booked out, price in fen per pack."""

    TOPIC: ClassVar[str] = "dispatch.transfer.sent"

    picks: tuple[Pick, ...]
    unit_price: int
    by: str
    sent_at: datetime


class TransferArrived(DomainEvent):
    """The taker has booked them in."""

    TOPIC: ClassVar[str] = "dispatch.transfer.arrived"

    by: str
    arrived_at: datetime


TransferEvent = TransferOffered | TransferAnswered | TransferSent | TransferArrived


@dataclass(frozen=True)
class TransferState:
    """A transfer as it is now."""

    status: str = NOT_YET
    offer: TransferOffered | None = None
    accepted: Mapping[Side, str] = field(default_factory=dict)
    """By side, who said yes."""
    sent: TransferSent | None = None

    def side(self, pharmacy: str) -> Side | None:
        """Which side this pharmacy is on; None: it has nothing to do with it."""
        if self.offer is None:
            return None
        sides: dict[str, Side] = {self.offer.from_pharmacy: "giver", self.offer.to_pharmacy: "taker"}
        return sides.get(pharmacy)


def evolve(state: TransferState, event: TransferEvent) -> TransferState:
    match event:
        case TransferOffered():
            return TransferState("offered", event)
        case TransferAnswered(accepted=False):
            return replace(state, status="declined")
        case TransferAnswered():
            accepted = {**state.accepted, event.side: event.by}
            return replace(state, accepted=accepted, status="agreed" if len(accepted) == 2 else "offered")
        case TransferSent():
            return replace(state, status="sent", sent=event)
    return replace(state, status="arrived")


TRANSFERS: Aggregate[TransferState] = Aggregate(
    name="transfer",
    events=(TransferOffered, TransferAnswered, TransferSent, TransferArrived),
    initial=TransferState(),
    evolve=evolve,
)


def transfer_id(response_id: UUID, number: int) -> UUID:
    return derived_id("transfer", response_id, number)


def transfer_ref(identity: UUID) -> StreamRef[TransferState]:
    return TRANSFERS.ref(identity)


def answer(state: TransferState, command: AnswerTransfer, now: datetime) -> Outcome:
    """One side's word; the same again changes nothing."""
    trigger = "AcceptTransfer" if command.accept else "DeclineTransfer"
    side = own_side(state, command.pharmacy)
    if isinstance(side, Refusal):
        return side
    if command.accept and side in state.accepted:
        return []
    if not TRANSFER_TRANSITIONS.allows(state.status, trigger):
        return Refusal("transfer.wrong_state", {"state": state.status, "trigger": trigger})
    if not command.accept and not command.reason:
        return Refusal("transfer.no_reason")
    if command.accept and state.offer is not None and civil_day(now) > state.offer.valid_until:
        return Refusal("transfer.too_late", {"valid_until": state.offer.valid_until.isoformat()})
    agreed = command.accept and bool(state.accepted)
    return [TransferAnswered(side=side, accepted=command.accept, by=command.by, reason=command.reason, agreed=agreed)]


def own_side(state: TransferState, pharmacy: str) -> Side | Refusal:
    """The caller's side; a transfer between others is none of its business."""
    side = state.side(pharmacy)
    return Refusal("transfer.unknown") if side is None else side


def may(state: TransferState, pharmacy: str, side: Side, trigger: str) -> TransferOffered | Refusal:
    """The offer, when this pharmacy is on this side of it and it answers to the trigger."""
    if state.offer is None or state.side(pharmacy) is None:
        return Refusal("transfer.unknown")
    if state.side(pharmacy) != side:
        return Refusal("transfer.other_side", {"needed": side})
    if not TRANSFER_TRANSITIONS.allows(state.status, trigger):
        return Refusal("transfer.wrong_state", {"state": state.status, "trigger": trigger})
    return state.offer
