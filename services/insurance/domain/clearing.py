"""ClearingAccount: what an insurer settles with one pharmacy in batches (清算, 拨付), or a payment provider pays on to
it of what patients paid. One batch at a time.

A batch takes what was settled, taken back and recovered since the one before, in the order of the sealed log, and only
its bounds, sums and digest are kept: its claims are read again from the log's projection. A provider's takes the shares
and delivery fees that it holds for what the pharmacy has earned. Source: transactions 3692 (apply), 3691 (withdraw) and
3704 (remittance) of the national platform.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, assert_never, get_args

from services.insurance.domain.ledger import Posting, paid_on_postings, remitted_postings
from services.insurance.domain.reconciliation import Side
from services.insurance.domain.remittance import Sums
from services.seedwork.model import Aggregate, DomainEvent, Immutable, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

BATCH_ENTRIES_MAX = 2_000
"""What is settled beyond it is the next batch's."""


class PayerSum(Immutable):
    """What one payer pays in a batch, in fen; negative where more was taken back than settled."""

    payer: str
    amount: int


class Batch(Immutable):
    """The sums of one batch in fen; its entries lie after `after` and up to `upto` in the sealed log."""

    number: int
    after: int
    upto: int
    until: date
    claims: int
    charge: int
    patient: int
    borne: int
    paid: int
    recovered: int
    brought_forward: int
    carried_forward: int
    transferred: int
    payers: tuple[PayerSum, ...]
    sha256: str
    others: int = 0
    """Of a payment provider's batch: what other payers pay."""


class BatchPrepared(DomainEvent):
    """A batch is applied for."""

    TOPIC: ClassVar[str] = "insurance.clearing.batch_prepared"

    insurer: str
    pharmacy: str
    batch: Batch
    prepared_by: str
    side: Side = "insurer"
    """Whose money it is: an insurer's, or what patients paid through a payment provider (`insurer` is its channel)."""


class BatchWithdrawn(DomainEvent):
    """It is not paid; what was in it is free for the next one."""

    TOPIC: ClassVar[str] = "insurance.clearing.batch_withdrawn"

    number: int
    withdrawn_by: str
    reason: str


class BatchRemitted(DomainEvent):
    """The money is transferred under the reference (TRN02): receivables and payables are settled."""

    TOPIC: ClassVar[str] = "insurance.clearing.batch_remitted"

    number: int
    reference: str
    transferred_on: date
    remitted_by: str
    insurer: str
    pharmacy: str
    postings: tuple[Posting, ...]


ClearingEvent = BatchPrepared | BatchWithdrawn | BatchRemitted

IDLE, PREPARED = "idle", "prepared"
PREPARE, WITHDRAW, REMIT = "PrepareBatch", "WithdrawBatch", "RemitBatch"

CLEARING_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, PREPARE, "something was settled, taken back or recovered", PREPARED, "-"),
        Transition(IDLE, PREPARE, "something was settled, taken back or recovered since", PREPARED, "-"),
        Transition(PREPARED, WITHDRAW, "named person, reason", IDLE, "-"),
        Transition(PREPARED, REMIT, "the amount is the batch's; reference of the transfer", IDLE, "-"),
    )
)


@dataclass(frozen=True)
class ClearingState:
    """How far the account is cleared. `upto` and `owed` are those of the last batch that was paid."""

    state: str = NOT_YET
    upto: int = 0
    owed: int = 0
    """Fen that the pharmacy owes out of batches that came to less than nothing."""
    batches: tuple[BatchPrepared, ...] = ()
    withdrawn: tuple[BatchWithdrawn, ...] = ()
    remitted: tuple[BatchRemitted, ...] = ()

    @property
    def open_batch(self) -> Batch | None:
        return self.batches[-1].batch if self.state == PREPARED else None

    def batch(self, number: int) -> BatchPrepared | None:
        """By its number, from 1."""
        return self.batches[number - 1] if 0 < number <= len(self.batches) else None

    def fate(self, number: int) -> BatchWithdrawn | BatchRemitted | None:
        """What became of a batch; None: it is prepared."""
        ended: tuple[BatchWithdrawn | BatchRemitted, ...] = (*self.withdrawn, *self.remitted)
        return next((each for each in ended if each.number == number), None)


def evolve(state: ClearingState, event: ClearingEvent) -> ClearingState:
    match event:
        case BatchPrepared():
            return replace(state, state=PREPARED, batches=(*state.batches, event))
        case BatchWithdrawn():
            return replace(state, state=IDLE, withdrawn=(*state.withdrawn, event))
        case BatchRemitted():
            paid = state.batches[event.number - 1].batch
            return replace(
                state, state=IDLE, upto=paid.upto, owed=paid.carried_forward, remitted=(*state.remitted, event)
            )
        case _:
            assert_never(event)


CLEARING: Aggregate[ClearingState] = Aggregate(
    name="clearing", events=get_args(ClearingEvent), initial=ClearingState(), evolve=evolve
)


def clearing_of(insurer: str, pharmacy: str) -> StreamRef[ClearingState]:
    """The account of one pharmacy with one insurer."""
    return CLEARING.ref(derived_id("clearing", insurer, pharmacy))


def may_prepare(state: ClearingState) -> Refusal | None:
    return None if CLEARING_TRANSITIONS.allows(state.state, PREPARE) else _wrong_state(state, PREPARE)


def prepare(
    state: ClearingState, insurer: str, pharmacy: str, until: date, sums: Sums, person: str, side: Side = "insurer"
) -> Outcome:
    """A batch of all that was added up."""
    if refusal := may_prepare(state):
        return refusal
    if sums.upto <= state.upto:
        return Refusal("batch.nothing_to_clear", {"pharmacy": pharmacy, "until": until.isoformat()})
    batch = Batch(
        number=len(state.batches) + 1,
        after=state.upto,
        upto=sums.upto,
        until=until,
        claims=sums.claims,
        charge=sums.charge,
        patient=sums.adjustments["PR"],
        borne=sums.adjustments["CO"],
        paid=sums.paid,
        recovered=sums.recovered,
        brought_forward=sums.brought_forward,
        carried_forward=sums.carried_forward,
        transferred=sums.transferred,
        payers=tuple(PayerSum(payer=payer, amount=amount) for payer, amount in sorted(sums.payers.items()) if amount),
        sha256=sums.sha256,
        others=sums.adjustments["OA"],
    )
    return [BatchPrepared(insurer=insurer, pharmacy=pharmacy, batch=batch, prepared_by=person, side=side)]


def withdraw(state: ClearingState, number: int, reason: str, person: str) -> Outcome:
    """The batch is not paid."""
    if refusal := _not_open(state, number, WITHDRAW):
        return refusal
    return [BatchWithdrawn(number=number, withdrawn_by=person, reason=reason)]


def remit(state: ClearingState, number: int, transferred: int, reference: str, day: date, person: str) -> Outcome:
    """The transfer is made: `transferred` in fen must be the batch's."""
    if refusal := _not_open(state, number, REMIT):
        return refusal
    prepared = state.batches[number - 1]
    batch = prepared.batch
    if transferred != batch.transferred:
        return Refusal("batch.other_amount", {"transferred": batch.transferred})
    return [
        BatchRemitted(
            number=number,
            reference=reference,
            transferred_on=day,
            remitted_by=person,
            insurer=prepared.insurer,
            pharmacy=prepared.pharmacy,
            postings=_transferred(prepared),
        )
    ]


def _transferred(prepared: BatchPrepared) -> tuple[Posting, ...]:
    batch = prepared.batch
    books = remitted_postings if prepared.side == "insurer" else paid_on_postings
    return books(
        {each.payer: each.amount for each in batch.payers},
        transferred=batch.transferred,
        recovered=batch.recovered,
        pharmacy=prepared.pharmacy,
        payer=prepared.insurer,
    )


def _not_open(state: ClearingState, number: int, trigger: str) -> Refusal | None:
    if state.batch(number) is None:
        return Refusal("batch.unknown", {"number": number})
    batch = state.open_batch
    if batch is None or batch.number != number or not CLEARING_TRANSITIONS.allows(state.state, trigger):
        return _wrong_state(state, trigger)
    return None


def _wrong_state(state: ClearingState, trigger: str) -> Refusal:
    return Refusal("batch.wrong_state", {"state": state.state, "trigger": trigger})
