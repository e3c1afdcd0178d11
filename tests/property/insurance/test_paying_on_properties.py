"""What a payment provider pays on to a pharmacy is what was earned and paid, to the cent, in whatever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.insurance.domain.amounts import Adjudication, LineAmounts
from services.insurance.domain.clearing import CLEARING, ClearingState, prepare
from services.insurance.domain.ledger import (
    Holding,
    Posting,
    authorised_postings,
    booking,
    fee_earned_postings,
    fee_paid_postings,
    fee_requested_postings,
    negated,
    paid_postings,
    settled_postings,
)
from services.insurance.domain.remittance import HeldKind, Sums, held_claims
from tests.property.insurance.test_remittance_properties import batch, line_of

DAY = date(2026, 3, 2)
CHANNEL, INSURER, PHARMACY, OFFICER = "simulated", "I310100", "P31010100001", "officer-1"
fen = st.integers(min_value=0, max_value=900_000)
parts = st.fixed_dictionaries({"patient": st.integers(1, 900_000)}, optional={"hifp": fen, "acct": fen, "hosp": fen})
found_lines = st.lists(parts, min_size=1, max_size=3)
MOVES = ("pay", "pay the rest", "earn", "take back")
ways = st.permutations(MOVES)
claims = st.tuples(found_lines, ways, st.integers(1, 99))
fees = st.tuples(st.integers(1, 9_000), ways)


@dataclass(frozen=True)
class Move:
    """What one event moved of a claim or a fee: what is booked, and what the provider holds since."""

    claim_id: UUID
    kind: HeldKind
    lines: tuple[LineAmounts, ...]
    postings: tuple[Posting, ...]
    holdings: tuple[Holding, ...]


def claim_moves(claim_id: UUID, found: list[dict[str, int]], way: Any, percent: int) -> Iterator[Move]:
    """A claim that is paid in two parts, earned and taken back in some order; what is taken back takes nothing more."""
    lines = tuple(line_of(number, each) for number, each in enumerate(found, 1))
    amounts = Adjudication(policy="p", lines=lines)
    booked = authorised_postings(amounts, PHARMACY, INSURER)
    yield Move(claim_id, "share", lines, booked, ())
    share = amounts.paid_by("patient")
    first = share * percent // 100
    for what in way:
        postings = {
            "pay": paid_postings(first, CHANNEL),
            "pay the rest": paid_postings(share - first, CHANNEL),
            "earn": settled_postings(amounts.total, PHARMACY),
            "take back": negated(booked),
        }[what]
        done = booking(booked, postings)
        booked += postings
        yield Move(claim_id, "share", lines, done["postings"], done["holdings"])
        if what == "take back":
            return


def fee_moves(payment_id: UUID, fee: int, way: Any) -> Iterator[Move]:
    booked = fee_requested_postings(fee, PHARMACY)
    yield Move(payment_id, "delivery_fee", (), booked, ())
    for what in way:
        postings = {
            "pay": fee_paid_postings(fee, CHANNEL),
            "pay the rest": (),
            "earn": fee_earned_postings(fee, PHARMACY),
            "take back": negated(booked),
        }[what]
        done = booking(booked, postings)
        booked += postings
        yield Move(payment_id, "delivery_fee", (), done["postings"], done["holdings"])
        if what == "take back":
            return


@st.composite
def days(draw: st.DrawFn) -> list[Move]:
    """All moves of several claims and fees, each in its own order, mixed in any order."""
    ways_of_all = [
        list(claim_moves(UUID(int=number), *each)) for number, each in enumerate(draw(st.lists(claims, max_size=4)), 1)
    ]
    ways_of_all += [
        list(fee_moves(UUID(int=100 + number), *each)) for number, each in enumerate(draw(st.lists(fees, max_size=3)))
    ]
    turns = draw(st.permutations([number for number, way in enumerate(ways_of_all) for _ in way]))
    waiting = [iter(way) for way in ways_of_all]
    return [next(waiting[turn]) for turn in turns]


def paid_out(moves: list[Move], cuts: list[bool], withdrawn: list[bool]) -> tuple[ClearingState, Counter[str], int]:
    """The batches of a run that is cut wherever it is cut, the books after all of it, and what was transferred."""
    state: ClearingState = CLEARING.initial
    books: Counter[str] = Counter()
    held: list[tuple[int, Move, Holding]] = []
    transferred = 0
    for position, move in enumerate(moves, 1):
        book(books, move.postings)
        held += [(position, move, holding) for holding in move.holdings]
        last = position == len(moves)
        if not held or not (cuts[position % len(cuts)] or last):
            continue
        sums = Sums(brought_forward=state.owed)
        for place, about, holding in held:
            assert (holding.channel, holding.pharmacy) == (CHANNEL, PHARMACY)
            for claim in held_claims(place, about.claim_id, about.kind, about.lines, holding.before, holding.after):
                sums.add(claim)
        assert sums.charge - sum(sums.adjustments.values()) == sums.paid == sum(sums.payers.values())
        assert sums.paid - sum(amount for _code, amount in sums.provider_adjustments()) == sums.transferred >= 0
        prepared = prepare(state, CHANNEL, PHARMACY, DAY, sums, OFFICER, "provider")
        is_withdrawn = withdrawn[position % len(withdrawn)] and not last
        state, event = batch(state, prepared, sums, is_withdrawn=is_withdrawn)
        if event is None:
            continue
        book(books, event.postings)
        held, transferred = [], transferred + sums.transferred
    return state, books, transferred


def book(books: Counter[str], postings: tuple[Posting, ...]) -> None:
    for posting in postings:
        books[posting.account] += posting.amount


def stands(moves: list[Move]) -> int:
    """Fen that were earned and paid and not taken back, counted without looking at what was booked when."""
    last = {(move.claim_id, holding.channel): holding.after for move in moves for holding in move.holdings}
    return sum(last.values())


flags = st.lists(st.booleans(), min_size=3, max_size=9)


@given(days(), flags, flags)
def test_what_is_paid_out_is_what_was_earned_and_paid(
    moves: list[Move], cuts: list[bool], withdrawn: list[bool]
) -> None:
    state, books, transferred = paid_out(moves, cuts, withdrawn)

    assert transferred - state.owed == stands(moves)
    assert sum(books.values()) == 0
    assert books[f"carried.{PHARMACY}"] == -state.owed

    # and the provider has left what nobody has earned, the pharmacy what others owe it
    left: Counter[str] = Counter()
    ends: dict[UUID, Counter[str]] = {}
    for move in moves:
        book(ends.setdefault(move.claim_id, Counter()), move.postings)
    for end in ends.values():
        earned = end[f"payable.{PHARMACY}"] or end[f"fee.payable.{PHARMACY}"]
        left["provider"] += 0 if earned else end[f"provider.{CHANNEL}"]
        left["others"] += end[f"payable.{PHARMACY}"] + (end[f"provider.{CHANNEL}"] if earned else 0)
        left["others"] += end[f"fee.payable.{PHARMACY}"]
    assert books[f"provider.{CHANNEL}"] == left["provider"]
    payables = books[f"payable.{PHARMACY}"] + books[f"fee.payable.{PHARMACY}"]
    assert payables + books[f"carried.{PHARMACY}"] == left["others"]


@given(found_lines, st.integers(1, 99), st.permutations(("pay", "pay the rest", "earn")))
def test_the_order_of_paying_and_earning_makes_no_difference(
    found: list[dict[str, int]], percent: int, way: list[str]
) -> None:
    share = sum(each["patient"] for each in found)
    moves = list(claim_moves(UUID(int=1), found, way, percent))

    state, books, transferred = paid_out(moves, [True], [False])

    assert (transferred, state.owed, books[f"provider.{CHANNEL}"]) == (share, 0, 0)


@given(found_lines, st.data())
def test_what_comes_in_parts_is_corrected_exactly(found: list[dict[str, int]], data: st.DataObject) -> None:
    lines = [line_of(number, each) for number, each in enumerate(found, 1)]
    share = sum(each["patient"] for each in found)
    steps = sorted(data.draw(st.lists(st.integers(1, share), max_size=3)))
    shown: Counter[tuple[int, str]] = Counter()
    for before, after in zip([0, *steps], [*steps, 0], strict=True):
        for claim in held_claims(1, UUID(int=1), "share", lines, before, after) if before != after else ():
            assert claim.charge - sum(claim.adjustments.values()) == claim.paid
            for line in claim.lines:
                assert line.charge - sum(each.amount for each in line.adjustments) == line.paid
                assert line.paid * (1 if claim.status == "1" else -1) >= 0
                shown[line.line, "charge"] += line.charge
                shown[line.line, "paid"] += line.paid
    assert not any(shown.values())
