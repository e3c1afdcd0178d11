"""OwnerAsks: what a supply still has to hear from, or tell, the owners of its trace codes in other regions; one stream
per supply that has such codes. A supply whose owner could not be reached goes on, flagged, and its claim waits until
the owner has said whether the code was sold elsewhere.

The clock asks until it is answered. A code that is undecided when its supply is undone is released, whatever the owner
would have said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import ClassVar, TypeVar
from uuid import UUID

from services.dispatch.domain.owner_words import (
    CODES_PER_QUESTION_MAX,
    AskedCode,
    CodeOfStore,
    Operation,
    OwnedPack,
    Word,
    asked,
)
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

T = TypeVar("T")
NOBODY = UUID(int=0)
ASK = "ask"
"""The deadline at which owners are asked."""
ASK_AGAIN = frozenset({"trace_code.not_free"})
"""What an owner says of a code that somebody has just set aside: it will be sold or put back, so it is asked again."""


class OwnerAwaited(DomainEvent):
    """Owners could not be reached: the supply was dispensed without their word."""

    TOPIC: ClassVar[str] = "dispatch.owner_asks.awaited"

    fulfilment_id: UUID
    supply_id: UUID
    packs: tuple[OwnedPack, ...]
    at: datetime


class OwnerToBeTold(DomainEvent):
    """What became of packs is to be told to the owners of their codes; of what is discarded, how much it is as well."""

    TOPIC: ClassVar[str] = "dispatch.owner_asks.to_be_told"

    supply_id: UUID
    operation: Operation
    codes: tuple[CodeOfStore, ...]
    at: datetime
    packs: tuple[OwnedPack, ...] = ()


class OwnerAnswered(DomainEvent):
    """Owners have answered. `repeated`: codes that were reserved too late, or for another product."""

    TOPIC: ClassVar[str] = "dispatch.owner_asks.answered"

    operation: Operation
    codes: tuple[str, ...]
    repeated: tuple[str, ...] = ()
    at: datetime


TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "DispenseSupply", "the code's owner is away", "undecided", "supply_dispensed, flagged"),
        Transition(NOT_YET, "packs on the shelf sold no more", "thrown away, or spoilt", "to be discarded", "-"),
        Transition("to be discarded", "clock: ask", "owner has answered", "decided", "-"),
        Transition("undecided", "clock: ask", "owner away, or the code is set aside there", "undecided", "-"),
        Transition("undecided", "clock: ask", "reserved: now, or before", "decided", "trace_codes_decided"),
        Transition(
            "undecided",
            "clock: ask",
            "sold elsewhere, or of another product",
            "repeated",
            "trace_codes_decided, trace_code_repeated",
        ),
        *(
            Transition(state, trigger, "", to_tell, "-")
            for state in (NOT_YET, "undecided", "decided", "repeated")
            for trigger, to_tell in (
                ("packs back on the shelf", "to be released"),
                ("packs destroyed, lost or taken back", "to be spent; undecided: reserved first"),
            )
        ),
        Transition(
            "to be released", "clock: ask", "owner has answered", "decided", "trace_codes_decided, if it waited"
        ),
        Transition("to be spent", "clock: ask", "owner has answered", "decided", "-"),
    )
)
"""Of one code. `trace_codes_decided` is told once nothing of its supply is undecided any more."""


@dataclass(frozen=True)
class OwnerAsksState:
    """Of one supply. `undecided`: codes of which nobody knows yet whether they were sold elsewhere."""

    fulfilment_id: UUID = NOBODY
    supply_id: UUID = NOBODY
    packs: Mapping[str, OwnedPack] = field(default_factory=dict)
    undecided: frozenset[str] = frozenset()
    to_tell: Mapping[str, tuple[Operation, str]] = field(default_factory=dict)
    """code -> what its owner is to be told, and which store that is."""
    repeated: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def reserving(self) -> tuple[OwnedPack, ...]:
        """What is still to be reserved: not what the supply has given back meanwhile."""
        given_back = {code for code, (operation, _store) in self.to_tell.items() if operation == "release"}
        return tuple(pack for code, pack in self.packs.items() if code in self.undecided - given_back)


def evolve(state: OwnerAsksState, event: OwnerAwaited | OwnerToBeTold | OwnerAnswered) -> OwnerAsksState:
    if isinstance(event, OwnerAwaited):
        packs = {pack.pack.code: pack for pack in event.packs}
        state = replace(state, fulfilment_id=event.fulfilment_id, supply_id=event.supply_id, since=event.at)
        return replace(state, packs=packs, undecided=frozenset(packs))
    if isinstance(event, OwnerToBeTold):
        told = {each.code: (event.operation, each.store) for each in event.codes}
        packs = {**state.packs, **{pack.pack.code: pack for pack in event.packs}}
        return replace(state, supply_id=event.supply_id, packs=packs, to_tell={**state.to_tell, **told}, since=event.at)
    answered = set(event.codes)
    left = {code: told for code, told in state.to_tell.items() if not (code in answered and told[0] == event.operation)}
    undecided = state.undecided - answered if event.operation != "spend" else state.undecided
    repeated = (*state.repeated, *event.repeated)
    return replace(state, undecided=undecided, to_tell=left, repeated=repeated, since=event.at)


def next_due(state: OwnerAsksState) -> Mapping[str, datetime]:
    return {ASK: state.since} if state.since and (state.undecided or state.to_tell) else {}


OWNER_ASKS: Aggregate[OwnerAsksState] = Aggregate(
    name="owner_asks",
    events=(OwnerAwaited, OwnerToBeTold, OwnerAnswered),
    initial=OwnerAsksState(),
    evolve=evolve,
    next_due=next_due,
)


def owner_asks_of(supply_id: UUID) -> StreamRef[OwnerAsksState]:
    return OWNER_ASKS.ref(derived_id("owner_asks", supply_id))


@dataclass(frozen=True)
class Asking:
    """One question that is due."""

    store: str
    operation: Operation
    codes: tuple[AskedCode, ...]


def questions(packs: Sequence[OwnedPack]) -> Iterator[Asking]:
    """To reserve these packs: one to each owner, in parts where there are many."""
    for store, owned in groupby(sorted(packs, key=lambda pack: pack.store), key=lambda pack: pack.store):
        for part in _parts([asked(pack) for pack in owned]):
            yield Asking(store, "reserve", part)


def _parts(codes: Sequence[T]) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(codes), CODES_PER_QUESTION_MAX):
        yield tuple(codes[start : start + CODES_PER_QUESTION_MAX])


def due(state: OwnerAsksState) -> Iterator[Asking]:
    """All questions that are open. What is spent is reserved first, so that it counts at its owner."""
    yield from questions(state.reserving)
    unreserved = {pack.pack.code for pack in state.reserving}
    told = sorted((*told, code) for code, told in state.to_tell.items() if code not in unreserved)
    for (operation, store), rows in groupby(told, key=lambda row: row[:2]):
        for part in _parts([_named(state, operation, code) for _, _, code in rows]):
            yield Asking(store, operation, part)


def _named(state: OwnerAsksState, operation: Operation, code: str) -> AskedCode:
    return asked(state.packs[code]) if operation == "discard" else AskedCode(code=code)


def heard(asking: Asking, words: Iterable[Word], now: datetime) -> list[OwnerAnswered]:
    """What follows from an owner's words; what it cannot say yet is asked again."""
    known = [word for word in words if word.problem not in ASK_AGAIN]
    if not known:
        return []
    codes, repeated = (tuple(word.code for word in each) for each in (known, filter(lambda word: word.problem, known)))
    return [OwnerAnswered(operation=asking.operation, codes=codes, repeated=repeated, at=now)]


def tell(
    state: OwnerAsksState, supply_id: UUID, operation: Operation, codes: Sequence[CodeOfStore], now: datetime
) -> list[DomainEvent]:
    """What is told already is not told twice."""
    new = tuple(each for each in codes if state.to_tell.get(each.code) != (operation, each.store))
    return [OwnerToBeTold(supply_id=supply_id, operation=operation, codes=new, at=now)] if new else []


def write_off(_state: OwnerAsksState, gone: UUID, pack: OwnedPack, now: datetime) -> list[DomainEvent]:
    """What no supply took and nobody will sell, under a name of its own (`gone`)."""
    code = CodeOfStore(code=pack.pack.code, store=pack.store)
    return [OwnerToBeTold(supply_id=gone, operation="discard", codes=(code,), at=now, packs=(pack,))]


def await_owner(
    _state: OwnerAsksState, fulfilment_id: UUID, supply_id: UUID, packs: tuple[OwnedPack, ...], now: datetime
) -> list[DomainEvent]:
    """The supply goes on without its owners' word."""
    return [OwnerAwaited(fulfilment_id=fulfilment_id, supply_id=supply_id, packs=packs, at=now)]
