"""Whatever order dispatch's events about a supply arrive in, and however often: the money comes to the same."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.insurance.application.claims import (
    note_supply_received,
    note_supply_taken_back,
    note_supply_undone,
    open_for_supply,
)
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.application.reactions import dispensed_supply
from services.insurance.domain.accumulator import accumulator_of
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import PayShare, fee_of
from tests.unit.insurance.memory import (
    ADMIN,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    recorded,
)

FEE = 600
DISPENSED = {1: 20, 2: 30, 3: 10}
ATTEMPTS = range(1, 16)


def quantities(amounts: dict[int, int]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line=line, quantity=quantity) for line, quantity in amounts.items() if quantity)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, dict[int, int], dict[int, int]]]:
    """What may happen to a supply: a part is accepted and the rest inspected in pieces; some of it comes back later."""
    accepted = {line: 10 * draw(st.integers(0, packs // 10)) for line, packs in DISPENSED.items()}
    rejected = {line: packs - accepted[line] for line, packs in DISPENSED.items()}
    told: list[tuple[str, dict[int, int], dict[int, int]]] = []
    if any(accepted.values()):
        told.append(("received", accepted, rejected))
    told += [("undone", {line: back}, {}) for line, back in rejected.items() if back]
    taken = {line: 10 * draw(st.integers(0, packs // 10)) for line, packs in accepted.items()}
    told += [("taken_back", {line: back}, {}) for line, back in taken.items() if back]
    return told


def played(story: list[tuple[str, dict[int, int], dict[int, int]]], order: list[int]) -> Memory:
    """The story's events in an order of their numbers; 0 is the dispensing."""
    memory = insured_world(account_balance=10_000_000)
    memory.run(recorded("delivery_tariff", "310100", {"fee": FEE, "source": "fictional"}), ADMIN)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    for number in order:
        if number == 0:
            memory.run(open_for_supply(dispensed_supply(dispensed(way="delivery")), memory.outside))
            pay_what_is_asked(memory)
            continue
        kind, amounts, rejected = story[number - 1]
        message: dict[str, Any] = {"message_id": UUID(int=number)}
        if kind == "received":
            memory.run(
                note_supply_received(
                    SUPPLY, quantities(amounts), memory.outside, rejected=quantities(rejected), **message
                )
            )
        else:
            note = note_supply_undone if kind == "undone" else note_supply_taken_back
            memory.run(note(SUPPLY, quantities(amounts), memory.outside, **message))
        never_above_handed_over(memory, story)
        pay_what_is_asked(memory)
    return memory


def pay_what_is_asked(memory: Memory) -> None:
    """The delivery fee, as soon as it is."""
    payment = fee_of(SUPPLY)
    memory.attempt(pay(PayShare(payment_id=payment.stream_id, reference="WX-0001"), memory.outside), PATIENT_ACTOR)


def never_above_handed_over(memory: Memory, story: list[Any]) -> None:
    handed = Counter[int]()
    for kind, amounts, _ in story:
        if kind == "received":
            handed.update(amounts)
    for claim in claims(memory):
        assert sum(posting.amount for posting in claim.postings) == 0
        if claim.state == "settled" and claim.opened is not None:
            claimed = Counter[int]()
            for line in claim.opened.lines:
                claimed[line.line] += line.quantity
            assert all(quantity <= handed[line] for line, quantity in claimed.items())


def claims(memory: Memory) -> list[Any]:
    found = [memory.claim(attempt) for attempt in ATTEMPTS]
    return [claim for claim in found if claim.state != "-"]


def outcome(memory: Memory) -> dict[str, Any]:
    """All that money shows in the end: accounts over all attempts, the year, the personal account, what is settled."""
    accounts: Counter[str] = Counter()
    for claim in claims(memory):
        for posting in claim.postings:
            accounts[posting.account] += posting.amount
    for posting in memory.state(fee_of(SUPPLY)).postings:
        accounts[posting.account] += posting.amount
    settled = [claim for claim in claims(memory) if claim.state == "settled"]
    assert len(settled) <= 1
    year = memory.loaded(accumulator_of(PATIENT, 2026)).state
    assert not year.reserved
    return {
        "accounts": {name: amount for name, amount in accounts.items() if amount},
        "year": year.used,
        "account": memory.loaded(member_of(PATIENT)).state.account_available,
        "settled": [(line.line, line.quantity, line.amount) for claim in settled for line in claim.opened.lines],
    }


@settings(max_examples=25, deadline=None)
@given(stories(), st.data())
def test_any_order_with_repetitions_comes_to_the_same(story: list[Any], data: st.DataObject) -> None:
    numbers = list(range(len(story) + 1))
    repeated = data.draw(st.lists(st.sampled_from(numbers), max_size=4))
    order = data.draw(st.permutations(numbers + repeated))
    assert outcome(played(story, order)) == outcome(played(story, numbers))


@example([("received", {1: 20, 2: 30, 3: 10}, {})])
@settings(max_examples=15, deadline=None)
@given(stories())
def test_what_is_settled_is_what_the_patient_kept(story: list[Any]) -> None:
    kept = Counter[int]()
    for kind, amounts, _ in story:
        if kind == "received":
            kept.update(amounts)
        elif kind == "taken_back":
            kept.subtract(amounts)
    memory = played(story, list(range(len(story) + 1)))
    earned = FEE if any(kept.values()) else 0
    assert -outcome(memory)["accounts"].get(f"fee.payable.{PHARMACY}", 0) == earned
    settled = {line: quantity for line, quantity, _ in outcome(memory)["settled"]}
    assert settled == {line: quantity for line, quantity in kept.items() if quantity}
