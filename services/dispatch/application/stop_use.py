"""Patients who have what was spoilt on the way: told by the notice that a recall of their lot would give."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from services.dispatch.application.deliveries import limits
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.recall_notice import RecallNoticeGiven, parcel_notice_ref
from services.seedwork.usecase import Change, Load, Moment


def told(state: DeliveryState, lines: Iterable[int], moment: Moment) -> Generator[Load, Any, tuple[Change, ...]]:
    """A notice for each product and lot of these lines, that are with the patient; nobody is told twice."""
    created, lines = state.created, frozenset(lines)
    found = sorted({(pack.product, pack.lot) for pack in state.packs.values() if pack.line in lines})
    if created is None or not state.spoilt or not found:
        return ()
    notices = yield Load(tuple(parcel_notice_ref(created.delivery_id, product, lot) for product, lot in found))
    changes: list[Change] = []
    for (product, lot), notice in zip(found, notices, strict=True):
        given = RecallNoticeGiven(
            notice_id=notice.stream_id,
            reason="excursion_rejected",
            delivery_id=created.delivery_id,
            patient_ref=created.patient_ref,
            fulfilment_id=created.fulfilment_id,
            supply_id=created.supply_id,
            pharmacy=created.pharmacy,
            product=product,
            lot=lot,
            instruction=limits(moment).stop_use,
            given_at=moment.now,
        )
        if not notice.exists:
            changes.append(Change(notice, (given,)))
    return tuple(changes)
