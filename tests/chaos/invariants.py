"""What must hold at the end, from outside. Pure: over what the public APIs answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rxflow.play.journey import FINAL
from tests.chaos.notes import Accepted, Breach
from tests.chaos.seen import Picture, Seen, Shelf

OUT = frozenset({"dispensed", "with_courier", "in_hands"})
"""Supplies whose packs are not on the shelf."""
VOID = frozenset({"voided", "reversed", "refused"})
"""Claims that ask for nothing any more."""
BECAME: Mapping[str, str] = {
    "settled": "completed",
    "refused": "refused",
    "cancelled": "cancelled",
    "given up and cancelled": "cancelled",
    "waits for its patient": "expired",
}
"""How a story ended -> what the prescription is at last."""
ONCE = frozenset({"dispatch.fulfilment_opened.v1", "dispatch.fulfilment_closed.v1", "review.case_refused.v1"})
"""What happens to a prescription with one instalment at most once."""


def breaches(picture: Picture, accepted: Iterable[Accepted]) -> Iterator[Breach]:
    """Everything that is lost, doubled or wrong."""
    for seen in picture.prescriptions:
        if seen.trouble or not seen.prescription:
            yield Breach("lost", f"{seen.prescription_id} cannot be read: {seen.trouble}", seen.begun_at)
            continue
        yield from _ended(seen)
        yield from _quantities(seen)
        yield from _supplies(seen)
        yield from _claims(seen)
        yield from _trace(seen)
    yield from _codes(picture.prescriptions)
    yield from _shelves(picture)
    yield from _acceptances(picture.prescriptions, accepted)
    for insurer, balance in picture.balances.items():
        if balance:
            yield Breach("wrong", f"the ledger of {insurer} is {balance} fen off zero")


def _ended(seen: Seen) -> Iterator[Breach]:
    status, wanted = seen.prescription["status"], BECAME.get(seen.ended)
    waits = [supply["supply_id"] for supply in seen.supplies if supply["status"] == "with_courier"]
    if status not in FINAL and not waits:
        yield Breach("lost", f"{seen.prescription_id} is {status} and waits for nobody", seen.begun_at)
    elif wanted and status != wanted:
        yield Breach("lost", f"{seen.prescription_id} ended as {seen.ended} and is {status}", seen.begun_at)


def _quantities(seen: Seen) -> Iterator[Breach]:
    """Each unit is in one of the seven buckets, and both services say in which."""
    told = {line["line"]: line for line in seen.prescription["lines"]}
    for number, line in told.items():
        if sum(line["buckets"].values()) != line["quantity"]:
            yield Breach(
                "wrong", f"{seen.prescription_id} line {number}: {line['buckets']} of {line['quantity']}", seen.begun_at
            )
    for fulfilment in seen.fulfilments:
        for line in fulfilment["lines"]:
            other = told[line["line"]]["buckets"]
            if {name: other.get(name) for name in line["buckets"]} != line["buckets"]:
                yield Breach(
                    "lost",
                    f"{seen.prescription_id} line {line['line']}: dispatch says {line['buckets']}, prescribe {other}",
                    seen.begun_at,
                )
            in_hands = _handed(fulfilment, line["line"])
            if line["buckets"]["in_hands"] != in_hands:
                yield Breach(
                    "wrong",
                    f"{seen.prescription_id} line {line['line']}: supplies hold {in_hands}, {line['buckets']}",
                    seen.begun_at,
                )


def _handed(fulfilment: Mapping[str, Any], line: int) -> int:
    return sum(
        row["quantity"]
        for supply in fulfilment["supplies"]
        if supply["status"] == "in_hands"
        for row in supply["lines"]
        if row["line"] == line
    )


def _supplies(seen: Seen) -> Iterator[Breach]:
    for supply in seen.supplies:
        if supply["status"] == "in_hands" and not supply["cleared"]:
            yield Breach("wrong", f"supply {supply['supply_id']} was handed out uncleared", seen.begun_at)


def _claims(seen: Seen) -> Iterator[Breach]:
    """One claim stands for each supply, asks for no more than was handed over, is paid once, and books to zero."""
    standing: Counter[str] = Counter()
    supplies = {supply["supply_id"]: supply for supply in seen.supplies}
    for claim in seen.claims:
        name, supply_id = claim["claim_id"], str(claim["supply_id"])
        standing[supply_id] += claim["state"] not in VOID
        if sum(posting["amount"] for posting in claim["postings"]):
            yield Breach("wrong", f"claim {name} does not book to zero", seen.begun_at)
        shares = [payment for payment in claim["payments"] if payment.get("item", "share") == "share"]
        paid = [payment for payment in shares if payment["status"] == "paid"]
        if len(paid) > 1:
            yield Breach("doubled", f"claim {name} was paid {len(paid)} times", seen.begun_at)
        if claim["state"] != "settled":
            continue
        if claim.get("patient_share") and not paid:
            yield Breach("wrong", f"claim {name} is settled and its share is not paid", seen.begun_at)
        supply = supplies[supply_id]
        handed = sum(row["quantity"] for row in supply["lines"])
        if supply["status"] != "in_hands" or sum(line["quantity"] for line in claim["claimed"]) > handed:
            yield Breach("wrong", f"claim {name} is settled for more than was handed over", seen.begun_at)
    for supply_id, count in standing.items():
        if count > 1:
            yield Breach("doubled", f"supply {supply_id} is claimed {count} times", seen.begun_at)
    for supply_id, supply in supplies.items():
        settled = [c for c in seen.claims if str(c["supply_id"]) == supply_id and c["state"] == "settled"]
        if supply["status"] == "in_hands" and not settled:
            yield Breach("lost", f"supply {supply_id} was handed out and no claim is settled", seen.begun_at)


def _trace(seen: Seen) -> Iterator[Breach]:
    proofs = Counter((event["proof"]["stream"], event["proof"]["seq"]) for event in seen.trace)
    for (stream, number), count in proofs.items():
        if count > 1:
            yield Breach("doubled", f"{seen.prescription_id}: {stream} {number} is told {count} times", seen.begun_at)
    types = Counter(event["type"] for event in seen.trace)
    for name in ONCE:
        if types[name] > 1:
            yield Breach("doubled", f"{seen.prescription_id}: {types[name]} times {name}", seen.begun_at)


def _codes(prescriptions: Iterable[Seen]) -> Iterator[Breach]:
    """Every pack is sold once."""
    given: defaultdict[str, list[Seen]] = defaultdict(list)
    for seen in prescriptions:
        for supply in seen.supplies:
            if supply["status"] in OUT:
                for row in supply["lines"]:
                    for code in row["trace_codes"]:
                        given[code].append(seen)
    for code, sold in given.items():
        if len(sold) > 1:
            yield Breach("doubled", f"trace code {code} is sold {len(sold)} times", sold[-1].begun_at)


def _shelves(picture: Picture) -> Iterator[Breach]:
    """Stock is what came in and did not go out; nothing is reserved for what has ended."""
    gone: Counter[Shelf] = Counter()
    for seen in picture.prescriptions:
        for supply in seen.supplies:
            if supply["status"] in OUT:
                for row in supply["lines"]:
                    gone[supply["pharmacy"], row["product"]] += row["quantity"]
    ended = all(seen.prescription.get("status") in FINAL for seen in picture.prescriptions)
    for shelf, quantity in picture.received.items():
        row = picture.stock.get(shelf, {"on_hand": 0, "reserved": 0})
        if row["on_hand"] != quantity - gone[shelf]:
            kind = "lost" if row["on_hand"] < quantity - gone[shelf] else "doubled"
            yield Breach(kind, f"{shelf}: {row['on_hand']} on hand, {quantity} received, {gone[shelf]} dispensed")
        if ended and row["reserved"]:
            yield Breach("lost", f"{shelf}: {row['reserved']} reserved for nobody")


def _acceptances(prescriptions: Iterable[Seen], accepted: Iterable[Accepted]) -> Iterator[Breach]:
    """What was accepted at the counter and at the till is so."""
    status = {supply["supply_id"]: supply["status"] for seen in prescriptions for supply in seen.supplies}
    paid = {
        str(payment["payment_id"]): payment["status"]
        for seen in prescriptions
        for claim in seen.claims
        for payment in claim["payments"]
    }
    for each in accepted:
        parts = each.sent.path.split("/")
        match parts[-1]:
            case "hand-out" if status.get(parts[-2]) != "in_hands":
                yield Breach("lost", f"hand-out of {parts[-2]} was accepted; it is {status.get(parts[-2])}", each.at)
            case "pay" if paid.get(parts[-2]) != "paid":
                yield Breach("lost", f"payment {parts[-2]} was accepted; it is {paid.get(parts[-2])}", each.at)
