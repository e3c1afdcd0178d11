"""What must hold of claims, payments and accumulators; see `invariants`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from rxflow.simulation.books import AllBooks, Books
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.audit.case import AUDIT
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.ledger import balances, refund_awaited_postings
from services.insurance.domain.payment import PAYMENT, PaymentState

ENDED = {"voided", "reversed"}
PAID_NO_MORE = {"failed", "refunded", "expired", "carried_over"}
STANDING = {"authorised(cleared)", "settled", "voiding", "reversing", "disputed"}
BOOKED = {"authorised", *STANDING}
HANDED = {"in_hands", "partly_received"}
"""The patient has it, or the part that was accepted while the rest is on its way back."""


def money_always(books: AllBooks) -> Iterator[str]:
    """One claim at most stands for a supply; what is settled is in hands, and not more than that."""
    insurance = books["insurance"]
    claims = insurance.states(CLAIM)
    in_hands = {
        supply_id: supply
        for state in books["dispatch"].states(FULFILMENTS)
        for supply_id, supply in state.supplies.items()
    }
    shares = {each.requested.claim_id: each for each in insurance.states(PAYMENT) if not each.is_fee}
    for claim in claims:
        yield from _ledger_is_zero(claim, shares.get(_id(claim), PaymentState()))
        yield from _every_fen_is_explained(claim)
        if claim.state == "settled":
            supply = in_hands[claim.opened.supply.supply_id]
            claimed, handed = sum(line.counted for line in claim.opened.lines), sum(supply.received.values())
            if supply.status not in HANDED or claimed > handed:
                yield f"claim {claim.opened.claim_id} settles {claimed} of supply {supply.supply_id}: {supply.status}"
    standing = Counter(claim.opened.supply.supply_id for claim in claims if _stands(claim))
    for supply_id, count in standing.items():
        if count > 1:
            yield f"{count} claims stand for supply {supply_id}"
    yield from _money_follows_the_claims(insurance, claims)


def _stands(claim: ClaimState) -> bool:
    """Whether it asks for money: one that its patient pays alone takes the place of one whose insurer did not answer
    before that is taken back."""
    replaced = claim.state == "voiding" and claim.replaced_by is not None
    return claim.state not in {*ENDED, "-"} and not replaced


def money_at_rest(books: AllBooks, fulfilments: Mapping[UUID, Any]) -> Iterator[str]:
    """What was undone is voided, or its insurer has not answered yet and is asked again."""
    claims = {c.opened.supply.supply_id: c for c in books["insurance"].states(CLAIM) if c.replaced_by is None}
    for state in fulfilments.values():
        for supply in state.supplies.values():
            claim = claims.get(supply.supply_id)
            asked = claim is not None and claim.next_inquiry_at is not None
            if supply.status == "undone" and claim is not None and claim.state not in ENDED and not asked:
                yield f"supply {supply.supply_id} is undone, its claim {claim.state}"
            if supply.status == "in_hands" and claim is None:
                yield f"supply {supply.supply_id} is in the patient's hands and nobody is asked to pay"


def money_at_the_end(books: AllBooks) -> Iterator[str]:
    """Nothing is kept back any more, but for a claim billed anew, whose patient has the supply and owes the share, and
    for one that waits for what an officer says of a trace code that was met twice. Every insurer has answered; every
    payment provider has, or a task about it is open."""
    claims = {_id(claim): claim for claim in books["insurance"].states(CLAIM)}
    for name, claim in claims.items():
        if claim.next_inquiry_at is not None:
            yield f"claim {name} is {claim.state} and its insurer is asked again at {claim.next_inquiry_at}"
    yield from nobody_called(books["insurance"])
    in_hands = {
        supply_id
        for state in books["dispatch"].states(FULFILMENTS)
        for supply_id, supply in state.supplies.items()
        if supply.status == "in_hands"
    }
    audits = books["insurance"].states(AUDIT)
    suspected = {audit.flagged.claim_id for audit in audits if audit.flagged and audit.holds_settlement}
    for found in books["insurance"].states(ACCUMULATOR):
        for claim_id in sorted(found.reserved.keys() - suspected):
            claim = claims[claim_id]
            if claim.state != "authorised" or claim.opened.supply.supply_id not in in_hands:
                yield f"an accumulator still reserves for claim {claim_id}, which is {claim.state}"


def nobody_called(insurance: Books) -> Iterator[str]:
    """Payments and refunds without an outcome, about which no task is open."""
    for payment in insurance.states(PAYMENT):
        if payment.outcome_unknown and payment.task.opened is None:
            yield f"a payment of claim {payment.requested.claim_id} is not answered, asked at {payment.next_inquiry_at}"


def _id(claim: ClaimState) -> UUID:
    if claim.opened is None:
        raise ValueError("a claim begins by being opened")
    return claim.opened.claim_id


def _every_fen_is_explained(claim: ClaimState) -> Iterator[str]:
    """A line's four parts, and what its payers pay, come to its amount; the lines to the claim."""
    for line in claim.adjudication.lines if claim.adjudication else ():
        parts = [each.amount for each in (line.own_pay, line.over_limit, line.first_self_pay, line.in_scope)]
        payers = [each.amount for each in line.payers]
        if not sum(parts) == sum(payers) == line.total or min(*parts, *payers) < 0:
            yield f"claim {_id(claim)} line {line.line}: {line.total} fen are {parts} and are paid {payers}"


def _ledger_is_zero(claim: ClaimState, share: PaymentState) -> Iterator[str]:
    """The postings of a claim come to zero; a voided one holds nothing but what its provider has while it is silent, a
    settled one nothing from the patient."""
    left, name = balances(claim.postings), _id(claim)
    if sum(left.values()):
        yield f"claim {name}: the postings come to {sum(left.values())}: {left}"
    awaited = balances(refund_awaited_postings(share.held, str(share.channel))) if share.outcome_unknown else {}
    if claim.state in ENDED and left != awaited:
        yield f"claim {name} is {claim.state} and holds {left}, where a refund of {awaited} waits"
    if claim.state == "settled":
        open_accounts = [e for e in left if (e == "receivable.patient" and not _owed(claim)) or e.startswith("held.")]
        if open_accounts:
            yield f"claim {name} is settled and holds {left}"


def _owed(claim: ClaimState) -> bool:
    """Whether the patient may have the supply and not have paid: it was handed out on credit, the share of what was
    billed anew was left owed at its deadline, or what the insurer would not authorise for what stays with the patient
    was settled by an officer's word."""
    by_an_officer = claim.decided is not None and claim.dispute is not None and claim.dispute.about == "authorisation"
    return claim.cleared == "credit" or by_an_officer


def _unanswered(payment: PaymentState) -> bool:
    """Whether only the provider's word can end it, be it of the payment or of its refund."""
    return payment.outcome_unknown and (payment.state == "requested" or payment.refund is not None)


def _fee_is_explained(fee: PaymentState) -> Iterator[str]:
    """The postings of a delivery fee come to zero; one that went back, or was dropped, holds nothing."""
    left = balances(fee.postings)
    if sum(left.values()) or (left and (fee.dropped or fee.state == "refunded")):
        yield f"a delivery fee is {fee.state} and holds {left}"


def _money_follows_the_claims(insurance: Books, claims: list[ClaimState]) -> Iterator[str]:
    """Payments and reservations stand as their claims do: paid for what is cleared, given back for what is voided. A
    task is open about a payment for as long as its provider leaves it open."""
    by_id = {_id(claim): claim for claim in claims}
    for payment in insurance.states(PAYMENT):
        if payment.task.opened is not None and not payment.outcome_unknown:
            yield f"a payment of claim {payment.requested.claim_id} is {payment.state}, and a task about it is open"
        if payment.is_fee:
            yield from _fee_is_explained(payment)
            continue
        claim = by_id[payment.requested.claim_id]
        wrong = (
            (claim.state in {"authorised(cleared)", "settled"} and payment.state != "paid" and not _owed(claim))
            or (claim.state in ENDED and payment.state not in PAID_NO_MORE and not _unanswered(payment))
            or (payment.state == "paid" and claim.state not in STANDING and not _unanswered(payment))
        )
        if wrong:
            yield f"payment of claim {_id(claim)} is {payment.state}, the claim {claim.state}"
    for found in insurance.states(ACCUMULATOR):
        for claim_id in found.reserved:
            if by_id[claim_id].state not in BOOKED:
                yield f"claim {claim_id} is {by_id[claim_id].state} and reserves from an accumulator"
