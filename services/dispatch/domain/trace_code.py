"""TraceCode (药品追溯码): one per pack, one sale per code, over all pharmacies (一码一销).

A split pack (拆零) may be sold in parts, in the pharmacy that opened it, until it is empty. A second sale, or a return
at a place that did not sell it, is a repeat: refused, and told, because it means fake, returned or swapped goods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.dispatch.domain.trace_code_events import (
    CodeDiscarded,
    CodeFreed,
    CodeLocked,
    CodeRepeated,
    CodeScanned,
    CodeSold,
    CodeSpent,
    CodeUnscanned,
    PackFacts,
    Place,
    ReservationReleased,
)
from services.seedwork.model import Aggregate, DomainEvent, Outcome, Refusal, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

SECOND_SALE, FOREIGN_RETURN = "second sale", "return at a foreign place"
DISCARDED, SPOILT = "DiscardOpenedPack", "excursion rejected"
USED = ("sold", "locked", "spent")
"""States of a pack of which nothing is left to sell."""

_REPEATS = tuple(
    Transition(state, trigger, guard, state, "trace_code_repeated")
    for state in ("scanned", "opened", *USED)
    for trigger, guard in (
        (SECOND_SALE, "refused; of an opened pack elsewhere, or by another lot"),
        (FOREIGN_RETURN, "refused"),
    )
    if (state, trigger) != ("scanned", SECOND_SALE)
)
TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "PrepareSupply", "reads as a pack of this product, lot and expiry", "scanned", "-"),
        Transition("free", "PrepareSupply", "as before; the same product as ever", "scanned", "-"),
        Transition("opened", "PrepareSupply", "same pharmacy and lot; enough left in the pack", "scanned", "-"),
        *(
            Transition("opened", trigger, "what is left in it", "sold, locked or spent, as the rest is", "-")
            for trigger in (DISCARDED, SPOILT, "discard")
        ),
        *(Transition("free", trigger, "on the shelf; all of it", "spent", "-") for trigger in (SPOILT, "discard")),
        Transition("scanned", "Unprepare", "", "free or opened, as before", "-"),
        Transition("scanned", "DispenseSupply", "by the supply that scanned it", "sold, or opened while split", "-"),
        *(
            Transition(state, "reserve", "by another store's supply, as scan and sale in one", "sold, or opened", "-")
            for state in (NOT_YET, "free", "opened")
        ),
        *(
            Transition(
                state, "release", "of another store's supply, which cannot reserve it again", "free, or opened", "-"
            )
            for state in ("sold", "locked", "opened")
        ),
        *(
            Transition(state, "spend", "of another store's supply", "spent, or opened", "-")
            for state in ("sold", "locked", "opened")
        ),
        *(
            Transition(state, trigger, guard, after, "-")
            for state in ("sold", "opened")
            for trigger, guard, after in (
                ("restocked", "by the supply that has it", "free, or opened"),
                ("quarantined", "by the supply that has it", "locked, or opened"),
                ("destroyed, lost or taken back", "by the supply that has it", "spent, or opened"),
            )
        ),
        *(
            Transition(state, trigger, "of the supply that had it", after, "-")
            for state in ("locked", "opened", "sold")
            for trigger, after in (("ReleaseQuarantine", "free, or opened"), ("Destroy", "spent, or opened"))
        ),
        *_REPEATS,
    )
)
Fate = Literal["freed", "locked", "spent"]
FATES: dict[str, Fate] = {
    "restocked": "freed",
    "quarantined": "locked",
    "destroyed": "spent",
    "lost": "spent",
    "taken_back": "spent",
}
"""What becomes of a code by what became of its pack."""


@dataclass(frozen=True)
class TraceCodeState:
    """One code: for whom it is scanned, and what became of its pack's quantity, by supply."""

    pack: PackFacts | None = None
    scanned_by: UUID | None = None
    scanned_quantity: int = 0
    sold: Mapping[UUID, int] = field(default_factory=dict)
    locked: Mapping[UUID, int] = field(default_factory=dict)
    spent: Mapping[UUID, int] = field(default_factory=dict)
    discarded: int = 0
    """Base units that were thrown away out of the opened pack."""
    sales: Mapping[UUID, Place] = field(default_factory=dict)
    repeats: tuple[CodeRepeated, ...] = ()
    released: frozenset[UUID] = frozenset()
    """Supplies of other regional stores that have no use for it any more."""

    @property
    def used(self) -> int:
        """Base units that are not there to be sold."""
        return self.discarded + sum(sum(part.values()) for part in (self.sold, self.locked, self.spent))

    @property
    def left(self) -> int:
        """Base units that may still be sold."""
        return self.pack.pack_size - self.used if self.pack else 0

    @property
    def status(self) -> str:
        """The state by the table."""
        if self.pack is None:
            return NOT_YET
        if self.scanned_by:
            return "scanned"
        if not self.used:
            return "free"
        if self.left > 0:
            return "opened"
        return "sold" if self.sold else "locked" if self.locked else "spent"

    @property
    def first_sale(self) -> Place:
        """Where and when it was sold first; in what was sold before that was kept, the pharmacy alone."""
        known = [place for place in self.sales.values() if place.at]
        if known:
            return known[0]
        return Place(pharmacy=self.pack.pharmacy if self.pack else "", region=self.pack.region if self.pack else "")


def evolve(state: TraceCodeState, event: DomainEvent) -> TraceCodeState:
    match event:
        case CodeScanned(supply_id=supply_id, pack=pack, quantity=quantity):
            return replace(state, pack=pack, scanned_by=supply_id, scanned_quantity=quantity)
        case CodeUnscanned():
            return replace(state, scanned_by=None, scanned_quantity=0)
        case CodeSold(supply_id=supply_id, at=at):
            sold = {**state.sold, supply_id: state.scanned_quantity}
            pharmacy, region = (state.pack.pharmacy, state.pack.region) if state.pack else ("", "")
            place = Place(pharmacy=pharmacy, region=region, at=at, supply_id=supply_id)
            sales = {**state.sales, supply_id: place}
            return replace(state, scanned_by=None, scanned_quantity=0, sold=sold, sales=sales)
        case CodeFreed(supply_id=supply_id):
            sales = {other: place for other, place in state.sales.items() if other != supply_id}
            return replace(_moved(state, supply_id), sales=sales)
        case CodeLocked(supply_id=supply_id):
            moved = _moved(state, supply_id)
            return replace(moved, locked={**moved.locked, supply_id: _quantity(state, supply_id)})
        case CodeSpent(supply_id=supply_id):
            moved = _moved(state, supply_id)
            return replace(moved, spent={**moved.spent, supply_id: _quantity(state, supply_id)})
        case CodeDiscarded(quantity=quantity):
            return replace(state, discarded=state.discarded + quantity)
        case ReservationReleased(supply_id=supply_id):
            return replace(state, released=state.released | {supply_id})
        case CodeRepeated():
            return replace(state, repeats=(*state.repeats, event))
    return state  # pragma: no cover - the aggregate names no other event


def _quantity(state: TraceCodeState, supply_id: UUID) -> int:
    return next(part[supply_id] for part in (state.sold, state.locked, state.spent) if supply_id in part)


def _moved(state: TraceCodeState, supply_id: UUID) -> TraceCodeState:
    """Without what this supply had of the pack."""
    parts: dict[str, dict[UUID, int]] = {
        name: {other: amount for other, amount in getattr(state, name).items() if other != supply_id} for name in USED
    }
    return replace(state, sold=parts["sold"], locked=parts["locked"], spent=parts["spent"])


def scan(state: TraceCodeState, supply_id: UUID, pack: PackFacts, quantity: int) -> Outcome:
    """Set a pack aside for a sale. Refusals: in another's hands, another product, used up, or repeated."""
    if state.pack and state.pack.product != pack.product:
        return Refusal("trace_code.foreign_product", {"trace_code": pack.code, "picked": pack.product})
    if TRANSITIONS.allows(state.status, SECOND_SALE) and (state.status in USED or not _same_pack(state, pack)):
        return Refusal("trace_code.repeated", {"trace_code": pack.code, "state": state.status})
    if not TRANSITIONS.allows(state.status, "PrepareSupply"):
        return Refusal("trace_code.not_free", {"trace_code": pack.code, "state": state.status})
    if state.status == "opened" and quantity > state.left:
        return Refusal("trace_code.pack_used_up", {"trace_code": pack.code, "left": state.left})
    return [CodeScanned(supply_id=supply_id, pack=pack, quantity=quantity)]


def _same_pack(state: TraceCodeState, pack: PackFacts) -> bool:
    """An opened pack is sold on by the pharmacy that opened it, out of the same lot."""
    known = state.pack
    return known is not None and known.pharmacy == pack.pharmacy and known.lot in {"", pack.lot}


def unscan(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    return [CodeUnscanned(supply_id=supply_id)] if state.scanned_by == supply_id else []


def sell(state: TraceCodeState, supply_id: UUID, code: str, at: datetime | None = None, store: str = "") -> Outcome:
    """Book the sale: once, by the supply that scanned the pack. `store`: another regional store, whose supply it is."""
    if not TRANSITIONS.allows(state.status, "DispenseSupply") or state.scanned_by != supply_id:
        return Refusal("trace_code.not_free", {"trace_code": code, "state": state.status})
    return [CodeSold(supply_id=supply_id, at=at, store=store)]


_TOLD = {"freed": CodeFreed, "locked": CodeLocked, "spent": CodeSpent}


def end_sale(state: TraceCodeState, supply_id: UUID, fate: Fate) -> list[DomainEvent]:
    """What a supply had of the pack came back, waits, or is gone (`FATES`). Another supply's part stays as it is.

    Spent is final. A pack that is set aside meanwhile (an opened one) keeps its scan.
    """
    if supply_id in state.sold or (supply_id in state.locked and fate != "locked"):
        return [_TOLD[fate](supply_id=supply_id)]
    return []


def discard(state: TraceCodeState, code: str, by: str, trigger: str = DISCARDED) -> Outcome:
    """What is left of a pack is sold no more; not while it is set aside for a supply."""
    if state.scanned_by:
        return Refusal("trace_code.not_free", {"trace_code": code, "state": state.status})
    if not TRANSITIONS.allows(state.status, trigger):
        return []  # goods without codes have none, or nothing is left to sell
    return [CodeDiscarded(quantity=state.left, discarded_by=by)]


def free(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    """Undo the sale of a pack that never left the pharmacy."""
    return end_sale(state, supply_id, "freed")


def check_return(state: TraceCodeState, code: str, pharmacy: str) -> Outcome:
    """A pack is back at a counter: it belongs only where it was sold. Nothing changes; its supply decides its fate."""
    if state.pack is None:
        return Refusal("trace_code.unknown", {"trace_code": code})
    elsewhere = state.pack.pharmacy != pharmacy
    if state.used and elsewhere and TRANSITIONS.allows(state.status, FOREIGN_RETURN):
        return Refusal("trace_code.repeated", {"trace_code": code, "state": state.status})
    if not state.sold or elsewhere:
        return Refusal("trace_code.not_sold", {"trace_code": code, "state": state.status})
    return []


def repeated(
    state: TraceCodeState,
    attempt: UUID,
    kind: Literal["sale", "return"],
    second: Place,
    owner_found: str | None = None,
    owner_first: Place | None = None,
) -> list[DomainEvent]:
    """The alarm about a refused repeat; one per attempt. What the code's owner in another region knows goes before."""
    if any(each.attempt == attempt for each in state.repeats):
        return []
    found, first = owner_found or state.status, owner_first or state.first_sale
    return [CodeRepeated(attempt=attempt, kind=kind, found=found, first=first, second=second)]


TRACE_CODES: Aggregate[TraceCodeState] = Aggregate(
    name="trace",
    events=(
        CodeScanned,
        CodeUnscanned,
        CodeSold,
        CodeFreed,
        CodeLocked,
        CodeSpent,
        CodeDiscarded,
        ReservationReleased,
        CodeRepeated,
    ),
    initial=TraceCodeState(),
    evolve=evolve,
)


def trace_code_id(code: str) -> UUID:
    """The stream of a code in its normal form."""
    return derived_id("trace_code", code)


def code_sha256(code: str) -> str:
    """How a code is named outside: whoever has the pack can tell it, nobody else can read it."""
    return hashlib.sha256(code.encode()).hexdigest()
