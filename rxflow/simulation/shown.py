"""What must hold of read models, told from the aggregates themselves and not by the projections' own code; see
`invariants`. That a projection made anew says the same proves nothing about what it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from rxflow.simulation.books import AllBooks, Books
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.insurance.domain.claim import CLAIM
from services.insurance.domain.payment import PAYMENT
from services.prescribe.domain.prescription import PRESCRIPTION
from services.prescribe.domain.prescription_events import CancellationAnswered, CancellationUndecided
from services.review.domain.case import CASE
from services.review.domain.case_transitions import OPEN
from services.shortage.domain.case import CASE as SHORTAGE
from services.shortage.domain.heartbeat import is_heartbeat

Rows = Mapping[Any, tuple[Any, ...]]
"""What a list says, or should say, of each of its entries."""
ANSWERS = {"cancellation_answered": CancellationAnswered, "cancellation_undecided": CancellationUndecided}
"""Feedback and what it is about."""


def lists_say_what_is(books: AllBooks) -> Iterator[str]:
    """Lists show what there is, as it is: prescriptions and their feedback, cases that are open, nominations, holds,
    stock by product and lot and all that moved it, claims, payments and their ledger."""
    for name, lists in _LISTS.items():
        for what, shown, known in lists:
            listed, due = shown(books[name]), known(books[name])
            if listed != due:
                wrong = sorted(key for key in {**listed, **due} if listed.get(key) != due.get(key))[:2]
                told = [f"{key}: listed {listed.get(key)}, known {due.get(key)}" for key in wrong]
                yield f"{name}: the list of {what} is wrong: {'; '.join(told)}"


def _id(found: Any) -> str:
    """One database answers with the id, the other with its digits."""
    return str(found if isinstance(found, UUID) else UUID(found))


def _rows(table: str, key: str, *columns: str, where: str = "true") -> Callable[[Books], Rows]:
    def read(book: Books) -> Rows:
        found = book.query(f"SELECT {', '.join((key, *columns))} FROM {table} WHERE {where}")  # noqa: S608 - our own
        return {_id(name): tuple(rest) for name, *rest in found}

    return read


def _each(aggregate: Any, told: Callable[[Any], tuple[Any, ...] | None]) -> Callable[[Books], Rows]:
    def read(book: Books) -> Rows:
        found = {str(stream.stream_id): told(stream.state) for stream in book.of(aggregate)}
        return {name: row for name, row in found.items() if row is not None}

    return read


def _feedback(book: Books) -> Rows:
    found = book.query("SELECT prescription_id, kind, count(*) FROM feedback GROUP BY 1, 2")
    return {f"{_id(name)} {kind}": (count,) for name, kind, count in found if kind in ANSWERS}


def _answers(book: Books) -> Rows:
    told: Counter[str] = Counter()
    for stream in book.of(PRESCRIPTION):
        for kind, event in ANSWERS.items():
            count = sum(isinstance(each, event) for each in stream.events)
            told.update({f"{stream.stream_id} {kind}": count} if count else {})
    return {name: (count,) for name, count in told.items()}


def _lots(book: Books) -> Rows:
    found = book.query("SELECT stock_item_id, lot, on_hand, quarantined FROM stock_lots")
    return {f"{_id(item)} {lot}": tuple(rest) for item, lot, *rest in found if any(rest)}


def _moved(book: Books) -> Rows:
    found = book.query("SELECT stock_item_id, lot, sum(shelf), sum(quarantine) FROM stock_movements GROUP BY 1, 2")
    return {f"{_id(item)} {lot}": tuple(rest) for item, lot, *rest in found if any(rest)}


def _lots_known(book: Books) -> Rows:
    lots = [(stream.stream_id, *lot) for stream in book.of(STOCK_ITEMS) for lot in stream.state.lots.items()]
    known = {f"{item} {name}": (lot.on_hand, lot.quarantined) for item, name, lot in lots}
    return {name: row for name, row in known.items() if any(row)}


def _ledger(book: Books) -> Rows:
    found = book.query("SELECT claim_id, account, sum(debit) - sum(credit) FROM postings GROUP BY 1, 2")
    return {f"{_id(name)} {account}": (amount,) for name, account, amount in found if amount}


def _ledger_known(book: Books) -> Rows:
    booked: Counter[str] = Counter()
    fees = [each for each in book.of(PAYMENT) if each.state.is_fee]
    for stream in [*book.of(CLAIM), *fees]:
        for posting in stream.state.postings:
            booked[f"{stream.stream_id} {posting.account}"] += posting.amount
    return {name: (amount,) for name, amount in booked.items() if amount}


def _prescription(state: Any) -> tuple[Any, ...] | None:
    return None if state.current is None else (str(state.status), state.current.revision)


def _case(state: Any) -> tuple[Any, ...] | None:
    holder = state.holder.person if state.holder else None
    return (state.status, holder, state.level) if state.status in {"opened", *OPEN} else None


def _nominated(state: Any) -> tuple[Any, ...] | None:
    return (state.nominated_pharmacy,) if state.status == "open" else None


def _shortage(state: Any) -> tuple[Any, ...] | None:
    return (state.status,) if state.is_open and not is_heartbeat(state.suspected.drug_key) else None


_LISTS: Mapping[str, tuple[tuple[str, Callable[[Books], Rows], Callable[[Books], Rows]], ...]] = {
    "prescribe": (
        (
            "prescriptions",
            _rows("prescription", "prescription_id", "status", "revision"),
            _each(PRESCRIPTION, _prescription),
        ),
        ("feedback", _feedback, _answers),
    ),
    "review": (("open cases", _rows("review_queue", "case_id", "state", "holder", "level"), _each(CASE, _case)),),
    "dispatch": (
        (
            "nominations",
            _rows("nominated_fulfilments", "fulfilment_id", "pharmacy"),
            _each(FULFILMENTS, _nominated),
        ),
        (
            "stock",
            _rows("stock_levels", "stock_item_id", "on_hand", "reserved"),
            _each(STOCK_ITEMS, lambda state: (state.on_hand, state.level.reserved) if state.product else None),
        ),
        ("lots", _lots, _lots_known),
        ("movements", _moved, _lots_known),
    ),
    "insurance": (
        ("claims", _rows("claims", "claim_id", "state"), _each(CLAIM, lambda state: (state.state,))),
        ("payments", _rows("payments", "payment_id", "status"), _each(PAYMENT, lambda state: (state.state,))),
        ("postings", _ledger, _ledger_known),
    ),
    "shortage": (("open shortages", _rows("open_shortage", "case_id", "state"), _each(SHORTAGE, _shortage)),),
}
