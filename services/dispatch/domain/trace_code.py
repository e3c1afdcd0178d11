"""TraceCode (药品追溯码): one per pack, one sale per code, over all pharmacies.

A split pack (拆零) may be sold in parts, in the pharmacy that opened it, until it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Immutable, Outcome, Refusal, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "PrepareSupply", "", "scanned", "-"),
        Transition("free", "PrepareSupply", "", "scanned", "-"),
        Transition("opened", "PrepareSupply", "same pharmacy and product; enough left in the pack", "scanned", "-"),
        Transition("scanned", "Unprepare", "", "free or opened, as before", "-"),
        Transition("scanned", "DispenseSupply", "by the supply that scanned it", "sold, or opened while split", "-"),
        Transition("sold", "supply undone", "", "free, or opened", "-"),
        Transition("opened", "supply undone", "", "free, or opened", "-"),
        *(
            Transition(state, trigger, "by the supply that has it", after, "-")
            for state in ("sold", "opened")
            for trigger, after in (("quarantined", "locked, or opened"), ("destroyed, lost", "spent, or opened"))
        ),
        *(
            Transition(state, trigger, "of the supply that had it", after, "-")
            for state in ("locked", "opened", "sold")
            for trigger, after in (("ReleaseQuarantine", "free, or opened"), ("Destroy", "spent, or opened"))
        ),
    )
)


Fate = Literal["freed", "locked", "spent"]
FATES: dict[str, Fate] = {"restocked": "freed", "quarantined": "locked", "destroyed": "spent", "lost": "spent"}
"""What becomes of a code by what became of its pack."""


class PackFacts(Immutable):
    """What the code stands for."""

    code: str
    pharmacy: str
    product: str
    pack_size: int


class CodeScanned(DomainEvent):
    """The pack is set aside for a supply."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_scanned"

    supply_id: UUID
    pack: PackFacts
    quantity: int


class CodeUnscanned(DomainEvent):
    """The pack is back on the shelf, unsold."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_unscanned"

    supply_id: UUID


class CodeSold(DomainEvent):
    """The pack, or a part of it, was dispensed."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_sold"

    supply_id: UUID


class CodeFreed(DomainEvent):
    """The sale was undone before the pack left the pharmacy."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_freed"

    supply_id: UUID


class CodeLocked(DomainEvent):
    """The pack came back and waits in quarantine."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_locked"

    supply_id: UUID


class CodeSpent(DomainEvent):
    """The pack is gone or may never be sold again: destroyed or lost."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_spent"

    supply_id: UUID


@dataclass(frozen=True)
class TraceCodeState:
    """One code: for whom it is scanned, and what became of its pack's quantity, by supply."""

    pack: PackFacts | None = None
    scanned_by: UUID | None = None
    scanned_quantity: int = 0
    sold: Mapping[UUID, int] = field(default_factory=dict)
    locked: Mapping[UUID, int] = field(default_factory=dict)
    spent: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def used(self) -> int:
        """Base units that are not there to be sold."""
        return sum(sum(part.values()) for part in (self.sold, self.locked, self.spent))

    @property
    def status(self) -> str:
        """The state by the table."""
        if self.pack is None:
            return NOT_YET
        if self.scanned_by:
            return "scanned"
        if not self.used:
            return "free"
        if self.used < self.pack.pack_size:
            return "opened"
        return "sold" if self.sold else "locked" if self.locked else "spent"


def evolve(state: TraceCodeState, event: DomainEvent) -> TraceCodeState:
    match event:
        case CodeScanned(supply_id=supply_id, pack=pack, quantity=quantity):
            return replace(state, pack=pack, scanned_by=supply_id, scanned_quantity=quantity)
        case CodeUnscanned():
            return replace(state, scanned_by=None, scanned_quantity=0)
        case CodeSold(supply_id=supply_id):
            sold = {**state.sold, supply_id: state.scanned_quantity}
            return replace(state, scanned_by=None, scanned_quantity=0, sold=sold)
        case CodeFreed(supply_id=supply_id):
            return _moved(state, supply_id)
        case CodeLocked(supply_id=supply_id):
            moved = _moved(state, supply_id)
            return replace(moved, locked={**moved.locked, supply_id: _quantity(state, supply_id)})
        case CodeSpent(supply_id=supply_id):
            moved = _moved(state, supply_id)
            return replace(moved, spent={**moved.spent, supply_id: _quantity(state, supply_id)})
    return state  # pragma: no cover - the aggregate names no other event


def _quantity(state: TraceCodeState, supply_id: UUID) -> int:
    return next(part[supply_id] for part in (state.sold, state.locked, state.spent) if supply_id in part)


def _moved(state: TraceCodeState, supply_id: UUID) -> TraceCodeState:
    """Without what this supply had of the pack."""
    parts: dict[str, Any] = {
        name: {other: amount for other, amount in getattr(state, name).items() if other != supply_id}
        for name in ("sold", "locked", "spent")
    }
    return replace(state, **parts)


def scan(state: TraceCodeState, supply_id: UUID, pack: PackFacts, quantity: int) -> Outcome:
    """Set a pack aside. A code that is sold, or in another's hands, is refused: fake, returned or swapped goods."""
    if not TRANSITIONS.allows(state.status, "PrepareSupply"):
        return Refusal("trace_code.not_free", {"trace_code": pack.code, "state": state.status})
    if state.status == "opened":
        left = pack.pack_size - state.used
        if state.pack != pack or quantity > left:
            return Refusal("trace_code.repeated", {"trace_code": pack.code, "left": left})
    return [CodeScanned(supply_id=supply_id, pack=pack, quantity=quantity)]


def unscan(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    return [CodeUnscanned(supply_id=supply_id)] if state.scanned_by == supply_id else []


def sell(state: TraceCodeState, supply_id: UUID, code: str) -> Outcome:
    """Book the sale: once, by the supply that scanned the pack."""
    if not TRANSITIONS.allows(state.status, "DispenseSupply") or state.scanned_by != supply_id:
        return Refusal("trace_code.not_free", {"trace_code": code, "state": state.status})
    return [CodeSold(supply_id=supply_id)]


_TOLD = {"freed": CodeFreed, "locked": CodeLocked, "spent": CodeSpent}


def end_sale(state: TraceCodeState, supply_id: UUID, fate: Fate) -> list[DomainEvent]:
    """What a supply had of the pack came back, waits, or is gone (`FATES`). Another supply's part stays as it is."""
    if supply_id in state.sold or (supply_id in state.locked and fate != "locked"):
        return [_TOLD[fate](supply_id=supply_id)]
    return []


def free(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    """Undo the sale of a pack that never left the pharmacy."""
    return end_sale(state, supply_id, "freed")


TRACE_CODES: Aggregate[TraceCodeState] = Aggregate(
    name="trace_code",
    events=(CodeScanned, CodeUnscanned, CodeSold, CodeFreed, CodeLocked, CodeSpent),
    initial=TraceCodeState(),
    evolve=evolve,
)


def trace_code_id(code: str) -> UUID:
    return derived_id("trace_code", code)
