"""Goods in bulk: opening stock and running orders, row by row.

The same row again changes nothing: stock by the row's key and content, orders by their number and line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.goods import OrderRow, StockRow
from services.dispatch.application.registers import admitted_pharmacy, drug_refs, pharmacy_ref, product_facts
from services.dispatch.application.stock import Receipt, received
from services.dispatch.domain.imported import ImportedState, RowImported, imported_row
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.replenishment import order
from services.dispatch.domain.replenishment.order import ORDERS, OrderState, PlaceLine, order_id
from services.dispatch.domain.stock.events import NO_EXPIRY
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.stock.state import StockState
from services.seedwork.model import Outcome, Refusal, StreamRef
from services.seedwork.row_imports import Books, Importing, import_rows
from services.seedwork.usecase import Actor, Moment, UseCase


def _facts(pharmacy: str, product: str) -> tuple[StreamRef[Any], ...]:
    return (pharmacy_ref(pharmacy), *drug_refs([product]))


def import_stock(pharmacy: str, rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Opening stock: each row is a receipt of one lot."""

    def streams(row: StockRow) -> tuple[StreamRef[Any], ...]:
        shelf = STOCK_ITEMS.ref(stock_item_id(pharmacy, row.product))
        return imported_row(pharmacy, "stock", row.key), shelf, recalled_ref(row.product)

    def book(row: StockRow, books: Books, moment: Moment) -> Outcome:
        known, shelf, recalled = streams(row)
        place, drug = _facts(pharmacy, row.product)
        digest = hashlib.sha256(row.model_dump_json().encode()).hexdigest()
        seen: ImportedState = books.state(known)
        if seen.content_sha256 == digest:
            return []
        if seen.content_sha256 is not None:
            return Refusal("import.other_content", {"key": row.key})
        facts = row.model_dump(exclude={"row_key"})
        receipt = Receipt(pharmacy=pharmacy, **{**facts, "expiry": row.expiry or NO_EXPIRY})
        state: StockState = books.state(shelf)
        outcome = none_recalled(books.state(recalled), frozenset({row.lot}))
        if not isinstance(outcome, Refusal):
            outcome = received(moment, state, receipt, books.state(place), books.loaded[drug.stream_id])
        if not isinstance(outcome, Refusal):
            books.add(known, [RowImported(kind="stock", pharmacy=pharmacy, key=row.key, content_sha256=digest)])
            books.add(shelf, outcome)
        return outcome

    return import_rows(
        Importing(StockRow, streams, lambda row: _facts(pharmacy, row.product), book, {"pharmacy": pharmacy}), rows
    )


def import_orders(pharmacy: str, rows: Sequence[Mapping[str, Any]], actor: Actor) -> UseCase:
    """Orders that run already: each row is one line."""

    def streams(row: OrderRow) -> tuple[StreamRef[Any], ...]:
        return (ORDERS.ref(order_id(pharmacy, row.order_no)),)

    def book(row: OrderRow, books: Books, moment: Moment) -> Outcome:
        (placed,) = streams(row)
        place, drug = _facts(pharmacy, row.product)
        content = admitted_pharmacy(books.state(place), moment)
        facts = product_facts([books.loaded[drug.stream_id]])
        if isinstance(content, Refusal) or not facts:
            return content if isinstance(content, Refusal) else Refusal("product.unknown", {"product": row.product})
        wanted = PlaceLine(
            pharmacy=pharmacy,
            region=content.region,
            drug_key=facts[0].drug_key,
            pack_size=facts[0].pack_size,
            placed_by=actor.subject,
            **dict(row),
        )
        state: OrderState = books.state(placed)
        outcome = order.place(state, wanted, moment.now)
        if not isinstance(outcome, Refusal):
            books.add(placed, outcome)
        return outcome

    return import_rows(
        Importing(OrderRow, streams, lambda row: _facts(pharmacy, row.product), book, {"pharmacy": pharmacy}), rows
    )
