"""A claim takes another's place: what was paid for the one counts for the other; only the difference moves, once."""

from __future__ import annotations

from services.insurance.domain.payment import REQUESTED, PaymentProvider, PaymentState, refunded
from services.insurance.domain.payment_events import PaymentCarriedOver, PaymentCovered, Source
from services.seedwork.model import DomainEvent


def carry_over(
    before: PaymentState, after: PaymentState, provider: PaymentProvider
) -> tuple[list[DomainEvent], list[DomainEvent]]:
    """A claim has taken another's place: what was paid for the one counts for the other, and only the difference
    moves, once. The events of both; none where there is nothing to carry. So it is with a part that had been carried
    over before, too, where the rest was never paid; but not while the provider may still say that it was."""
    one, other = before.requested, after.requested
    if one is None or other is None or not before.held or before.outcome_unknown:
        return [], []
    if after.state != REQUESTED or after.outcome_unknown:
        return [], []
    carried = min(before.held, other.amount)
    back = before.held - carried
    kept = _kept(before.sources, carried)
    gone = PaymentCarriedOver(
        to=other.payment_id,
        amount=carried,
        refunded=back,
        reference=refunded(before, back, provider) if back else None,
    )
    come = PaymentCovered(
        by=one.payment_id,
        amount=carried,
        left=other.amount - carried,
        channel=before.channel or "",
        reference=kept[-1].reference,
        sources=kept,
    )
    return [gone], [come]


def _kept(sources: tuple[Source, ...], amount: int) -> tuple[Source, ...]:
    """The first so many fen of them: what came last went back first."""
    kept = []
    for source in sources:
        part = min(amount, source.amount)
        if part:
            kept.append(source.model_copy(update={"amount": part}))
        amount -= part
    return tuple(kept)
