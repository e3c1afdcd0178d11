"""OpenedPacks: packs of one product that one pharmacy has opened to give parts of them (拆零), until they are empty.

A pack with a trace code is known by its code. Packs without one cannot be told apart: what is open of them is one
amount per lot. An opened pack has a date of its own by the policy, never later than that of its lot, and is used up
before another one is opened. Quantities in base units; nothing is ever rounded up to a pack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import DispensedLine, PickedLine
from services.seedwork.model import Aggregate, Command, DomainEvent, Immutable, Outcome, Refusal, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "DispenseSupply", "a part of a pack; no other pack is open, or a reason", "open", "-"),
        Transition(
            "open",
            "DispenseSupply",
            "a part, or all of it where that was put back; its own date not passed; enough left in it",
            "open, empty",
            "-",
        ),
        Transition("open", "supply undone", "what was taken by this supply", "open", "-"),
        Transition("empty", "supply undone", "what was taken by this supply", "open", "-"),
        Transition("open", "DiscardOpenedPack", "reason", "empty", "-"),
        Transition("open", "excursion rejected", "of a parcel that had a part of it", "empty", "-"),
    )
)


class Part(Immutable):
    """A part taken out of one pack, or of the open amount of one lot."""

    key: str
    lot: str
    expiry: date
    quantity: int
    pack_size: int
    coded: bool


class PackOpened(DomainEvent):
    """A pack was opened; until `use_by` parts of it may be given out."""

    TOPIC: ClassVar[str] = "dispatch.opened_packs.pack_opened"

    pharmacy: str
    product: str
    key: str
    lot: str
    expiry: date
    pack_size: int
    use_by: date


class PartTaken(DomainEvent):
    """A supply took a part."""

    TOPIC: ClassVar[str] = "dispatch.opened_packs.part_taken"

    supply_id: UUID
    key: str
    quantity: int


class PartPutBack(DomainEvent):
    """The supply was undone before it left the pharmacy; the pack stays open."""

    TOPIC: ClassVar[str] = "dispatch.opened_packs.part_put_back"

    supply_id: UUID
    key: str
    quantity: int


class PackDiscarded(DomainEvent):
    """What was left in it will not be given out."""

    TOPIC: ClassVar[str] = "dispatch.opened_packs.pack_discarded"

    key: str
    quantity: int
    reason: str
    discarded_by: str


class DiscardOpenedPack(Command):
    """What is left of an opened pack is past its date, or spoilt."""

    key: str
    reason: str = Field(min_length=1, max_length=200)
    discarded_by: str


@dataclass(frozen=True)
class OpenedPack:
    """What is left of one, and until when it may be given out."""

    lot: str
    expiry: date
    pack_size: int
    remaining: int
    use_by: date


@dataclass(frozen=True)
class OpenedState:
    """By key: the trace code of a pack, or its lot where it has none."""

    pharmacy: str = ""
    product: str = ""
    packs: Mapping[str, OpenedPack] = field(default_factory=dict)
    taken: Mapping[tuple[UUID, str], int] = field(default_factory=dict)

    def open_on(self, today: date) -> dict[str, OpenedPack]:
        """Those that still have something that may be given out."""
        return {key: pack for key, pack in self.packs.items() if pack.remaining and pack.use_by >= today}


def evolve(state: OpenedState, event: DomainEvent) -> OpenedState:
    match event:
        case PackOpened(key=key):
            before = state.packs[key].remaining if key in state.packs else 0
            pack = OpenedPack(event.lot, event.expiry, event.pack_size, before + event.pack_size, event.use_by)
            packs = {**state.packs, key: pack}
            return replace(state, pharmacy=event.pharmacy, product=event.product, packs=packs)
        case PartTaken(supply_id=supply_id, key=key, quantity=quantity):
            so_far = state.taken.get((supply_id, key), 0)
            taken = {**state.taken, (supply_id, key): so_far + quantity}
            return replace(_changed(state, key, -quantity), taken=taken)
        case PartPutBack(supply_id=supply_id, key=key, quantity=quantity):
            left = {each: amount for each, amount in state.taken.items() if each != (supply_id, key)}
            return replace(_changed(state, key, quantity), taken=left)
        case PackDiscarded(key=key, quantity=quantity):
            return _changed(state, key, -quantity)
    return state  # pragma: no cover - the aggregate names no other event


def _changed(state: OpenedState, key: str, change: int) -> OpenedState:
    pack = state.packs[key]
    return replace(state, packs={**state.packs, key: replace(pack, remaining=pack.remaining + change)})


def pack_key(trace_code: str | None, lot: str) -> str:
    """By what an opened pack is known: its code, or its lot where it has none."""
    return trace_code or f"lot:{lot}"


def parts_of(rows: Iterable[PickedLine | DispensedLine], pack_size: int) -> tuple[Part, ...]:
    """What of these rows is no whole pack: the last pack of a row, when the quantity does not use it up."""
    return tuple(
        Part(
            key=pack_key(row.trace_codes[-1] if row.trace_codes else None, row.lot),
            lot=row.lot,
            expiry=row.expiry,
            quantity=row.quantity % pack_size,
            pack_size=pack_size,
            coded=bool(row.trace_codes),
        )
        for row in rows
        if row.quantity % pack_size
    )


def wholes_of(rows: Iterable[PickedLine | DispensedLine], pack_size: int) -> tuple[Part, ...]:
    """The packs that these rows give whole: one that was opened may be whole again, and stays opened. Those without a
    code, together."""
    return tuple(
        Part(
            key=pack_key(code, row.lot),
            lot=row.lot,
            expiry=row.expiry,
            quantity=pack_size if code else row.quantity - row.quantity % pack_size,
            pack_size=pack_size,
            coded=code is not None,
        )
        for row in rows
        for code in (row.trace_codes or (None,))[: row.quantity // pack_size]
    )


def out_of_opened(
    state: OpenedState, parts: tuple[Part, ...], wholes: tuple[Part, ...], today: date
) -> tuple[Part, ...]:
    """The parts, and of the packs that are given whole those that are open. Without a code nobody can tell which one
    that is: those that are whole again are given first, while they may be given at all."""
    found = list(parts)
    left = Counter({key: pack.remaining for key, pack in state.open_on(today).items()})
    for part in parts:
        left[part.key] -= part.quantity
    for whole in wholes:
        if whole.coded:
            found += [whole] if whole.key in state.packs and state.packs[whole.key].remaining else []
            continue
        quantity = min(whole.quantity, max(0, left[whole.key])) // whole.pack_size * whole.pack_size
        left[whole.key] -= quantity
        found += [whole.model_copy(update={"quantity": quantity})] if quantity else []
    return tuple(found)


def check_parts(
    state: OpenedState, parts: tuple[Part, ...], today: date, reason: str | None, wholes: tuple[Part, ...] = ()
) -> Outcome:
    """Whether these parts, and these packs that are given whole, may be given out. Nothing happens yet."""
    good = state.open_on(today)
    for part in out_of_opened(state, parts, wholes, today):
        known = state.packs.get(part.key)
        if known and known.remaining and part.key not in good:
            expired = {"lot": known.lot, "use_by": known.use_by.isoformat()}
            return Refusal("stock.opened_pack_expired", expired)
        if known and part.coded and known.remaining < part.quantity:  # the rest of it may have been thrown away
            return Refusal("trace_code.pack_used_up", {"trace_code": part.key, "left": known.remaining})
        if part.key not in good and reason is None:
            other = next((each for each in good.values() if each.remaining >= part.quantity), None)
            if other:
                facts = {"lot": other.lot, "left": other.remaining, "use_by": other.use_by.isoformat()}
                return Refusal("supply.opened_pack_first", facts)
    return []


def take(
    state: OpenedState,
    pharmacy: str,
    product: str,
    supply_id: UUID,
    parts: tuple[Part, ...],
    today: date,
    policy: Policy,
    wholes: tuple[Part, ...] = (),
) -> list[DomainEvent]:
    """Take the parts of a checked supply; what is not open yet, or not enough of a lot's open amount, is opened. An
    opened pack that is given whole is empty then, too."""
    events: list[DomainEvent] = []
    use_by = today + timedelta(days=policy.opened_pack_days)
    for part in out_of_opened(state, parts, wholes, today):
        known = state.packs.get(part.key)
        if known is None or (known.remaining < part.quantity and not part.coded):
            opened = PackOpened(
                pharmacy=pharmacy,
                product=product,
                key=part.key,
                lot=part.lot,
                expiry=part.expiry,
                pack_size=part.pack_size,
                use_by=min(use_by, part.expiry),
            )
            events.append(opened)
            state = evolve(state, opened)
        taken = PartTaken(supply_id=supply_id, key=part.key, quantity=part.quantity)
        events.append(taken)
        state = evolve(state, taken)
    return events


def put_back(state: OpenedState, supply_id: UUID, keys: frozenset[str] | None = None) -> list[DomainEvent]:
    """What a supply had taken, once it is undone; of these packs, or of all."""
    return [
        PartPutBack(supply_id=supply_id, key=key, quantity=quantity)
        for (taker, key), quantity in state.taken.items()
        if taker == supply_id and (keys is None or key in keys)
    ]


def discard(state: OpenedState, command: DiscardOpenedPack) -> list[PackDiscarded] | Refusal:
    """Throw away what is left of an opened pack; the books of its lot are corrected with it."""
    pack = state.packs.get(command.key)
    if pack is None or not pack.remaining:
        return Refusal("stock.no_opened_pack", {"key": command.key})
    return [PackDiscarded(quantity=pack.remaining, **dict(command))]


def set_rest_apart(state: OpenedState, key: str, reason: str, by: str) -> list[DomainEvent]:
    """An opened pack that was spoilt: nothing more is taken out of it."""
    outcome = discard(state, DiscardOpenedPack(key=key, reason=reason, discarded_by=by))
    return [] if isinstance(outcome, Refusal) else [*outcome]


OPENED_PACKS: Aggregate[OpenedState] = Aggregate(
    name="opened_packs",
    events=(PackOpened, PartTaken, PartPutBack, PackDiscarded),
    initial=OpenedState(),
    evolve=evolve,
)


def opened_packs_id(pharmacy: str, product: str) -> UUID:
    return derived_id("opened_packs", pharmacy, product)
