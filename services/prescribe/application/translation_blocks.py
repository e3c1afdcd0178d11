"""What prescribe tells of blocked lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from contracts.events import prescribe_later as public
from services.prescribe.domain.block_events import LinesBlocked, QueryAnswered
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent


def _lines_blocked(it: Happened) -> Iterable[public.LinesBlocked]:
    event = cast(LinesBlocked, it.event)
    yield public.LinesBlocked.model_validate(
        {
            "prescription_id": it.after.signed.prescription_id,
            "patient_ref": event.patient_ref,
            "block_id": event.block_id,
            "lines": event.lines,
            "source": event.source,
            "codes": event.codes,
            "asked_by": event.asked_by,
            "findings": tuple(each.model_dump() for each in event.findings),
            "reason": event.reason,
        }
    )


def _lines_unblocked(it: Happened) -> Iterable[public.LinesUnblocked]:
    event = cast(QueryAnswered, it.event)
    yield public.LinesUnblocked(
        prescription_id=it.after.signed.prescription_id,
        patient_ref=event.patient_ref,
        block_id=event.block_id,
        lines=event.lines,
        answer=event.answer,
        signed_sha256=event.signature.sha256,
    )


TRANSLATE_BLOCKS: Mapping[type[DomainEvent], Translation] = {
    LinesBlocked: _lines_blocked,
    QueryAnswered: _lines_unblocked,
}
