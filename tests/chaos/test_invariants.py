"""The invariants over recorded answers: what holds in a whole one, and that each is broken by its own damage."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.chaos.invariants import breaches
from tests.chaos.notes import Accepted, Breach, Sent
from tests.chaos.seen import Picture, Seen, received_by_shelf

SHELF = ("P1", "X1")
BUCKETS = {
    "remaining": 0,
    "held": 0,
    "dispensed": 0,
    "in_hands": 14,
    "replaceable": 0,
    "cancelled": 0,
    "lapsed": 0,
}
SUPPLY = {
    "supply_id": "s1",
    "pharmacy": "P1",
    "status": "in_hands",
    "cleared": True,
    "lines": [{"line": 1, "product": "X1", "quantity": 14, "trace_codes": ["c1", "c2"]}],
}
CLAIM = {
    "claim_id": "k1",
    "supply_id": "s1",
    "state": "settled",
    "patient_share": 300,
    "claimed": [{"line": 1, "quantity": 14}],
    "postings": [{"account": "a", "amount": 900}, {"account": "b", "amount": -900}],
    "payments": [{"payment_id": "y1", "status": "paid"}],
}
EVENT = {"type": "dispatch.fulfilment_closed.v1", "proof": {"stream": "f1", "seq": 3}}


def settled() -> Seen:
    """Issued, fetched, settled: as its doctor and its patient read it."""
    return deepcopy(
        Seen(
            prescription_id="p1",
            ended="settled",
            begun_at=5.0,
            prescription={"status": "completed", "lines": [{"line": 1, "quantity": 14, "buckets": dict(BUCKETS)}]},
            fulfilments=[{"lines": [{"line": 1, "buckets": dict(BUCKETS)}], "supplies": [SUPPLY]}],
            claims=[CLAIM],
            trace=[EVENT],
        )
    )


def picture(*seen: Seen) -> Picture:
    gone = 14 * len(seen)
    return Picture(seen, {SHELF: 100}, {SHELF: {"on_hand": 100 - gone, "reserved": 0}}, {"I1": 0})


def found(*seen: Seen, accepted: tuple[Accepted, ...] = ()) -> list[Breach]:
    return list(breaches(picture(*seen), accepted))


def accepted(path: str, body: dict[str, Any] | None = None, key: str = "k") -> Accepted:
    claims = base64.urlsafe_b64encode(json.dumps({"org": "P1"}).encode()).decode().rstrip("=")
    headers = {"authorization": f"Bearer head.{claims}.tail"}
    content = json.dumps(body or {}).encode()
    return Accepted(Sent("dispatch", "POST", f"http://h:1{path}", headers, content, key), 200, b"{}", None, 7.0)


def test_a_prescription_that_went_its_way_breaks_nothing() -> None:
    counter = (accepted("/fulfilments/f1/supplies/s1/hand-out"), accepted("/payments/y1/pay"))

    assert found(settled(), accepted=counter) == []


Damage = Callable[[Seen], object]


def _set(where: str, *path: Any, to: Any) -> Damage:
    def damage(seen: Seen) -> None:
        target = getattr(seen, where)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = to

    return damage


DAMAGES: dict[str, tuple[str, str, Damage]] = {
    "not ended": ("lost", "waits for nobody", _set("prescription", "status", to="released")),
    "another end": ("lost", "ended as settled", _set("prescription", "status", to="expired")),
    "a unit too few": ("wrong", "line 1", _set("prescription", "lines", 0, "quantity", to=15)),
    "services disagree": (
        "lost",
        "dispatch says",
        _set("fulfilments", 0, "lines", 0, "buckets", to={**BUCKETS, "in_hands": 0, "held": 14}),
    ),
    "uncleared": ("wrong", "uncleared", _set("fulfilments", 0, "supplies", 0, "cleared", to=False)),
    "claimed twice": ("doubled", "claimed 2 times", lambda seen: seen.claims.append({**CLAIM, "claim_id": "k2"})),  # type: ignore[attr-defined]
    "never claimed": ("lost", "no claim is settled", lambda seen: seen.claims.clear()),  # type: ignore[attr-defined]
    "paid twice": (
        "doubled",
        "paid 2 times",
        lambda seen: seen.claims[0]["payments"].append({"payment_id": "y2", "status": "paid"}),
    ),
    "not paid": ("wrong", "share is not paid", _set("claims", 0, "payments", to=[])),
    "off zero": ("wrong", "book to zero", _set("claims", 0, "postings", to=[{"amount": 1}])),
    "settled for more": (
        "wrong",
        "more than was handed",
        _set("claims", 0, "claimed", to=[{"line": 1, "quantity": 28}]),
    ),
    "told twice": ("doubled", "is told 2 times", lambda seen: seen.trace.append(EVENT)),  # type: ignore[attr-defined]
    "closed twice": (
        "doubled",
        "2 times dispatch.fulfilment_closed",
        lambda seen: seen.trace.append({**EVENT, "proof": {"stream": "f1", "seq": 4}}),  # type: ignore[attr-defined]
    ),
    "unreadable": ("lost", "cannot be read", lambda seen: setattr(seen, "trouble", "404 prescription.unknown")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_and_named(name: str) -> None:
    kind, words, damage = DAMAGES[name]
    seen = settled()

    damage(seen)

    assert any(breach.kind == kind and words in breach.what for breach in found(seen)), found(seen)


def test_a_code_that_is_sold_twice_is_found() -> None:
    assert [breach.kind for breach in found(settled(), settled())] == ["doubled", "doubled"]


def test_a_supply_that_is_on_its_way_is_waited_for() -> None:
    seen = settled()
    seen.ended, seen.claims = "", []
    seen.prescription["status"] = "dispensed"  # type: ignore[index]
    seen.fulfilments[0]["supplies"][0]["status"] = "with_courier"

    assert not any("waits for nobody" in breach.what for breach in found(seen))


def test_stock_that_does_not_add_up_and_what_is_reserved_for_nobody_are_found() -> None:
    whole = picture(settled())
    whole.stock = {SHELF: {"on_hand": 72, "reserved": 7}}

    assert [breach.kind for breach in breaches(whole, ())] == ["lost", "lost"]


def test_a_ledger_off_zero_is_found() -> None:
    whole = picture(settled())
    whole.balances = {"I1": 3}

    assert ["fen off zero" in breach.what for breach in breaches(whole, ())] == [True]


def test_what_was_accepted_at_the_counter_and_the_till_must_be_so() -> None:
    seen = settled()
    seen.fulfilments[0]["supplies"][0]["status"] = "undone"
    seen.claims[0]["payments"][0]["status"] = "refunded"
    counter = (accepted("/fulfilments/f1/supplies/s1/hand-out"), accepted("/payments/y1/pay"))

    words = [breach.what for breach in breaches(Picture([seen], {}, {}, {}), counter)]

    assert any("hand-out of s1 was accepted; it is undone" in each for each in words)
    assert any("payment y1 was accepted; it is refunded" in each for each in words)


def test_goods_are_counted_once_per_intent() -> None:
    receipt = accepted("/stock/receipts", {"product": "X1", "quantity": 30})
    again = accepted("/stock/receipts", {"product": "X1", "quantity": 30}, key="another")

    assert received_by_shelf([receipt, receipt, again]) == {SHELF: 60}
