"""What must hold of payments, bills, years and personal accounts beside the claims they belong to; see `invariants`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID

from rxflow.simulation.books import AllBooks, Books
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import Supply
from services.insurance.adapters.simulated_payments import DECLINED_PREFIX
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.ledger import PROVIDER, REFUND, balances
from services.insurance.domain.member import MEMBER
from services.insurance.domain.payment import PAYMENT
from services.insurance.domain.payment_events import (
    PaymentCarriedOver,
    PaymentCovered,
    PaymentPaid,
    PaymentRefunded,
)

OF_THE_YEAR, OF_THE_ACCOUNT = "hifp", "acct"
"""Payers whose part counts towards the limits of a member's year, or comes out of the personal account."""
BY_THE_PHARMACY = "hosp"


def payments_are_true(insurance: Books) -> Iterator[str]:
    """A share or a fee is paid by nothing that the provider declined, given back only when it was paid, and booked with
    the provider as long as it is. What counts for another claim left the one and came to the other: what was paid, less
    what went back and what was carried away, is what is booked."""
    claims = _claims(insurance)
    carried: Counter[tuple[UUID, UUID]] = Counter()
    for stream in insurance.of(PAYMENT):
        requested, held, covered = stream.state.requested, 0, 0
        for event in stream.events:
            match event:
                case PaymentPaid(reference=reference):
                    held = requested.amount
                    if reference.startswith(DECLINED_PREFIX):
                        yield f"payment {stream.stream_id} is paid by {reference}, which the provider declines"
                case PaymentCovered():
                    held = covered = event.amount
                    carried[event.by, stream.stream_id] -= event.amount
                case PaymentCarriedOver():
                    carried[stream.stream_id, event.to] += event.amount
                    left = sum(each.amount for each in event.awaited)
                    if (went := event.amount + event.refunded) != held - left:
                        yield f"payment {stream.stream_id} held {held}, of which {went} went"
                    held = left
                case PaymentRefunded():
                    if not held:
                        yield f"payment {stream.stream_id} was given back and had not been paid"
                    held = 0
        postings = stream.state.postings if stream.state.is_fee else claims[requested.claim_id].postings
        booked = sum(each.amount for each in postings if each.account.startswith(PROVIDER))
        if booked != held:
            state = f"over {requested.amount}, {covered} of it paid before, is {stream.state.state}"
            yield f"payment {stream.stream_id} {state}: {held} are paid, {booked} are booked"
    for (one, other), amount in carried.items():
        if amount:
            yield f"{amount} more were carried from payment {one} than came to {other}"


def years_follow_the_claims(insurance: Books) -> Iterator[str]:
    """Of a member's year and personal account is taken what the claims that stand took, and nothing for others."""
    pooled: Counter[UUID] = Counter()
    for year in insurance.states(ACCUMULATOR):
        for claim_id, figures in [*year.reserved.items(), *year.settled.items()]:
            pooled[claim_id] += figures.pooled_paid + sum(each.pooled_paid for each in figures.counters.values())
    account: Counter[UUID] = Counter()
    for member in insurance.states(MEMBER):
        account.update(member.reserved)
        account.update(member.payments)
    for claim_id, claim in _claims(insurance).items():
        if claim.decided is not None:  # by a person, who may have moved it elsewhere
            continue
        booked = balances(claim.postings)  # a refund that waits for its provider takes nothing of the year
        amounts = claim.adjudication if any(not each.startswith((PROVIDER, REFUND)) for each in booked) else None
        wanted = (amounts.paid_by(OF_THE_YEAR), amounts.paid_by(OF_THE_ACCOUNT)) if amounts else (0, 0)
        if amounts and amounts.paid_by(BY_THE_PHARMACY):
            wanted = (0, wanted[1])
        if (pooled[claim_id], account[claim_id]) != wanted:
            taken = (pooled[claim_id], account[claim_id])
            yield f"claim {claim_id} is {claim.state}: {taken} of year and account are taken, {wanted} are due"


def billed_is_dispensed(books: AllBooks) -> Iterator[str]:
    """A first claim bills what was dispensed, line by line, at the prices of that moment."""
    supplies = _supplies(books)
    for claim_id, claim in _claims(books["insurance"]).items():
        opened = claim.opened
        if opened is None or opened.attempt > 1:
            continue
        billed: Counter[tuple[int, str]] = Counter()
        for line in opened.lines:
            billed.update({(line.line, "quantity"): line.counted, (line.line, "amount"): line.amount})
        given: Counter[tuple[int, str]] = Counter()
        for row in supplies[opened.supply.supply_id].lines:
            given.update({(row.line, "quantity"): row.counted, (row.line, "amount"): row.amount})
        if billed != given:
            yield f"claim {claim_id} bills {dict(billed)} of supply {opened.supply.supply_id}, which is {dict(given)}"


def settled_is_in_hands(books: AllBooks) -> Iterator[str]:
    """What is settled, and nobody has decided about, the patient has taken and not brought back, line by line."""
    supplies = _supplies(books)
    for claim_id, claim in _claims(books["insurance"]).items():
        if claim.state != "settled" or claim.decided is not None or claim.opened is None:
            continue
        supply = supplies[claim.opened.supply.supply_id]
        billed: Counter[int] = Counter()
        for line in claim.opened.lines:
            billed[line.line] += line.counted
        has = {line: supply.received.get(line, 0) - supply.taken_back.get(line, 0) for line in billed}
        if any(quantity > has[line] for line, quantity in billed.items()):
            yield f"claim {claim_id} settles {dict(billed)} of supply {supply.supply_id}; its patient has {has}"


def _claims(insurance: Books) -> Mapping[UUID, ClaimState]:
    return {state.opened.claim_id: state for state in insurance.states(CLAIM)}


def _supplies(books: AllBooks) -> Mapping[UUID, Supply]:
    fulfilments = books["dispatch"].states(FULFILMENTS)
    return {supply_id: supply for state in fulfilments for supply_id, supply in state.supplies.items()}
