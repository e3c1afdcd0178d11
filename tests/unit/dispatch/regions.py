"""Regions in memory: each a town with a store of its own, that asks the others across a border which may be closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from services.dispatch.application.owners import answer_question, owner_timer
from services.dispatch.composition import SERVICE
from services.dispatch.domain.owner_asks import ASK, OWNER_ASKS, OwnerAsksState, owner_asks_of
from services.dispatch.domain.owner_words import Question, Word
from services.dispatch.domain.regional_stores import RegionalStores
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from tests.support.store_in_memory import StoreInMemory
from tests.unit.dispatch.town import NOON, A, Town

EAST, WEST = "east", "west"
TICK = timedelta(seconds=1)


@dataclass
class Border:
    """One store's way to the others. `away`: stores that nothing reaches; `deaf`: those whose answers get lost."""

    stores: RegionalStores
    towns: dict[str, Town]
    away: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    asked: list[tuple[str, Question]] = field(default_factory=list)

    def ask(self, store: str, question: Question) -> Sequence[Word] | None:
        self.asked.append((store, question))
        if store in self.away:
            return None
        heard = Question.model_validate_json(question.model_dump_json())
        stores = replace(self.stores, own=store)
        answer = self.towns[store].store.run(answer_question(heard, stores))
        if answer.refusal or store in self.deaf:
            return None
        return [Word.model_validate(word) for word in answer.body["words"]]


class Regions:
    """East and west, and codes that either of them owns."""

    def __init__(self, *names: str) -> None:
        self.names = names or (EAST, WEST)
        self.towns: dict[str, Town] = {}
        self.borders: dict[str, Border] = {}
        for name in self.names:
            stores = RegionalStores(frozenset(self.names), name)
            border = self.borders[name] = Border(stores, self.towns)
            timers = {**SERVICE.timers, (OWNER_ASKS.name, ASK): owner_timer(border)}
            store = StoreInMemory(replace(SERVICE, timers=timers), NOON)
            self.towns[name] = Town(store, owners=border)

    def codes_of(self, owner: str, count: int = 1, start: int = 0) -> tuple[str, ...]:
        """Codes that this store owns."""
        stores = self.borders[owner].stores
        numbers = (f"8{number:019d}" for number in range(start, start + 10_000))
        owned = [code for code in numbers if stores.owner(code) == owner]
        return tuple(owned[:count])

    def close(self, store: str) -> None:
        """Nothing reaches it."""
        for border in self.borders.values():
            border.away.add(store)

    def open(self, store: str) -> None:
        for border in self.borders.values():
            border.away.discard(store)

    def tick(self) -> None:
        """Every store's clock fires what is due."""
        for town in self.towns.values():
            town.store.move_clock(TICK)

    def known(self, store: str, code: str) -> TraceCodeState:
        state: TraceCodeState = self.towns[store].store.state(TRACE_CODES.ref(trace_code_id(code)))
        return state

    def asks(self, store: str, supply_id: UUID) -> OwnerAsksState:
        state: OwnerAsksState = self.towns[store].store.state(owner_asks_of(supply_id))
        return state


def prepared(town: Town, *codes: str, pharmacy: str = A, quantity: int | None = None) -> tuple[UUID, UUID, UUID]:
    """A prescription whose packs of tablets, with these codes, are scanned: fulfilment, hold, supply."""
    amount = quantity or 20 * len(codes)
    fulfilment = town.release(amount)
    hold_id = town.accepted(fulfilment, (1, amount), pharmacy=pharmacy)
    supply_id = town.prepare(fulfilment, hold_id, town.pick(amount, trace_codes=codes), pharmacy=pharmacy)
    return fulfilment, hold_id, supply_id
