"""Pharmacies that order from suppliers: more than one line, more than once; the supplier confirms, delays or leaves
short, goods come in part, too many, twice or not at all, and somebody does not want them any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from rxflow.client import Problem
from rxflow.simulation.writing import Town
from rxflow.world import Store

SUPPLIERS = ("S-GYKG", "S-JZT")
REASON = "缺货"
STEPS_MAX = 3
"""So much may happen to an order at one occasion."""
ANEW = 0.3
"""How often another order is placed where one runs."""
PACKS = (10, 20, 40)
LOT_DAYS = 400
"""A new lot expires so long after what is on the shelf: what is scanned first stays so."""


@dataclass
class Order:
    """As its pharmacy wrote it; `placed`: its id, once it was heard."""

    store: Store
    supplier: str
    placed: str


@dataclass
class Buyers:
    """Around the products of one prescription. `stores`: the pharmacies that could supply them."""

    town: Town
    products: Sequence[str]
    stores: Callable[[], Sequence[Store]]
    orders: list[Order] = field(default_factory=list)
    received: list[tuple[Order, dict[str, Any]]] = field(default_factory=list)

    def deeds(self) -> list[Callable[[], object]]:
        return [self.trade] * (3 if self.orders else 2)

    def trade(self) -> None:
        """A new order, or some steps of one that runs, in any order."""
        if not self.orders or self.town.random.random() < ANEW:
            self.place()
        steps = (self.confirm, self.confirm, self.receive, self.receive, self.receive, self.close, self.receive_again)
        for _ in range(self.town.random.randint(1, STEPS_MAX)):
            self.town.random.choice(steps)()

    def place(self) -> None:
        """With a number of its own, or under one that is taken."""
        chance, store = self.town.random, self.town.random.choice(self.stores())
        number, supplier = f"D{self.town.new_id().hex[:8]}", chance.choice(SUPPLIERS)
        if self.orders and chance.random() < 0.2:
            number = chance.choice(self.orders).placed[:8]
        lines = [
            {"line": line, "product": product, "requested": chance.choice(PACKS) * self._pack(product)}
            for line, product in enumerate(self.products, start=1)
        ]
        placed = self.town.cast.stockroom(store).place_order(number, supplier, lines)
        self.orders.append(Order(store, supplier, placed["order_id"]))

    def confirm(self) -> None:
        """By the supplier or for it: all of what is open, in three parts; now and then it does not add up."""
        order, line = self._line()
        first = self._part(line["open"])
        second = self._part(line["open"] - first)
        said = [first, second, line["open"] - first - second]
        self.town.random.shuffle(said)
        if self.town.random.random() < 0.2:
            said[0] += 1
        row = {"line": line["line"], **dict(zip(("confirmed", "back_ordered", "short"), said, strict=True))}
        self._either(order).confirm_order(order.placed, [row])

    def receive(self) -> None:
        """All that is open, a part, or more than that."""
        order, line = self._line()
        product = line["product"]
        quantity = max(1, self.town.random.choice((line["open"], self._part(line["open"]), line["open"] + 1)))
        first = self.town.world.lots(order.store.code, product)[0]
        new = f"N{self.town.random.randint(1, 3)}", first.expires_on + timedelta(days=LOT_DAYS)
        lot, expiry = self.town.random.choice(((first.lot, first.expires_on), new, new))
        goods = {"line": line["line"], "lot": lot, "expiry": self._day(expiry), "quantity": quantity}
        goods["unit_price"] = first.unit_price
        self.received.append((order, goods))
        self.town.cast.stockroom(order.store).receive_goods(order.placed, [goods])

    def receive_again(self) -> None:
        """The same goods are booked once more, by somebody who does not know of it."""
        if self.received:
            order, goods = self.town.random.choice(self.received)
            self.town.cast.stockroom(order.store).receive_goods(order.placed, [goods])

    def close(self) -> None:
        """The rest does not come, or is not wanted."""
        order, line = self._line()
        if self.town.random.random() < 0.5:
            self._either(order).leave_short(order.placed, [line["line"]], REASON)
        else:
            self.town.cast.stockroom(order.store).cancel_order(order.placed, [line["line"]], REASON)

    def _either(self, order: Order) -> Any:
        cast = self.town.cast
        return self.town.random.choice((cast.supplier(order.supplier), cast.stockroom(order.store)))

    def _line(self) -> tuple[Order, dict[str, Any]]:
        """Of any order, with what is `open` of it. Raises Problem where there is none."""
        if not self.orders:
            raise Problem("nothing.ordered", 404)
        order = self.town.random.choice(self.orders)
        line = self.town.random.choice(self.town.cast.stockroom(order.store).order(order.placed)["lines"])
        return order, {**line, "open": line["requested"] - line["filled"] - line["short"] - line["cancelled"]}

    def _part(self, of: int) -> int:
        return self.town.random.randint(0, of)

    def _pack(self, product: str) -> int:
        return self.town.world.product[product].drug.pack_size

    def _day(self, day: date) -> str:
        """Sometimes it is long past."""
        return (day if self.town.random.random() < 0.9 else day - timedelta(days=4000)).isoformat()
