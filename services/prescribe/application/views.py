"""What is shown of a prescription, a patient and a trace. Personal parts are null once forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.envelope import message_id
from services.prescribe.application.translation import TRANSLATE
from services.prescribe.domain.patient_record import PatientState
from services.prescribe.domain.prescription import Block, Cancellation, PrescriptionState, Proposal, StopUse
from services.prescribe.domain.trace import Entry, causal_order
from services.seedwork.usecase import Actor

_TOLD = frozenset(event.TOPIC for event in TRANSLATE)
"""Own events that are also public: each is one number in the prescription's public stream."""


def may_see_prescription(state: PrescriptionState, actor: Actor) -> bool:
    """Its prescriber and its patient."""
    if actor.role == "patient":
        return actor.patient_ref == state.signed.patient_ref
    return actor.subject == state.signed.prescriber


def show_prescription(state: PrescriptionState) -> dict[str, Any]:
    """The whole prescription as it is now."""
    signed = state.signed
    shown = signed.model_dump(mode="json", exclude={"jws", "facts", "lines"})
    lines = [
        {
            **line.model_dump(mode="json"),
            "dose_text": line.dose_text,
            "buckets": state.buckets[line.line].model_dump(exclude={"line"}),
        }
        for line in signed.lines
    ]
    return {
        **shown,
        "status": str(state.status),
        "lines": lines,
        "reviewers": [each.model_dump() for each in state.reviewers],
        "nominated_pharmacy": state.nominated_pharmacy,
        "findings": [each.model_dump(mode="json") for each in state.findings],
        "confirmed_findings": _confirmed(state),
        "review_comment": state.comment,
        "instalments": [_show_window(state, number) for number in state.windows],
        "blocked_lines": sorted(state.blocked_lines),
        "queries": [_show_query(each, ended=state.ended) for each in state.blocks],
        "proposals": [_show_proposal(each, state) for each in state.proposals.values()],
        "stop_use": [_show_notice(each) for each in state.stop_use.values()],
        "cancellations": [_show_cancellation(each) for each in state.cancellations],
    }


def _show_notice(notice: StopUse) -> dict[str, Any]:
    """What the patient must not use any more."""
    told = notice.notified.model_dump(mode="json", exclude={"patient_ref"})
    read = notice.acknowledged
    return {
        **told,
        "acknowledged_at": read.acknowledged_at.isoformat() if read else None,
        "acknowledged_by": read.acknowledged_by if read else None,
        "acknowledged_as": read.acknowledged_as if read else None,
    }


SHOWN_OF_CHECK = {"problem", "in_the_way", "counter_only"}


def _show_proposal(proposal: Proposal, state: PrescriptionState) -> dict[str, Any]:
    """What a pharmacy proposes, what its screening found, and whether the prescriber has signed or declined; `closed`:
    the prescription has ended without a word on it."""
    screened = state.screenings.get(proposal.proposed.proposal_id)
    findings = [each.model_dump(mode="json") for each in screened.findings] if screened else None
    checked = proposal.checked
    return {
        **proposal.proposed.model_dump(mode="json"),
        "screened": screened is not None,
        "degraded": screened.degraded if screened else False,
        "findings": findings,
        "checked": None if checked is None else checked.model_dump(mode="json", include=SHOWN_OF_CHECK),
        "confirmed": proposal.confirmed_by is not None,
        "confirmed_sha256": proposal.confirmed_by,
        "declined": proposal.declined is not None,
        "declined_because": proposal.declined.reason if proposal.declined else None,
        "closed": state.ended and not (proposal.confirmed_by or proposal.declined or checked),
    }


def _show_window(state: PrescriptionState, number: int) -> dict[str, Any]:
    """An opened instalment: when it may be held, and where its quantities are."""
    window = state.windows[number]
    return {
        "instalment": number,
        "opens_at": window.opens_at.isoformat(),
        "closes_at": window.closes_at.isoformat(),
        "received_at": window.received_at.isoformat() if window.received_at else None,
        "lapsed": window.lapsed,
        "lines": [line.model_dump() for line in state.parts.instalments[number].values()],
    }


def _show_query(block: Block, *, ended: bool) -> dict[str, Any]:
    """What stops lines, and whether the prescriber has answered."""
    asked = block.raised.model_dump(mode="json", exclude={"patient_ref"})
    answered = block.answered_by is not None
    return {**asked, "answered": answered, "closed": ended and not answered, "answer_sha256": block.answered_by}


def _confirmed(state: PrescriptionState) -> list[dict[str, Any]]:
    findings = state.confirmation.findings if state.confirmation else None
    return [each.model_dump(mode="json") for each in findings or ()]


def _show_cancellation(request: Cancellation) -> dict[str, Any]:
    return {
        "request_id": str(request.request_id),
        "reason_code": request.reason_code,
        "answer": request.answer,
        "final": request.final,
        "answer_due_at": request.answer_due_at.isoformat() if request.answer_due_at else None,
        "lines": [line.model_dump() for line in request.lines],
    }


def show_patient(state: PatientState) -> dict[str, Any]:
    """The patient's record."""
    return {
        "patient_ref": str(state.patient_ref),
        "identity": state.identity.model_dump(mode="json") if state.identity else None,
        "contact": state.contact.model_dump() if state.contact else None,
        "facts": state.facts.model_dump() if state.facts else None,
    }


def trace_lines(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of one trace, causes before effects."""
    told = 0
    entries = []
    for row in sorted(rows, key=lambda row: (row["service"] == "prescribe", row["seq"])):
        own = row["service"] == "prescribe"
        name = row["message_id"]
        if own and row["type"] in _TOLD:
            told += 1
            name = str(message_id(row["stream"], told))
        entries.append(
            Entry(
                stream=str(row["stream"]),
                seq=row["seq"],
                own=own,
                occurred_at=row["occurred_at"],
                known_at=row["known_at"],
                message_id=name,
                causation_id=row["causation_id"],
                row=row,
            )
        )
    return [entry.row for entry in causal_order(entries)]
