"""Goods of a pharmacy: orders with suppliers, counts, transfers between pharmacies; and the supplier's own side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rxflow.client.people import User
from rxflow.client.transport import Reply

Lines = Sequence[Mapping[str, Any]]


class Trader(User):
    """Either side of an order; a pharmacy writes down what a supplier says that has no access."""

    def orders(self) -> Iterator[dict[str, Any]]:
        """By number; of a supplier those of every pharmacy."""
        return self.pages("dispatch", "/orders")

    def order(self, order_id: str) -> dict[str, Any]:
        return self.session.read("dispatch", f"/orders/{order_id}")

    def confirm_order(self, order_id: str, lines: Lines) -> Reply:
        """`lines`: line, confirmed, back_ordered, short, promised_at; together what is open."""
        return self.session.command("dispatch", f"/orders/{order_id}/confirmations", _of(lines))

    def leave_short(self, order_id: str, lines: Sequence[int], reason: str) -> Reply:
        """The rest of these lines does not come."""
        body = {"lines": list(lines), "reason": reason}
        return self.session.command("dispatch", f"/orders/{order_id}/shortfalls", body)


class Supplier(Trader):
    """A wholesaler's own access."""


class Stockroom(Trader):
    """A pharmacist who orders, receives, counts, and gives to other pharmacies or takes from them."""

    def place_order(self, order_no: str, supplier: str, lines: Lines) -> dict[str, Any]:
        """`lines`: line, product, requested in base units. The same again changes nothing."""
        body = {"order_no": order_no, "supplier": supplier, **_of(lines)}
        return self.session.command("dispatch", "/orders", body).body

    def receive_goods(self, order_id: str, lines: Lines) -> Reply:
        """`lines`: line, lot, expiry, quantity, unit_price; on the shelf at once."""
        return self.session.command("dispatch", f"/orders/{order_id}/receipts", _of(lines))

    def cancel_order(self, order_id: str, lines: Sequence[int], reason: str) -> Reply:
        """The rest of these lines is not wanted any more."""
        body = {"lines": list(lines), "reason": reason}
        return self.session.command("dispatch", f"/orders/{order_id}/cancellations", body)

    def item(self, product: str) -> dict[str, Any]:
        """One product by lot."""
        return self.session.read("dispatch", "/stock/item", product=product)

    def count(self, product: str, lots: Lines, *, complete: bool = False) -> Reply:
        """`lots`: lot, expiry, quantity as found; `complete`: others are not there."""
        body = {"product": product, "lots": [dict(each) for each in lots], "complete": complete}
        return self.session.command("dispatch", "/stock/counts", body)

    def transfers(self) -> Iterator[dict[str, Any]]:
        """Proposed to this pharmacy while a drug is short, as giver or taker; the newest first."""
        return self.pages("dispatch", "/transfers")

    def agree_to_transfer(self, transfer_id: str) -> Reply:
        return self.session.command("dispatch", f"/transfers/{transfer_id}/answers", {"accept": True})

    def decline_transfer(self, transfer_id: str, reason: str) -> Reply:
        """Until it is sent."""
        body = {"accept": False, "reason": reason}
        return self.session.command("dispatch", f"/transfers/{transfer_id}/answers", body)

    def send_transfer(self, transfer_id: str) -> Reply:
        """The giver books the packs out."""
        return self.session.command("dispatch", f"/transfers/{transfer_id}/send")

    def receive_transfer(self, transfer_id: str) -> Reply:
        """The taker books in what was sent."""
        return self.session.command("dispatch", f"/transfers/{transfer_id}/receive")


def _of(lines: Lines) -> dict[str, Any]:
    return {"lines": [dict(line) for line in lines]}
