"""What blocks lines of a prescription, as the others tell it."""

from __future__ import annotations

from uuid import UUID

from contracts.events import dispatch as told_by_dispatch
from contracts.events import review as told_by_review
from services.prescribe.application.findings import finding_of
from services.prescribe.domain.block_events import LinesBlocked, QueryRaised
from services.prescribe.domain.blocking import block
from services.prescribe.domain.prescription import PrescriptionState
from services.seedwork.model import Outcome, derived_id
from services.seedwork.usecase import Moment


def refused_at_pharmacy(event: told_by_dispatch.SupplyRefused, state: PrescriptionState, _moment: Moment) -> Outcome:
    """Dispatch has blocked the lines; the prescriber is asked."""
    raised = QueryRaised(
        block_id=event.block_id,
        patient_ref=event.patient_ref,
        lines=event.lines,
        source="pharmacy",
        codes=event.codes,
        asked_by=event.pharmacy,
        reason=event.reason,
    )
    return block(state, "supply_refused", raised)


def found_by_rescreen(event: told_by_review.RescreenFound, state: PrescriptionState, _moment: Moment) -> Outcome:
    """An opened instalment would not pass today; whatever the same instalment shows again is the same block."""
    raised = LinesBlocked(
        block_id=rescreen_block(event),
        patient_ref=event.patient_ref,
        lines=event.lines,
        source="rescreen",
        codes=tuple(sorted({each.result_code for each in event.findings if each.result_code})),
        asked_by="service:review",
        findings=tuple(finding_of(each) for each in event.findings),
    )
    return block(state, "rescreen_found", raised)


def rescreen_block(event: told_by_review.RescreenFound) -> UUID:
    found = sorted(f"{each.rule}/{each.result_code}/{each.lines}/{each.evidence}" for each in event.findings)
    return derived_id("rescreen", event.prescription_id, event.instalment, *found)
