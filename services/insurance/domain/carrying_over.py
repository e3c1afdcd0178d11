"""A claim takes another's place: what was paid for the one counts for the other; only the difference moves, once."""

from __future__ import annotations

from datetime import datetime

from services.insurance.domain.payment import REQUESTED, PaymentProvider, PaymentState
from services.insurance.domain.payment_events import PaymentCarriedOver, PaymentCovered, Source
from services.insurance.domain.payment_tasks import with_a_call
from services.insurance.domain.refunds import ask_back, is_gone, not_confirmed
from services.seedwork.model import DomainEvent


def carry_over(
    before: PaymentState, after: PaymentState, provider: PaymentProvider, again_at: datetime
) -> tuple[list[DomainEvent], list[DomainEvent]]:
    """A claim has taken another's place: what was paid for the one counts for the other, and only the difference
    moves, once. The events of both; none where there is nothing to carry. So it is with a part that had been carried
    over before, too, where the rest was never paid; but not while the provider may still say that it was. A difference
    that the provider does not confirm stays with the payment before until it does."""
    one, other = before.requested, after.requested
    if one is None or other is None or not before.held or before.outcome_unknown:
        return [], []
    if after.state != REQUESTED or after.outcome_unknown:
        return [], []
    carried = min(before.held, other.amount)
    kept, rest = _split(before.sources, carried)
    answer = ask_back(one.payment_id, rest, provider) if rest else None
    went = answer is None or is_gone(answer)
    gone = PaymentCarriedOver(
        to=other.payment_id,
        amount=carried,
        refunded=before.held - carried if went else 0,
        reference=answer.reference if answer and went else None,
        awaited=() if went else rest,
        parts=rest if went else (),
    )
    come = PaymentCovered(
        by=one.payment_id,
        amount=carried,
        left=other.amount - carried,
        channel=before.channel or "",
        reference=kept[-1].reference,
        sources=kept,
    )
    if answer is None or went:
        return [gone], [come]
    left = sum(source.amount for source in rest)
    return [gone, *with_a_call(before.task, one, not_confirmed(answer, rest, again_at), answer.channel, left)], [come]


def _split(sources: tuple[Source, ...], amount: int) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """The first so many fen of them, and the rest: what came last goes back first."""
    kept: list[Source] = []
    rest: list[Source] = []
    for source in sources:
        part = min(amount, source.amount)
        amount -= part
        for parts, fen in ((kept, part), (rest, source.amount - part)):
            if fen:
                parts.append(source.model_copy(update={"amount": fen}))
    return tuple(kept), tuple(rest)
