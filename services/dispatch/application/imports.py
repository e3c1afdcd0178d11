"""Goods in bulk: opening stock and running orders, row by row.

A row that is wrong is reported, nothing of it is booked, and it holds up no other. The same row again changes
nothing: stock by the row's key and content, orders by their number and line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from contracts.goods import ROW_KEY_LENGTH_MAX, ROWS_PER_REQUEST_MAX, OrderRow, StockRow
from services.dispatch.application.registers import admitted_pharmacy, drug_refs, pharmacy_ref, product_facts
from services.dispatch.application.stock import Receipt, received
from services.dispatch.domain.imported import ImportedState, RowImported, imported_row
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.replenishment import order
from services.dispatch.domain.replenishment.order import ORDERS, OrderState, PlaceLine, order_id
from services.dispatch.domain.stock.events import NO_EXPIRY
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.stock.state import StockState
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Actor, Answer, Change, Decision, Moment, UseCase

COMPLAINTS_MAX = 20
RowForm = TypeVar("RowForm", StockRow, OrderRow)


@dataclass(frozen=True)
class _Read(Generic[RowForm]):
    """A row as it was read: its content, or what is wrong with it."""

    key: str
    row: RowForm | None
    errors: tuple[str, ...] = ()


@dataclass
class _Books:
    """The streams of one request, each with what the rows so far have added to it."""

    loaded: Mapping[UUID, Loaded[Any]]
    events: dict[UUID, list[DomainEvent]] = field(default_factory=dict)

    def state(self, ref: StreamRef[Any]) -> Any:
        return self.loaded[ref.stream_id].after(self.events.get(ref.stream_id, ()))

    def add(self, ref: StreamRef[Any], events: Iterable[DomainEvent]) -> None:
        self.events.setdefault(ref.stream_id, []).extend(events)

    def changes(self) -> tuple[Change, ...]:
        return tuple(Change(self.loaded[stream], tuple(new)) for stream, new in self.events.items() if new)


Booked = Callable[[Any, _Books, Moment, EntryState, Mapping[str, Loaded[EntryState]]], Outcome]


def import_stock(pharmacy: str, rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Opening stock: each row is a receipt of one lot."""

    def streams(row: StockRow) -> tuple[StreamRef[Any], ...]:
        shelf = STOCK_ITEMS.ref(stock_item_id(pharmacy, row.product))
        return imported_row(pharmacy, "stock", row.key), shelf, recalled_ref(row.product)

    def book(
        row: StockRow, books: _Books, moment: Moment, place: EntryState, drugs: Mapping[str, Loaded[EntryState]]
    ) -> Outcome:
        known, shelf, recalled = streams(row)
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
            outcome = received(moment, state, receipt, place, drugs[row.product])
        if not isinstance(outcome, Refusal):
            books.add(known, [RowImported(kind="stock", pharmacy=pharmacy, key=row.key, content_sha256=digest)])
            books.add(shelf, outcome)
        return outcome

    return _import(pharmacy, [_read(StockRow, raw) for raw in rows], streams, book)


def import_orders(pharmacy: str, rows: Sequence[Mapping[str, Any]], actor: Actor) -> UseCase:
    """Orders that run already: each row is one line."""

    def streams(row: OrderRow) -> tuple[StreamRef[Any], ...]:
        return (ORDERS.ref(order_id(pharmacy, row.order_no)),)

    def book(
        row: OrderRow, books: _Books, moment: Moment, place: EntryState, drugs: Mapping[str, Loaded[EntryState]]
    ) -> Outcome:
        (placed,) = streams(row)
        content = admitted_pharmacy(place, moment)
        facts = product_facts([drugs[row.product]])
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

    return _import(pharmacy, [_read(OrderRow, raw) for raw in rows], streams, book)


def _import(
    pharmacy: str,
    rows: Sequence[_Read[Any]],
    streams: Callable[[Any], tuple[StreamRef[Any], ...]],
    book: Booked,
) -> UseCase:
    if not 1 <= len(rows) <= ROWS_PER_REQUEST_MAX:
        refusal = Refusal("import.size", {"rows": len(rows), "max": ROWS_PER_REQUEST_MAX})
        return UseCase((), lambda _moment: Decision.refused(refusal))
    wanted = {ref.stream_id: ref for read in rows if read.row for ref in streams(read.row)}
    products = sorted({read.row.product for read in rows if read.row})

    def decide(moment: Moment, *loaded: Loaded[Any]) -> Decision:
        own, (place, *drugs) = loaded[: len(wanted)], loaded[len(wanted) :]
        books = _Books({each.stream_id: each for each in own})
        known = dict(zip(products, drugs, strict=True))
        report = [_reported(read, lambda row: book(row, books, moment, place.state, known)) for read in rows]
        results = [row["result"] for row in report]
        counts = {result: results.count(result) for result in ("booked", "unchanged", "refused")}
        return Decision(books.changes(), Answer(body={"pharmacy": pharmacy, **counts, "rows": report}))

    return UseCase(tuple(wanted.values()), decide, relaxed=(pharmacy_ref(pharmacy), *drug_refs(products)))


def _reported(read: _Read[Any], book: Callable[[Any], Outcome]) -> dict[str, Any]:
    if read.row is None:
        return {"key": read.key, "result": "refused", "errors": list(read.errors)}
    outcome = book(read.row)
    if isinstance(outcome, Refusal):
        return {"key": read.key, "result": "refused", "errors": [outcome.code]}
    return {"key": read.key, "result": "booked" if outcome else "unchanged"}


def _read(form: type[RowForm], raw: Mapping[str, Any]) -> _Read[RowForm]:
    try:
        row = form.model_validate(raw)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'row'}: {each['msg']}" for each in error.errors()]
        return _Read(str(raw.get("row_key") or "")[:ROW_KEY_LENGTH_MAX], None, tuple(wrong[:COMPLAINTS_MAX]))
    return _Read(row.key, row)
