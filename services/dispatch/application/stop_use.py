"""Patients who have what was spoilt on the way: told by the notice that a recall of their lot would give."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any
from uuid import UUID

from services.dispatch.application.deliveries import limits
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.delivery.values import Pack
from services.dispatch.domain.recall_notice import NoticeState, RecallNoticeGiven, parcel_notice_ref
from services.seedwork.model import Loaded
from services.seedwork.usecase import Change, Load, Moment


def told(state: DeliveryState, lines: Iterable[int], moment: Moment) -> Generator[Load, Any, tuple[Change, ...]]:
    """A notice for each product and lot of these lines, that are with the patient; nobody is told twice."""
    created, lines = state.created, frozenset(lines)
    found = {(pack.product, pack.lot): pack for pack in state.packs.values() if pack.line in lines}
    if created is None or not state.spoilt or not found:
        return ()
    packs = [found[key] for key in sorted(found)]
    notices = yield Load(tuple(parcel_notice_ref(created.delivery_id, pack.product, pack.lot) for pack in packs))
    whose = created.model_dump(include={"patient_ref", "fulfilment_id", "supply_id", "pharmacy"})
    return tuple(
        notice_of(notice, created.delivery_id, whose, pack, moment)
        for pack, notice in zip(packs, notices, strict=True)
        if not notice.exists
    )


def notice_of(
    notice: Loaded[NoticeState], delivery_id: UUID, whose: Mapping[str, Any], pack: Pack, moment: Moment
) -> Change:
    """`whose`: patient, fulfilment, supply and pharmacy of who has the pack."""
    about = {"product": pack.product, "lot": pack.lot, "delivery_id": delivery_id, "reason": "excursion_rejected"}
    said = {"notice_id": notice.stream_id, "instruction": limits(moment).stop_use, "given_at": moment.now}
    return Change(notice, (RecallNoticeGiven.model_validate({**whose, **about, **said}),))
