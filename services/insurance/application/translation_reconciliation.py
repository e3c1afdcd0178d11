"""What insurance tells of its daily close with a payer: family `reconciliation`. Who answered, and the words they
wrote, stay here, and so does the day of a payment provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from contracts.envelope import IntegrationEvent
from contracts.events import insurance_reconciliation as public
from services.insurance.domain.payer_items import Figures
from services.insurance.domain.reconciliation import (
    KINDS,
    DayClosed,
    Difference,
    DifferenceAnswered,
    DifferencesFound,
    ReconciliationState,
    TotalsCompared,
)
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent


def _found(happened: Happened) -> Iterator[public.DifferenceFound]:
    """One for each message that the two sides do not agree about."""
    for each in cast(DifferencesFound, happened.event).differences:
        yield public.DifferenceFound(
            **_about(happened.after, each),
            kind=each.kind,
            ours=_amounts(each.ours),
            theirs=_amounts(each.theirs),
            owner="insurer" if KINDS[each.kind].first == "payer" else "clearing",
        )


def _answered(happened: Happened) -> Iterator[public.DifferenceClosed]:
    event, state = cast(DifferenceAnswered, happened.event), cast(ReconciliationState, happened.after)
    borne = sum(row.amount for row in event.postings if row.account.startswith("borne."))
    yield public.DifferenceClosed(**_about(state, state.differences[event.key]), answer=event.answer, borne=borne)


def _closed(happened: Happened) -> Iterator[public.ReconciliationDayClosed]:
    yield public.ReconciliationDayClosed(**_day(happened.after), how=cast(DayClosed, happened.event).how)


def _day(state: ReconciliationState) -> dict[str, Any]:
    told = cast(TotalsCompared, state.told)
    return {"insurer": told.insurer, "day": told.day}


def _about(state: ReconciliationState, each: Difference) -> dict[str, Any]:
    return {**_day(state), "message_id": each.key, "claim_id": each.claim_id, "pharmacy": each.pharmacy}


def _amounts(figures: Figures | None) -> public.BookedAmounts | None:
    return None if figures is None else public.BookedAmounts(**figures.model_dump(exclude={"count"}))


def _of_insurers(translation: Translation) -> Translation:
    def told(happened: Happened) -> Iterable[IntegrationEvent]:
        day = cast(TotalsCompared, cast(ReconciliationState, happened.after).told)
        return translation(happened) if day.side == "insurer" else ()

    return told


RECONCILIATION_TOLD: Mapping[type[DomainEvent], Translation] = {
    DifferencesFound: _of_insurers(_found),
    DifferenceAnswered: _of_insurers(_answered),
    DayClosed: _of_insurers(_closed),
}
