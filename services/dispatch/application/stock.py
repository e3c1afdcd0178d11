"""Stock of a pharmacy: goods received, books corrected."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from typing import Any

from pydantic import Field

from services.dispatch.application.registers import admitted_pharmacy, drug_refs, pharmacy_ref, product_facts
from services.dispatch.domain.stock import item
from services.dispatch.domain.stock.item import STOCK_ITEMS, AdjustStock, ReceiveStock, StockState, stock_item_id
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


class Receipt(Command):
    """Goods as they come in: base units, fen per pack."""

    pharmacy: str
    product: str
    lot: str = Field(min_length=1, max_length=64)
    expiry: date
    quantity: int = Field(gt=0)
    unit_price: int = Field(ge=0)


def stock_view(state: StockState) -> dict[str, Any]:
    return {
        "pharmacy": state.pharmacy,
        "product": state.product,
        "drug_key": state.drug_key,
        "on_hand": state.on_hand,
        "reserved": sum(state.reserved.values()),
        "pack_size": state.pack_size,
        "unit_price": state.unit_price,
        "lots": [
            {"lot": name, "expiry": lot.expiry.isoformat(), "on_hand": lot.on_hand} for name, lot in state.lots.items()
        ],
    }


def receive_stock(command: Receipt) -> UseCase:
    """Book goods in, with the price the pharmacy asks from now on."""

    def decide(
        moment: Moment, shelf: Loaded[StockState], pharmacy: Loaded[EntryState], drug: Loaded[EntryState]
    ) -> Decision:
        place = admitted_pharmacy(pharmacy.state, moment)
        if isinstance(place, Refusal):
            return Decision.refused(place)
        facts = product_facts([drug])
        if not facts:
            return Decision.refused(Refusal("product.unknown", {"product": command.product}))
        received = ReceiveStock(
            drug_key=facts[0].drug_key, pack_size=facts[0].pack_size, region=place.region, **dict(command)
        )
        return _decided(shelf, item.receive(shelf.state, received, civil_day(moment.now)))

    streams = (STOCK_ITEMS.ref(stock_item_id(command.pharmacy, command.product)),)
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy), *drug_refs([command.product])))


def adjust_stock(pharmacy: str, product: str, command: AdjustStock) -> UseCase:
    """Correct the books of one lot, with a reason."""

    def decide(_moment: Moment, shelf: Loaded[StockState]) -> Decision:
        return _decided(shelf, item.adjust(shelf.state, command))

    return UseCase((STOCK_ITEMS.ref(stock_item_id(pharmacy, product)),), decide)


def _decided(shelf: Loaded[StockState], outcome: Outcome) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    return Decision.on(shelf, outcome, Answer(200, stock_view(shelf.after(outcome))))
